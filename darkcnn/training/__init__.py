"""Training of networks: a scikit-learn classifier and its validation split."""

from darkcnn._common import quiet  # noqa: F401 - starts keras, without the messages of its backend
from darkcnn.training.classifier import DarkCNNClassifier
from darkcnn.training.validation import ValidationSplit

__all__ = ["DarkCNNClassifier", "ValidationSplit"]

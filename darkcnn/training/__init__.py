"""The network as a scikit-learn classifier, and all that trains it."""

from darkcnn.training.classifier import DarkCNNClassifier

__all__ = [
    "DarkCNNClassifier",
]

"""Pretrained networks, packaged with their weights; this module does not import keras."""

from darkcnn.pretrained.embedding import PretrainedEmbedding
from darkcnn.pretrained.files import PRETRAINED, describe_pretrained, read_pretrained
from darkcnn.pretrained.fine_tuning import FineTuned
from darkcnn.pretrained.loading import PUBLISHED, load_pretrained, pretrained_pipeline

__all__ = [
    "PRETRAINED",
    "PUBLISHED",
    "FineTuned",
    "PretrainedEmbedding",
    "describe_pretrained",
    "load_pretrained",
    "pretrained_pipeline",
    "read_pretrained",
]

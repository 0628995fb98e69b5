"""Persistence: model files, and notes on training sets."""

from importlib import import_module

from darkcnn.persistence.archive import load_notes
from darkcnn.persistence.notes import (
    check_training,
    describe_clusters,
    describe_training,
    is_training_set,
    rows_of_new_halos,
    stored_validation,
)
from darkcnn.persistence.resolution import warn_about_blur

__all__ = [
    "check_training",
    "describe_clusters",
    "describe_training",
    "is_training_set",
    "load_model",
    "load_notes",
    "rows_of_new_halos",
    "save_model",
    "stored_validation",
    "warn_about_blur",
]


def __getattr__(name):
    if name in ("load_model", "save_model"):  # they import keras, which takes seconds
        return getattr(import_module("darkcnn.persistence.saving"), name)
    raise AttributeError(f"module 'darkcnn.persistence' has no attribute {name!r}")

"""Model files and notes on what a model was trained on."""

from importlib import import_module

from darkcnn.persistence.archive import load_notes
from darkcnn.persistence.notes import (
    check_training,
    describe_clusters,
    describe_training,
    is_training_set,
    kept_validation,
    rows_of_new_halos,
)
from darkcnn.persistence.resolution import warn_about_blur

__all__ = [
    "check_training",
    "describe_clusters",
    "describe_training",
    "is_training_set",
    "kept_validation",
    "load_model",
    "load_notes",
    "rows_of_new_halos",
    "save_model",
    "warn_about_blur",
]


def __getattr__(name):
    if name in ("load_model", "save_model"):  # they import keras, which takes seconds
        return getattr(import_module("darkcnn.persistence.saving"), name)
    raise AttributeError(f"module 'darkcnn.persistence' has no attribute {name!r}")

"""Model files and notes on what a model was trained on."""

from darkcnn.persistence.notes import (
    check_training,
    describe_clusters,
    describe_training,
    is_training_set,
    kept_validation,
    rows_of_new_halos,
)
from darkcnn.persistence.saving import load_model, load_notes, save_model

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
]

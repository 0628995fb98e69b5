"""Model selection: cross-validation by halo, ensembles and resumable grid searches."""

from darkcnn.model_selection.ensemble import DarkCNNEnsemble
from darkcnn.model_selection.splits import split_by_cluster
from darkcnn.model_selection.study import StudyStatus, run_study, study_status
from darkcnn.model_selection.validation import (
    CrossValidation,
    corrected_standard_error,
    cross_validate_by_cluster,
)

__all__ = [
    "CrossValidation",
    "DarkCNNEnsemble",
    "StudyStatus",
    "corrected_standard_error",
    "cross_validate_by_cluster",
    "run_study",
    "split_by_cluster",
    "study_status",
]

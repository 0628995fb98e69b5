"""Resumable grid searches, which keep every finished fit on disk."""

from darkcnn.model_selection.study.run import run_study
from darkcnn.model_selection.study.status import StudyStatus, study_status

__all__ = ["StudyStatus", "run_study", "study_status"]

"""Studies that survive: every finished fit is kept, and a study that was killed goes on where it was."""

from darkcnn.model_selection.study.run import run_study
from darkcnn.model_selection.study.status import StudyStatus, study_status

__all__ = ["StudyStatus", "run_study", "study_status"]

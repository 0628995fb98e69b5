"""One page that says what a model was trained on, how well it does, where it fails and what it concludes."""

from darkcnn.report.evidence import (
    Evidence,
    baselines,
    find_evidence,
    from_validation,
    importance_in_validation,
)
from darkcnn.report.importance import measure_importance
from darkcnn.report.page import write_report

__all__ = [
    "Evidence",
    "baselines",
    "find_evidence",
    "from_validation",
    "importance_in_validation",
    "measure_importance",
    "write_report",
]

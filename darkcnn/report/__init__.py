"""Reports: cross-validation, importance, mistakes and posteriors of a model, as numbers and as one page."""

from darkcnn.report.baselines import baselines, compare_with_baselines
from darkcnn.report.cross_section import infer_cross_section
from darkcnn.report.evidence import Evidence, from_validation, importance_in_validation
from darkcnn.report.held_out import find_evidence
from darkcnn.report.importance import measure_importance
from darkcnn.report.page import write_report
from darkcnn.report.results import score_table, summarise

__all__ = [
    "Evidence",
    "baselines",
    "compare_with_baselines",
    "find_evidence",
    "from_validation",
    "importance_in_validation",
    "infer_cross_section",
    "measure_importance",
    "score_table",
    "summarise",
    "write_report",
]

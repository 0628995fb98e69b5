"""Reports on a model: scores, importance, mistakes and posteriors, as numbers and as one page."""

from darkcnn.report.baselines import baselines, compare_with_baselines
from darkcnn.report.cross_section import infer_cross_section
from darkcnn.report.held_out import predict_held_out
from darkcnn.report.importance import measure_importance
from darkcnn.report.page import write_report
from darkcnn.report.predictions import HeldOutPredictions, from_validation, importance_in_validation
from darkcnn.report.results import score_table, summarise

__all__ = [
    "HeldOutPredictions",
    "baselines",
    "compare_with_baselines",
    "from_validation",
    "importance_in_validation",
    "infer_cross_section",
    "measure_importance",
    "predict_held_out",
    "score_table",
    "summarise",
    "write_report",
]

"""One page that says what a model was trained on, how well it does, where it fails and what it concludes."""

from darkcnn.report.evidence import Evidence, baselines, find_evidence, from_validation
from darkcnn.report.page import write_report

__all__ = ["Evidence", "baselines", "find_evidence", "from_validation", "write_report"]

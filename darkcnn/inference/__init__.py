"""Inference of the cross-section from class probabilities of many clusters."""

from darkcnn.inference.coverage import Coverage, coverage_check
from darkcnn.inference.domain import DomainTest
from darkcnn.inference.feedback import marginalize_feedback
from darkcnn.inference.posterior import CrossSectionPosterior
from darkcnn.inference.published import published_estimate
from darkcnn.inference.reliability import expected_calibration_error
from darkcnn.inference.suites import SuiteResponse

__all__ = [
    "Coverage",
    "CrossSectionPosterior",
    "DomainTest",
    "SuiteResponse",
    "coverage_check",
    "expected_calibration_error",
    "marginalize_feedback",
    "published_estimate",
]

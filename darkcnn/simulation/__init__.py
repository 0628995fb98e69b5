"""Physical model of the mock clusters."""

from darkcnn.simulation.cluster import Snapshot
from darkcnn.simulation.feedback import HEATING, with_feedback
from darkcnn.simulation.parameters import Scatter
from darkcnn.simulation.physics import Physics
from darkcnn.simulation.rendering import N_PIXELS
from darkcnn.simulation.suites import NUMBERS_PER_SUITE, draw_suites, table_of_suites

__all__ = [
    "HEATING",
    "NUMBERS_PER_SUITE",
    "N_PIXELS",
    "Physics",
    "Scatter",
    "Snapshot",
    "draw_suites",
    "table_of_suites",
    "with_feedback",
]

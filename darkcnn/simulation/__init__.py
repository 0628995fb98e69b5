"""Physics of mock clusters, one idea a file."""

from darkcnn.simulation.cluster import Snapshot
from darkcnn.simulation.feedback import HEATING, with_feedback
from darkcnn.simulation.parameters import Scatter
from darkcnn.simulation.physics import Physics
from darkcnn.simulation.rendering import N_PIXELS

__all__ = [
    "HEATING",
    "N_PIXELS",
    "Physics",
    "Scatter",
    "Snapshot",
    "with_feedback",
]

"""Displays in the style of scikit-learn: they store their data, and ``plot`` draws into any axes.

They need matplotlib (``darkcnn[plot]``), which is imported when a display is drawn.
"""

from darkcnn.plotting.canvas import as_figure
from darkcnn.plotting.confusion import CrossSectionConfusionDisplay
from darkcnn.plotting.embedding import EmbeddingDisplay
from darkcnn.plotting.importance import ImportanceDisplay
from darkcnn.plotting.importance_maps import ImportanceMapsDisplay
from darkcnn.plotting.noise import NoiseDisplay
from darkcnn.plotting.posterior import PosteriorDisplay
from darkcnn.plotting.records import RecordsDisplay
from darkcnn.plotting.reliability import ReliabilityDisplay
from darkcnn.plotting.training import TrainingDisplay
from darkcnn.plotting.views import ViewsDisplay

__all__ = [
    "CrossSectionConfusionDisplay",
    "EmbeddingDisplay",
    "ImportanceDisplay",
    "ImportanceMapsDisplay",
    "NoiseDisplay",
    "PosteriorDisplay",
    "RecordsDisplay",
    "ReliabilityDisplay",
    "TrainingDisplay",
    "ViewsDisplay",
    "as_figure",
]

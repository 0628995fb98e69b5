"""Feature importance of a fitted classifier: channels, annuli, attributes and pixels."""

from darkcnn.inspection.importance import annulus_importance, attribute_importance, channel_importance
from darkcnn.inspection.occlusion import occlusion
from darkcnn.inspection.saliency import saliency

__all__ = ["annulus_importance", "attribute_importance", "channel_importance", "occlusion", "saliency"]

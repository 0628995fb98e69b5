"""From records to maps, views and radial profiles."""

from darkcnn.preprocessing.augmenter import RotationFlipAugmenter, augment
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.preprocessing.profiles import RadialProfiles, profile_baseline
from darkcnn.preprocessing.scaler import MapScaler
from darkcnn.preprocessing.selector import ATTRIBUTES, MapSelector, attribute_table
from darkcnn.preprocessing.turning import turn
from darkcnn.preprocessing.views import Views, as_views

__all__ = [
    "ATTRIBUTES",
    "MapScaler",
    "MapSelector",
    "Maps",
    "RadialProfiles",
    "RotationFlipAugmenter",
    "Views",
    "as_maps",
    "as_views",
    "attribute_table",
    "augment",
    "profile_baseline",
    "turn",
]

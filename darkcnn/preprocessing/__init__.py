"""From records to maps, views and radial profiles."""

from darkcnn.preprocessing.augmentation import RotationFlipAugmenter, Views, as_views, augment, turn
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.preprocessing.profiles import RadialProfiles, profile_baseline
from darkcnn.preprocessing.selection import ATTRIBUTES, MapScaler, MapSelector, attribute_table

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

"""Preprocessing: selection and scaling of maps, augmentation, radial profiles."""

from darkcnn.preprocessing.attributes import ATTRIBUTES, attribute_table
from darkcnn.preprocessing.augmenter import RotationFlipAugmenter, augment
from darkcnn.preprocessing.maps import Maps, as_maps, plain_array
from darkcnn.preprocessing.profiles import RadialProfiles, profile_baseline
from darkcnn.preprocessing.rotation import rotate
from darkcnn.preprocessing.scaler import MapScaler
from darkcnn.preprocessing.selector import MapSelector
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
    "plain_array",
    "profile_baseline",
    "rotate",
]

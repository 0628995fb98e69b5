"""Simulated observations: pipeline steps that add noise to records."""

from darkcnn.noise.geometry import critical_surface_density
from darkcnn.noise.instruments import LENSING_SURVEYS, XRAY_TELESCOPES
from darkcnn.noise.inversion import kaiser_squires, kaiser_squires_inverse
from darkcnn.noise.miscentring import Miscentring
from darkcnn.noise.reduced_shear import reduced_shear, reduced_shear_inverse
from darkcnn.noise.weak_lensing import WeakLensingNoise
from darkcnn.noise.xray import XrayNoise

__all__ = [
    "LENSING_SURVEYS",
    "XRAY_TELESCOPES",
    "Miscentring",
    "WeakLensingNoise",
    "XrayNoise",
    "critical_surface_density",
    "kaiser_squires",
    "kaiser_squires_inverse",
    "reduced_shear",
    "reduced_shear_inverse",
]

"""Matter along the line of sight: foreground and background halos, and a smooth background."""

import math
from dataclasses import dataclass

import numpy as np

from darkcnn.records import FIELD_SIZE
from darkcnn.simulation.parameters import Parameters, parameter
from darkcnn.simulation.rendering import X, Y

_HALF_DEPTH = 5000.0  # kpc before and behind the cluster
_MASSES = (1e11, 2e14)  # Msun
_SLOPE = -0.9  # power of mass in their number per ln(mass), a guess


@dataclass(frozen=True, kw_only=True)
class BackgroundPhysics(Parameters):
    """Parameters of the matter in front of and behind the cluster."""

    # fmt: off
    foreground_abundance: float = parameter(2.5,
        "halos above 1e11 Msun within 5 Mpc before and behind the field at z = 0", status="guess",
        bounds=(0, 100), spread=(1, 4))
    background_log_scatter: float = parameter(0.5,
        "scatter of ln(surface density) of the matter before and behind the cluster; also its mean",
        status="guess", bounds=(0, 2), spread=(0.3, 0.7))
    background_depth: float = parameter(1e4, "depth of the matter before and behind the cluster", unit="kpc",
        status="simulation", source="maps of Harvey (2024) are projected over 10 Mpc", bounds=(0, 1e6),
        spread=(5e3, 2e4), scale="log")
    background_tilt: float = parameter(0.2,
        "scatter of the background's change from the centre to the edge of the field, in each direction",
        status="guess", bounds=(0, 1), spread=(0.1, 0.3))
    # fmt: on


def draw_foreground(halo, rng, physics):
    """Draw masses (Msun) and positions (kpc, (3, n_halos)) of halos in front of and behind the cluster."""
    n_halos = rng.poisson(physics.foreground_abundance * (1 + halo.epoch.redshift) ** 2)
    min_mass, max_mass = _MASSES
    mass = np.minimum(min_mass * rng.random(n_halos) ** (1 / _SLOPE), max_mass)
    half_size = np.array([[FIELD_SIZE / 2], [FIELD_SIZE / 2], [_HALF_DEPTH]])
    return mass, rng.uniform(-1, 1, (3, n_halos)) * half_size


def background_density(halo, deviates, physics):
    """Return the mean surface density of the background in Msun/kpc2."""
    mean = halo.epoch.matter_density * physics.background_depth
    return mean * math.exp(physics.background_log_scatter * (1 + deviates.snapshot["background"]))


def background_tilt(deviates, physics):
    """Return the relative variation of the background across the field, with mean 1."""
    slope = physics.background_tilt / (FIELD_SIZE / 2)
    slope_x, slope_y = slope * deviates.snapshot["tilt_x"], slope * deviates.snapshot["tilt_y"]
    return np.maximum(1 + slope_x * X + slope_y * Y, 0.2)

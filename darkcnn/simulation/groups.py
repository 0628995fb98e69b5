"""Maps of subhalos: massive ones with a density profile, the others as point masses."""

import math
from dataclasses import dataclass

import numpy as np

from darkcnn.records import FIELD_SIZE, smooth
from darkcnn.simulation.parameters import Parameters, parameter
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y, splat

_MAX_GROUPS = 6  # subhalos drawn with a profile

_MAX_CORE = 0.99
"""Largest core radius over the truncation radius; the profile is not defined where they are equal."""


@dataclass(frozen=True, kw_only=True)
class GroupPhysics(Parameters):
    """Parameters of massive subhalos, which have a density profile."""

    # fmt: off
    group_mass: float = parameter(3e12, "mass from which at most six subhalos are drawn with a profile",
        unit="Msun", status="guess", bounds=(1e11, 1e15), spread=(2e12, 6e12), scale="log")
    group_truncation: float = parameter(110.0, "truncation radius of a group of 1e13 Msun", unit="kpc",
        status="guess", bounds=(5, 1500), spread=(70, 170), scale="log")
    group_core: float = parameter(0.2, "core radius of a group over its truncation radius", status="guess",
        bounds=(0.005, 1), spread=(0.1, 0.3))
    subhalo_core_growth: float = parameter(0.6,
        "growth of the core of a group with the root of the cross-section", status="guess", bounds=(0, 1),
        spread=(0.2, 0.9))
    group_gas_mass: float = parameter(8e12, "least mass of a group with X-ray emission", unit="Msun",
        status="guess", bounds=(1e11, 1e15), spread=(5e12, 1.5e13), scale="log")
    group_brightness: float = parameter(0.35,
        "brightness of a group of 3e13 Msun in a cluster of 3.5e14 Msun over that of the cluster",
        status="guess", bounds=(0, 10), spread=(0.15, 0.7), scale="log")
    group_brightness_slope: float = parameter(0.6, "power of the mass of the group in `group_brightness`",
        status="guess", bounds=(0, 3), spread=(0.4, 1.0))
    group_brightness_scatter: float = parameter(0.7, "scatter of ln(`group_brightness`)", status="guess",
        bounds=(0, 2), spread=(0.4, 1.0))
    group_gas_size: float = parameter(60.0, "radius of the gas of a group of 2e13 Msun", unit="kpc",
        status="guess", bounds=(2, 500), spread=(40, 90), scale="log")
    group_gas_slope: float = parameter(1.36, "slope of the brightness of a group with squared radius",
        status="guess", bounds=(0.8, 4), spread=(1.1, 1.7))
    group_gas_displacement: float = parameter(25.0,
        "scatter of the gas about the group in each direction, by ram pressure", unit="kpc", status="guess",
        bounds=(0, 300), spread=(10, 50), scale="log")
    # fmt: on


def substructure_maps(population, halo, centre, cross_section, physics):
    """Return maps of the mass, stars and X-ray emission of subhalos.

    Parameters
    ----------
    population : Population
        Subhalos and halos along the line of sight, in one dark-matter model.
    centre : tuple of float
        Position of the central galaxy in kpc.
    cross_section : float
        Cross-section per mass in cm2/g.

    Returns
    -------
    mass, stars, emission : ndarray of shape (100, 100), float32
        Mass and stars in Msun/kpc2, X-ray brightness in the unit of :func:`~darkcnn.simulation.gas.gas_maps`.
    """
    x, y = population.position[0] + centre[0], population.position[1] + centre[1]
    near = np.maximum(np.abs(x), np.abs(y)) < FIELD_SIZE / 2 + 150
    massive = np.flatnonzero(near & (population.mass > physics.group_mass))
    groups = massive[np.argsort(-population.mass[massive])][:_MAX_GROUPS]
    points = np.ones(len(x), bool)
    points[groups] = False

    mass = _two_scales(splat(x[points], y[points], population.mass[points] / PIXEL_AREA), 0.5, (0.8, 2.2))
    stars = _two_scales(splat(x, y, population.stellar_mass / PIXEL_AREA), 0.75, (0.75, 2.0))
    emission = np.zeros_like(X)
    for group in groups:
        dx, dy = X - float(x[group]), Y - float(y[group])
        mass += _group_mass(population, group, dx, dy, cross_section, physics)
        if population.mass[group] > physics.group_gas_mass:
            emission += _group_emission(population, group, dx, dy, halo, physics)
    return mass, stars, emission


def _two_scales(image, first_share, widths):
    """Smooth a fraction of the image with one kernel width in pixels and the rest with another."""
    return first_share * smooth(image, widths[0]) + (1 - first_share) * smooth(image, widths[1])


def _group_mass(population, group, dx, dy, cross_section, physics):
    """Return the surface density of a truncated halo with a core, the dPIE of Eliasdottir et al. (2007)."""
    mass, ellipticity = float(population.mass[group]), float(population.ellipticity[group])
    truncation = physics.group_truncation * (mass / 1e13) ** (1 / 3)
    growth = 1 + physics.subhalo_core_growth * math.sqrt(cross_section)
    core = min(physics.group_core * growth, _MAX_CORE) * truncation
    cos, sin = math.cos(population.angle[group]), math.sin(population.angle[group])
    along = dx * cos + dy * sin
    squared = (1 + ellipticity) * (dx * dx + dy * dy) - 2 * ellipticity * along * along
    density = 1 / np.sqrt(squared + core**2) - 1 / np.sqrt(squared + truncation**2)
    return mass / (2 * math.pi * (truncation - core)) * density


def _group_emission(population, group, dx, dy, halo, physics):
    """Return the X-ray emission of a group, displaced by ram pressure."""
    mass = float(population.mass[group])
    shift_x, shift_y = population.gas_displacement[:, group].tolist()
    size = physics.group_gas_size * (mass / 2e13) ** (1 / 3)
    brightness = physics.group_brightness * (mass / 3e13) ** physics.group_brightness_slope
    brightness *= float(population.gas_brightness[group]) / halo.relative_mass**0.3
    squared = (dx - shift_x) ** 2 + (dy - shift_y) ** 2
    return brightness * np.exp(-physics.group_gas_slope * np.log(1 + squared * (1 / size**2)))

"""Smooth dark-matter halo, with or without a core."""

import math
from dataclasses import dataclass

import numpy as np

from darkcnn import cosmology
from darkcnn.simulation import nfw
from darkcnn.simulation.jeans import NO_CORE, core_profile
from darkcnn.simulation.parameters import Parameters, Scatter, parameter
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y
from darkcnn.simulation.shape import squared_elliptical_radius

_RADII_SQUARED = np.exp(2 * nfw.LOG_RADII)


@dataclass(frozen=True, kw_only=True)
class DarkMatterPhysics(Parameters):
    """Parameters of the smooth dark-matter profile and of its core."""

    # fmt: off
    inner_density: float = parameter(0.0, "mean change of the inner surface density, as a fraction",
        status="guess", bounds=(-0.9, 2), spread=(-0.15, 0.15))
    inner_density_radius: float = parameter(60.0, "radius within which `inner_density` acts", unit="kpc",
        status="guess", bounds=(5, 500), spread=(30, 100), scale="log")
    inner_scatter: Scatter = parameter(Scatter(0.34, halo=0.99, model=0.14),
        "scatter of ln(surface density) at the centre; guessed weights", status="literature",
        source="scatter 0.06 of the Einasto index in X-COP (Eckert et al. 2022)", bounds=(0, 2),
        spread=(0.1, 0.45))
    inner_scatter_radius: float = parameter(0.06,
        "radius within which this scatter acts over the scale radius", status="literature",
        source="follows from the index, see `inner_scatter`", bounds=(0.005, 1), spread=(0.04, 0.15),
        scale="log")
    core_age: float = parameter(0.75, "age of the core over that of the universe", status="guess",
        source="5 Gyr in Kaplinghat et al. (2016), not verified", bounds=(0.01, 1), spread=(0.5, 0.9))
    core_blur: float = parameter(1.2, "Gaussian width in ln(scatterings) over which cores are averaged",
        status="tuned", bounds=(0, 3), spread=(0.6, 1.6))
    core_scatter: Scatter = parameter(Scatter(0.15, halo=0.6, disturbance=-0.5, model=0.6),
        "scatter of the number of scatterings", unit="dex", status="guess", bounds=(0, 1), spread=(0.1, 0.3))
    core_galaxy_mass: float = parameter(1.3,
        "mass of the galaxy that acts on the core over its stellar mass within 100 kpc", status="guess",
        bounds=(0, 5), spread=(0.5, 1.6))
    halo_rounding: float = parameter(0.6,
        "share of the ellipticity of the halo that scattering removes at the centre", status="guess",
        source="small in projection (Robertson et al. 2023)", bounds=(0, 1), spread=(0.2, 1.0))
    offset: float = parameter(2.5,
        "median distance of the central galaxy from the centre of cold dark matter", unit="kpc",
        status="guess", source="below the resolution of simulations", bounds=(0, 200), spread=(1, 6),
        scale="log")
    offset_per_core_radius: float = parameter(0.04, "growth of `offset` with r1", status="guess",
        source="Harvey et al. (2019): it grows with cross-section and mass", bounds=(0, 1),
        spread=(0.01, 0.1), scale="log")
    # fmt: on


def scattering_rate(cross_section, halo, density, speed):
    """Return the scattering rate of a particle per Gyr, (sigma/m) rho v.

    The cross-section is in cm2/g; density and speed are in units of the NFW profile of the halo.
    """
    opacity = cross_section * cosmology.CM2_PER_GRAM * halo.epoch.dark_fraction * halo.scale_density * density
    return opacity * speed * halo.scale_velocity * cosmology.KPC_PER_GYR


def core_of(halo, cross_section, galaxy_mass, deviates, physics):
    """Return the core of a halo, given the stellar mass of its central galaxy within 100 kpc in Msun."""
    if cross_section == 0:
        return NO_CORE
    age = physics.core_age * halo.epoch.age
    scatterings = scattering_rate(cross_section, halo, density=1, speed=1) * age
    scatterings *= 10 ** deviates.scatter("core", physics.core_scatter)
    return core_profile(
        scatterings, physics.core_galaxy_mass * galaxy_mass / halo.mass_unit, physics.core_blur
    )


def dark_matter_map(halo, core, centre, deviates, physics):
    """Return the surface density of the smooth dark matter in Msun/kpc2.

    Its centre is offset from the central galaxy, which is at `centre` (kpc); the offset grows with the core
    radius.
    """
    core_radius = core.radius * halo.scale_radius
    median_offset = math.hypot(physics.offset, physics.offset_per_core_radius * core_radius)
    scale = median_offset / math.sqrt(2 * math.log(2))  # a Rayleigh distribution has this median
    x = X - (centre[0] + scale * deviates.model["offset_x"])
    y = Y - (centre[1] + scale * deviates.model["offset_y"])
    outline, boost = halo.projection
    squared = squared_elliptical_radius(x, y, outline, 1.0, core_radius, physics.halo_rounding)
    squared += physics.softening**2 + 0.1 * PIXEL_AREA  # the resolution of simulation and pixel

    profile = nfw.SURFACE_DENSITY + core.surface_density
    unit = halo.epoch.dark_fraction * halo.scale_density * halo.scale_radius * boost
    surface_density = np.interp(squared / halo.scale_radius**2, _RADII_SQUARED, unit * profile)
    radius = np.sqrt(squared)
    diversity = deviates.scatter("inner", physics.inner_scatter)
    inner = np.exp(diversity * np.exp(radius * (-1 / (physics.inner_scatter_radius * halo.scale_radius))))
    if physics.inner_density:
        inner *= 1 + physics.inner_density * np.exp(radius * (-1 / physics.inner_density_radius))
    return np.maximum(surface_density.astype(np.float32) * inner, 0)

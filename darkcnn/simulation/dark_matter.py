"""The smooth halo of dark matter, with or without a core."""

import math

import numpy as np

from darkcnn import cosmology
from darkcnn.simulation import nfw
from darkcnn.simulation.jeans import NO_CORE, core_profile
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y
from darkcnn.simulation.shape import squared_elliptical_radius

_RADII_SQUARED = np.exp(2 * nfw.LOG_RADII)


def scattering_rate(cross_section, halo, density, speed):
    """Return scatterings of a particle per Gyr: (sigma/m) rho v.

    Parameters
    ----------
    cross_section : float
        Per mass, cm2/g.
    halo : Halo
        Whose dark matter it scatters with.
    density : float or ndarray
        Density over the scale density of the halo.
    speed : float
        Over the scale velocity of the halo.
    """
    opacity = cross_section * cosmology.CM2_PER_GRAM * halo.dark_fraction * halo.scale_density * density
    return opacity * speed * halo.scale_velocity * cosmology.KPC_PER_GYR


def core_of(halo, cross_section, galaxy_mass, deviates, physics):
    """Return what scattering does to a halo.

    Parameters
    ----------
    halo : Halo
        The halo without self-interaction.
    cross_section : float
        Per mass, cm2/g; 0 gives no core.
    galaxy_mass : float
        Stellar mass of the central galaxy within 100 kpc, Msun.
    deviates : Deviates
        Of the map.
    physics : Physics
        Parameters.

    Returns
    -------
    CoreProfile
        In units of the scale radius and density of `halo`.
    """
    if cross_section == 0:
        return NO_CORE
    age = physics.core_age * halo.age
    scatterings = scattering_rate(cross_section, halo, density=1, speed=1) * age
    scatterings *= 10 ** deviates.scatter("core", physics.core_scatter)
    return core_profile(
        scatterings, physics.core_galaxy_mass * galaxy_mass / halo.mass_unit, physics.core_blur
    )


def dark_matter_map(halo, core, centre, deviates, physics):
    """Draw the surface density of the smooth dark matter.

    Parameters
    ----------
    halo : Halo
        The halo without self-interaction.
    core : CoreProfile
        What scattering changes.
    centre : tuple of float
        Position of the central galaxy, kpc; it wobbles about the centre of the halo, more in a flat core.
    deviates : Deviates
        Of the map.
    physics : Physics
        Parameters.

    Returns
    -------
    ndarray of shape (100, 100), float32
        Surface density, Msun/kpc2.
    """
    core_radius = core.radius * halo.scale_radius
    median_offset = math.hypot(physics.offset, physics.offset_per_core_radius * core_radius)
    wobble = median_offset / math.sqrt(2 * math.log(2))  # a Rayleigh distribution has this median
    x = X - (centre[0] + wobble * deviates.model["offset_x"])
    y = Y - (centre[1] + wobble * deviates.model["offset_y"])
    outline, boost = halo.projection
    squared = squared_elliptical_radius(x, y, outline, 1.0, core_radius, physics.halo_rounding)
    squared += physics.softening**2 + 0.1 * PIXEL_AREA  # the resolution of simulation and pixel

    profile = nfw.SURFACE_DENSITY + core.surface_density
    unit = halo.dark_fraction * halo.scale_density * halo.scale_radius * boost
    surface_density = np.interp(squared / halo.scale_radius**2, _RADII_SQUARED, unit * profile)
    diversity = physics.inner_density + deviates.scatter("inner", physics.inner_scatter)
    inner = 1 + diversity * np.exp(np.sqrt(squared) * (-1 / physics.inner_scatter_radius))
    return np.maximum(surface_density.astype(np.float32) * inner, 0)

"""The brightest cluster galaxy and the intracluster light around it."""

import math

import numpy as np

from darkcnn.simulation import nfw
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y
from darkcnn.simulation.shape import squared_elliptical_radius, twist

APERTURE = 100.0
"""Radius within which the stellar mass of the central galaxy is quoted, kpc."""


def central_galaxy_mass(halo, deviates, physics):
    """Return the stellar mass within 100 kpc in Msun; it grows with the mass of the halo to the power 0.4.

    Kravtsov, Vikhlinin & Meshcheryakov (2018).
    """
    scatter = deviates.scatter("galaxy_mass", physics.galaxy_mass_scatter)
    return 10 ** (physics.galaxy_log_mass + scatter) * halo.relative_mass**physics.galaxy_mass_slope


def central_galaxy_size(halo, core, galaxy_mass, deviates, physics):
    """Return the scale of the central galaxy in kpc.

    A galaxy expands when scattering takes mass from inside it: r M(r) is constant where that is slow
    (Blumenthal et al. 1986, eq. 1).

    Parameters
    ----------
    halo : Halo
        The halo without self-interaction.
    core : CoreProfile
        What scattering changes.
    galaxy_mass : float
        Stellar mass within 100 kpc, Msun.
    deviates : Deviates
        Of the map.
    physics : Physics
        Parameters.
    """
    relative_mass = galaxy_mass / 10**physics.galaxy_log_mass
    scatter = deviates.scatter("galaxy_size", physics.galaxy_size_scatter)
    size = physics.galaxy_size * relative_mass**physics.galaxy_size_slope * 10**scatter

    x = physics.galaxy_expansion_radius / halo.scale_radius
    half_of_stars = 0.5 * galaxy_mass / halo.mass_unit
    before = float(nfw.enclosed_mass(x)) + half_of_stars
    after = max(before + float(np.interp(math.log(x), nfw.LOG_RADII, core.mass)), 0.3 * before)
    return size * (1 + physics.galaxy_expansion * (before / after - 1))


def star_maps(halo, core, centre, galaxy_mass, deviates, physics):
    r"""Draw the central galaxy and the intracluster light.

    Both have surface densities :math:`\propto (1 + q^2 / a^2)^{-s}`.

    Parameters
    ----------
    halo : Halo
        The halo without self-interaction.
    core : CoreProfile
        What scattering changes.
    centre : tuple of float
        Position of the galaxy, kpc.
    galaxy_mass : float
        Stellar mass within 100 kpc, Msun.
    deviates : Deviates
        Of the map.
    physics : Physics
        Parameters.

    Returns
    -------
    galaxy, intracluster_light : ndarray of shape (100, 100), float32
        Surface densities, Msun/kpc2.
    """
    angle = math.radians(physics.galaxy_twist) * deviates.model["galaxy_twist"]
    squared = squared_elliptical_radius(
        X - centre[0],
        Y - centre[1],
        twist(halo.projection[0], angle),
        physics.galaxy_shape,
        core.radius * halo.scale_radius,
        physics.galaxy_rounding * physics.halo_rounding,
    )
    squared += 0.1 * PIXEL_AREA + 0.5 * physics.softening**2  # the resolution of pixel and simulation

    size = central_galaxy_size(halo, core, galaxy_mass, deviates, physics)
    slope = physics.galaxy_slope
    within_aperture = 1 - (1 + (APERTURE / size) ** 2) ** (1 - slope)
    galaxy = _beta_profile(squared, size, slope, galaxy_mass / within_aperture)
    light_mass = physics.intracluster_light * galaxy_mass
    light_mass *= 10 ** deviates.scatter("intracluster", physics.intracluster_scatter)
    light = _beta_profile(squared, physics.intracluster_size, physics.intracluster_slope, light_mass)
    return galaxy, light


def _beta_profile(squared_radius, size, slope, total_mass):
    """Return A (1 + q^2 / a^2)^-s with `total_mass` in all, for s > 1."""
    amplitude = total_mass * (slope - 1) / (math.pi * size**2)
    return amplitude * np.exp(-slope * np.log(1 + squared_radius * (1 / size**2)))

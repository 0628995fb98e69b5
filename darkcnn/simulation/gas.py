"""Hot gas: its mass, and how it shines in X-rays."""

import math

import numpy as np

from darkcnn import cosmology
from darkcnn.simulation import nfw
from darkcnn.simulation.rendering import PIXEL, PIXEL_AREA, X, Y, smooth
from darkcnn.simulation.shape import squared_elliptical_radius

_RADII_SQUARED = np.exp(2 * nfw.LOG_RADII)

STERADIAN_PER_ARCMIN2 = math.radians(1 / 60) ** 2
"""Solid angle of a square arcminute."""

XRAY_BACKGROUND = 1e-17
"""Least surface brightness, erg/s/cm2/arcmin2."""


def gas_maps(halo, core, centre, deviates, map_rng, physics):
    r"""Draw the surface density of the gas and its X-ray emission.

    A beta model (Cavaliere & Fusco-Femiano 1976): the gas density falls as :math:`(1 + r^2/r_c^2)^{-3
    \beta/2}`, its projection as :math:`(1 + q^2/r_c^2)^{1/2 - 3 \beta/2}` and its emission, which goes as
    the density squared, as :math:`(1 + q^2/r_c^2)^{1/2 - 3 \beta}`. A cool core adds to the emission.
    Where self-interaction makes the potential shallower, the gas expands: :math:`\Delta \ln \rho \propto
    -\Delta \Phi / \sigma_0^2`.

    Parameters
    ----------
    halo : Halo
        The halo without self-interaction.
    core : CoreProfile
        What scattering changes.
    centre : tuple of float
        Position of the central galaxy, kpc; the gas sloshes about it.
    deviates : Deviates
        Of the map.
    map_rng : numpy.random.Generator
        Of the clumps.
    physics : Physics
        Parameters.

    Returns
    -------
    surface_density : ndarray of shape (100, 100), float32
        Msun/kpc2.
    emission : ndarray of shape (100, 100), float32
        Surface brightness over that in the centre of the beta model.
    """
    core_radius = core.radius * halo.scale_radius
    sloshing = physics.gas_offset * math.exp(physics.gas_offset_growth * halo.disturbance)
    squared = squared_elliptical_radius(
        X - (centre[0] + sloshing * deviates.snapshot["gas_x"]),
        Y - (centre[1] + sloshing * deviates.snapshot["gas_y"]),
        halo.projection[0],
        physics.gas_shape,
        core_radius,
        physics.gas_rounding * physics.halo_rounding,
    )
    gas_core = (
        physics.gas_core
        * halo.relative_mass ** (1 / 3)
        * (1 + halo.redshift) ** physics.gas_core_redshift_slope
        * 10 ** deviates.scatter("gas_core", physics.gas_core_scatter)
    )
    beta = physics.gas_slope + deviates.scatter("gas_slope", physics.gas_slope_scatter)
    beta = min(max(beta, physics.gas_slope_range[0]), physics.gas_slope_range[1])

    log_fall = np.log(1 + squared * (1 / gas_core**2))
    growth = 1.5 * (1 - beta)  # the projected mass grows as (1 + R^2 / r_c^2)^growth
    mass_over_central = math.pi * gas_core**2 * ((1 + (halo.radius / gas_core) ** 2) ** growth - 1) / growth
    surface_density = physics.gas_fraction * halo.mass / mass_over_central * np.exp((growth - 1) * log_fall)

    cool_brightness = physics.cool_core * 10 ** deviates.scatter("cool_core", physics.cool_core_scatter)
    cool_size = physics.cool_core_size * gas_core
    cool_size *= 10 ** deviates.scatter("cool_core_size", physics.cool_core_size_scatter)
    cool_fall = 1 + squared * (1 / cool_size**2)
    emission = np.exp((0.5 - 3 * beta) * log_fall) + cool_brightness / (cool_fall * np.sqrt(cool_fall))

    if core_radius > 0:
        x_squared = (squared + physics.softening**2) * (1 / halo.scale_radius**2)
        expansion = np.exp(-physics.gas_response * core.potential)
        dilution = np.interp(x_squared, _RADII_SQUARED, expansion).astype(np.float32)
        surface_density *= dilution
        emission *= dilution * dilution
    return surface_density, emission * _clumps(halo, map_rng, physics)


def _clumps(halo, map_rng, physics):
    """Draw a lognormal field of clumps about one."""
    noise = map_rng.standard_normal(X.shape, dtype=np.float32)
    field = np.zeros_like(noise)
    for scale, weight in zip(physics.gas_clumping_scales, physics.gas_clumping_weights, strict=True):
        width = scale / PIXEL
        # Smoothing leaves white noise of variance one with a scatter of 1 / (2 sqrt(pi) width).
        field += smooth(noise, width) * (weight * 2 * math.sqrt(math.pi) * width)
    growth = physics.gas_clumping_growth * min(halo.disturbance, 2.0)
    return np.exp(field * (physics.gas_clumping * math.exp(growth)))


def surface_brightness(emission, halo, deviates, physics):
    """Scale X-ray emission to physical units by the luminosity of the field.

    Parameters
    ----------
    emission : ndarray of shape (100, 100)
        Surface brightness in any unit.
    halo : Halo
        Whose mass and redshift give the luminosity.
    deviates : Deviates
        Of the map.
    physics : Physics
        Parameters.

    Returns
    -------
    ndarray of shape (100, 100), float32
        Surface brightness, erg/s/cm2/arcmin2.
    """
    luminosity = (
        halo.relative_mass**physics.xray_mass_slope
        * float(halo.cosmology.efunc(halo.redshift)) ** 2
        * 10**physics.xray_log_luminosity
        * 10 ** deviates.scatter("xray_luminosity", physics.xray_luminosity_scatter)
    )
    # Surface brightness dims as (1 + z)^4 (Tolman 1930).
    per_steradian = luminosity / (4 * math.pi * (1 + halo.redshift) ** 4)
    area = float(emission.sum()) * PIXEL_AREA * cosmology.CM_PER_KPC**2
    return emission * (per_steradian / area * STERADIAN_PER_ARCMIN2) + XRAY_BACKGROUND

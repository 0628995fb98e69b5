"""Hot gas: mass and X-ray emission."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import hyp2f1

from darkcnn import cosmology
from darkcnn.records import smooth
from darkcnn.simulation import nfw
from darkcnn.simulation.parameters import Parameters, Scatter, parameter
from darkcnn.simulation.rendering import PIXEL, PIXEL_AREA, X, Y
from darkcnn.simulation.shape import squared_elliptical_radius

_RADII_SQUARED = np.exp(2 * nfw.LOG_RADII)

STERADIAN_PER_ARCMIN2 = math.radians(1 / 60) ** 2
"""Solid angle of a square arcminute."""

XRAY_BACKGROUND = 1e-17
"""Background X-ray surface brightness in erg/s/cm2/arcmin2."""


@dataclass(frozen=True, kw_only=True)
class GasPhysics(Parameters):
    """Parameters of the hot gas and its X-ray emission."""

    # fmt: off
    gas_fraction: float = parameter(0.115, "mass of the hot gas within r200 over M200", status="unverified",
        source="0.116 within r500 (Zhang et al. 2006)", bounds=(0, 0.3), spread=(0.08, 0.15))
    gas_core: float = parameter(220.0, "core radius of the gas of a halo of 3.5e14 Msun at z = 0", unit="kpc",
        status="tuned", bounds=(10, 1000), spread=(130, 300), scale="log")
    gas_core_redshift_slope: float = parameter(-0.7, "power of 1 + z in `gas_core`", status="tuned",
        bounds=(-3, 3), spread=(-1.2, -0.2))
    gas_core_scatter: Scatter = parameter(
        Scatter(0.14, halo=0.55, disturbance=0.5, snapshot=0.45, model=0.35), "scatter of `gas_core`",
        unit="dex", status="tuned", bounds=(0, 0.6), spread=(0.08, 0.2))
    gas_slope: float = parameter(0.68, "index beta of the gas profile", status="tuned", bounds=(0.4, 0.95),
        spread=(0.6, 0.75))
    gas_slope_scatter: Scatter = parameter(Scatter(0.05, halo=1.0), "scatter of `gas_slope`", status="tuned",
        bounds=(0, 0.3), spread=(0.02, 0.08))
    gas_slope_range: tuple = parameter((0.5, 0.8), "limits of `gas_slope`", status="tuned",
        bounds=(0.35, 0.98), spread=((0.45, 0.55), (0.76, 0.9)))
    cool_core: float = parameter(0.25, "central X-ray brightness of the cool core over that of the rest",
        status="tuned", bounds=(0, 50), spread=(0.1, 1.26), scale="log")
    cool_core_scatter: Scatter = parameter(Scatter(0.5, halo=0.5, disturbance=-0.6, model=0.6),
        "scatter of `cool_core`", unit="dex", status="tuned", bounds=(0, 2), spread=(0.3, 0.7))
    cool_core_size: float = parameter(0.35, "radius of the cool core over the core radius of the gas",
        status="tuned", bounds=(0.02, 1), spread=(0.25, 0.5))
    cool_core_size_scatter: Scatter = parameter(Scatter(0.15, model=1.0), "scatter of `cool_core_size`",
        unit="dex", status="tuned", bounds=(0, 0.6), spread=(0.08, 0.25))
    gas_shape: float = parameter(0.45, "ellipticity of the gas over that of the halo", status="guess",
        bounds=(0, 1), spread=(0.3, 0.7))
    gas_rounding: float = parameter(0.5, "share of the ellipticity that the gas loses, over `halo_rounding`",
        status="guess", source="X-ray isophotes get rounder (Shen et al. 2022)", bounds=(0, 1),
        spread=(0.2, 1.0))
    gas_offset: float = parameter(10.0, "scatter of the centre of the gas in each direction", unit="kpc",
        status="guess", bounds=(0, 300), spread=(4, 25), scale="log")
    gas_offset_growth: float = parameter(0.6, "`gas_offset` grows as exp(this times the disturbance)",
        status="guess", bounds=(0, 3), spread=(0.2, 1.0))
    gas_response: float = parameter(0.25, "response of the gas to the change of potential", status="tuned",
        source="networks classify maps of stars and X-rays with 0.59 (code of Harvey 2024)", bounds=(0, 1),
        spread=(0.0, 0.6))
    gas_clumping: float = parameter(0.12, "scatter of ln(brightness) from pixel to pixel", status="guess",
        bounds=(0, 1), spread=(0.05, 0.25), scale="log")
    gas_clumping_growth: float = parameter(0.25, "`gas_clumping` grows as exp(this times the disturbance)",
        status="guess", bounds=(0, 2), spread=(0.0, 0.5))
    gas_clumping_scales: tuple = parameter((80.0, 30.0), "sizes of the clumps", unit="kpc", status="guess",
        bounds=(5, 500), spread=((50, 120), (20, 50)))
    gas_clumping_weights: tuple = parameter((0.9, 0.4), "weights of the clumps of these sizes",
        status="guess", bounds=(0, 3), spread=((0.7, 1.0), (0.2, 0.6)))
    xray_log_luminosity: float = parameter(44.2,
        "log10 of the X-ray luminosity (0.1 to 2.4 keV) of the field of 3.5e14 Msun at z = 0",
        unit="dex(erg / s)", status="unverified", source="Pratt et al. (2009)", bounds=(41, 47),
        spread=(43.9, 44.5))
    xray_mass_slope: float = parameter(1.6, "power of mass in the luminosity", status="unverified",
        source="Pratt et al. (2009)", bounds=(0, 4), spread=(1.4, 2.0))
    xray_luminosity_scatter: Scatter = parameter(Scatter(0.15, disturbance=-2 / 3, snapshot=1.0),
        "scatter of the luminosity; guessed weights", unit="dex", status="unverified",
        source="Pratt et al. (2009)", bounds=(0, 0.6), spread=(0.1, 0.25))
    # fmt: on


def gas_maps(halo, core, centre, deviates, map_rng, physics):
    r"""Return the surface density of the gas and its X-ray emission.

    The gas is a beta model (Cavaliere & Fusco-Femiano 1976): its density is proportional to :math:`(1 +
    r^2/r_c^2)^{-3 \beta/2}`, its surface density to :math:`(1 + q^2/r_c^2)^{1/2 - 3 \beta/2}` and its
    emission, proportional to the density squared, to :math:`(1 + q^2/r_c^2)^{1/2 - 3 \beta}`. A cool core
    adds emission. Where self-interactions make the potential shallower, the gas expands: :math:`\Delta \ln
    \rho = -f \Delta \Phi / \sigma_0^2`. In hydrostatic equilibrium at the temperature of the dark matter, f
    is 1 for isothermal and 3/5 for adiabatic gas (ZuHone et al. 2019 find adiabatic expansion); with cooling
    and feedback, Robertson et al. (2019) find no change of the gas.

    Parameters
    ----------
    centre : tuple of float
        Position of the central galaxy in kpc; the gas is offset from it by sloshing.
    map_rng : numpy.random.Generator
        Random generator of the gas clumps.

    Returns
    -------
    surface_density, emission : ndarray of shape (100, 100), float32
        Surface density in Msun/kpc2, and X-ray brightness relative to the centre of the beta model.
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
        * (1 + halo.epoch.redshift) ** physics.gas_core_redshift_slope
        * 10 ** deviates.scatter("gas_core", physics.gas_core_scatter)
    )
    beta = physics.gas_slope + deviates.scatter("gas_slope", physics.gas_slope_scatter)
    beta = min(max(beta, physics.gas_slope_range[0]), physics.gas_slope_range[1])

    log_fall = np.log(1 + squared * (1 / gas_core**2))
    central = physics.gas_fraction * halo.mass / mass_over_central(halo.radius, gas_core, beta)
    surface_density = central * np.exp((0.5 - 1.5 * beta) * log_fall)

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


def mass_over_central(radius, core, beta):
    r"""Return the mass of a beta model within a sphere, divided by its central surface density, in kpc2.

    That is the integral of :math:`\rho_0 (1 + r^2/r_c^2)^{-3 \beta/2}` over the sphere, divided by that along
    the line of sight, :math:`\Sigma_0 = \sqrt{\pi} \rho_0 r_c \Gamma(3 \beta/2 - 1/2) / \Gamma(3 \beta/2)`.
    """
    volume = 4 / 3 * math.pi * radius**3 * float(hyp2f1(1.5, 1.5 * beta, 2.5, -((radius / core) ** 2)))
    return volume / (math.sqrt(math.pi) * core * math.gamma(1.5 * beta - 0.5) / math.gamma(1.5 * beta))


def _clumps(halo, map_rng, physics):
    """Draw a lognormal field of gas clumps with median 1."""
    noise = map_rng.standard_normal(X.shape, dtype=np.float32)
    field = np.zeros_like(noise)
    for scale, weight in zip(physics.gas_clumping_scales, physics.gas_clumping_weights, strict=True):
        width = scale / PIXEL
        # Smoothing leaves white noise of variance one with a scatter of 1 / (2 sqrt(pi) width).
        field += smooth(noise, width) * (weight * 2 * math.sqrt(math.pi) * width)
    growth = physics.gas_clumping_growth * min(halo.disturbance, 2.0)
    return np.exp(field * (physics.gas_clumping * math.exp(growth)))


def surface_brightness(emission, halo, deviates, physics):
    """Scale X-ray emission to erg/s/cm2/arcmin2 with the luminosity of the field."""
    luminosity = (
        halo.relative_mass**physics.xray_mass_slope
        * halo.epoch.expansion**2
        * 10**physics.xray_log_luminosity
        * 10 ** deviates.scatter("xray_luminosity", physics.xray_luminosity_scatter)
    )
    # Surface brightness dims as (1 + z)^4 (Tolman 1930).
    per_steradian = luminosity / (4 * math.pi * (1 + halo.epoch.redshift) ** 4)
    area = float(emission.sum()) * PIXEL_AREA * cosmology.CM_PER_KPC**2
    return emission * (per_steradian / area * STERADIAN_PER_ARCMIN2) + XRAY_BACKGROUND

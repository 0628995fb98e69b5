"""Stars: the brightest cluster galaxy and the intracluster light."""

import math
from dataclasses import dataclass

import numpy as np

from darkcnn.simulation import nfw
from darkcnn.simulation.parameters import Parameters, Scatter, parameter
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y
from darkcnn.simulation.shape import squared_elliptical_radius, twist

APERTURE = 100.0
"""Aperture radius of the stellar mass of the central galaxy in kpc."""


@dataclass(frozen=True, kw_only=True)
class StarPhysics(Parameters):
    """Parameters of the central galaxy and the intracluster stars."""

    # fmt: off
    galaxy_log_mass: float = parameter(12.0,
        "log10 of the stellar mass within 100 kpc of a halo of 3.5e14 Msun", unit="dex(Msun)", status="guess",
        bounds=(10, 13.5), spread=(11.6, 12.2))
    galaxy_mass_slope: float = parameter(0.4, "power of the halo mass in the galaxy mass",
        status="literature", source="Kravtsov et al. (2018): 0.4 ± 0.1", bounds=(0, 1.5), spread=(0.3, 0.5))
    galaxy_mass_scatter: Scatter = parameter(Scatter(0.12, halo=0.85, disturbance=-0.3, model=0.3),
        "scatter of the galaxy mass", unit="dex", status="guess",
        source="0.2 (Kravtsov et al. 2018) and 0.14 to 0.19 (Abdullah et al. 2026) observed", bounds=(0, 0.6),
        spread=(0.1, 0.2))
    galaxy_size: float = parameter(28.0, "scale of the profile of a galaxy of mass `galaxy_log_mass`",
        unit="kpc", status="tuned", bounds=(1, 200), spread=(18, 40), scale="log")
    galaxy_size_slope: float = parameter(0.4, "power of the stellar mass in `galaxy_size`", status="tuned",
        bounds=(0, 2), spread=(0.2, 0.6))
    galaxy_size_scatter: Scatter = parameter(Scatter(0.10, halo=0.8, model=0.6), "scatter of `galaxy_size`",
        unit="dex", status="tuned", bounds=(0, 0.6), spread=(0.05, 0.2))
    galaxy_slope: float = parameter(1.1,
        "the surface density of the galaxy falls as radius to the power of -2 times this", status="tuned",
        bounds=(1.01, 4), spread=(1.05, 1.4))
    galaxy_shape: float = parameter(0.7, "ellipticity of the stars over that of the halo", status="guess",
        bounds=(0, 1), spread=(0.4, 1.0))
    galaxy_twist: float = parameter(12.0, "scatter of the angle between stars and halo", unit="deg",
        status="guess", bounds=(0, 90), spread=(5, 25))
    galaxy_rounding: float = parameter(0.2,
        "share of the ellipticity that the galaxy loses, over `halo_rounding`", status="guess", bounds=(0, 1),
        spread=(0.0, 0.5))
    galaxy_expansion: float = parameter(0.4,
        "response of the galaxy's size to the mass that scattering removes, 1 if adiabatic", status="guess",
        bounds=(0, 2), spread=(0.0, 1.0))
    galaxy_expansion_radius: float = parameter(30.0,
        "radius of the mass to which `galaxy_expansion` responds", unit="kpc", status="guess",
        bounds=(2, 400), spread=(20, 60), scale="log")
    intracluster_light: float = parameter(2.3,
        "mass of the intracluster stars over the stellar mass within 100 kpc", status="tuned", bounds=(0, 10),
        spread=(1.2, 3.5))
    intracluster_scatter: Scatter = parameter(Scatter(0.15, model=1.0), "scatter of `intracluster_light`",
        unit="dex", status="tuned", bounds=(0, 1), spread=(0.1, 0.3))
    intracluster_size: float = parameter(540.0, "scale of the profile of the intracluster stars", unit="kpc",
        status="tuned", bounds=(10, 1500), spread=(300, 900), scale="log")
    intracluster_slope: float = parameter(1.55,
        "the surface density of the intracluster stars falls as radius to the power of -2 times this",
        status="tuned", bounds=(1.01, 4), spread=(1.3, 1.9))
    # fmt: on


def central_galaxy_mass(halo, deviates, physics):
    """Return the stellar mass of the central galaxy within 100 kpc in Msun."""
    scatter = deviates.scatter("galaxy_mass", physics.galaxy_mass_scatter)
    return 10 ** (physics.galaxy_log_mass + scatter) * halo.relative_mass**physics.galaxy_mass_slope


def central_galaxy_size(halo, core, galaxy_mass, deviates, physics):
    """Return the scale radius of the central galaxy in kpc.

    The galaxy expands when scattering removes mass from its interior; r M(r) is conserved if this is slow
    (adiabatic; Blumenthal et al. 1986).
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
    r"""Return surface density maps of the central galaxy at `centre` (kpc) and of the intracluster stars.

    The surface densities, in Msun/kpc2, are :math:`\propto (1 + q^2 / a^2)^{-s}`.
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
    """Return A (1 + q^2 / a^2)^-s of total mass `total_mass`, for s > 1."""
    amplitude = total_mass * (slope - 1) / (math.pi * size**2)
    return amplitude * np.exp(-slope * np.log(1 + squared_radius * (1 / size**2)))

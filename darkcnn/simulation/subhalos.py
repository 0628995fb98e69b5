"""Subhalos and their satellite galaxies."""

from dataclasses import dataclass, replace

import numpy as np

from darkcnn.simulation import nfw
from darkcnn.simulation.background import draw_foreground
from darkcnn.simulation.dark_matter import scattering_rate
from darkcnn.simulation.parameters import Parameters, Scatter, parameter


@dataclass(frozen=True, kw_only=True)
class SubhaloPhysics(Parameters):
    """Parameters of subhalos and their satellite galaxies."""

    # fmt: off
    subhalo_abundance: float = parameter(0.039,
        "subhalos per ln(mass) at the mass of the halo, extrapolated, within `subhalo_reach`", status="tuned",
        source="subhalos hold a tenth of the mass", bounds=(0, 0.5), spread=(0.025, 0.07), scale="log")
    subhalo_scatter: Scatter = parameter(Scatter(0.15, halo=0.5, disturbance=0.6, snapshot=0.5),
        "scatter of `subhalo_abundance`", unit="dex", status="guess", bounds=(0, 0.6), spread=(0.08, 0.25))
    subhalo_redshift_slope: float = parameter(0.3, "power of 1 + z in `subhalo_abundance`", status="guess",
        bounds=(-3, 3), spread=(0.0, 0.8))
    subhalo_slope: float = parameter(-0.82, "power of mass in `subhalo_abundance`", status="literature",
        source="evolved subhalos of Jiang & van den Bosch (2016); -0.9 in simulations (Nurmi et al. 2006)",
        bounds=(-2, -0.3), spread=(-1.0, -0.75))
    subhalo_least_mass: float = parameter(6e10, "least mass of a subhalo", unit="Msun", status="guess",
        bounds=(1e9, 1e12), spread=(3e10, 1e11), scale="log")
    subhalo_largest_fraction: float = parameter(0.3, "largest mass of a subhalo over that of the halo",
        status="guess", bounds=(0.01, 1), spread=(0.15, 0.5), scale="log")
    subhalo_reach: float = parameter(1.6, "radius over r200 out to which subhalos are found", status="guess",
        bounds=(0.2, 5), spread=(1.2, 2.0))
    subhalo_bias: float = parameter(0.5, "concentration of the subhalos' distribution over that of the halo",
        status="guess", bounds=(0.02, 3), spread=(0.3, 0.8))
    subhalo_chaos: float = parameter(40.0,
        "scatter of subhalos' positions among dark-matter models in each direction", unit="kpc",
        status="guess", bounds=(0, 500), spread=(20, 80), scale="log")
    subhalo_chaos_fraction: float = parameter(0.15,
        "`subhalo_chaos` is at most this times the distance from the centre", status="guess", bounds=(0, 1),
        spread=(0.05, 0.3))
    subhalo_stripped: float = parameter(0.33, "mass of a subhalo over that at infall, for its stars",
        status="guess", bounds=(0.02, 1), spread=(0.2, 0.5))
    stellar_mass_scatter: float = parameter(0.2, "scatter of the stellar mass of satellites", unit="dex",
        status="unverified", source="Moster et al. (2013)", bounds=(0, 0.6), spread=(0.1, 0.25))
    evaporation_time: float = parameter(3.0, "time during which scattering with the halo evaporates subhalos",
        unit="Gyr", status="guess", source="Bhattacharyya et al. (2022) for the effect", bounds=(0, 14),
        spread=(1.5, 6), scale="log")
    evaporation_speed: float = parameter(0.45, "speed of subhalos over the scale velocity of the halo",
        status="guess", bounds=(0, 3), spread=(0.3, 0.7))
    # fmt: on


@dataclass(frozen=True)
class Population:
    """Subhalos, and halos along the line of sight, in arrays.

    Attributes
    ----------
    mass : ndarray of shape (n_halos,)
        Total mass in Msun.
    stellar_mass : ndarray of shape (n_halos,)
        Stellar mass in Msun.
    position : ndarray of shape (3, n_halos)
        Position relative to the centre of the cluster in kpc; the third axis is the line of sight.
    cluster_radius : ndarray of shape (n_halos,)
        Distance from the centre of the cluster in units of r200; infinite for halos outside the cluster.
    angle, ellipticity : ndarray of shape (n_halos,)
        Orientation in radians and ellipticity, for halos with a density profile.
    gas_displacement : ndarray of shape (2, n_halos)
        Displacement of the gas from the halo on the sky in kpc.
    gas_brightness : ndarray of shape (n_halos,)
        Lognormal factor of the X-ray brightness.
    """

    mass: np.ndarray
    stellar_mass: np.ndarray
    position: np.ndarray
    cluster_radius: np.ndarray
    angle: np.ndarray
    ellipticity: np.ndarray
    gas_displacement: np.ndarray
    gas_brightness: np.ndarray


def draw_population(halo, deviates, rng, physics):
    """Draw the :class:`Population` of a snapshot: subhalos, then halos outside the cluster."""
    mass, radius, position = _draw_subhalos(halo, deviates, rng, physics)
    outside_mass, outside_position = draw_foreground(halo, rng, physics)

    mass_before_stripping = np.append(mass / physics.subhalo_stripped, outside_mass)
    n_halos = len(mass_before_stripping)
    scatter = 10 ** (physics.stellar_mass_scatter * rng.standard_normal(n_halos))
    return Population(
        mass=np.append(mass, outside_mass),
        stellar_mass=stellar_mass(mass_before_stripping) * scatter,
        position=np.hstack([position, outside_position]),
        cluster_radius=np.append(radius, np.full(len(outside_mass), np.inf)),
        angle=rng.uniform(0, np.pi, n_halos),
        ellipticity=0.25 * rng.random(n_halos),
        gas_displacement=physics.group_gas_displacement * rng.standard_normal((2, n_halos)),
        gas_brightness=np.exp(physics.group_brightness_scatter * rng.standard_normal(n_halos)),
    )


def _draw_subhalos(halo, deviates, rng, physics):
    """Draw masses, radii over r200 and positions of subhalos, with dN/dln m a power law in m/M."""
    slope = physics.subhalo_slope
    abundance = (
        physics.subhalo_abundance
        * 10 ** deviates.scatter("subhalo", physics.subhalo_scatter)
        * (1 + halo.epoch.redshift) ** physics.subhalo_redshift_slope
    )
    most, least = (physics.subhalo_least_mass / halo.mass) ** slope, physics.subhalo_largest_fraction**slope
    concentration = physics.subhalo_bias * halo.concentration
    radii = np.linspace(0.01, physics.subhalo_reach, 200)
    share = nfw.enclosed_mass(concentration * radii)
    n_subhalos = rng.poisson(abundance / -slope * (most - least))

    mass = halo.mass * (most - rng.random(n_subhalos) * (most - least)) ** (1 / slope)
    radius = np.interp(rng.random(n_subhalos) * share[-1], share, radii)
    direction = rng.standard_normal((3, n_subhalos))
    direction /= np.linalg.norm(direction, axis=0)
    position = halo.rotation @ (halo.axes[:, np.newaxis] * direction) * (radius * halo.radius)
    return mass, radius, position


def stellar_mass(mass):
    """Return the mean stellar mass of halos at z = 0, Msun (Moster et al. 2013, eq. 2 and table 1)."""
    x = mass / 10**11.59
    return 2 * 0.0351 * mass / (x**-1.376 + x**0.608)


def evolve(population, halo, cross_section, map_rng, physics):
    """Return the population in one dark-matter model.

    Scattering with the dark matter of the cluster evaporates subhalos but not their stars. Positions scatter
    because orbits diverge between simulations with the same initial conditions.
    """
    radius = population.cluster_radius
    orbit = np.where(np.isinf(radius), 0, radius)  # 0: not in orbit about the cluster
    chaos = np.minimum(physics.subhalo_chaos, physics.subhalo_chaos_fraction * orbit * halo.radius)
    density = nfw.density(halo.concentration * radius)
    rate = scattering_rate(cross_section, halo, density=density, speed=physics.evaporation_speed)
    return replace(
        population,
        mass=population.mass * np.exp(-rate * physics.evaporation_time),
        position=population.position + chaos * map_rng.standard_normal(population.position.shape),
    )

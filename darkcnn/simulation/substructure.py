"""Subhaloes with their satellite galaxies, haloes along the line of sight and the background."""

import math
from dataclasses import dataclass, replace

import numpy as np

from darkcnn.records import FIELD_SIZE
from darkcnn.simulation import nfw
from darkcnn.simulation.dark_matter import scattering_rate
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y, smooth, splat

_MOST_GROUPS = 6  # subhaloes drawn with a profile; the rest are points
_FOREGROUND_REACH = 5000.0  # kpc before and behind the cluster
_FOREGROUND_MASSES = (1e11, 2e14)  # Msun


@dataclass(frozen=True)
class Population:
    """Haloes in the field other than the cluster itself, one array element each.

    Attributes
    ----------
    mass : ndarray of shape (n_haloes,)
        Total mass, Msun.
    stellar_mass : ndarray of shape (n_haloes,)
        Msun.
    position : ndarray of shape (3, n_haloes)
        From the centre of the cluster, kpc; the third direction is the line of sight.
    cluster_radius : ndarray of shape (n_haloes,)
        Distance from the centre of the cluster in units of its radius r200; infinite for haloes outside it.
    angle, ellipticity : ndarray of shape (n_haloes,)
        Orientation, radians, and ellipticity of what is drawn with a profile.
    gas_displacement : ndarray of shape (2, n_haloes)
        Of the gas from the halo on the sky, kpc.
    gas_brightness : ndarray of shape (n_haloes,)
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
    """Draw the haloes that all models share at one redshift.

    Parameters
    ----------
    halo : Halo
        The cluster.
    deviates : Deviates
        Of the snapshot.
    rng : numpy.random.Generator
        Of the snapshot.
    physics : Physics
        Parameters.

    Returns
    -------
    Population
        Subhaloes first, then the haloes before and behind the cluster.
    """
    mass, radius, position = _draw_subhaloes(halo, deviates, rng, physics)
    n_outside = rng.poisson(physics.foreground_abundance * (1 + halo.redshift) ** 2)
    least, most = _FOREGROUND_MASSES
    outside_mass = np.minimum(least * rng.random(n_outside) ** (1 / physics.subhalo_slope), most)
    reach = np.array([[FIELD_SIZE / 2], [FIELD_SIZE / 2], [_FOREGROUND_REACH]])
    outside_position = rng.uniform(-1, 1, (3, n_outside)) * reach

    mass_before_stripping = np.append(mass / physics.subhalo_stripped, outside_mass)
    n_haloes = len(mass_before_stripping)
    scatter = 10 ** (physics.stellar_mass_scatter * rng.standard_normal(n_haloes))
    return Population(
        mass=np.append(mass, outside_mass),
        stellar_mass=stellar_mass(mass_before_stripping) * scatter,
        position=np.hstack([position, outside_position]),
        cluster_radius=np.append(radius, np.full(n_outside, np.inf)),
        angle=rng.uniform(0, np.pi, n_haloes),
        ellipticity=0.25 * rng.random(n_haloes),
        gas_displacement=physics.group_gas_displacement * rng.standard_normal((2, n_haloes)),
        gas_brightness=np.exp(physics.group_brightness_scatter * rng.standard_normal(n_haloes)),
    )


def _draw_subhaloes(halo, deviates, rng, physics):
    """Return masses, radii over r200 and positions of subhaloes with dN/dln m = A (m/M)^-0.9."""
    slope = physics.subhalo_slope
    abundance = (
        physics.subhalo_abundance
        * 10 ** deviates.scatter("subhalo", physics.subhalo_scatter)
        * (1 + halo.redshift) ** physics.subhalo_redshift_slope
    )
    most, least = (physics.subhalo_least_mass / halo.mass) ** slope, physics.subhalo_largest_fraction**slope
    concentration = physics.subhalo_bias * halo.concentration
    radii = np.linspace(0.01, physics.subhalo_reach, 200)
    share = nfw.enclosed_mass(concentration * radii)
    n_subhaloes = rng.poisson(abundance / -slope * (most - least))

    mass = halo.mass * (most - rng.random(n_subhaloes) * (most - least)) ** (1 / slope)
    radius = np.interp(rng.random(n_subhaloes) * share[-1], share, radii)
    direction = rng.standard_normal((3, n_subhaloes))
    direction /= np.linalg.norm(direction, axis=0)
    position = halo.rotation @ (halo.axes[:, np.newaxis] * direction) * (radius * halo.radius)
    return mass, radius, position


def stellar_mass(mass):
    """Return the mean stellar mass of haloes at z = 0, Msun (Moster et al. 2013, eq. 2 and table 1)."""
    x = mass / 10**11.59
    return 2 * 0.0351 * mass / (x**-1.376 + x**0.608)


def evolve(population, halo, cross_section, map_rng, physics):
    """Return the population in one dark-matter model.

    Scattering with the dark matter of the cluster evaporates that of subhaloes; their stars stay. Orbits
    differ between simulations from the same initial conditions.

    Parameters
    ----------
    population : Population
        What the models share.
    halo : Halo
        The cluster.
    cross_section : float
        Per mass, cm2/g.
    map_rng : numpy.random.Generator
        Of the map.
    physics : Physics
        Parameters.

    Returns
    -------
    Population
        With other masses and positions.
    """
    radius = population.cluster_radius
    chaos = np.minimum(physics.subhalo_chaos, physics.subhalo_chaos_fraction * radius * halo.radius)
    chaos[np.isinf(radius)] = 0  # not in orbit about the cluster
    density = nfw.density(halo.concentration * radius)
    rate = scattering_rate(cross_section, halo, density=density, speed=physics.evaporation_speed)
    return replace(
        population,
        mass=population.mass * np.exp(-rate * physics.evaporation_time),
        position=population.position + chaos * map_rng.standard_normal(population.position.shape),
    )


def substructure_maps(population, halo, centre, cross_section, physics):
    """Draw mass, stars and X-ray emission of the population.

    Parameters
    ----------
    population : Population
        In one dark-matter model.
    halo : Halo
        The cluster.
    centre : tuple of float
        Position of the central galaxy, kpc.
    cross_section : float
        Per mass, cm2/g.
    physics : Physics
        Parameters.

    Returns
    -------
    mass, stars : ndarray of shape (100, 100), float32
        Surface densities, Msun/kpc2.
    emission : ndarray of shape (100, 100), float32
        X-ray brightness in the unit of :func:`~darkcnn.simulation.gas.gas_maps`.
    """
    x, y = population.position[0] + centre[0], population.position[1] + centre[1]
    near = np.maximum(np.abs(x), np.abs(y)) < FIELD_SIZE / 2 + 150
    massive = np.flatnonzero(near & (population.mass > physics.group_mass))
    groups = massive[np.argsort(-population.mass[massive])][:_MOST_GROUPS]
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
    """Smooth a part of the image with one width in pixels and the rest with another."""
    return first_share * smooth(image, widths[0]) + (1 - first_share) * smooth(image, widths[1])


def _group_mass(population, group, dx, dy, cross_section, physics):
    """Draw a truncated halo with a core, the dPIE of Eliasdottir et al. (2007), eq. A3."""
    mass, ellipticity = float(population.mass[group]), float(population.ellipticity[group])
    truncation = physics.group_truncation * (mass / 1e13) ** (1 / 3)
    core = physics.group_core * truncation * (1 + physics.subhalo_core_growth * math.sqrt(cross_section))
    cos, sin = math.cos(population.angle[group]), math.sin(population.angle[group])
    along = dx * cos + dy * sin
    squared = (1 + ellipticity) * (dx * dx + dy * dy) - 2 * ellipticity * along * along
    density = 1 / np.sqrt(squared + core**2) - 1 / np.sqrt(squared + truncation**2)
    return mass / (2 * math.pi * (truncation - core)) * density


def _group_emission(population, group, dx, dy, halo, physics):
    """Draw the hot gas of a group, displaced by ram pressure."""
    mass = float(population.mass[group])
    shift_x, shift_y = population.gas_displacement[:, group].tolist()
    size = physics.group_gas_size * (mass / 2e13) ** (1 / 3)
    brightness = physics.group_brightness * (mass / 3e13) ** physics.group_brightness_slope
    brightness *= float(population.gas_brightness[group]) / halo.relative_mass**0.3
    squared = (dx - shift_x) ** 2 + (dy - shift_y) ** 2
    return brightness * np.exp(-physics.group_gas_slope * np.log(1 + squared * (1 / size**2)))


def background_density(halo, deviates, physics):
    """Return the mean surface density of the matter before and behind the cluster in Msun/kpc2."""
    mean = halo.matter_density * physics.background_depth
    return mean * math.exp(physics.background_log_scatter * (1 + deviates.snapshot["background"]))


def background_tilt(deviates, physics):
    """Draw how the background changes across the field, about one."""
    slope = physics.background_tilt / (FIELD_SIZE / 2)
    slope_x, slope_y = slope * deviates.snapshot["tilt_x"], slope * deviates.snapshot["tilt_y"]
    return np.maximum(1 + slope_x * X + slope_y * Y, 0.2)

"""Gas, stars, dark matter and substructure: masses and luminosities add up."""

import math

import numpy as np
import pytest

from darkcnn import cosmology
from darkcnn.simulation import Physics, nfw
from darkcnn.simulation.dark_matter import core_of, dark_matter_map
from darkcnn.simulation.deviates import Deviates, generator
from darkcnn.simulation.gas import STERADIAN_PER_ARCMIN2, gas_maps, surface_brightness
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.jeans import NO_CORE
from darkcnn.simulation.physics import Scatter
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y
from darkcnn.simulation.stars import central_galaxy_size, star_maps
from darkcnn.simulation.substructure import draw_population, evolve, stellar_mass, substructure_maps

CENTRE = (0.0, 0.0)
CALM = {
    "disturbance": Scatter(0.0),
    "gas_offset": 0.0,
    "gas_clumping": 0.0,
    "offset": 0.0,
    "offset_per_core_radius": 0.0,
    "inner_scatter": Scatter(0.0),
    "softening": 0.0,
}


@pytest.fixture
def physics():
    """Physics without clumps, offsets and softening, which would blur what is counted."""
    return Physics(**CALM)


@pytest.fixture
def halo():
    """Return a round halo small enough for its r200 to fit into the map."""
    return Halo(0.375, 14.0, 4.0, np.ones(3), np.eye(3), 0.0)


@pytest.fixture
def deviates(physics):
    return Deviates.of_snapshot(generator(0, "halo", 0), generator(0, "snapshot", 0, 0), physics.disturbance)


def mass_within(surface_density, radius):
    return float(surface_density[np.hypot(X, Y) < radius].sum()) * PIXEL_AREA


def test_dark_matter_has_the_projected_mass_of_the_halo(halo, deviates, physics):
    image = dark_matter_map(halo, NO_CORE, CENTRE, deviates, physics)
    x = np.geomspace(1e-4, 700 / halo.scale_radius, 2000)
    expected = 2 * np.pi * np.trapezoid(x**2 * nfw.surface_density(x), np.log(x))
    expected *= halo.scale_density * halo.scale_radius**3 * (1 - 0.0463 / 0.2793)
    assert mass_within(image, 700) == pytest.approx(expected, rel=0.01)


def test_scattering_keeps_the_projected_mass(halo, deviates, physics):
    core = core_of(halo, 1.0, 5e11, deviates, physics)
    cold = dark_matter_map(halo, NO_CORE, CENTRE, deviates, physics)
    cored = dark_matter_map(halo, core, CENTRE, deviates, physics)
    assert cored.max() < cold.max()
    assert mass_within(cored, 700) == pytest.approx(mass_within(cold, 700), rel=0.01)
    np.testing.assert_allclose(cored[0], cold[0], rtol=1e-5)


def test_gas_fraction_within_r200(halo, deviates, physics):
    surface_density, _ = gas_maps(halo, NO_CORE, CENTRE, deviates, generator(0, "map", 0), physics)
    assert mass_within(surface_density, halo.radius) == pytest.approx(
        physics.gas_fraction * halo.mass, rel=0.01
    )


def test_gas_expands_in_a_core(halo, deviates, physics):
    cold = gas_maps(halo, NO_CORE, CENTRE, deviates, generator(0, "map", 0), physics)
    core = core_of(halo, 1.0, 5e11, deviates, physics)
    cored = gas_maps(halo, core, CENTRE, deviates, generator(0, "map", 0), physics)
    for before, after in zip(cold, cored, strict=True):
        assert 0.5 < after[50, 50] / before[50, 50] < 1
        np.testing.assert_allclose(after[0], before[0], rtol=1e-5)


def test_brightness_adds_up_to_the_luminosity(halo, deviates, physics):
    _, emission = gas_maps(halo, NO_CORE, CENTRE, deviates, generator(0, "map", 0), physics)
    brightness = surface_brightness(emission, halo, deviates, physics)
    area = PIXEL_AREA * cosmology.CM_PER_KPC**2
    dimming = (1 + halo.redshift) ** 4
    luminosity = float(brightness.sum()) / STERADIAN_PER_ARCMIN2 * 4 * math.pi * dimming * area
    relation = 10**44.2 * (1e14 / 3.5e14) ** 1.6 * (0.2793 * 1.375**3 + 0.7207)
    scatter = deviates.scatter("xray_luminosity", physics.xray_luminosity_scatter)
    assert luminosity == pytest.approx(relation * 10**scatter, rel=0.01)


def test_stellar_mass_within_100_kpc(halo, deviates, physics):
    galaxy, light = star_maps(halo, NO_CORE, CENTRE, 1e12, deviates, physics)
    # A pixel of 20 kpc resolves a galaxy of 20 kpc only just.
    assert mass_within(galaxy, 100) == pytest.approx(1e12, rel=0.1)
    beyond = (1 + (900 / physics.intracluster_size) ** 2) ** (1 - physics.intracluster_slope)
    expected = physics.intracluster_light * 1e12 * (1 - beyond)
    assert mass_within(light, 900) == pytest.approx(expected, rel=0.01)


def test_the_galaxy_expands_in_a_core(halo, deviates, physics):
    sizes = [
        central_galaxy_size(halo, core_of(halo, sigma, 5e11, deviates, physics), 5e11, deviates, physics)
        for sigma in (0, 0.1, 1)
    ]
    assert sizes[0] < sizes[1] < sizes[2] < 1.6 * sizes[0]


def test_stellar_to_halo_mass_relation():
    # Moster et al. (2013): 2 N M / (1 + 1) at the characteristic mass.
    assert stellar_mass(10**11.59) == pytest.approx(0.0351 * 10**11.59)


def test_subhaloes_hold_a_tenth_of_the_mass(deviates, physics):
    halo = Halo(0.0, 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    rng = np.random.default_rng(0)
    populations = [draw_population(halo, deviates, rng, physics) for _ in range(200)]
    masses = np.concatenate([p.mass[np.isfinite(p.cluster_radius)] for p in populations])
    abundance = 10 ** deviates.scatter("subhalo", physics.subhalo_scatter)
    assert masses.sum() / 200 / halo.mass / abundance == pytest.approx(0.1, rel=0.5)
    # dN/dln m goes as m^-0.9, so nine tenths of a decade up there are fewer by 10^(0.9 x 0.9).
    ratio = (masses > 1e11).sum() / (masses > 10**11.9).sum()
    assert ratio == pytest.approx(10**0.81, rel=0.1)


def test_evaporation_takes_dark_matter_but_no_stars(deviates, physics):
    halo = Halo(0.0, 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    population = draw_population(halo, deviates, np.random.default_rng(0), physics)
    cold = evolve(population, halo, 0.0, np.random.default_rng(1), physics)
    np.testing.assert_array_equal(cold.mass, population.mass)
    scattered = evolve(population, halo, 1.0, np.random.default_rng(1), physics)
    np.testing.assert_array_equal(scattered.stellar_mass, population.stellar_mass)
    left = scattered.mass / population.mass
    distance = population.cluster_radius * halo.radius
    np.testing.assert_array_equal(left[np.isinf(distance)], 1)
    order = np.argsort(distance)
    assert np.interp(500, distance[order], left[order]) == pytest.approx(0.95, abs=0.03)
    assert np.interp(200, distance[order], left[order]) == pytest.approx(0.75, abs=0.1)


def test_maps_hold_the_stars_of_the_satellites_in_the_field(deviates, physics):
    halo = Halo(0.0, 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    population = draw_population(halo, deviates, np.random.default_rng(0), physics)
    mass, stars, _ = substructure_maps(population, halo, CENTRE, 0.0, physics)
    inside = np.abs(population.position[:2]).max(axis=0) < 1000
    assert float(stars.sum()) * PIXEL_AREA == pytest.approx(population.stellar_mass[inside].sum(), rel=0.05)
    assert float(mass.sum()) * PIXEL_AREA < 1.2 * population.mass[inside].sum()

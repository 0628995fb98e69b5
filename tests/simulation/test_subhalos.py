import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.subhalos import draw_population, evolve, stellar_mass


def test_stellar_to_halo_mass_relation():
    # Moster et al. (2013): 2 N M / (1 + 1) at the characteristic mass.
    assert stellar_mass(10**11.59) == pytest.approx(0.0351 * 10**11.59)


def test_subhalos_hold_a_tenth_of_the_mass(deviates, physics):
    halo = Halo(Epoch.at_redshift(0.0), 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    rng = np.random.default_rng(0)
    populations = [draw_population(halo, deviates, rng, physics) for _ in range(200)]
    masses = np.concatenate([p.mass[np.isfinite(p.cluster_radius)] for p in populations])
    abundance = 10 ** deviates.scatter("subhalo", physics.subhalo_scatter)
    assert masses.sum() / 200 / halo.mass / abundance == pytest.approx(0.1, rel=0.5)
    # dN/dln m goes as m^-0.82, so nine tenths of a decade up there are fewer by 10^(0.9 x 0.82).
    ratio = (masses > 1e11).sum() / (masses > 10**11.9).sum()
    assert ratio == pytest.approx(10**0.738, rel=0.1)


def test_evaporation_takes_dark_matter_but_no_stars(deviates, physics):
    halo = Halo(Epoch.at_redshift(0.0), 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
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

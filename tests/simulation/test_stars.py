import pytest

from darkcnn.simulation.dark_matter import core_of
from darkcnn.simulation.jeans import NO_CORE
from darkcnn.simulation.stars import central_galaxy_size, star_maps


def test_stellar_mass_within_100_kpc(halo, deviates, physics, mass_within):
    galaxy, light = star_maps(halo, NO_CORE, (0, 0), 1e12, deviates, physics)
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

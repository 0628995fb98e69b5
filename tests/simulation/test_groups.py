import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.simulation.groups import substructure_maps
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.rendering import PIXEL_AREA
from darkcnn.simulation.subhalos import draw_population


def test_maps_hold_the_stars_of_the_satellites_in_the_field(deviates, physics):
    halo = Halo(Epoch.at_redshift(0.0), 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    population = draw_population(halo, deviates, np.random.default_rng(0), physics)
    mass, stars, _ = substructure_maps(population, halo, (0, 0), 0.0, physics)
    inside = np.abs(population.position[:2]).max(axis=0) < 1000
    assert float(stars.sum()) * PIXEL_AREA == pytest.approx(population.stellar_mass[inside].sum(), rel=0.05)
    assert float(mass.sum()) * PIXEL_AREA < 1.2 * population.mass[inside].sum()

import math

import numpy as np
import pytest

from darkcnn import cosmology
from darkcnn.simulation.dark_matter import core_of
from darkcnn.simulation.deviates import generator
from darkcnn.simulation.gas import STERADIAN_PER_ARCMIN2, gas_maps, surface_brightness
from darkcnn.simulation.jeans import NO_CORE
from darkcnn.simulation.rendering import PIXEL_AREA


def test_gas_fraction_within_r200(halo, deviates, physics, mass_within):
    surface_density, _ = gas_maps(halo, NO_CORE, (0, 0), deviates, generator(0, "map", 0), physics)
    assert mass_within(surface_density, halo.radius) == pytest.approx(
        physics.gas_fraction * halo.mass, rel=0.01
    )


def test_gas_expands_in_a_core(halo, deviates, physics):
    cold = gas_maps(halo, NO_CORE, (0, 0), deviates, generator(0, "map", 0), physics)
    core = core_of(halo, 1.0, 5e11, deviates, physics)
    cored = gas_maps(halo, core, (0, 0), deviates, generator(0, "map", 0), physics)
    for before, after in zip(cold, cored, strict=True):
        assert 0.5 < after[50, 50] / before[50, 50] < 1
        np.testing.assert_allclose(after[0], before[0], rtol=1e-5)


def test_brightness_adds_up_to_the_luminosity(halo, deviates, physics):
    _, emission = gas_maps(halo, NO_CORE, (0, 0), deviates, generator(0, "map", 0), physics)
    brightness = surface_brightness(emission, halo, deviates, physics)
    area = PIXEL_AREA * cosmology.CM_PER_KPC**2
    dimming = (1 + halo.redshift) ** 4
    luminosity = float(brightness.sum()) / STERADIAN_PER_ARCMIN2 * 4 * math.pi * dimming * area
    relation = 10**44.2 * (1e14 / 3.5e14) ** 1.6 * (0.2793 * 1.375**3 + 0.7207)
    scatter = deviates.scatter("xray_luminosity", physics.xray_luminosity_scatter)
    assert luminosity == pytest.approx(relation * 10**scatter, rel=0.01)

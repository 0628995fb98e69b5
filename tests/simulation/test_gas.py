import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from darkcnn import cosmology
from darkcnn.simulation import Scatter
from darkcnn.simulation.dark_matter import core_of
from darkcnn.simulation.deviates import generator
from darkcnn.simulation.gas import STERADIAN_PER_ARCMIN2, gas_maps, surface_brightness
from darkcnn.simulation.jeans import NO_CORE
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y


def test_the_sphere_of_r200_holds_the_gas_fraction(halo, deviates, physics):
    physics = replace(physics, gas_core_scatter=Scatter(0.0), gas_slope_scatter=Scatter(0.0))
    surface_density, _ = gas_maps(halo, NO_CORE, (0, 0), deviates, generator(0, "map", 0), physics)
    core = physics.gas_core * halo.relative_mass ** (1 / 3) * 1.375**physics.gas_core_redshift_slope

    def density(r):  # over that in the centre
        return (1 + (r / core) ** 2) ** (-1.5 * physics.gas_slope)

    mass, _ = quad(lambda r: 4 * np.pi * r**2 * density(r), 0, halo.radius)
    for column in (50, 60, 95):
        radius = float(np.hypot(X, Y)[50, column])
        along, _ = quad(lambda z, radius=radius: density(np.hypot(z, radius)), -np.inf, np.inf)
        expected = physics.gas_fraction * halo.mass * along / mass
        assert surface_density[50, column] == pytest.approx(expected, rel=1e-4)


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
    dimming = (1 + halo.epoch.redshift) ** 4
    luminosity = float(brightness.sum()) / STERADIAN_PER_ARCMIN2 * 4 * math.pi * dimming * area
    relation = 10**44.2 * (1e14 / 3.5e14) ** 1.6 * (0.2793 * 1.375**3 + 0.7207)
    scatter = deviates.scatter("xray_luminosity", physics.xray_luminosity_scatter)
    assert luminosity == pytest.approx(relation * 10**scatter, rel=0.01)

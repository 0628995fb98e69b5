import numpy as np
import pytest

from darkcnn.simulation import nfw
from darkcnn.simulation.dark_matter import core_of, dark_matter_map
from darkcnn.simulation.jeans import NO_CORE


def test_dark_matter_has_the_projected_mass_of_the_halo(halo, deviates, physics, mass_within):
    image = dark_matter_map(halo, NO_CORE, (0, 0), deviates, physics)
    x = np.geomspace(1e-4, 700 / halo.scale_radius, 2000)
    expected = 2 * np.pi * np.trapezoid(x**2 * nfw.surface_density(x), np.log(x))
    expected *= halo.scale_density * halo.scale_radius**3 * (1 - 0.0463 / 0.2793)
    assert mass_within(image, 700) == pytest.approx(expected, rel=0.01)


def test_scattering_keeps_the_projected_mass(halo, deviates, physics, mass_within):
    core = core_of(halo, 1.0, 5e11, deviates, physics)
    cold = dark_matter_map(halo, NO_CORE, (0, 0), deviates, physics)
    cored = dark_matter_map(halo, core, (0, 0), deviates, physics)
    assert cored.max() < cold.max()
    assert mass_within(cored, 700) == pytest.approx(mass_within(cold, 700), rel=0.01)
    np.testing.assert_allclose(cored[0], cold[0], rtol=1e-5)

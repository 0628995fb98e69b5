import math
from dataclasses import replace

import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.simulation import Physics, nfw
from darkcnn.simulation.dark_matter import core_of, dark_matter_map
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.jeans import NO_CORE
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y


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


def test_inner_densities_scatter_as_einasto_profiles_of_observed_indices(deviates, physics):
    """X-COP: 0.19 with a scatter of 0.06 (Eckert et al. 2022)."""
    halo = Halo(Epoch.at_redshift(0.25), math.log10(3.5e14), 4.7, np.ones(3), np.eye(3), 0.0)
    high = replace(deviates, halo=deviates.halo | {"inner": 1.0}, model=dict.fromkeys(deviates.model, 0.0))
    diverse = replace(physics, inner_scatter=replace(Physics().inner_scatter, halo=1.0))
    images = [dark_matter_map(halo, NO_CORE, (0, 0), high, each) for each in (diverse, physics)]
    r = np.geomspace(0.01, 2e4, 6000)

    def surface_density(index, radius):  # over the mass within r200
        density = np.exp(-2 / index * ((r / halo.scale_radius) ** index - 1))
        mass = np.trapezoid(4 * np.pi * r**3 * density * (r <= halo.radius), np.log(r))
        z = np.linspace(0, 12, 1500)
        along = np.interp(radius * np.cosh(z), r, density) * radius * np.cosh(z)
        return 2 * np.trapezoid(along, z) / mass

    for column in (50, 51, 52):
        radius = math.hypot(X[50, column], Y[50, column], math.sqrt(0.1 * PIXEL_AREA))
        expected = np.log(surface_density(0.13, radius) / surface_density(0.25, radius)) / 2
        scatter = np.log(images[0][50, column] / images[1][50, column])
        assert scatter == pytest.approx(expected, abs=0.02)

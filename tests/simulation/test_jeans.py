import math

import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.simulation import Physics, nfw
from darkcnn.simulation.dark_matter import scattering_rate
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.jeans import GALAXY_MASSES, LOG_SCATTERINGS, core_profile, core_table, solve_cores

BLUR = Physics().core_blur
RADII = np.exp(nfw.LOG_RADII)


def test_cores_match_the_outer_halo():
    core_radii = np.geomspace(0.004, 2.6, 5)
    for galaxy_mass in GALAXY_MASSES[[0, -1]]:
        *_, residual = solve_cores(core_radii, np.full(5, galaxy_mass))
        assert residual.max() < 1e-6


def test_scattering_moves_mass_but_neither_adds_nor_removes_it():
    table = core_table(BLUR)
    defect = np.trapezoid(RADII**2 * table.surface_density / 2, nfw.LOG_RADII)
    assert np.abs(defect / nfw.enclosed_mass(4.0)).max() < 1e-3
    np.testing.assert_array_equal(table.mass[..., -1], 0)


def test_surface_density_and_mass_tell_the_same_core():
    core = core_profile(1.0, 0.001, BLUR)
    # Abel's integral: the mass within a sphere from the surface density, here of the changes of both.
    density = np.gradient(core.mass, nfw.LOG_RADII) / RADII**3
    for radius in (0.05, 0.2):
        depth = np.linspace(0, 4, 20001)
        along = np.interp(np.log(np.hypot(radius, depth)), nfw.LOG_RADII, density)
        projected = np.interp(math.log(radius), nfw.LOG_RADII, core.surface_density)
        assert projected == pytest.approx(2 * np.trapezoid(along, depth), rel=0.02)


def test_more_scattering_makes_larger_and_shallower_cores():
    table = core_table(BLUR)
    assert (np.diff(table.radius, axis=0) >= 0).all()
    centre = np.searchsorted(RADII, 0.02)
    assert (np.diff(table.mass[..., centre], axis=0) < 0).all()
    assert table.potential[:, 0].min() > -1e-6  # without a galaxy to contract it, the well gets less deep


def test_galaxies_shrink_cores():
    bare, with_galaxy = core_profile(1.0, 0.0, BLUR), core_profile(1.0, 0.004, BLUR)
    centre = np.searchsorted(RADII, 0.05)
    assert bare.mass[centre] < with_galaxy.mass[centre] < 0


def test_values_beyond_the_table_are_clipped():
    edge = core_profile(math.exp(LOG_SCATTERINGS[-1]), GALAXY_MASSES[-1], BLUR)
    beyond = core_profile(1e3, 1.0, BLUR)
    np.testing.assert_array_equal(edge.surface_density, beyond.surface_density)


@pytest.mark.parametrize(
    ("cross_section", "expected"),
    [(0.1, [0.67, 0.88, 1.0, 1.0]), (0.3, [0.42, 0.68, 0.93, 1.03]), (1, [0.22, 0.44, 0.76, 1.04])],
)
def test_density_of_a_typical_cluster(cross_section, expected):
    """Density over that of cold dark matter at 10, 24, 56 and 132 kpc, from an independent integration."""
    physics = Physics()
    halo = Halo(Epoch.at_redshift(0.0), math.log10(3.5e14), 4.93, np.ones(3), np.eye(3), 0.0)
    age = physics.core_age * halo.epoch.age
    scatterings = scattering_rate(cross_section, halo, density=1, speed=1) * age
    galaxy_mass = physics.core_galaxy_mass * 10**physics.galaxy_log_mass / halo.mass_unit
    core = core_profile(scatterings, galaxy_mass, physics.core_blur)

    change = np.gradient(core.mass, nfw.LOG_RADII) / RADII**3
    x = np.array([10, 24, 56, 132]) / halo.scale_radius
    ratio = 1 + np.interp(x, RADII, change) / nfw.density(x)
    np.testing.assert_allclose(ratio, expected, atol=0.02)

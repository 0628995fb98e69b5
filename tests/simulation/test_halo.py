import math

import numpy as np
import pytest
from astropy import units
from astropy.cosmology import Planck18
from astropy.modeling.physical_models import NFW

from darkcnn.cosmology import BAHAMAS, GRAVITY, Epoch
from darkcnn.simulation import Physics, nfw
from darkcnn.simulation.deviates import Deviates, generator
from darkcnn.simulation.halo import Halo, draw_halo


def halo_at(redshift, number, physics):
    halo_rng, snapshot_rng = generator(0, "halo", number), generator(0, "snapshot", number, redshift)
    deviates = Deviates.of_snapshot(halo_rng, snapshot_rng, physics.disturbance)
    return draw_halo(Epoch.at_redshift(redshift), deviates, halo_rng, physics)


def test_mean_density_within_the_radius_is_200_times_the_critical():
    halo = Halo(Epoch.at_redshift(0.25), 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
    volume = 4 / 3 * math.pi * halo.radius**3
    assert halo.mass / volume == pytest.approx(200 * BAHAMAS.critical_density(0.25).to_value("Msun/kpc3"))
    assert halo.mass_unit * nfw.enclosed_mass(4.0) == pytest.approx(halo.mass)
    within_scale_radius = GRAVITY * 4 * math.pi * halo.scale_density * halo.scale_radius**2
    assert halo.scale_velocity == pytest.approx(math.sqrt(within_scale_radius))


@pytest.mark.parametrize(
    ("redshift", "expected"), [(0, 14.60), (0.125, 14.56), (0.25, 14.50), (0.375, 14.42)]
)
def test_mean_mass_is_that_of_the_simulations(redshift, expected):
    masses = [halo_at(redshift, number, Physics()).log_mass for number in range(400)]
    assert np.mean(masses) == pytest.approx(expected, abs=0.04)
    assert 0.17 < np.std(masses) < 0.25


def test_a_halo_grows_but_keeps_its_orientation():
    early, late = halo_at(0.375, 3, Physics()), halo_at(0, 3, Physics())
    assert early.log_mass < late.log_mass
    np.testing.assert_array_equal(early.rotation, late.rotation)
    assert early.axes.prod() == pytest.approx(1)


def test_physics_changes_one_thing_at_a_time():
    default, concentrated = halo_at(0, 3, Physics()), halo_at(0, 3, Physics(concentration=6.0))
    assert concentrated.concentration == pytest.approx(default.concentration * 6 / 5)
    assert concentrated.log_mass == default.log_mass


def test_cosmology_changes_the_radius():
    here, there = (
        Halo(Epoch.at_redshift(0.25, universe), 14.6, 4.0, np.ones(3), np.eye(3), 0.0)
        for universe in (BAHAMAS, Planck18)
    )
    density = Planck18.critical_density(0.25) / BAHAMAS.critical_density(0.25)
    assert there.radius / here.radius == pytest.approx(float(density) ** (-1 / 3))
    assert there.virial_velocity != here.virial_velocity
    assert type(there.radius) is type(there.virial_velocity) is float


@pytest.mark.parametrize("universe", [BAHAMAS, Planck18])
@pytest.mark.parametrize("redshift", [0, 0.375])
def test_virial_velocity_is_that_of_astropy(redshift, universe):
    expected = NFW(3e14 * units.Msun, massfactor="virial", redshift=redshift, cosmo=universe)
    velocity = expected.circular_velocity(expected.r_virial.to("kpc")).to_value("km/s")
    halo = Halo(Epoch.at_redshift(redshift, universe), math.log10(3e14), 4.0, np.ones(3), np.eye(3), 0.0)
    assert halo.virial_velocity == pytest.approx(velocity, rel=1e-4)

import numpy as np
import pytest
from astropy import constants, units
from astropy.cosmology import LambdaCDM, Planck18

from darkcnn.cosmology import BAHAMAS
from darkcnn.noise import critical_surface_density
from darkcnn.noise.geometry import Lenses

REDSHIFTS = np.array([0.01, 0.1, 0.3, 1.0, 2.0, 5.0])


def test_distances_are_those_of_astropy():
    expected = BAHAMAS.comoving_distance(REDSHIFTS).to_value(units.kpc)
    np.testing.assert_allclose(Lenses(REDSHIFTS).comoving, expected, rtol=1e-8)


def test_critical_surface_density_is_that_of_astropy():
    to_lens, to_source = (BAHAMAS.angular_diameter_distance(z) for z in (0.3, 2.0))
    between = to_source - to_lens * 1.3 / 3  # comoving distances subtract in a flat universe
    expected = constants.c**2 / (4 * np.pi * constants.G) * to_source / (to_lens * between)
    # Newton's constant and the solar mass are known to 1e-5.
    assert critical_surface_density(0.3, 2.0) == pytest.approx(
        expected.to_value(units.Msun / units.Mpc**2), rel=1e-4
    )


@pytest.mark.parametrize("cosmology", [Planck18, LambdaCDM(70, 0.3, 0.6), LambdaCDM(70, 0.3, 0.9)])
def test_any_cosmology_gives_its_distances(cosmology):
    lens = np.array([0.1, 0.3, 0.5])
    source = cosmology.angular_diameter_distance(1.2)
    expected = [(cosmology.angular_diameter_distance(z, 1.2) / source).value for z in lens]
    np.testing.assert_allclose(Lenses(lens, cosmology).efficiency(1.2), expected, rtol=1e-10)
    expected = cosmology.arcsec_per_kpc_proper(lens).value * 40 / 60
    np.testing.assert_allclose(Lenses(lens, cosmology).pixel_side(50), expected)
    ratio = critical_surface_density(lens, 1.2, cosmology) / critical_surface_density(lens, 1.2)
    assert (np.abs(ratio - 1) > 1e-4).all()


def test_sources_in_front_are_not_lensed():
    assert Lenses(0.3).efficiency([0.1, 0.3, 0.4]).tolist()[:2] == [0, 0]


def test_pixels_have_the_angle_of_their_side():
    # 20 kpc at redshift 0.3 are 4.47 arcsec.
    expected = BAHAMAS.arcsec_per_kpc_proper(0.3).value * 20 / 60
    assert expected * 60 == pytest.approx(4.47, abs=0.01)
    assert Lenses(0.3).pixel_side(100) == pytest.approx(expected)
    np.testing.assert_allclose(Lenses(REDSHIFTS).pixel_side(50), 2 * Lenses(REDSHIFTS).pixel_side(100))


@pytest.mark.parametrize(
    ("z_lens", "z_source", "message"),
    [
        (0.0, 2.0, r"z_lens must be above 0, got 0\.0"),
        (np.nan, 2.0, "z_lens must be above 0, got nan"),
        (0.5, 0.4, r"z_source must be above z_lens, got 0\.4 for a lens at 0\.5"),
        ([0.1, 0.5], 0.5, r"z_source must be above z_lens, got 0\.5 for a lens at 0\.5"),
    ],
)
def test_impossible_lenses_are_refused(z_lens, z_source, message):
    with pytest.raises(ValueError, match=message):
        critical_surface_density(z_lens, z_source)

import numpy as np
import pytest
from astropy import units as u
from astropy.cosmology import FlatLambdaCDM
from astropy.cosmology.units import littleh
from astropy.utils.masked import Masked

from darkcnn.records.quantities import label_from, map_values, pixel_kpc, to_values

IMAGE = np.array([[1.0, 2.0], [3.0, 7.0]]) * 1e15  # Msun / Mpc2


# Factors by hand. 1 Mpc2 = 1e6 kpc2. 1 Msun / pc2 = 1e12 Msun / Mpc2. A pixel of 20 kpc has 4e-4 Mpc2.
# 1 Msun = 1.98841e33 g and 1 Mpc = 3.0856776e24 cm, so 1 Msun / Mpc2 = 2.08838e-16 g / cm2.
@pytest.mark.parametrize(
    ("factor", "unit"),
    [
        (1, "Msun / Mpc2"),
        (1e-6, "Msun / kpc2"),
        (1e-12, "Msun / pc2"),
        (4e-4, "Msun"),
        (4e-14, "1e10 Msun"),
        (1.98841e33 / 3.0856776e24**2, "g / cm2"),
    ],
)
def test_one_map_in_many_units(factor, unit):
    np.testing.assert_allclose(map_values("total", IMAGE * factor * u.Unit(unit), 20.0), IMAGE, rtol=1e-5)


def test_logarithms_declared_as_such():
    image = np.log10(IMAGE / 1e6) * u.dex(u.Msun / u.kpc**2)
    np.testing.assert_allclose(map_values("total", image, 20.0), IMAGE)
    image = np.log10(IMAGE * 4e-4) * u.dex(u.Msun)
    np.testing.assert_allclose(map_values("total", image, 20.0), IMAGE)


# 1 arcmin2 = 3600 arcsec2 = 1 / 3600 deg2; 1 W / m2 = 1e7 erg/s / 1e4 cm2 = 1e3 erg / s / cm2.
@pytest.mark.parametrize(
    ("factor", "unit"),
    [(1 / 3600, "erg / (s cm2 arcsec2)"), (3600, "erg / (s cm2 deg2)"), (1e-3, "W / (m2 arcmin2)")],
)
def test_one_xray_map_in_many_units(factor, unit):
    image = IMAGE * 1e-28
    np.testing.assert_allclose(map_values("xray", image * factor * u.Unit(unit), 20.0), image)


def test_masked_is_not_known():
    mask = np.array([[False, True], [False, False]])
    expected = np.where(mask, np.nan, IMAGE)
    for image in (np.ma.array(IMAGE, mask=mask), Masked(IMAGE * u.Msun / u.Mpc**2, mask=mask)):
        np.testing.assert_array_equal(map_values("total", image, 20.0), expected)


def test_input_is_not_changed():
    image = np.ma.array(IMAGE.astype(">f8"), mask=IMAGE > 5e15)
    before = image.copy()
    map_values("total", image, 20.0)[0] = 0
    assert image.data.tolist() == before.data.tolist()
    assert image.mask.tolist() == before.mask.tolist()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (IMAGE * u.Msun / littleh / u.Mpc**2, "without h"),
        (IMAGE * u.Jy, "must be in 'solMass Mpc-2', got Jy"),
        (IMAGE * u.m, "must be in 'solMass Mpc-2', got m"),
        (IMAGE.astype(str), "must be numbers"),
        (IMAGE.astype(complex), "must be numbers"),
    ],
)
def test_wrong_units_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        map_values("total", image, 20.0)


def test_counts_are_no_surface_brightness():
    with pytest.raises(ValueError, match="for photon counts, use"):
        map_values("xray", IMAGE * u.ct, 20.0)


def test_comoving_maps_of_unyt_are_refused():
    class Comoving:
        comoving = True

        def to_astropy(self):
            raise AssertionError

    with pytest.raises(ValueError, match=r"must be in proper units, got comoving ones: call \.to_physical"):
        to_values(Comoving(), "kpc", "pixel_scale")


# In an Einstein-de Sitter universe, the angular diameter distance is (2 c / H0) (1 - (1 + z)^-1/2) / (1 + z).
# At z = 3 and H0 = 70, it is 2 x 4282.749 Mpc x 0.5 / 4 = 1070.687 Mpc, of which an arcsecond is 5.19080 kpc.
def test_angles():
    flat = FlatLambdaCDM(H0=70, Om0=1, Tcmb0=0)
    assert pixel_kpc(4 * u.arcsec, 3.0, flat) == pytest.approx(4 * 5.19080, rel=1e-5)
    assert pixel_kpc(0.02 * u.Mpc, 0.25, None) == pytest.approx(20)
    with pytest.raises(ValueError, match="must be in kpc at redshift 0"):
        pixel_kpc(4 * u.arcsec, 0.0, None)


@pytest.mark.parametrize("scale", [0.02, 20_000.0, np.nan, -20.0])
def test_lengths_in_other_units_are_refused(scale):
    with pytest.raises(ValueError, match=r"pixel_scale must be 0\.05 to 500 kpc"):
        pixel_kpc(scale, 0.25, None)


# 1 cm2 / g = 1000 cm2 / kg = 0.1 m2 / kg.
@pytest.mark.parametrize(
    ("given", "label"),
    [
        (0, "CDM"),
        (np.float32(0.1), "SIDM0.1"),
        (300 * u.cm**2 / u.kg, "SIDM0.3"),
        (0.1 * u.m**2 / u.kg, "SIDM1"),
        ("SIDM1.0/strong", "SIDM1/strong"),
        (b"CDM", "CDM"),
    ],
)
def test_labels(given, label):
    assert label_from(given) == label


@pytest.mark.parametrize("given", [1000, -1, np.nan, 1 * u.cm**2])
def test_cross_sections_in_other_units_are_refused(given):
    with pytest.raises(ValueError, match="cross_section must be"):
        label_from(given)

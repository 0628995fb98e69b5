import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from scipy.integrate import quad

from darkcnn.observations import cut_out
from darkcnn.observations.sky import offsets_kpc

CENTER, REDSHIFT = (150.3, 32.1), 0.3


@pytest.mark.parametrize(
    ("pixel", "orientation"),
    [
        (10.0, {}),
        (10.0, {"rotation": 30}),
        (7.3, {"rotation": -100}),
        (10.0, {"parity": -1}),
        (25.0, {"rotation": 45, "parity": -1}),
    ],
)
def test_every_image_of_a_cluster_gives_the_same_map(sky, pixel, orientation):
    image, expected = sky
    side = int(3000 / pixel)
    found = cut_out(image((side, side + 9), pixel, **orientation), CENTER, REDSHIFT)
    wanted = expected(50)
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=0.01 * wanted.max())
    assert found.sum() == pytest.approx(wanted.sum(), rel=0.003)  # mass is conserved
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.9995
    for turned in (wanted[:, ::-1], wanted[::-1], wanted.T):
        assert np.corrcoef(found.ravel(), turned.ravel())[0, 1] < 0.99


def test_pixels_that_fit_are_averaged_exactly(sky):
    values, wcs = sky[0]((200, 200), 10.0)
    np.testing.assert_allclose(
        cut_out((values, wcs), CENTER, REDSHIFT), values.reshape(50, 4, 50, 4).mean(axis=(1, 3)), rtol=1e-3
    )


def test_positions_by_hand():
    # The comoving distance in a flat universe, over 1 + z: 36 arcsec are 1e-2 degrees.
    comoving = 299792.458 / 70 * 1e3 * quad(lambda z: (0.2793 * (1 + z) ** 3 + 0.7207) ** -0.5, 0, 0.3)[0]
    side = np.deg2rad(0.01) * comoving / 1.3
    x, y = offsets_kpc(np.array([150.3, 150.29]), np.array([32.11, 32.1]), CENTER, REDSHIFT)
    np.testing.assert_allclose(x, [0, side * np.cos(np.deg2rad(32.1))], atol=0.01)
    np.testing.assert_allclose(y, [side, 0], atol=0.02)
    assert np.isnan(offsets_kpc(np.array([330.3]), np.array([-32.1]), CENTER, REDSHIFT)).all()


def test_files_and_sky_coordinates(sky, tmp_path):
    values, wcs = sky[0]((300, 300), 10.0, rotation=30)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values, wcs.to_header(), name="MASS")]).writeto(
        tmp_path / "a.fits"
    )
    found = cut_out(tmp_path / "a.fits", SkyCoord(*CENTER, unit="deg"), REDSHIFT)
    np.testing.assert_allclose(found, cut_out((values, wcs), CENTER, REDSHIFT))
    np.testing.assert_array_equal(found, cut_out(tmp_path / "a.fits", CENTER, REDSHIFT, hdu="MASS"))


def test_gaps(sky):
    values, wcs = sky[0]((240, 150), 10.0)
    with pytest.raises(ValueError, match=r"'image' must cover the whole field of 2 Mpc, but 25\.\d+% of it"):
        cut_out((values, wcs), CENTER, REDSHIFT)
    filled = cut_out((values, wcs), CENTER, REDSHIFT, fill_value=7.0, max_gap=0.3)
    np.testing.assert_allclose(filled[:, :5], 7.0, rtol=1e-5)
    np.testing.assert_allclose(filled[:, 10:40], sky[1](50)[:, 10:40], rtol=0.1, atol=1)


@pytest.mark.parametrize(
    ("pixel", "center", "message"),
    [
        (50.0, CENTER, "not be larger than those of the map, 40 kpc, got 50 kpc: use n_pixels=4"),
        (10.0, (150.3, -32.1), "center must be within the image"),
        (10.0, (160.0, 32.1), "center must be within the image"),
        (10.0, (10.02 * 3600, 32.1), "center must be right ascension and declination in degrees"),
    ],
)
def test_wrong_images_are_refused(sky, pixel, center, message):
    with pytest.raises(ValueError, match=message):
        cut_out(sky[0]((200, 200), pixel), center, REDSHIFT)

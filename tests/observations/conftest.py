import numpy as np
import pytest
from astropy.wcs import WCS

from darkcnn.cosmology import BAHAMAS

CENTER, REDSHIFT = (150.3, 32.1), 0.3


def wcs_of(shape, pixel, rotation=0.0, parity=1, center=CENTER):
    """Coordinates of an image with the centre in its middle, pixels in kpc; parity -1: east to the right."""
    degrees = np.rad2deg(pixel / BAHAMAS.angular_diameter_distance(REDSHIFT).to_value("kpc"))
    cos, sin = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = center
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    wcs.wcs.cd = degrees * np.array([[cos, -sin], [sin, cos]]) @ np.diag([-parity, 1])
    return wcs


def brightness(west, north):
    """Asymmetric cluster at positions in kpc."""
    main = 100 / (1 + np.hypot(west + 0.3 * north - 60, north / 0.7 + 40) / 150) ** 2
    return main + 20 * np.exp(-((west - 500) ** 2 + (north - 300) ** 2) / (2 * 120**2))


@pytest.fixture
def sky():
    """Return functions that draw the cluster on an image of the sky, and on the pixels of a map."""

    def image(shape, pixel, **orientation):
        from darkcnn.observations.sky import offsets_kpc

        wcs = wcs_of(shape, pixel, **orientation)
        y, x = np.indices(shape)
        return brightness(*offsets_kpc(*wcs.all_pix2world(x, y, 0), CENTER, REDSHIFT)), wcs

    def expected(n_pixels, n_fine=8):
        axis = ((np.arange(n_pixels * n_fine) + 0.5) / (n_pixels * n_fine) - 0.5) * 2000
        fine = brightness(axis, axis[:, np.newaxis])
        return fine.reshape(n_pixels, n_fine, n_pixels, n_fine).mean(axis=(1, 3))

    return image, expected

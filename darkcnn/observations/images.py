"""Cluster maps from sky images with any rotation and pixel size."""

import warnings
from math import ceil

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from astropy.wcs.utils import proj_plane_pixel_scales

from darkcnn.observations.sky import kpc_per_radian, offsets_kpc, sky_position
from darkcnn.records import FIELD_SIZE, fill_gaps

_N_SUBPIXELS = 8
"""Minimum number of points along the side of an output pixel, into which image pixels are divided."""


def read_sky_image(image, hdu=None):
    """Read the values and coordinates of a sky image.

    Parameters
    ----------
    image : path-like, HDU of astropy, or (array, astropy.wcs.WCS)
        Image. Invalid FITS headers are repaired if possible.
    hdu : int, str or None, default=None
        Extension of the file; None for the first image.

    Returns
    -------
    values : ndarray of shape (height, width)
        Values, NaN where unknown.
    wcs : astropy.wcs.WCS
        Celestial coordinates.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        if isinstance(image, tuple):
            values, wcs = image
        elif hasattr(image, "header"):
            values, wcs = _of_hdu(image)
        else:
            with open(image, "rb") as file, fits.open(file, ignore_missing_end=True) as hdus:
                images = [each for each in hdus if each.is_image and each.header.get("NAXIS", 0) >= 2]
                if hdu is None and not images:
                    raise ValueError(f"{image} must contain an image, found {[each.name for each in hdus]}")
                values, wcs = _of_hdu(images[0] if hdu is None else hdus[hdu])
        wcs = wcs.celestial
    values = np.ma.filled(np.ma.asarray(getattr(values, "value", values), float), np.nan)
    if values.ndim != 2 or wcs.naxis != 2:
        raise ValueError(
            f"image must have two axes, right ascension and declination in its WCS, got shape {values.shape}"
        )
    return values, wcs


def _of_hdu(hdu):
    hdu.verify("silentfix+ignore")
    return np.array(hdu.data), WCS(hdu.header)


def cut_out(image, center, redshift, *, hdu=None, n_pixels=50, fill_value=None, max_gap=0.1, cosmology=None):
    """Cut out a cluster from a sky image: 2 Mpc, north up and east left.

    Pixels are divided into points, which are averaged over the output pixels. This conserves the mean surface
    brightness for any rotation and pixel size of the image; nothing is interpolated.

    Parameters
    ----------
    image : path-like, HDU of astropy, or (array, astropy.wcs.WCS)
        Sky image of a surface brightness or density, in any unit.
    center : (float, float) or astropy.coordinates.SkyCoord
        Right ascension and declination of the cluster, degrees.
    redshift : float
        Redshift of the cluster.
    hdu : int, str or None, default=None
        Extension of the file; None for the first image.
    n_pixels : int, default=50
        Height and width of the map.
    fill_value : float or None, default=None
        Value for gaps; None to raise an error.
    max_gap : float, default=0.1
        Largest fraction of the field that may be filled.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for the distance. None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels)
        Map, row 0 in the south, column 0 in the east.

    Raises
    ------
    ValueError
        If the image has no celestial coordinates or larger pixels than the map, or does not cover the field.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from darkcnn.observations import cut_out
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    >>> wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (150, 2), (150.5, 150.5), (-0.001, 0.001)
    >>> cut_out((np.ones((300, 300)), wcs), (150, 2), 0.3, n_pixels=20).shape
    (20, 20)
    """
    values, wcs = read_sky_image(image, hdu)
    sums, points, expected = deposit(values, wcs, center, redshift, n_pixels, cosmology)
    mean = sums / np.maximum(points, 1)
    covered = np.minimum(points / expected, 1)
    covered[covered > 0.9] = 1  # the number of points in a pixel fluctuates
    return fill_gaps("image", mean * covered, covered, fill_value, max_gap)


def deposit(values, wcs, center, redshift, n_pixels, cosmology=None):
    """Sum the points of image pixels in the pixels of a map.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        Image, NaN where unknown.
    wcs : astropy.wcs.WCS
        Coordinates of the image.
    center, redshift, n_pixels, cosmology
        See :func:`cut_out`.

    Returns
    -------
    sums : ndarray of shape (n_pixels, n_pixels)
        Sum of the values of the known points.
    points : ndarray of shape (n_pixels, n_pixels)
        Number of known points.
    expected : float
        Number of points in a pixel that is fully covered.
    """
    wanted = FIELD_SIZE / n_pixels
    sides = np.deg2rad(proj_plane_pixel_scales(wcs)) * kpc_per_radian(redshift, cosmology)
    if not (sides <= wanted * (1 + 1e-3)).all():
        raise ValueError(
            f"pixels of the image must not be larger than those of the map, {wanted:.4g} kpc, got "
            f"{sides.max():.4g} kpc: use n_pixels={max(int(FIELD_SIZE / sides.max()), 1)} or fewer"
        )
    divide = ceil(_N_SUBPIXELS * sides.max() / wanted)
    rows, columns = window(values.shape, wcs, center, FIELD_SIZE / sides.min())
    steps = (np.arange(divide) + 0.5) / divide - 0.5
    y = (np.arange(rows.start, rows.stop)[:, np.newaxis] + steps).ravel()
    x = (np.arange(columns.start, columns.stop)[:, np.newaxis] + steps).ravel()
    part = np.repeat(np.repeat(values[rows, columns], divide, axis=0), divide, axis=1)
    ra, dec = wcs.all_pix2world(*np.meshgrid(x, y), 0)
    west, north = offsets_kpc(ra, dec, center, redshift, cosmology)
    edges = (np.arange(n_pixels + 1) - n_pixels / 2) * wanted
    known = np.isfinite(part) & np.isfinite(west)

    def add_up(weights):
        return np.histogram2d(north[known], west[known], (edges, edges), weights=weights)[0]

    return add_up(part[known]), add_up(None), wanted**2 / sides.prod() * divide**2


def window(shape, wcs, center, reach):
    """Return the rows and columns of an image near a position."""
    column, row = (float(each) for each in wcs.all_world2pix(*sky_position(center, "center"), 0))
    if not np.isfinite([column, row]).all():
        raise ValueError(f"center must be within the image, got {sky_position(center, 'center')}")
    half = ceil(0.75 * reach) + 1  # half the diagonal of the field is 0.71 of its side
    near = [
        slice(min(max(round(at) - half, 0), n), max(min(round(at) + half + 1, n), 0))
        for at, n in zip((row, column), shape, strict=True)
    ]
    if any(part.start >= part.stop for part in near):
        raise ValueError(f"center must be within the image, got {sky_position(center, 'center')}")
    return near

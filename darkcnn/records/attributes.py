"""Attributes of a cluster, measured on maps of any pixel size."""

from functools import lru_cache
from math import ceil, floor

import numpy as np

from darkcnn.records.peak import middle_of, smoothed_peak

_PEAK_REACH = 600.0
"""Half-width of the search box for the X-ray peak about the centre, in kpc."""

_PEAK_SMOOTHING = 30.0
"""Standard deviation of the Gaussian smoothing before the X-ray peak is searched, in kpc."""

XRAY_PIXEL = 50.0
"""Largest pixel for the X-ray concentration, in kpc: half of the smaller radius."""

STELLAR_PIXEL = 20.0
"""Largest pixel for the shape and concentration of the central galaxy, in kpc."""


def xray_concentration(xray, pixel, center=None):
    """Measure the X-ray concentration: emission within 100 kpc of the peak over that within 400 kpc.

    The radii are those of Harvey (2024); Santos et al. (2008) used 40 and 400 kpc. Clusters above 0.2 are
    relaxed.

    Parameters
    ----------
    xray : ndarray of shape (height, width)
        Surface brightness, in any unit.
    pixel : float
        Side of a pixel, kpc.
    center : (float, float) or None, default=None
        Row and column about which the peak is searched; None for the middle of the map.

    Returns
    -------
    float
        Concentration; NaN if the map is too small or has no emission.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.records import xray_concentration
    >>> round(xray_concentration(load_example().data["xray"][0], pixel=40), 2)
    0.23
    """
    center = middle_of(xray) if center is None else center
    row, column, _ = smoothed_peak(xray, _PEAK_SMOOTHING / pixel, center, _PEAK_REACH / pixel)
    return _concentration(xray, pixel, (row, column), 100, 400)


def bcg_concentration(stellar, pixel, center=None):
    """Measure the stellar concentration: mass within 30 kpc of the centre over that within 100 kpc.

    Parameters
    ----------
    stellar : ndarray of shape (height, width)
        Stellar surface density, in any unit.
    pixel : float
        Side of a pixel, kpc.
    center : (float, float) or None, default=None
        Row and column of the centre; None for the middle of the map.

    Returns
    -------
    float
        Concentration; NaN if the map is too small or has no stars.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records import bcg_concentration
    >>> round(bcg_concentration(np.ones((500, 500)), pixel=1), 2)
    0.09
    """
    return _concentration(stellar, pixel, middle_of(stellar) if center is None else center, 30, 100)


def _concentration(image, pixel, center, inner, outer):
    """Return the sum within one radius over that within another, kpc; NaN if undefined."""
    aperture = _cut(image, pixel, center, outer)
    if aperture is None:
        return np.nan
    part, window, offset = aperture
    within, total = (float((part * _disc(r, outer, pixel, *offset)[window]).sum()) for r in (inner, outer))
    return within / total if total > 0 else np.nan


def bcg_ellipticity(stellar, pixel, center=None):
    """Measure the ellipticity components e1, e2 of the stars within 100 kpc of the centre.

    (I_xx - I_yy, 2 I_xy) / (I_xx + I_yy) of the second moments about the centroid: e1 is positive for an
    elongation along x, the columns, e2 for one along the diagonal x = y, towards higher rows and columns.

    Parameters
    ----------
    stellar : ndarray of shape (height, width)
        Stellar surface density, in any unit.
    pixel : float
        Side of a pixel, kpc.
    center : (float, float) or None, default=None
        Row and column of the centre; None for the middle of the map.

    Returns
    -------
    e1, e2 : float
        Ellipticity; NaN if the map is too small or has no stars.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records import bcg_ellipticity
    >>> x, y = np.meshgrid(np.arange(-99.5, 100), np.arange(-99.5, 100))
    >>> e1, e2 = bcg_ellipticity(np.exp(-(x**2 + 4 * y**2) / 800), pixel=2)
    >>> round(e1, 1), round(abs(e2), 1)
    (0.6, 0.0)
    """
    aperture = _cut(stellar, pixel, middle_of(stellar) if center is None else center, 100)
    if aperture is None:
        return np.nan, np.nan
    part, (rows, columns), offset = aperture
    weight = part * _disc(100, 100, pixel, *offset)[rows, columns]
    if not weight.sum() > 0:
        return np.nan, np.nan
    weight = weight / weight.sum(dtype=float)
    y, x = (_axis(100, pixel, along) for along in offset)
    x, y = x[columns], y[rows, np.newaxis]
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    xx, yy, xy = (weight * x * x).sum(), (weight * y * y).sum(), (weight * x * y).sum()
    return float((xx - yy) / (xx + yy)), float(2 * xy / (xx + yy))


def _half_box(radius, pixel):
    return ceil(radius / pixel) + 1


def _cut(image, pixel, center, radius):
    """Cut out the square about a disc; None if the disc exceeds the image.

    Returns the part of the image, the corresponding part of the square, and the position of the centre in
    pixels from the middle of the square.
    """
    reach = radius / pixel
    sides = list(zip(center, image.shape, strict=True))
    if any(c - reach < -0.5 or c + reach > n - 0.5 for c, n in sides):
        return None
    half = _half_box(radius, pixel)
    firsts = [floor(c + 0.5) - half for c in center]
    offset = tuple(round(c - first - half + 0.5, 3) for c, first in zip(center, firsts, strict=True))
    inside = [
        slice(max(first, 0), min(first + 2 * half, n)) for first, n in zip(firsts, image.shape, strict=True)
    ]
    window = tuple(
        slice(part.start - first, part.stop - first) for part, first in zip(inside, firsts, strict=True)
    )
    return image[tuple(inside)], window, offset


def _axis(radius, pixel, offset):
    """Return the positions of the pixels of a square from the centre, in kpc."""
    half = _half_box(radius, pixel)
    return (np.arange(2 * half) - half + 0.5 - offset) * pixel


@lru_cache(maxsize=64)
def _disc(radius, largest, pixel, row_offset, column_offset):
    """Return the fraction of each pixel of a square inside a disc about the centre, on 5 x 5 points."""
    x, y = _axis(largest, pixel, column_offset), _axis(largest, pixel, row_offset)[:, np.newaxis]
    steps = ((np.arange(5) + 0.5) / 5 - 0.5) * pixel
    shares = np.zeros((len(y), len(x)), np.float32)
    for dx in steps:
        for dy in steps:
            shares += np.hypot(x + dx, y + dy) < radius
    return shares / np.float32(25)

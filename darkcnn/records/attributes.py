"""Attributes of a cluster that are measured on its maps, of pixels of any size."""

from functools import lru_cache
from math import ceil, floor

import numpy as np

from darkcnn.records.peak import around, middle_of, smoothed_peak

_PEAK_REACH = 600.0
"""Distance from the centre, along each axis, within which the X-ray peak is looked for, in kpc."""

_PEAK_SMOOTHING = 30.0
"""Standard deviation of the Gaussian that smooths the map before the X-ray peak is looked for, in kpc."""

XRAY_PIXEL = 50.0
"""Largest pixel that tells the X-ray concentration, in kpc: half of the smaller radius."""

STELLAR_PIXEL = 20.0
"""Largest pixel that tells the shape and concentration of the central galaxy, in kpc."""


def xray_concentration(xray, pixel, center=None):
    """Return the X-ray emission within 100 kpc of its peak over that within 400 kpc.

    The radii are those of Harvey (2024); Santos et al. (2008) defined the concentration with 40 kpc. Clusters
    above 0.2 are relaxed. A pixel counts where its middle lies within the radius.

    Parameters
    ----------
    xray : ndarray of shape (height, width)
        Surface brightness, in any unit.
    pixel : float
        Side of a pixel, kpc.
    center : (float, float) or None, default=None
        Row and column about which the peak is looked for; None for the middle of the map.

    Returns
    -------
    float
        Concentration; NaN where the map does not reach as far, or there is no emission.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.records import xray_concentration
    >>> round(xray_concentration(load_example().data["xray"][0], pixel=40), 2)
    0.25
    """
    center = middle_of(xray) if center is None else center
    row, column, _ = smoothed_peak(xray, _PEAK_SMOOTHING / pixel, center, _PEAK_REACH / pixel)
    if _beyond(xray, (row, column), 400 / pixel):
        return np.nan
    rows, columns = (around(n, c, 400 / pixel + 1) for n, c in zip(xray.shape, (row, column), strict=True))
    xray = xray[rows, columns]
    x, y = np.arange(columns.start, columns.stop) - column, np.arange(rows.start, rows.stop) - row
    squared = x**2 + y[:, np.newaxis] ** 2
    inner, outer = (xray[squared < (radius / pixel) ** 2].sum() for radius in (100, 400))
    return float(inner / outer) if outer > 0 else np.nan


def bcg_concentration(stellar, pixel, center=None):
    """Return the stellar mass within 30 kpc of the centre over that within 100 kpc.

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
        Concentration; NaN where the map does not reach as far, or there are no stars.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records import bcg_concentration
    >>> round(bcg_concentration(np.ones((500, 500)), pixel=1), 2)
    0.09
    """
    cut = _around_galaxy(stellar, pixel, center)
    if cut is None:
        return np.nan
    image, offset = cut
    inner, outer = (float((image * _disc(radius, pixel, *offset)).sum()) for radius in (30, 100))
    return inner / outer if outer > 0 else np.nan


def bcg_ellipticity(stellar, pixel, center=None):
    """Return the components e1, e2 of the ellipticity of the stars within 100 kpc of the centre.

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
        Ellipticity; NaN where the map does not reach as far, or there are no stars.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records import bcg_ellipticity
    >>> x, y = np.meshgrid(np.arange(-99.5, 100), np.arange(-99.5, 100))
    >>> e1, e2 = bcg_ellipticity(np.exp(-(x**2 + 4 * y**2) / 800), pixel=2)
    >>> round(e1, 1), round(abs(e2), 1)
    (0.6, 0.0)
    """
    cut = _around_galaxy(stellar, pixel, center)
    if cut is None:
        return np.nan, np.nan
    image, offset = cut
    weight = image * _disc(100, pixel, *offset)
    if not weight.sum() > 0:
        return np.nan, np.nan
    weight = weight / weight.sum(dtype=float)
    x, y = _axis(len(image), pixel, offset[1]), _axis(len(image), pixel, offset[0])[:, np.newaxis]
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    xx, yy, xy = (weight * x * x).sum(), (weight * y * y).sum(), (weight * x * y).sum()
    return float((xx - yy) / (xx + yy)), float(2 * xy / (xx + yy))


def _beyond(image, center, radius):
    """Return whether a disc leaves the image."""
    return any(c - radius < -0.5 or c + radius > n - 0.5 for n, c in zip(image.shape, center, strict=True))


def _half_box(pixel):
    return ceil(100 / pixel) + 1


def _around_galaxy(stellar, pixel, center):
    """Return the square about the centre, and where in its middle pixel this is; None if it is not inside."""
    center = middle_of(stellar) if center is None else center
    half = _half_box(pixel)
    first = [floor(position + 0.5) - half for position in center]
    if any(start < 0 or start + 2 * half > n for start, n in zip(first, stellar.shape, strict=True)):
        return None
    rows, columns = (slice(start, start + 2 * half) for start in first)
    offsets = (c - start - half + 0.5 for c, start in zip(center, first, strict=True))
    return stellar[rows, columns], tuple(round(offset, 3) for offset in offsets)


def _axis(n_pixels, pixel, offset):
    """Return the positions of pixels from a centre `offset` pixels beyond their middle, in kpc."""
    return (np.arange(n_pixels) - (n_pixels - 1) / 2 - offset) * pixel


@lru_cache(maxsize=64)
def _disc(radius, pixel, row_offset, column_offset):
    """Return the share of each pixel of the square that lies in a disc about the centre, on 5 x 5 points."""
    n_pixels = 2 * _half_box(pixel)
    x, y = _axis(n_pixels, pixel, column_offset), _axis(n_pixels, pixel, row_offset)[:, np.newaxis]
    steps = ((np.arange(5) + 0.5) / 5 - 0.5) * pixel
    inside = [np.hypot(x + dx, y + dy) < radius for dx in steps for dy in steps]
    return np.mean(inside, axis=0, dtype=np.float32)

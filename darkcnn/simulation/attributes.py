"""Attributes of a cluster that are measured on its maps, of (100, 100) pixels."""

import numpy as np

from darkcnn.simulation.rendering import AXIS, PIXEL, X, Y, smooth

_PEAK_SEARCH = slice(20, 80)  # pixels in which the X-ray peak is looked for


def _disc(radius):
    """Return the share of each pixel that lies in a disc about the middle of the map, on 5 x 5 points."""
    steps = ((np.arange(5) + 0.5) / 5 - 0.5) * PIXEL
    inside = [np.hypot(X + dx, Y + dy) < radius for dx in steps for dy in steps]
    return np.mean(inside, axis=0, dtype=np.float32)


# Only the middle of the map lies within 100 kpc.
_MIDDLE = (slice(44, 56), slice(44, 56))
_X, _Y = X[_MIDDLE].astype(float), Y[_MIDDLE].astype(float)
_DISC_30, _DISC_100 = _disc(30)[_MIDDLE], _disc(100)[_MIDDLE]


def xray_concentration(xray):
    """Return the X-ray emission within 100 kpc of its peak over that within 400 kpc.

    The radii are those of Harvey (2024); Santos et al. (2008) defined the concentration with 40 kpc. Clusters
    above 0.2 are relaxed.
    """
    smoothed = smooth(xray[_PEAK_SEARCH, _PEAK_SEARCH], 1.5)
    row, column = np.unravel_index(smoothed.argmax(), smoothed.shape)
    first = _PEAK_SEARCH.start
    squared = (X - AXIS[column + first]) ** 2 + (Y - AXIS[row + first]) ** 2
    return float(xray[squared < 100**2].sum() / xray[squared < 400**2].sum())


def bcg_concentration(stellar):
    """Return the stellar mass within 30 kpc of the middle of the map over that within 100 kpc."""
    middle = stellar[_MIDDLE]
    return float((middle * _DISC_30).sum() / (middle * _DISC_100).sum())


def bcg_ellipticity(stellar):
    """Return the components e1, e2 of the ellipticity of the stars within 100 kpc of the middle of the map.

    (I_xx - I_yy, 2 I_xy) / (I_xx + I_yy) of the second moments about the centroid: e1 is positive for an
    elongation along x, e2 for one along the diagonal x = y.
    """
    weight = stellar[_MIDDLE] * _DISC_100
    weight = weight / weight.sum(dtype=float)
    x, y = _X - (weight * _X).sum(), _Y - (weight * _Y).sum()
    xx, yy, xy = (weight * x * x).sum(), (weight * y * y).sum(), (weight * x * y).sum()
    return float((xx - yy) / (xx + yy)), float(2 * xy / (xx + yy))

"""Gaps in the field: NaN, masked, or outside the image."""

import numpy as np


def fill_gaps(name, mean, covered, fill_value, max_gap):
    """Fill the gaps of a map, or raise an error.

    Parameters
    ----------
    name : str
        Name of the map, for the error message.
    mean : ndarray of shape (n_pixels, n_pixels)
        Map, with zeros for unknown parts.
    covered : ndarray of shape (n_pixels, n_pixels)
        Known fraction of the area of each pixel.
    fill_value : float or None
        Value for gaps; None to raise an error.
    max_gap : float
        Largest fraction of the field that may be filled.

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels)
        Filled map.
    """
    gap = float(1 - covered.mean())
    if gap < 1e-9:
        return mean
    if fill_value is None or gap > max_gap:
        allowed = "none without fill_value" if fill_value is None else f"max_gap={max_gap:g}"
        raise ValueError(
            f"{name!r} must cover the whole field of 2 Mpc, but {gap:.2%} of it is NaN, masked or outside "
            f"the image ({allowed}): set fill_value and max_gap, or check pixel_scale and center, such as "
            "center='middle'"
        )
    missing = np.maximum(1 - covered, 0)
    return np.where(missing > 1e-9, mean + missing * fill_value, mean)

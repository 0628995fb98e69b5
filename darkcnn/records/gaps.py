"""Parts of a field that no map shows: NaN, masked, or outside of the image."""

import numpy as np


def fill_gaps(name, mean, covered, fill_value, max_gap):
    """Fill what a map does not show, or refuse it.

    Parameters
    ----------
    name : str
        Map, for the error.
    mean : ndarray of shape (n_pixels, n_pixels)
        Map, where what is not known counts as 0.
    covered : ndarray of shape (n_pixels, n_pixels)
        Known share of the area of each pixel.
    fill_value : float or None
        Value of what is not known; None to refuse it.
    max_gap : float
        Fraction of the field that may be filled.

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
            f"{name!r} must show all of the field of 2 Mpc, but {gap:.2%} of it are NaN, masked or "
            "outside of the "
            f"image ({allowed}): fill them with fill_value and max_gap, or check pixel_scale and center, "
            "such as center='middle'"
        )
    missing = np.maximum(1 - covered, 0)
    return np.where(missing > 1e-9, mean + missing * fill_value, mean)

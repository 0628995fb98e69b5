"""Galaxies of the cluster itself among those behind it."""

from functools import lru_cache

import numpy as np

from darkcnn.records import FIELD_SIZE

_SCALE = 1000.0
"""Distance in kpc at which the members are 1 / e of those at the centre: about r500 of a massive cluster."""


@lru_cache(maxsize=16)
def density_of_members(n_pixels):
    """Return the density of cluster members over that at the centre, of shape (n_pixels, n_pixels).

    An exponential, as Applegate et al. (2014, MNRAS 439, 48) fit the contamination of their background
    galaxies (not verified).
    """
    axis = ((np.arange(n_pixels) + 0.5) / n_pixels - 0.5) * FIELD_SIZE
    return np.exp(-np.hypot(axis, axis[:, np.newaxis]) / _SCALE).astype(np.float32)

"""Density of cluster members, which contaminate background galaxies."""

from functools import lru_cache

import numpy as np

from darkcnn.records import FIELD_SIZE

_SCALE = 1000.0
"""Scale radius of the exponential, kpc: about r500 of a massive cluster."""


@lru_cache(maxsize=16)
def density_of_members(n_pixels):
    """Return the density of cluster members relative to the centre, shape (n_pixels, n_pixels).

    An exponential, like the fit of Applegate et al. (2014, MNRAS 439, 48) to the contamination of background
    galaxies (not verified).
    """
    axis = ((np.arange(n_pixels) + 0.5) / n_pixels - 0.5) * FIELD_SIZE
    return np.exp(-np.hypot(axis, axis[:, np.newaxis]) / _SCALE).astype(np.float32)

"""Miscentred maps."""

from numbers import Real

import numpy as np

from darkcnn._common.sklearn_private import Interval
from darkcnn.noise.base import RecordNoise
from darkcnn.records import FIELD_SIZE, MAPS, ObservedRecords


class Miscentring(RecordNoise):
    """Miscentring: shift all maps of some clusters, as if a wrong galaxy was identified as the centre.

    Apply it before other noise. Offsets are rounded to whole pixels, because interpolation would smooth the
    maps; empty pixels are filled by reflection.

    Parameters
    ----------
    fraction : float, default=0.3
        Fraction of miscentred clusters.
    scale : float, default=200.0
        Standard deviation of the offset along each axis, kpc. The length of offsets follows a Rayleigh
        distribution, as in Johnston et al. (2007, arXiv:0709.1159; not verified). Both defaults are
        placeholders, because they depend on the cluster finder.
    random_state : int, RandomState instance or None, default=None
        Seed of the offsets.

    Attributes
    ----------
    seed_ : int
        Seed, which together with the record determines its offset.
    map_shape_ : (int, int)
        Height and width of the maps.

    See Also
    --------
    darkcnn.WeakLensingNoise : Noise of total-mass maps.
    darkcnn.XrayNoise : Noise of X-ray maps.

    Examples
    --------
    >>> from darkcnn import WeakLensingNoise, default_pipeline
    >>> from darkcnn.noise import Miscentring
    >>> noise = [Miscentring(scale=150), WeakLensingNoise.from_survey("euclid")]
    >>> list(default_pipeline("polar", noise=noise).named_steps)
    ['miscentre', 'observe_total', 'select', 'scale', 'cnn']
    """

    map_name = "total"
    norm_name = "lensing_norm"
    step_name = "miscentre"
    measured = ()

    _parameter_constraints = {
        "fraction": [Interval(Real, 0, 1, closed="both")],
        "scale": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, fraction=0.3, *, scale=200.0, random_state=None):
        self.fraction = fraction
        self.scale = scale
        self.random_state = random_state

    def observe(self, clusters, generators):
        """Shift the maps of clusters."""
        n_pixels = self.map_shape_[0]
        shifted = {name: clusters[name].copy() for name in MAPS}
        for row, rng in enumerate(generators):
            wrong = rng.random() < self.fraction
            offset = np.rint(rng.normal(scale=self.scale, size=2) / FIELD_SIZE * n_pixels)
            if wrong:
                pixels = np.ix_(*(_shifted(n_pixels, along) for along in offset))
                for images in shifted.values():
                    images[row] = images[row][pixels]
        return shifted

    def unit(self, clusters):
        """Return the norm, which is unchanged."""
        return clusters[self.norm_name]

    @property
    def changes(self):
        """Names of the fields that are shifted."""
        return MAPS

    def _check(self, X):
        if isinstance(X, ObservedRecords):
            raise ValueError(f"Miscentring must come before the noise of observations, got {X}")
        return super()._check(X)


def _shifted(n_pixels, offset):
    """Return the source pixel of each pixel of a shifted axis, reflected at the edges."""
    pixels = (np.arange(n_pixels) + int(offset)) % (2 * n_pixels)
    return np.minimum(pixels, 2 * n_pixels - 1 - pixels)

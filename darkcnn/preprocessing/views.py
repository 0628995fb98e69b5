"""Rotated and flipped views of maps, computed on access."""

from copy import copy
from functools import cached_property

import numpy as np

from darkcnn.preprocessing.maps import as_maps
from darkcnn.preprocessing.rotation import pixel_origins, warp
from darkcnn.records import LazyRows

_N_REALISATIONS = 2**62
"""Number of noise realisations to draw from in training, large enough that repetitions are rare."""


class Views(LazyRows):
    """Rotated and flipped views of maps, computed on access.

    Behaves like an array of shape (n_samples, n_views, height, width, n_channels), but stores only maps and
    angles, so memory does not grow with `n_views`.

    All views of an observed map have the same noise realisation. They are rotated by the nearest multiples of
    90 degrees, because interpolation would smooth the noise. `redrawn` views, for training, are rotated by
    their angles before new noise is added to each.

    Parameters
    ----------
    maps : Maps
        Maps of clusters.
    angles : ndarray of shape (n_views,)
        Angle of each view, in radians.
    flips : ndarray of shape (n_views,)
        Whether each view is mirrored.
    mirror : bool, default=False
        Whether `redrawn` may mirror all views.
    realisations : ndarray of int of shape (n_views,) or None, default=None
        Noise realisation of each view, see :class:`~darkcnn.ObservedRecords`; None for 0.
    rotate_first : bool, default=False
        Whether maps are rotated before noise is added instead of after.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.preprocessing import Views
    >>> from darkcnn.preprocessing import as_maps
    >>> maps = as_maps(np.zeros((6, 16, 16, 3), np.float32))
    >>> views = Views(maps, angles=np.array([0.0, 0.8]), flips=np.array([False, True]))
    >>> views.shape, views[:2].shape, np.asarray(views[:2]).shape
    ((6, 2, 16, 16, 3), (2, 2, 16, 16, 3), (2, 2, 16, 16, 3))
    """

    dtype = np.dtype(np.float32)

    def __init__(self, maps, angles, flips, *, mirror=False, realisations=None, rotate_first=False):
        self.maps = maps
        self.angles = angles
        self.flips = flips
        self.mirror = mirror
        self.realisations = np.zeros(len(angles), int) if realisations is None else realisations
        self.rotate_first = rotate_first

    @cached_property
    def _origins(self):
        return [
            pixel_origins(*view, self.maps.map_shape) for view in zip(self.angles, self.flips, strict=True)
        ]

    @property
    def are_redrawn(self):
        """Whether `redrawn` returns other views."""
        return True

    @property
    def shape(self):
        """(n_samples, n_views, height, width, n_channels)."""
        return (len(self.maps), len(self.angles), *self.maps.map_shape)

    def __repr__(self):
        return f"Views(shape={self.shape})"

    def _select_rows(self, rows):
        return self._with(maps=self.maps[rows])

    def _with(self, **changes):
        views = copy(self)
        vars(views).pop("_origins", None)
        vars(views).update(changes)
        return views

    def _fill(self, out, rows):
        row, view = np.indices(out.shape[:2]).reshape(2, -1)
        out[...] = self.draw(rows.start + row, view).reshape(out.shape)

    def draw(self, rows, views):
        """Compute selected views.

        Parameters
        ----------
        rows, views : ndarray of int of the same length
            Row and number of each view.

        Returns
        -------
        ndarray of shape (len(rows), height, width, n_channels)
            Views, float32.
        """
        if self.maps.are_observed:
            return self._observe(rows, views)
        unique, inverse = np.unique(rows, return_inverse=True)
        maps = self.maps.draw(unique)
        drawn = np.empty((len(rows), *self.maps.map_shape), np.float32)
        for out, row, view in zip(drawn, inverse, views, strict=True):
            warp(maps[row], self._origins[view], out)
        return drawn

    def first(self, n_views):
        """Select the first views of every map.

        Parameters
        ----------
        n_views : int
            Number of views.

        Returns
        -------
        Views
            Views of the same maps.
        """
        kept = {name: getattr(self, name)[:n_views] for name in ("angles", "flips", "realisations")}
        return self._with(**kept)

    def repeated(self, n_draws):
        """Repeat every view with several noise realisations.

        Parameters
        ----------
        n_draws : int
            Number of realisations.

        Returns
        -------
        Views
            `n_draws` times as many views; these views if the maps have no noise.
        """
        if not self.maps.are_observed:
            return self
        tiled = {name: np.tile(getattr(self, name), n_draws) for name in ("angles", "flips", "realisations")}
        tiled["realisations"] = tiled["realisations"] + np.repeat(np.arange(n_draws), len(self.realisations))
        return self._with(**tiled)

    def redrawn(self, rng):
        """Return views for one epoch: rotated by a common random angle, with new noise realisations.

        Parameters
        ----------
        rng : numpy.random.Generator
            Random generator.

        Returns
        -------
        Views
            The same number of views of the same maps.
        """
        angles = self.angles + rng.uniform(0, 2 * np.pi)
        flips = self.flips ^ (self.mirror and rng.random() < 0.5)
        return self._with(angles=angles, flips=flips, **self._new_noise(rng))

    def _new_noise(self, rng):
        realisations = rng.integers(_N_REALISATIONS, size=len(self.realisations))
        return {"realisations": realisations, "rotate_first": bool(getattr(self.maps.source, "noises", ()))}

    def _observe(self, rows, views):
        """Compute views of observed maps."""
        observed, realisations = self.maps.source, self.realisations[views]
        if self.rotate_first:
            return self.maps.finish(observed.draw(rows, realisations, self._rotation(views)))
        quarters = np.rint(self.angles[views] / (np.pi / 2)).astype(int)
        return self.maps.finish(observed.draw_rotated(rows, realisations, quarters, self.flips[views]))

    def _rotation(self, views):
        """Return a function that rotates the map at a position of a batch."""

        def rotate_as_view(position, image):
            view = np.empty(image.shape, np.float32)
            warp(np.ascontiguousarray(image, np.float32), self._origins[views[position]], view)
            return view

        return rotate_as_view


def as_views(X, argument="X"):
    """Return views; maps become a single view."""
    if isinstance(X, Views):
        return X
    return _SingleView(as_maps(X, argument), np.zeros(1), np.zeros(1, bool))


class _SingleView(Views):
    """Single view of each map, never rotated, with new noise in each epoch if the maps have noise."""

    def draw(self, rows, views):
        return super().draw(rows, views) if self.maps.are_observed else self.maps.draw(rows)

    @property
    def are_redrawn(self):
        return self.maps.are_observed

    def redrawn(self, rng):
        return self._with(**self._new_noise(rng))

    def _rotation(self, views):
        return None

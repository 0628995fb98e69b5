"""Rotated and flipped views of maps, drawn when asked for."""

from copy import copy
from functools import cached_property

import numpy as np

from darkcnn.preprocessing.maps import as_maps
from darkcnn.preprocessing.turning import origins_of, warp
from darkcnn.records import LazyRows

_N_SKIES = 2**62
"""How many skies a training may draw from: so many that none comes twice, nor one of an evaluation."""


class Views(LazyRows):
    """Rotated and flipped views of maps, drawn when asked for.

    It looks like an array of shape (n_samples, n_views, height, width, n_channels): it has `shape`, `dtype`,
    `len`, indexing by rows, and ``np.asarray`` gives the array. It holds only the maps and the angles, so
    memory does not grow with `n_views`.

    Of maps with noise, all views show the one sky that was observed. It turns by whole quarters of a turn,
    as near to the angle as these come: interpolation would smooth the noise. Once `redrawn`, for a training,
    the clusters turn by the angle itself, and each view is observed anew.

    Parameters
    ----------
    maps : Maps
        Rows of maps.
    angles : ndarray of shape (n_views,)
        Angle of each view, in radians.
    flips : ndarray of shape (n_views,)
        Whether each view is mirrored.
    mirror : bool, default=False
        Whether `redrawn` may mirror all of them.
    skies : ndarray of int of shape (n_views,) or None, default=None
        Number of the sky that each view shows, see :class:`~darkcnn.records.ObservedRecords`; None for 0.
    turn_first : bool, default=False
        Whether clusters turn before they are observed, not after.

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

    def __init__(self, maps, angles, flips, *, mirror=False, skies=None, turn_first=False):
        self.maps = maps
        self.angles = angles
        self.flips = flips
        self.mirror = mirror
        self.skies = np.zeros(len(angles), int) if skies is None else skies
        self.turn_first = turn_first

    @cached_property
    def _origins(self):
        return [origins_of(*view, self.maps.map_shape) for view in zip(self.angles, self.flips, strict=True)]

    @property
    def shape(self):
        """(n_samples, n_views, height, width, n_channels)."""
        return (len(self.maps), len(self.angles), *self.maps.map_shape)

    def __repr__(self):
        return f"Views(shape={self.shape})"

    def _some(self, rows):
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
        """Compute some of the views.

        Parameters
        ----------
        rows, views : ndarray of int of the same length
            Which view of which row.

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
        """Keep some of the views.

        Parameters
        ----------
        n_views : int
            How many.

        Returns
        -------
        Views
            The first `n_views` views of the same maps.
        """
        kept = {name: getattr(self, name)[:n_views] for name in ("angles", "flips", "skies")}
        return self._with(**kept)

    def repeated(self, n_draws):
        """See every view under several skies.

        Parameters
        ----------
        n_draws : int
            How many.

        Returns
        -------
        Views
            `n_draws` times as many views, the first of them these; or, if the maps have no noise, these.
        """
        if not self.maps.are_observed:
            return self
        tiled = {name: np.tile(getattr(self, name), n_draws) for name in ("angles", "flips", "skies")}
        tiled["skies"] = tiled["skies"] + np.repeat(np.arange(n_draws), len(self.skies))
        return self._with(**tiled)

    def redrawn(self, rng):
        """Turn all views by one more random angle, so that no epoch of a training repeats another.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the angle, of whether to mirror, and of new skies for maps with noise.

        Returns
        -------
        Views
            The same maps, seen from other sides.
        """
        angles = self.angles + rng.uniform(0, 2 * np.pi)
        flips = self.flips ^ (self.mirror and rng.random() < 0.5)
        return self._with(angles=angles, flips=flips, skies=self._new_skies(rng), turn_first=True)

    def _new_skies(self, rng):
        return rng.integers(_N_SKIES, size=len(self.skies))

    def _observe(self, rows, views):
        """Draw views of maps with noise."""
        observed, skies = self.maps.source, self.skies[views]
        if self.turn_first:
            return self.maps.finish(observed.draw(rows, skies, self._turning(views)))
        quarters = np.rint(self.angles[views] / (np.pi / 2)).astype(int)
        return self.maps.finish(observed.draw_turned(rows, skies, quarters, self.flips[views]))

    def _turning(self, views):
        """Return the function that turns the map at a position of a batch."""

        def turn_as_view(position, image):
            view = np.empty(image.shape, np.float32)
            warp(np.ascontiguousarray(image, np.float32), self._origins[views[position]], view)
            return view

        return turn_as_view


def as_views(X, argument="X"):
    """Take views, or maps as their own single view.

    Parameters
    ----------
    X : Views, Maps or array-like of shape (n_samples, height, width, n_channels)
        Maps of clusters.
    argument : str, default="X"
        Name of the argument, for the error.

    Returns
    -------
    Views
        `X`, or one view of each map, as it is.
    """
    if isinstance(X, Views):
        return X
    return _Untouched(as_maps(X, argument), np.zeros(1), np.zeros(1, bool))


class _Untouched(Views):
    """The maps themselves as their only view, in every epoch; with noise, under a new sky in each."""

    def draw(self, rows, views):
        return super().draw(rows, views) if self.maps.are_observed else self.maps.draw(rows)

    def redrawn(self, rng):
        return self._with(skies=self._new_skies(rng), turn_first=True)

    def _turning(self, views):
        return None

"""Rotated and flipped views of maps: dark-matter self-interactions have no preferred direction."""

from copy import copy
from functools import cached_property
from numbers import Integral

import cv2
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, _fit_context
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.records import MAPS, check_records, is_records

_N_SKIES = 2**62
"""How many skies a training may draw from: so many that none comes twice, nor one of an evaluation."""

# OpenCV would spread each small map over its own threads, which the training needs.
cv2.setNumThreads(1)


def turn(image, angle, flip):
    """Rotate a map about its centre, after mirroring it if asked to.

    Bilinear interpolation; what turns in from outside the map mirrors what is inside.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
        Map, float32.
    angle : float
        Angle in radians, anticlockwise when row 0 is drawn at the top.
    flip : bool
        Whether to mirror the map left to right first.

    Returns
    -------
    ndarray of shape (height, width, n_channels)
        View of the map.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.preprocessing import turn
    >>> image = np.arange(4, dtype=np.float32).reshape(2, 2, 1)
    >>> turn(image, np.pi / 2, flip=False)[..., 0]
    array([[1., 3.], [0., 2.]], dtype=float32)
    """
    view = np.empty_like(image)
    _warp(image, _origins(angle, flip, image.shape), view)
    return view


def _origins(angle, flip, map_shape):
    """Tell where each pixel (x, y) of a view comes from: rotate it back, then mirror it back.

    Returns the 2 × 3 matrix of that affine map.
    """
    height, width = map_shape[:2]
    centre = np.array([width - 1, height - 1]) / 2
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if flip:
        back[0] *= -1
    back = back.round(12)  # a quarter turn moves pixels onto pixels, exactly
    return np.column_stack([back, centre - back @ centre])


def _warp(image, origins, view):
    """Fill a view, an array of the shape and type of the map, with the pixels that its origins name."""
    drawn = cv2.warpAffine(
        image,
        origins,
        (image.shape[1], image.shape[0]),
        dst=view,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    if drawn.base is not view and drawn is not view:  # OpenCV ignores an array of other strides or type
        view[...] = drawn.reshape(view.shape)


class Views:
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
    ndim = 5

    def __init__(self, maps, angles, flips, *, mirror=False, skies=None, turn_first=False):
        self.maps = maps
        self.angles = angles
        self.flips = flips
        self.mirror = mirror
        self.skies = np.zeros(len(angles), int) if skies is None else skies
        self.turn_first = turn_first

    @cached_property
    def _origins(self):
        return [_origins(*view, self.maps.map_shape) for view in zip(self.angles, self.flips, strict=True)]

    @property
    def shape(self):
        """(n_samples, n_views, height, width, n_channels)."""
        return (len(self.maps), len(self.angles), *self.maps.map_shape)

    def __len__(self):
        return len(self.maps)

    def __repr__(self):
        return f"Views(shape={self.shape})"

    def __getitem__(self, rows):
        maps = self.maps[rows]
        if isinstance(maps, Maps):
            return self._with(maps=maps)
        return np.asarray(self[np.array([rows])])[0]

    def _with(self, **changes):
        views = copy(self)
        vars(views).pop("_origins", None)
        vars(views).update(changes)
        return views

    def __array__(self, dtype=None, copy=None):
        n_samples, n_views = self.shape[:2]
        views = self.draw(np.repeat(np.arange(n_samples), n_views), np.tile(np.arange(n_views), n_samples))
        return np.array(views.reshape(self.shape), dtype=dtype, copy=copy)

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
            _warp(maps[row], self._origins[view], out)
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
            _warp(np.ascontiguousarray(image, np.float32), self._origins[views[position]], view)
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


class RotationFlipAugmenter(DocumentationLink, TransformerMixin, BaseEstimator):
    """Add an axis of rotated and flipped views to every map.

    A transformer may not change the number of rows, so views are an axis: maps of shape (n_samples, height,
    width, n_channels) become views of shape (n_samples, n_views, height, width, n_channels). A
    :class:`DarkCNNClassifier` trains on every view, from a new random angle in each epoch, and averages
    its probabilities over the views.

    Parameters
    ----------
    n_views : int, default=10
        Number of views of each map.
    flip : bool, default=True
        Whether half of the views, drawn at random, are mirrored as well.
    random_state : int, RandomState instance or None, default=None
        Seed of the angles and flips.

    Attributes
    ----------
    angles_ : ndarray of shape (n_views,)
        Angles in radians: evenly spaced from a random start. Clusters have no preferred direction, so this
        covers the circle better than independent angles.
    flips_ : ndarray of shape (n_views,)
        Which views are mirrored.

    See Also
    --------
    augment : Views as rows, for use outside of a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import RotationFlipAugmenter
    >>> X = np.ones((4, 8, 8, 3), dtype=np.float32)
    >>> RotationFlipAugmenter(n_views=5, random_state=0).fit_transform(X)
    Views(shape=(4, 5, 8, 8, 3))
    """

    _parameter_constraints = {
        "n_views": [Interval(Integral, 1, None, closed="left")],
        "flip": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(self, n_views=10, *, flip=True, random_state=None):
        self.n_views = n_views
        self.flip = flip
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Draw the angles and flips.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Square maps.
        y : None
            Ignored.

        Returns
        -------
        RotationFlipAugmenter
            The fitted transformer.

        Raises
        ------
        ValueError
            If the maps are not square.
        """
        self.map_shape_ = _square(as_maps(X)).map_shape
        rng = check_random_state(self.random_state)
        self.angles_ = (np.arange(self.n_views) / self.n_views + rng.uniform()) * 2 * np.pi
        self.flips_ = rng.permutation((np.arange(self.n_views) + rng.randint(2)) % 2 == 1) & self.flip
        return self

    def transform(self, X):
        """Present the views of every map.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        Views
            Views of shape (n_samples, n_views, height, width, n_channels), drawn when asked for.
        """
        check_is_fitted(self)
        maps = as_maps(X)
        if maps.map_shape != self.map_shape_:
            raise ValueError(f"X has maps of shape {maps.map_shape}, but {self.map_shape_} were seen at fit")
        return Views(maps, self.angles_, self.flips_, mirror=self.flip)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def augment(X, y, n_rotations=10, *, flip=True, random_state=None):
    """Rotate and flip clusters into additional rows.

    Split by cluster before you augment: views of one map in both training and test set are a leak. In a
    pipeline, use :class:`RotationFlipAugmenter` instead, which cannot leak.

    Parameters
    ----------
    X : structured ndarray of shape (n_samples,) or array-like of (n_samples, height, width, n_channels)
        Records, or plain maps. Of records, the ellipticity of the central galaxy turns with the maps.
    y : array-like of shape (n_samples,)
        Labels.
    n_rotations : int, default=10
        Views of each cluster, each at an angle of its own.
    flip : bool, default=True
        Whether to mirror each view with probability one half.
    random_state : int, RandomState instance or None, default=None
        Seed of the angles and flips.

    Returns
    -------
    X_views : ndarray of shape (n_samples * n_rotations, ...)
        Views, in the order of the rows.
    y_views : ndarray of shape (n_samples * n_rotations,)
        Their labels.
    source_index : ndarray of shape (n_samples * n_rotations,)
        The row of `X` that each came from.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import augment
    >>> X_views, y_views, source_index = augment(np.ones((2, 8, 8, 3)), ["CDM", "SIDM1"], n_rotations=3)
    >>> X_views.shape, source_index
    ((6, 8, 8, 3), array([0, 0, 0, 1, 1, 1]))
    """
    if not isinstance(n_rotations, Integral) or n_rotations < 1:
        raise ValueError(f"n_rotations must be an integer of at least 1, got {n_rotations!r}")
    check_consistent_length(X, y)
    source_index = np.repeat(np.arange(len(X)), n_rotations)
    rng = check_random_state(random_state)
    angles = rng.uniform(0, 2 * np.pi, len(source_index))
    flips = (rng.uniform(size=len(source_index)) < 0.5) & bool(flip)
    records = check_records(X) if is_records(X) else None
    images = as_maps(X if records is None else np.stack([X[name] for name in MAPS], axis=-1))
    drawn = Views(_square(images), angles, flips).draw(source_index, np.arange(len(source_index)))
    y_views = np.asarray(y)[source_index]
    if records is None:
        return drawn, y_views, source_index
    X_views = records[source_index]
    for channel, name in enumerate(MAPS):
        X_views[name] = drawn[..., channel]
    # An ellipticity is a spin-2 quantity: mirroring left to right changes the sign of e2, and a rotation by
    # `angle`, anticlockwise with row 0 at the top, is clockwise in the (column, row) axes of the shapes.
    shape = X_views["bcg_e1"] + 1j * np.where(flips, -1, 1) * X_views["bcg_e2"]
    shape = shape * np.exp(-2j * angles)
    X_views["bcg_e1"], X_views["bcg_e2"] = shape.real, shape.imag
    return X_views, y_views, source_index


def _square(maps):
    """Check that maps can turn."""
    height, width = maps.map_shape[:2]
    if height != width:
        raise ValueError(f"X must hold square maps to rotate, got {height} x {width} pixels")
    return maps

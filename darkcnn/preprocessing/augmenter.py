"""Data augmentation by rotation and reflection."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.sklearn_private import Interval, _fit_context
from darkcnn._common.transformer import ArrayTransformer
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.preprocessing.views import Views
from darkcnn.records import MAPS, ObservedRecords, check_records, is_records


class RotationFlipAugmenter(ArrayTransformer):
    """Augment maps by rotation and reflection: add an axis of views.

    Maps of shape (n_samples, height, width, n_channels) become views of shape (n_samples, n_views, height,
    width, n_channels). :class:`DarkCNNClassifier` trains on every view, with a new random angle in each
    epoch, and averages the predicted probabilities over views.

    Parameters
    ----------
    n_views : int, default=10
        Number of views of each map.
    flip : bool, default=True
        Whether to mirror half of the views, chosen at random.
    random_state : int, RandomState instance or None, default=None
        Seed of the angles and reflections.

    Attributes
    ----------
    angles_ : ndarray of shape (n_views,)
        Angles in radians, evenly spaced from a random start.
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
        """Draw the angles and reflections.

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
        """
        self.map_shape_ = _square(as_maps(X)).map_shape
        rng = check_random_state(self.random_state)
        self.angles_ = (np.arange(self.n_views) / self.n_views + rng.uniform()) * 2 * np.pi
        self.flips_ = rng.permutation((np.arange(self.n_views) + rng.randint(2)) % 2 == 1) & self.flip
        return self

    def transform(self, X):
        """Return the views of every map.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        Views
            Views of shape (n_samples, n_views, height, width, n_channels), computed on access.
        """
        check_is_fitted(self)
        maps = as_maps(X)
        if maps.map_shape != self.map_shape_:
            raise ValueError(f"X has maps of shape {maps.map_shape}, but {self.map_shape_} were seen at fit")
        return Views(maps, self.angles_, self.flips_, mirror=self.flip)


def augment(X, y, n_rotations=10, *, flip=True, random_state=None):
    """Augment clusters by rotation and reflection: return additional rows.

    Split by cluster before augmentation; otherwise views of one map leak from the training set into the test
    set. In a pipeline, use :class:`RotationFlipAugmenter`.

    Parameters
    ----------
    X : structured ndarray of shape (n_samples,) or array-like of (n_samples, height, width, n_channels)
        Records or plain maps. The ellipticity of the central galaxy in records is rotated with the maps.
        Records with simulated noise are rotated before each view gets a new noise realisation; real
        observations are rotated by multiples of 90 degrees.
    y : array-like of shape (n_samples,)
        Labels.
    n_rotations : int, default=10
        Number of views of each cluster.
    flip : bool, default=True
        Whether to mirror each view with probability one half.
    random_state : int, RandomState instance or None, default=None
        Seed of the angles and reflections.

    Returns
    -------
    X_views : ndarray of shape (n_samples * n_rotations, ...)
        Views, in the order of the rows.
    y_views : ndarray of shape (n_samples * n_rotations,)
        Their labels.
    source_index : ndarray of shape (n_samples * n_rotations,)
        Row of `X` of each view.

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
    X = check_records(X) if is_records(X) else as_maps(X)
    check_consistent_length(X, y)
    source_index = np.repeat(np.arange(len(X)), n_rotations)
    rng = check_random_state(random_state)
    angles = rng.uniform(0, 2 * np.pi, len(source_index))
    flips = (rng.uniform(size=len(source_index)) < 0.5) & bool(flip)
    y_views, every = np.asarray(y)[source_index], np.arange(len(source_index))
    if isinstance(X, Maps):
        return Views(_square(X), angles, flips).draw(source_index, every), y_views, source_index
    are_real = isinstance(X, ObservedRecords) and X.are_real
    if are_real:  # interpolation would smooth the noise
        angles = np.rint(angles / (np.pi / 2)) * (np.pi / 2)
    observed = X if isinstance(X, ObservedRecords) else ObservedRecords(X)
    maps = _square(Maps(observed, (*X.dtype["total"].shape, len(MAPS))))
    views = Views(maps, angles, flips, realisations=1 + every % n_rotations, rotate_first=not are_real)
    X_views = views.draw(source_index, every)
    # Ellipticity is a spin-2 quantity: mirroring left to right changes the sign of e2, and a rotation by
    # `angle`, anticlockwise with row 0 at the top, is clockwise in its (column, row) axes.
    shape = X_views["bcg_e1"] + 1j * np.where(flips, -1, 1) * X_views["bcg_e2"]
    shape = shape * np.exp(-2j * angles)
    X_views["bcg_e1"], X_views["bcg_e2"] = shape.real, shape.imag
    return X_views, y_views, source_index


def _square(maps):
    """Check that maps are square."""
    height, width = maps.map_shape[:2]
    if height != width:
        raise ValueError(f"X must have square maps to be rotated, got {height} x {width} pixels")
    return maps

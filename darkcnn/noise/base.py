"""Base class of simulated noise."""

from copy import copy

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.sklearn_private import _fit_context
from darkcnn._common.transformer import ArrayTransformer
from darkcnn.records import ObservedRecords, check_records, chunks

_MAX_VALUE = 2
"""Value above which a map was not divided by its peak."""

_OBSERVED_HINT = " before noise is added (mark real observations, which need none, as ObservedRecords)"


class RecordNoise(ArrayTransformer):
    """Base of transformers that replace one map of each record by a simulated observation.

    A subclass names the map and its norm, and implements `observe` and `unit`.
    """

    map_name: str
    norm_name: str

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check `X` and draw the seed; nothing else is learned.

        Parameters
        ----------
        X : structured ndarray or ObservedRecords of shape (n_samples,)
            Records of clusters.
        y : None
            Ignored.

        Returns
        -------
        RecordNoise
            The fitted transformer.

        Raises
        ------
        TypeError
            If `X` holds no records.
        ValueError
            If maps are not square, not finite, negative or not divided by their peaks (as after an
            observation), a norm is not positive or a redshift negative.
        """
        X = check_records(X)
        self.map_shape_ = X.dtype[self.map_name].shape if _are_real(X) else self._check(X)
        self.seed_ = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return self

    def transform(self, X):
        """Add noise to every cluster.

        Parameters
        ----------
        X : structured ndarray or ObservedRecords of shape (n_samples,)
            Records of clusters, with maps of the size seen at `fit`. Real observations, which are
            :class:`~darkcnn.ObservedRecords` without noises, are returned as they are.

        Returns
        -------
        ObservedRecords of shape (n_samples,)
            Records with noise, which is drawn when they are used; it depends on the seed and the row, not on
            the other rows or their order. A :class:`darkcnn.DarkCNNClassifier` trains on new noise in each
            epoch.
        """
        check_is_fitted(self)
        X = check_records(X)
        if _are_real(X):
            return X
        if self._check(X) != self.map_shape_:
            shape = X.dtype[self.map_name].shape
            raise ValueError(f"X has maps of shape {shape}, but {self.map_shape_} were seen at fit")
        noise = copy(self)  # a later fit does not change it
        if isinstance(X, ObservedRecords):
            return ObservedRecords(X.records, (*X.noises, noise))
        return ObservedRecords(X, (noise,))

    def observe(self, clusters, generators):
        """Return new values of fields of the records, by name.

        Parameters
        ----------
        clusters : structured ndarray of shape (n_samples,)
            Records.
        generators : iterable of numpy.random.Generator
            Generator of the noise of each record.
        """
        raise NotImplementedError

    def unit(self, clusters):
        """Return the unit of the observed maps, the new values of the norm, from the scalar fields."""
        raise NotImplementedError

    @property
    def changes(self):
        """Names of the fields that change."""
        return (self.map_name, self.norm_name)

    @property
    def measured(self):
        """Names of the fields that are in units of the observation afterwards."""
        return self.changes

    @property
    def step_name(self):
        """Name of the step in a pipeline."""
        return f"observe_{self.map_name}"

    def observed_dtype(self, dtype):
        """Return the type of the observed records, which may have more maps."""
        return dtype

    def _check(self, X):
        """Check the records and return the shape of their maps."""
        height, width = X.dtype[self.map_name].shape
        if height != width:
            raise ValueError(f"X must hold square maps, got {height} x {width} pixels")
        norm, redshift = X[self.norm_name], X["redshift"]
        for rows in chunks(len(X)):  # of a database that may not fit into memory
            self._check_maps(X[rows], rows.start)
        refuse(X, self.norm_name, ~(np.isfinite(norm) & (norm > 0)), "must be finite and positive")
        refuse(X, "redshift", ~(np.isfinite(redshift) & (redshift >= 0)), "must be 0 or more")
        return height, width

    def _check_maps(self, X, first_row):
        """Check some of the maps."""
        maps = X[self.map_name]
        refuse(X, self.map_name, ~np.isfinite(maps), "must be finite", first_row)
        refuse(X, self.map_name, maps < 0, f"must not be negative{_OBSERVED_HINT}", first_row)
        refuse(X, self.map_name, maps > _MAX_VALUE, f"must be divided by its peak{_OBSERVED_HINT}", first_row)


def _are_real(X):
    """Return whether records are real observations."""
    return isinstance(X, ObservedRecords) and X.are_real


def refuse(X, name, bad, wanted, first_row=0):
    """Name the first bad value and its cluster; `X` begins at `first_row` of what the caller gave."""
    if bad.any():
        row = int(np.argwhere(bad)[0, 0])
        raise ValueError(
            f"{name!r} {wanted}, got {X[name][row][bad[row]].flat[0]} "
            f"in cluster_id {X['cluster_id'][row]} (row {first_row + row})"
        )

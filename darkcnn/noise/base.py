"""Base class of simulated noise."""

from copy import copy

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.sklearn_private import _fit_context
from darkcnn._common.transformer import ArrayTransformer
from darkcnn.records import ObservedRecords, check_records, chunks

_MAX_VALUE = 2
"""Value above which a map is not divided by its peak."""

_OBSERVED_HINT = " before noise is added (mark real observations as ObservedRecords: they need no noise)"


class RecordNoise(ArrayTransformer):
    """Base class of transformers that simulate the observation of one map of each record.

    A subclass sets the names of the map and its norm, and implements `observe` and `unit`.
    """

    map_name: str
    norm_name: str

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the records and draw the seed.

        Parameters
        ----------
        X : structured ndarray or ObservedRecords of shape (n_samples,)
            Cluster records.
        y : None
            Ignored.

        Returns
        -------
        RecordNoise
            The fitted transformer.

        Raises
        ------
        TypeError
            If `X` is not an array of records.
        ValueError
            If maps are not square, not finite, negative or not divided by their peaks (as after an
            observation), a norm is not positive, or a redshift is negative.
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
            Cluster records, with maps of the size seen at `fit`. Real observations, which are
            :class:`~darkcnn.ObservedRecords` without noise models, are returned unchanged.

        Returns
        -------
        ObservedRecords of shape (n_samples,)
            Records with noise, drawn on access; it depends on the seed and the record, but not on the other
            rows or their order. :class:`darkcnn.DarkCNNClassifier` uses a new noise realisation in each epoch
            of the training.
        """
        check_is_fitted(self)
        X = check_records(X)
        if _are_real(X):
            return X
        if self._check(X) != self.map_shape_:
            shape = X.dtype[self.map_name].shape
            raise ValueError(f"X has maps of shape {shape}, but {self.map_shape_} were seen at fit")
        noise = copy(self)  # so that a later fit does not change it
        if isinstance(X, ObservedRecords):
            return ObservedRecords(X.records, (*X.noises, noise))
        return ObservedRecords(X, (noise,))

    def observe(self, clusters, generators):
        """Return the observed values of fields of the records, by name.

        Parameters
        ----------
        clusters : structured ndarray of shape (n_samples,)
            Cluster records.
        generators : iterable of numpy.random.Generator
            Random generator for each record.
        """
        raise NotImplementedError

    def unit(self, clusters):
        """Return the unit of the observed maps, which replaces the norm, from the scalar fields."""
        raise NotImplementedError

    @property
    def changes(self):
        """Names of the fields that are replaced."""
        return (self.map_name, self.norm_name)

    @property
    def measured(self):
        """Names of the fields whose units are those of the observation."""
        return self.changes

    @property
    def step_name(self):
        """Name of the step in a pipeline."""
        return f"observe_{self.map_name}"

    def observed_dtype(self, dtype):
        """Return the dtype of the observed records, which may have additional maps."""
        return dtype

    def _check(self, X):
        """Check the records and return the shape of their maps."""
        height, width = X.dtype[self.map_name].shape
        if height != width:
            raise ValueError(f"X must have square maps, got {height} x {width} pixels")
        norm, redshift = X[self.norm_name], X["redshift"]
        for rows in chunks(len(X)):  # records may be larger than memory
            self._check_maps(X[rows], rows.start)
        refuse(X, self.norm_name, ~(np.isfinite(norm) & (norm > 0)), "must be finite and positive")
        refuse(X, "redshift", ~(np.isfinite(redshift) & (redshift >= 0)), "must be 0 or more")
        return height, width

    def _check_maps(self, X, first_row):
        """Check the maps of some rows."""
        maps = X[self.map_name]
        refuse(X, self.map_name, ~np.isfinite(maps), "must be finite", first_row)
        refuse(X, self.map_name, maps < 0, f"must not be negative{_OBSERVED_HINT}", first_row)
        refuse(X, self.map_name, maps > _MAX_VALUE, f"must be divided by its peak{_OBSERVED_HINT}", first_row)


def _are_real(X):
    """Return whether records are real observations."""
    return isinstance(X, ObservedRecords) and X.are_real


def refuse(X, name, bad, wanted, first_row=0):
    """Raise an error for the first bad value; `X` starts at row `first_row` of the caller's records."""
    if bad.any():
        row = int(np.argwhere(bad)[0, 0])
        raise ValueError(
            f"{name!r} {wanted}, got {X[name][row][bad[row]].flat[0]} "
            f"in cluster_id {X['cluster_id'][row]} (row {first_row + row})"
        )

"""What all noises share: the checks, and a draw of each row that depends on the row alone."""

import zlib
from itertools import repeat

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn.documentation import DocumentationLink
from darkcnn.records import check_records


class RecordNoise(DocumentationLink, TransformerMixin, BaseEstimator):
    """Base of the steps that replace one map of each record by an observation of it.

    A subclass names the map and its norm, and says in `_observe` what a telescope would see.
    """

    map_name: str
    norm_name: str

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check `X` and draw the seed; nothing else is learned.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,)
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
            If maps are not square or not finite, a norm is not positive or a redshift negative.
        """
        self.map_shape_ = self._check(X)
        self.seed_ = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return self

    def transform(self, X):
        """Observe every cluster once.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,)
            Records of clusters, with maps of the size seen at `fit`.

        Returns
        -------
        structured ndarray of shape (n_samples,)
            A copy of the records with the observed map. The noise of a row depends on the seed and on the row
            alone, not on the other rows or on their order.
        """
        check_is_fitted(self)
        if self._check(X) != self.map_shape_:
            shape = X.dtype[self.map_name].shape
            raise ValueError(f"X has maps of shape {shape}, but {self.map_shape_} were seen at fit")
        seen = self.observe(X[self.map_name], X)
        observed = np.empty(len(X), self._dtype(X.dtype))
        for name in observed.dtype.names:
            observed[name] = seen[name] if name in seen else X[name]
        return observed

    def observe(self, maps, clusters, rng=None):
        """Observe maps.

        Parameters
        ----------
        maps : ndarray of shape (n_samples, height, width)
            Noise-free maps, in units of the norm.
        clusters : structured ndarray of shape (n_samples,)
            Records, of which only the numbers are read.
        rng : numpy.random.Generator or None, default=None
            Source of new noise; None for the one draw that the seed and the content of each row decide.

        Returns
        -------
        dict of ndarray of shape (n_samples, ...)
            Fields of the records to replace.
        """
        generators = self._generators(maps, clusters) if rng is None else repeat(rng)
        return self._observe(maps, clusters, generators)

    def _observe(self, maps, clusters, generators):
        """Observe each map with its generator."""
        raise NotImplementedError

    def _generators(self, maps, clusters):
        """Yield the generator of each row."""
        check_is_fitted(self)
        numbers = ("cluster_id", "redshift", self.norm_name)
        numbers = np.stack([clusters[name].astype(np.float64) for name in numbers], axis=-1)
        for image, row in zip(maps, numbers, strict=True):
            content = zlib.crc32(np.ascontiguousarray(image, dtype=np.float32), zlib.crc32(row))
            yield np.random.default_rng([self.seed_, content])

    def _dtype(self, dtype):
        """Return the type of the observed records."""
        return dtype

    def _check(self, X):
        """Check the records and return the shape of their maps."""
        check_records(X)
        height, width = X.dtype[self.map_name].shape
        if height != width:
            raise ValueError(f"X must hold square maps, got {height} x {width} pixels")
        norm, redshift = X[self.norm_name], X["redshift"]
        refuse(X, self.map_name, ~np.isfinite(X[self.map_name]), "must be finite")
        refuse(X, self.norm_name, ~(np.isfinite(norm) & (norm > 0)), "must be finite and positive")
        refuse(X, "redshift", ~(np.isfinite(redshift) & (redshift >= 0)), "must be 0 or more")
        return height, width

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def refuse(X, name, bad, wanted):
    """Name the first bad value and its cluster."""
    if bad.any():
        row = int(np.argwhere(bad)[0, 0])
        raise ValueError(
            f"{name!r} {wanted}, got {X[name][row][bad[row]].flat[0]} "
            f"in cluster_id {X['cluster_id'][row]} (row {row})"
        )

"""Embedding of cluster maps by a packaged network."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import StrOptions, _fit_context
from darkcnn.preprocessing import MapScaler, as_maps
from darkcnn.pretrained.files import read_pretrained, resolve, to_embedding
from darkcnn.records import FIELD_SIZE, MAPS, ObservedRecords, check_records, chunks, is_records
from darkcnn.records.resampling import Grid

_MIN_PIXELS = 25
_MAX_PIXELS = 100


class PretrainedEmbedding(
    DocumentationLink, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Embedding of clusters by a pretrained network that is packaged with its weights.

    The network was trained on mock clusters of many suites, which differ in uncertain physical parameters.
    Fitting does not train the network; a classifier in the next step of a pipeline can be trained with a few
    halos.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network. ``"polar"`` is the latest version, which is resolved in `fit`.
    maps : tuple of str or "all", default="all"
        Maps to use, of ``"total"``, ``"xray"`` and ``"stellar"``; the others are treated as missing. The
        network was trained with all maps, and without the X-ray map, the stellar map, or both.

    Attributes
    ----------
    name_ : str
        Name of the network with its version, such as ``"polar-1"``.
    sha256_ : str
        SHA-256 hash of the file of weights.

    See Also
    --------
    darkcnn.load_pretrained : Pretrained embedding and classifier, ready for prediction.
    darkcnn.default_pipeline : Pretrained embedding and a classifier to train, with ``pretrained=True``.

    Notes
    -----
    Maps cover 2 Mpc with at least 25 × 25 pixels; more than 100 × 100 are rebinned to 100 × 100. A map with
    NaN in every pixel is missing.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.pretrained import PretrainedEmbedding
    >>> records = load_example().data[:10]
    >>> PretrainedEmbedding("polar").fit_transform(records).shape
    (10, 128)
    """

    _parameter_constraints = {"name": [str], "maps": [tuple, list, StrOptions({"all"})]}

    def __init__(self, name="polar", *, maps="all"):
        self.name = name
        self.maps = maps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Resolve the name of the network and check the maps; nothing is trained.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, n_pixels, n_pixels, n_maps)
            Cluster records, or maps in the order of `maps` with any normalisation.
        y : None
            Ignored.

        Returns
        -------
        PretrainedEmbedding
            The fitted transformer.

        Raises
        ------
        ValueError
            If there is no such network or map, or the maps have the wrong shape.
        """
        self.name_ = resolve(self.name)
        self.sha256_ = read_pretrained(self.name_).sha256
        self._draw(self._check(X), slice(0, 1))
        self._n_features_out = int(read_pretrained(self.name_).card["n_features"])
        return self

    def transform(self, X):
        """Return the embedding of clusters.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, n_pixels, n_pixels, n_maps)
            Cluster records or maps, with any number of pixels.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            Input of the last layer of the network, standardised over the suites on which that layer was
            fitted. Directions that the last layer uses are stretched, so a regularised linear classifier
            prefers them.

        Raises
        ------
        ValueError
            If all maps of a cluster are missing, a map has some NaN pixels or negative ones or is zero
            everywhere, or maps have noise.
        """
        check_is_fitted(self)
        from darkcnn.pretrained.network import embed  # starts keras

        X = self._check(X)
        features = np.empty((len(X), self._n_features_out), np.float32)
        for rows in chunks(len(X)):
            features[rows] = embed(self.name_, *self._prepare(self._draw(X, rows), rows.start))
        return to_embedding(read_pretrained(self.name_).arrays, features)

    def network_input(self, X):
        """Return the input of the packaged network.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, n_pixels, n_pixels, n_maps)
            Cluster records or maps.

        Returns
        -------
        maps : ndarray of shape (n_samples, n_pixels, n_pixels, 3), float32
            Scaled maps, at most 100 × 100 pixels. Missing maps contain the mean of the others.
        available : ndarray of shape (n_samples, 3), float32
            1 for available maps, 0 for missing ones.
        """
        check_is_fitted(self)
        X = self._check(X)
        return self._prepare(self._draw(X, slice(0, len(X))), 0)

    def _names(self):
        names = MAPS if isinstance(self.maps, str) else tuple(self.maps)
        if not names or not set(names) <= set(MAPS) or len(set(names)) < len(names):
            raise ValueError(f"maps must be 'all' or distinct names of {list(MAPS)}, got {self.maps!r}")
        return names

    def _check(self, X):
        if isinstance(X, ObservedRecords):
            raise ValueError(
                "X must be maps without noise, as the network was trained on, got observed records; train a "
                "network on noisy maps with default_pipeline(noise=...)"
            )
        X = check_records(X) if is_records(X) else as_maps(X)
        height, width = X.dtype["total"].shape if is_records(X) else X.map_shape[:2]
        if height != width or height < _MIN_PIXELS:
            raise ValueError(
                f"X must have square maps of at least {_MIN_PIXELS} pixels on a side, got {height} x {width}"
            )
        if not is_records(X) and X.map_shape[2] != len(self._names()):
            raise ValueError(
                f"X must have one channel for each of the maps {list(self._names())}, got {X.map_shape[2]}"
            )
        return X

    def _draw(self, X, rows):
        """Return maps of shape (n_samples, n_pixels, n_pixels, 3), NaN where missing."""
        names = self._names()
        if is_records(X):
            records = X[rows]
            channels = [np.asarray(records[name], np.float32) for name in names]
        else:
            channels = np.moveaxis(X.draw(rows), -1, 0)
        maps = np.full((*channels[0].shape, len(MAPS)), np.nan, np.float32)
        for name, each in zip(names, channels, strict=True):
            maps[..., MAPS.index(name)] = each
        return maps

    def _prepare(self, maps, first):
        """Return scaled maps, and a mask of the available ones."""
        file = read_pretrained(self.name_)
        floor = float(file.arrays["scaling/floor"])
        is_nan = np.isnan(maps)
        available = ~is_nan.all(axis=(1, 2))
        for wrong, what in (
            (is_nan.any(axis=(1, 2)) & available, "be NaN in every pixel (missing) or in none"),
            (np.isinf(maps).any(axis=(1, 2)), "be finite"),
            (maps.min(axis=(1, 2)) < -floor * maps.max(axis=(1, 2)), "be zero or more, as without noise"),
            (maps.max(axis=(1, 2)) == 0, "have a pixel above zero (a missing map is NaN in every pixel)"),
            (~available.any(axis=1, keepdims=True), "be available, at least one for each cluster"),
        ):
            if wrong.any():
                row, channel = np.argwhere(wrong)[0]
                raise ValueError(f"maps must {what}; {MAPS[channel]!r} of row {first + row} is not")
        n_pixels = maps.shape[1]
        if n_pixels > _MAX_PIXELS:
            pixel, middle = FIELD_SIZE / n_pixels, (n_pixels - 1) / 2
            grid = Grid((n_pixels, n_pixels), pixel, (middle, middle), FIELD_SIZE, _MAX_PIXELS)
            maps = np.array([[grid.mean(image) for image in np.moveaxis(each, -1, 0)] for each in maps])
            maps = np.moveaxis(maps, 1, -1).astype(np.float32)
        maps = np.where(available[:, np.newaxis, np.newaxis], maps, np.float32(1))
        maps = MapScaler("log", "max", floor=floor).fit_transform(maps)
        maps = (maps - file.arrays["scaling/level"]) / file.arrays["scaling/scatter"]
        weights = available / available.sum(axis=1, keepdims=True)
        mean = np.einsum("nhwc,nc->nhw", maps, weights.astype(np.float32))
        shown = available[:, np.newaxis, np.newaxis]
        return np.where(shown, maps, mean[..., np.newaxis]).astype(np.float32), available.astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.no_validation = True
        return tags

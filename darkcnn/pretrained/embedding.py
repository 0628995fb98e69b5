"""Maps of clusters → the embedding of a packaged network."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import StrOptions, _fit_context
from darkcnn.preprocessing import MapScaler, as_maps
from darkcnn.pretrained.files import place, read_pretrained, resolve
from darkcnn.records import FIELD_SIZE, MAPS, ObservedRecords, check_records, chunks, is_records
from darkcnn.records.resampling import Grid

_COARSEST = 25
_FINEST = 100


class PretrainedEmbedding(
    DocumentationLink, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Describe clusters by the last features of a network that is packaged with its weights.

    The network was trained on mock clusters of many suites: simulations that differ in everything that is not
    known about clusters. Fitting trains nothing. What is learned from your own clusters is learned by the
    next step, for which a few halos are enough.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network. ``"polar"`` stands for the newest one, and is resolved at fit.
    maps : tuple of str or "all", default="all"
        Maps to look at, of ``"total"``, ``"xray"`` and ``"stellar"``; others are taken as not known. The
        network was trained with all of them, and without the X-ray map, the stellar map, or both.

    Attributes
    ----------
    name_ : str
        Name of the network, with its number, such as ``"polar-1"``.
    sha256_ : str
        Hash of its file.

    See Also
    --------
    darkcnn.load_pretrained : Embedding and last layer, which predict at once.
    darkcnn.default_pipeline : Embedding and a last layer to train, with ``pretrained=True``.

    Notes
    -----
    Maps show 2 Mpc in 25 to 100 pixels; finer ones are averaged to 100. A map that is NaN in every pixel is
    not known.

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
        """Resolve the name and check the maps; nothing is trained.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, n_pixels, n_pixels, n_maps)
            Records of clusters, or maps, in the order of `maps`, divided by anything.
        y : None
            Ignored.

        Returns
        -------
        PretrainedEmbedding
            The fitted transformer.

        Raises
        ------
        ValueError
            If there is no network or map of that name, or the maps are of another kind.
        """
        self.name_ = resolve(self.name)
        self.sha256_ = read_pretrained(self.name_).sha256
        self._draw(self._check(X), slice(0, 1))
        self._n_features_out = int(read_pretrained(self.name_).card["n_features"])
        return self

    def transform(self, X):
        """Embed clusters.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, n_pixels, n_pixels, n_maps)
            Records of clusters, or maps. Any number of pixels, whatever was seen at fit.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            The input of the last layer of the network, standardised over the suites that this layer was
            fitted to. Directions to which the layer responds are stretched, so that a regularised linear
            classifier starts from them.

        Raises
        ------
        ValueError
            If all maps of a cluster are NaN, one is NaN in part, or they have noise.
        """
        check_is_fitted(self)
        from darkcnn.pretrained.network import embed  # starts keras

        X = self._check(X)
        features = np.empty((len(X), self._n_features_out), np.float32)
        for rows in chunks(len(X)):
            features[rows] = embed(self.name_, *self._prepare(self._draw(X, rows), rows.start))
        return place(read_pretrained(self.name_), features)

    def _names(self):
        names = MAPS if isinstance(self.maps, str) else tuple(self.maps)
        if not names or not set(names) <= set(MAPS) or len(set(names)) < len(names):
            raise ValueError(f"maps must be 'all' or some of {list(MAPS)}, got {self.maps!r}")
        return names

    def _check(self, X):
        if isinstance(X, ObservedRecords):
            raise ValueError(
                "X must be maps without noise, which the network was trained on, got observed records: train "
                "a network through their noise, default_pipeline(noise=...)"
            )
        X = check_records(X) if is_records(X) else as_maps(X)
        height, width = X.dtype["total"].shape if is_records(X) else X.map_shape[:2]
        if height != width or height < _COARSEST:
            raise ValueError(
                f"X must have square maps of {_COARSEST} pixels or more on a side, got {height} x {width}"
            )
        if not is_records(X) and X.map_shape[2] != len(self._names()):
            raise ValueError(
                f"X must have a channel for each of the maps {list(self._names())}, got {X.map_shape[2]}"
            )
        return X

    def _draw(self, X, rows):
        """Return maps of shape (n_samples, n_pixels, n_pixels, 3), NaN where they are not known."""
        names = self._names()
        if is_records(X):
            records = X[rows]
            given = [np.asarray(records[name], np.float32) for name in names]
        else:
            given = np.moveaxis(X.draw(rows), -1, 0)
        maps = np.full((*given[0].shape, len(MAPS)), np.nan, np.float32)
        for name, each in zip(names, given, strict=True):
            maps[..., MAPS.index(name)] = each
        return maps

    def _prepare(self, maps, first):
        """Return scaled maps, and which of them are known."""
        is_nan = np.isnan(maps)
        known = ~is_nan.all(axis=(1, 2))
        for wrong, what in (
            (is_nan.any(axis=(1, 2)) & known, "be NaN in every pixel or in none"),
            (np.isinf(maps).any(axis=(1, 2)), "be finite"),
            (~known.any(axis=1, keepdims=True), "be known, at least one of each cluster"),
        ):
            if wrong.any():
                row, channel = np.argwhere(wrong)[0]
                raise ValueError(f"maps must {what}; {MAPS[channel]!r} of row {first + row} is not")
        file = read_pretrained(self.name_)
        n_pixels = maps.shape[1]
        if n_pixels > _FINEST:
            pixel, middle = FIELD_SIZE / n_pixels, (n_pixels - 1) / 2
            grid = Grid((n_pixels, n_pixels), pixel, (middle, middle), FIELD_SIZE, _FINEST)
            maps = np.array([[grid.mean(image) for image in np.moveaxis(each, -1, 0)] for each in maps])
            maps = np.moveaxis(maps, 1, -1).astype(np.float32)
        maps = np.where(known[:, np.newaxis, np.newaxis], maps, np.float32(1))
        maps = MapScaler("log", "max", floor=float(file.arrays["scaling/floor"])).fit_transform(maps)
        maps = (maps - file.arrays["scaling/level"]) / file.arrays["scaling/scatter"]
        weights = known / known.sum(axis=1, keepdims=True)
        mean = np.einsum("nhwc,nc->nhw", maps, weights.astype(np.float32))
        shown = known[:, np.newaxis, np.newaxis]
        return np.where(shown, maps, mean[..., np.newaxis]).astype(np.float32), known.astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.no_validation = True
        return tags

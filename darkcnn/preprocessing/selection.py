"""From records to the maps that a network reads."""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, StrOptions, _fit_context, validate_parameter_constraints
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.records import MAPS, NORMS, SCALARS, SHEAR, TANGENTIAL, check_records, is_records

ATTRIBUTES = (
    *(name for name in SCALARS if name not in ("bcg_e1", "bcg_e2", "cluster_id")),
    "bcg_ellipticity",
)
"""Attributes that may join the maps; all are invariant under rotation and reflection."""


_UNIT_MARGIN = 10
"""How far norms may lie beyond those seen at fit; other units are usually off by a thousand."""

_ROWS_FOR_SIGN = 16
"""Maps in which a value above zero is looked for."""


def attribute_table(records, names):
    """Collect attributes of clusters in a matrix.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Clusters.
    names : sequence of str
        Names from `ATTRIBUTES`. The norms enter as their log10; ``"bcg_ellipticity"`` is
        ``hypot(bcg_e1, bcg_e2)``.

    Returns
    -------
    ndarray of shape (n_samples, n_attributes)
        Attributes, float32.

    Raises
    ------
    ValueError
        If a name is unknown or a value not finite.
    """
    table = np.empty((len(records), len(names)), np.float32)
    for column, name in enumerate(names):
        if name == "bcg_ellipticity":
            values = np.hypot(records["bcg_e1"], records["bcg_e2"])
        elif name in ATTRIBUTES:
            values = records[name]
        else:
            hint = " (it turns with the map; use 'bcg_ellipticity')" if name in ("bcg_e1", "bcg_e2") else ""
            raise ValueError(f"attributes must be among {list(ATTRIBUTES)}, got {name!r}{hint}")
        if name in NORMS:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log10(values)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"attribute {name!r} must be finite{' and positive' if name in NORMS else ''}, "
                f"got {records[row][name] if name in SCALARS else values[row]} in row {row}"
            )
        table[:, column] = values
    return table


def _norm_ranges(records):
    """Return the lowest and the highest of each norm that the records have."""
    finite = {name: records[name][np.isfinite(records[name])] for name in NORMS}
    return {name: (float(norms.min()), float(norms.max())) for name, norms in finite.items() if len(norms)}


def _stack(records, names):
    """Stack the maps of a batch of records along a last axis."""
    maps = np.empty((*records[names[0]].shape, len(names)), np.float32)
    for channel, name in enumerate(names):
        maps[..., channel] = records[name]
    if not np.isfinite(maps).all():
        row, *_, channel = np.argwhere(~np.isfinite(maps))[0]
        cluster = records[row]
        raise ValueError(
            f"maps must be finite, got NaN or infinity in {names[channel]!r} of cluster_id "
            f"{cluster['cluster_id']} at redshift {cluster['redshift']:g}"
        )
    return maps


class MapSelector(DocumentationLink, TransformerMixin, BaseEstimator):
    """Choose maps and attributes of clusters by name.

    Parameters
    ----------
    maps : tuple of str or "all", default="all"
        Maps to keep, in this order of channels: ``"total"`` (projected mass), ``"xray"``, ``"stellar"``,
        which are all; and of records with shear, see :class:`WeakLensingNoise`, ``"shear1"`` and
        ``"shear2"``, or ``"shear_t"`` and ``"shear_x"``.
    attributes : tuple of str, default=()
        Attributes to join to the maps: ``"redshift"``, ``"log_mass"``, ``"xray_concentration"``,
        ``"bcg_stellar_concentration"``, ``"bcg_ellipticity"``, or the peaks ``"lensing_norm"``,
        ``"xray_norm"``, ``"stellar_norm"``, which enter as their log10.

    See Also
    --------
    MapScaler : The next step.

    Notes
    -----
    Plain arrays of shape (n_samples, height, width, n_channels) pass as well. If they have three channels,
    these are total, xray and stellar; any other number can only be kept whole, with ``maps="all"``.

    Examples
    --------
    >>> from darkcnn import MapSelector
    >>> from darkcnn.datasets import load_example
    >>> records = load_example().data[:10]
    >>> MapSelector(maps=("total", "stellar"), attributes=("redshift",)).fit_transform(records)
    Maps(shape=(10, 50, 50, 2), n_attributes=1)
    """

    _parameter_constraints = {"maps": [tuple, list, StrOptions({"all"})], "attributes": [tuple, list]}

    def __init__(self, maps="all", attributes=()):
        self.maps = maps
        self.attributes = attributes

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the names against the maps that `X` has.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Records of clusters, or plain maps.
        y : None
            Ignored.

        Returns
        -------
        MapSelector
            The fitted transformer.
        """
        self._select(X[:1])
        self.map_shape_ = self._shape_of(X)
        self.norm_ranges_ = _norm_ranges(X) if is_records(X) else {}
        return self

    def transform(self, X):
        """Take the chosen maps and attributes.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Records of clusters, or plain maps.

        Returns
        -------
        Maps
            Rows of maps of shape (n_samples, height, width, n_channels), float32.

        Raises
        ------
        ValueError
            If a name is unknown, the maps have another size than at `fit`, or a value is not finite.

        Warns
        -----
        UserWarning
            If most norms lie far beyond those seen at `fit`, as in other units.
        """
        check_is_fitted(self)
        if self._shape_of(X) != self.map_shape_:
            raise ValueError(
                f"X has maps of shape {self._shape_of(X)}, but {self.map_shape_} were seen at fit"
            )
        if is_records(X):
            self._check_units(X)
        return self._select(X)

    def _check_units(self, records):
        for name, (lowest, highest) in self.norm_ranges_.items():
            norms = records[name]
            known = np.isfinite(norms)
            outside = known & ((norms < lowest / _UNIT_MARGIN) | (norms > highest * _UNIT_MARGIN))
            if outside.sum() > known.sum() / 2:
                warnings.warn(
                    f"{name!r} of {outside.sum()} of {len(records)} clusters, such as "
                    f"{norms[outside][0]:.3g}, lies over {_UNIT_MARGIN} times beyond the {lowest:.3g} to "
                    f"{highest:.3g} seen at fit: are the units those of darkcnn.records.record_dtype?",
                    stacklevel=3,
                )

    @staticmethod
    def _shape_of(X):
        if is_records(X):
            return (*check_records(X).dtype["total"].shape, len(MAPS))
        return as_maps(X[:1]).map_shape

    def _select(self, X):
        names = MAPS if isinstance(self.maps, str) else tuple(self.maps)
        known = MAPS
        if is_records(X):
            known += tuple(name for name in (*SHEAR, *TANGENTIAL) if name in X.dtype.names)
        if not names or not set(names) <= set(known):
            raise ValueError(f"maps must be 'all' or some of {list(known)}, got {self.maps!r}")
        if is_records(X):
            check_records(X)
            attributes = attribute_table(X, self.attributes) if len(self.attributes) else None
            maps = Maps(X, (*X.dtype["total"].shape, 0), attributes=attributes, groups=X["cluster_id"])
            return maps.apply(partial(_stack, names=names), (*X.dtype["total"].shape, len(names)))
        if len(self.attributes):
            raise ValueError(f"attributes={self.attributes!r} need records, got an array of plain maps")
        maps = as_maps(X)
        if self.maps == "all":
            return maps
        height, width, n_channels = maps.map_shape
        if n_channels != len(MAPS):
            raise ValueError(
                f"maps={self.maps!r} needs arrays of the three channels {list(MAPS)}, got {n_channels}"
            )
        channels = [MAPS.index(name) for name in names]
        return maps.apply(partial(np.take, indices=channels, axis=-1), (height, width, len(channels)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.no_validation = True
        return tags


_CHANNEL_CONSTRAINTS = {
    "stretch": [StrOptions({"log", "asinh", "linear"})],
    "norm": [StrOptions({"max", "mean", "none"})],
    "floor": [Interval(Real, 0, None, closed="neither")],
}
"""What the parameters of `MapScaler` may be for one channel."""


class MapScaler(
    DocumentationLink,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # maps are no table, even where scikit-learn is to return tables
):
    """Normalise every map by itself and stretch its contrast.

    Each channel of each map is divided by its own norm, then stretched. Nothing is learned from other
    maps, so nothing can leak from a test set. Each parameter may be a tuple, with one value for each channel.

    Parameters
    ----------
    stretch : {"log", "asinh", "linear"} or tuple of them, default="log"
        ``"log"``: log10 of the map, no lower than `floor`. ``"asinh"``: arcsinh(map / `floor`), which is
        linear about zero and so keeps signed, noisy maps. ``"linear"``: no change.
    norm : {"max", "mean", "none"} or tuple of them, default="max"
        Divide by the maximum or by the mean of the absolute values. A map of zeros stays as it is.
    floor : float or tuple of float, default=1e-4
        Smallest value that the stretch resolves, in units of the norm.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import MapScaler
    >>> X = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 2, 2, 1)
    >>> MapScaler().fit_transform(X).ravel()
    array([-3., -2., -1.,  0.])
    """

    _parameter_constraints = {name: [*allowed, tuple] for name, allowed in _CHANNEL_CONSTRAINTS.items()}

    def __init__(self, stretch="log", norm="max", *, floor=1e-4):
        self.stretch = stretch
        self.norm = norm
        self.floor = floor

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check `X`; nothing is learned from it.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps. Two-dimensional arrays are taken for maps of one row and one channel.
        y : None
            Ignored.

        Returns
        -------
        MapScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If a tuple has another length than there are channels, or an unknown value; or if maps to take the
            logarithm of have no values above zero, as if they were logarithms already.
        """
        self._settings(self._check(X, reset=True))
        return self

    def transform(self, X):
        """Normalise and stretch.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps.

        Returns
        -------
        Maps or ndarray, as `X`
            Scaled maps of the same shape; an array keeps its type, float32 or float64.

        Raises
        ------
        ValueError
            As :meth:`fit`.
        """
        X = self._check(X, reset=False)
        scale = partial(_scale_channels, settings=self._settings(X))
        if isinstance(X, Maps):
            return X.apply(scale)
        return scale(X.reshape(len(X), 1, -1, 1)).reshape(X.shape) if X.ndim == 2 else scale(X)

    def _check(self, X, *, reset):
        if isinstance(X, Maps):
            return X
        if is_records(X):
            as_maps(X)  # raises the error that tells what to put before
        return validate_data(self, X, reset=reset, allow_nd=True, dtype=[np.float64, np.float32])

    def _settings(self, X):
        """Check the parameters, and list those of each channel; of all at once, if they are the same."""
        parameters = self.get_params()
        tuples = {name: values for name, values in parameters.items() if isinstance(values, tuple)}
        n_channels = 1 if X.ndim == 2 else X.shape[-1]
        for name, values in tuples.items():
            if len(values) != n_channels:
                raise ValueError(f"{name} must have a value for each of {n_channels} channels, got {values}")
        settings = [
            parameters | {name: values[channel] for name, values in tuples.items()}
            for channel in range(n_channels if tuples else 1)
        ]
        for channel in settings:
            validate_parameter_constraints(_CHANNEL_CONSTRAINTS, channel, type(self).__name__)
        if any(channel["stretch"] == "log" for channel in settings):
            _check_signs(X, settings)
        return settings

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.requires_fit = False
        return tags


def _scale_channels(batch, *, settings):
    """Normalise and stretch maps, all channels at once or each with settings of its own."""
    if len(settings) == 1:
        return _scale(batch, **settings[0])
    scaled = np.empty_like(batch)
    for channel, own in enumerate(settings):
        scaled[..., channel] = _scale(batch[..., channel], **own)
    return scaled


def _scale(batch, *, stretch, norm, floor):
    """Normalise and stretch maps of shape (n_samples, height, width, ...)."""
    if norm == "none":
        scaled = batch.copy()
    else:
        scaled, measure = np.abs(batch), np.max if norm == "max" else np.mean
        # One axis after the other, and a level for each column: NumPy is slow at loops over few channels.
        level = measure(measure(scaled, axis=1, keepdims=True), axis=2, keepdims=True)
        level[level == 0] = 1
        np.divide(batch, np.repeat(level, batch.shape[2], axis=2), out=scaled)
    # In place: for each further array of this size, the system would have to find new memory.
    if stretch == "log":
        np.maximum(scaled, floor, out=scaled)
        np.log10(scaled, out=scaled)
    elif stretch == "asinh":
        scaled /= floor
        np.arcsinh(scaled, out=scaled)
    return scaled


def _check_signs(X, settings):
    """Refuse maps of whose logarithm nothing would be left: some rows tell."""
    rows = np.asarray(X[:_ROWS_FOR_SIGN])
    rows = rows.reshape(-1, 1 if X.ndim == 2 else X.shape[-1])
    settings = settings * rows.shape[1] if len(settings) == 1 else settings
    ranges = zip(rows.min(axis=0), rows.max(axis=0), strict=True)
    for channel, (own, (lowest, highest)) in enumerate(zip(settings, ranges, strict=True)):
        if own["stretch"] == "log" and highest <= 0 and lowest < 0:
            raise ValueError(
                f"stretch='log' needs maps with values above zero, got none in channel {channel}, from "
                f"{lowest:.3g} to {highest:.3g}; if they are logarithms already, raise 10 to their power"
            )

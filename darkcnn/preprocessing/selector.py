"""From records to the maps that a network reads."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import StrOptions, _fit_context
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.records import MAPS, NORMS, SCALARS, SHEAR, TANGENTIAL, check_records, is_records

ATTRIBUTES = (
    *(name for name in SCALARS if name not in ("bcg_e1", "bcg_e2", "cluster_id")),
    "bcg_ellipticity",
)
"""Attributes that may join the maps; all are invariant under rotation and reflection."""


_UNIT_MARGIN = 10
"""How far norms may lie beyond those seen at fit; other units are usually off by a thousand."""


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

"""Selection of maps and attributes from records."""

from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.sklearn_private import StrOptions, _fit_context
from darkcnn._common.transformer import ArrayTransformer
from darkcnn.preprocessing.attributes import attribute_table
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.preprocessing.units import ranges_of, warn_about_units
from darkcnn.records import MAPS, SHEAR, TANGENTIAL, check_records, is_records


def _stack(records, names):
    """Stack the maps of a batch of records along the last axis."""
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


class MapSelector(ArrayTransformer):
    """Select maps and attributes of cluster records by name.

    Parameters
    ----------
    maps : tuple of str or "all", default="all"
        Maps to keep, in this order of channels: ``"total"`` (projected mass), ``"xray"`` and ``"stellar"``.
        For records with shear, see :class:`WeakLensingNoise`, also ``"shear1"`` and ``"shear2"``, or
        ``"shear_t"`` and ``"shear_x"``.
    attributes : tuple of str, default=()
        Attributes to append: ``"redshift"``, ``"log_mass"``, ``"xray_concentration"``,
        ``"bcg_stellar_concentration"``, ``"bcg_ellipticity"``, or the peaks ``"lensing_norm"``,
        ``"xray_norm"``, ``"stellar_norm"``, which enter as log10.

    See Also
    --------
    MapScaler : Normalises and stretches the selected maps.

    Notes
    -----
    Plain arrays of shape (n_samples, height, width, n_channels) are accepted. Three channels are interpreted
    as total, xray and stellar; with any other number, `maps` must be "all".

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
        """Check the names against the maps in `X`.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Cluster records, or plain maps.
        y : None
            Ignored.

        Returns
        -------
        MapSelector
            The fitted transformer.
        """
        X = _checked(X)
        self._select(X[:1])
        self.map_shape_ = _map_shape(X)
        self.ranges_ = ranges_of(X) if is_records(X) else None
        return self

    def transform(self, X):
        """Return the selected maps and attributes.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Cluster records, or plain maps.

        Returns
        -------
        Maps
            Maps of shape (n_samples, height, width, n_channels), float32.

        Raises
        ------
        ValueError
            If a name is unknown, the maps have another size than at `fit`, or a value is not finite.

        Warns
        -----
        UserWarning
            If most norms, or the scatter of most observed maps, are far outside the range seen at `fit`: the
            units probably differ.
        """
        check_is_fitted(self)
        X = _checked(X)
        if _map_shape(X) != self.map_shape_:
            raise ValueError(f"X has maps of shape {_map_shape(X)}, but {self.map_shape_} were seen at fit")
        if is_records(X) and self.ranges_ is not None:
            warn_about_units(X, self.ranges_)
        return self._select(X)

    def _select(self, X):
        names = MAPS if isinstance(self.maps, str) else tuple(self.maps)
        known = MAPS
        if is_records(X):
            known += tuple(name for name in (*SHEAR, *TANGENTIAL) if name in X.dtype.names)
        if not names or not set(names) <= set(known):
            raise ValueError(f"maps must be 'all' or some of {list(known)}, got {self.maps!r}")
        if is_records(X):
            attributes = attribute_table(X, self.attributes) if len(self.attributes) else None
            maps = Maps(X, (*X.dtype["total"].shape, 0), attributes=attributes, groups=X["cluster_id"])
            return maps.apply(partial(_stack, names=names), (*X.dtype["total"].shape, len(names)))
        if len(self.attributes):
            raise ValueError(f"attributes={self.attributes!r} need records, got an array of plain maps")
        if self.maps == "all":
            return X
        height, width, n_channels = X.map_shape
        if n_channels != len(MAPS):
            raise ValueError(
                f"maps={self.maps!r} needs arrays of the three channels {list(MAPS)}, got {n_channels}"
            )
        channels = [MAPS.index(name) for name in names]
        return X.apply(partial(np.take, indices=channels, axis=-1), (height, width, len(channels)))


def _checked(X):
    return check_records(X) if is_records(X) else as_maps(X)


def _map_shape(X):
    return (*X.dtype["total"].shape, len(MAPS)) if is_records(X) else X.map_shape

"""Radial profiles: summary statistics in rings, and the baseline classifier that is built on them."""

from functools import lru_cache
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, _fit_context
from darkcnn.preprocessing.maps import Maps, as_maps
from darkcnn.preprocessing.selector import MapSelector
from darkcnn.records import MAPS, chunks, is_records

_CORE_PIXELS = 3.0  # rings are equally wide within this radius and widen in proportion to it outside
_CENTRAL_SIDE = 6  # pixels among which the brightest are sorted
_N_BRIGHTEST = 16
_RING_STATISTICS = "ring", "dipole", "ellipticity", "scatter", "peak"
_MIN_CONTRAST = 1e-4  # scatter and brightest pixel over the mean of a ring; uniform rings count as that
_FLOOR = 1e-8  # over the peak of the map; means below it, such as those of pure noise, count as that


class RadialProfiles(DocumentationLink, TransformerMixin, BaseEstimator):
    """Summary statistics of maps in rings about their centre.

    For each channel and each ring: the logarithm of the mean; the amplitudes of the dipole (m = 1) and of the
    quadrupole (m = 2, ellipticity), the logarithm of the scatter and that of the brightest pixel, all four
    relative to the mean of the absolute values in the ring. For each channel: the logarithms of the sixteen
    brightest of the 6 × 6 central pixels, and of the mean of the map. All are invariant under rotations by 90
    degrees and reflections. Rings widen outwards, from one pixel to the largest circle in the map.

    Signed maps, such as convergence with noise, are welcome: a logarithm sees values of at least 1e-8 of the
    largest absolute value of the map.

    Parameters
    ----------
    n_rings : int, default=10
        Number of rings. Those that would lie outside a very small map are empty and constant.
    attributes : tuple or list of str, default=()
        Attributes of the records that follow the profiles, such as ``"redshift"`` or ``"bcg_ellipticity"``,
        see :data:`darkcnn.preprocessing.ATTRIBUTES`; norms enter as log10. Attributes that a
        :class:`~darkcnn.MapSelector` chose before are appended by themselves.

    Attributes
    ----------
    map_shape_ : tuple of int
        (height, width, n_channels) seen at fit.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.preprocessing import RadialProfiles
    >>> records = make_clusters(2, random_state=0).data
    >>> RadialProfiles(attributes=("redshift",)).fit_transform(records).shape
    (32, 202)
    """

    _parameter_constraints = {
        "n_rings": [Interval(Integral, 1, None, closed="left")],
        "attributes": [tuple, list],
    }

    def __init__(self, n_rings=10, *, attributes=()):
        self.n_rings = n_rings
        self.attributes = attributes

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Remember the shape of the maps; nothing is learned from their values.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Records of clusters, or maps.
        y : None
            Ignored.

        Returns
        -------
        RadialProfiles
            The fitted transformer.
        """
        maps = self._maps(X[:1] if is_records(X) else X)  # stacking all records only for their shape is dear
        self.map_shape_ = maps.map_shape
        known = maps.map_shape[2] == len(MAPS) and not isinstance(X, Maps)  # which were chosen by name
        self._channels = MAPS if known else [f"channel{i}" for i in range(maps.map_shape[2])]
        self._n_joined = 0 if maps.attributes is None else maps.attributes.shape[1]
        return self

    def transform(self, X):
        """Compute the profiles.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Records of clusters, or maps, of the shape seen at fit.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Numbers in the order of :meth:`get_feature_names_out`.

        Raises
        ------
        ValueError
            If the maps have another shape than at fit, or a value is not finite.
        """
        check_is_fitted(self)
        maps = self._maps(X)
        if maps.map_shape != self.map_shape_:
            raise ValueError(f"X has maps of shape {maps.map_shape}, but {self.map_shape_} were seen at fit")
        parts = [_profiles(maps.draw(rows), self.n_rings) for rows in chunks(len(maps))]
        features = np.concatenate(parts)
        return features if maps.attributes is None else np.hstack([features, maps.attributes])

    def get_feature_names_out(self, input_features=None):
        """Name the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_features,)
            Names such as ``"total_ring0"``, ``"xray_dipole3"``, ``"total_ellipticity3"``,
            ``"xray_scatter9"``, ``"total_peak5"``, ``"stellar_pixel0"`` and ``"total_mean"``. Channels that a
            :class:`~darkcnn.MapSelector` chose before are numbered, ``"channel0_ring0"``.
        """
        check_is_fitted(self)
        height, width, _ = self.map_shape_
        n_brightest = min(_N_BRIGHTEST, min(height, _CENTRAL_SIDE) * min(width, _CENTRAL_SIDE))
        kinds = [f"{kind}{ring}" for kind in _RING_STATISTICS for ring in range(self.n_rings)]
        kinds += [f"pixel{rank}" for rank in range(n_brightest)] + ["mean"]
        names = [f"{channel}_{kind}" for channel in self._channels for kind in kinds]
        joined = self.attributes or [f"attribute{i}" for i in range(self._n_joined)]
        return np.array([*names, *joined], dtype=object)

    def _maps(self, X):
        if is_records(X):
            return MapSelector(attributes=self.attributes).fit_transform(X)
        if len(self.attributes):
            raise ValueError(f"attributes={self.attributes!r} need records, got an array of plain maps")
        return as_maps(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.no_validation = True
        return tags


def profile_baseline(attributes=()):
    """Return the baseline that a network has to beat: a linear classifier of radial profiles.

    Linear discriminant analysis, whose covariance matrix is shrunk as Ledoit & Wolf (2004) estimate it, of
    standardised :class:`RadialProfiles`. Cross-validated on the training halos of the benchmark, it was the
    most accurate of the simple classifiers tried at any number of halos, within half a point: logistic
    regression, gradient-boosted trees, support-vector machines with a Gaussian kernel, quadratic discriminant
    analysis and multi-layer perceptrons (:doc:`/benchmarks/accuracy`). It takes a second.

    Parameters
    ----------
    attributes : tuple or list of str, default=()
        Attributes that are appended to the profiles, see :class:`RadialProfiles`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted classifier of records or maps. It has no randomness.

    Examples
    --------
    >>> from darkcnn import profile_baseline
    >>> [name for name, _ in profile_baseline(attributes=("redshift",)).steps]
    ['radialprofiles', 'standardscaler', 'lineardiscriminantanalysis']
    """
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return make_pipeline(RadialProfiles(attributes=attributes), StandardScaler(), discriminant)


def _profiles(maps, n_rings):
    """Return the features of a batch of maps (n_samples, height, width, n_channels), channel by channel."""
    n_samples, height, width, n_channels = maps.shape
    maps = np.moveaxis(maps, -1, 1).reshape(n_samples * n_channels, height, width)
    peak = np.abs(maps).max(axis=(1, 2), keepdims=True)
    maps = maps / np.where(peak > 0, peak, 1)
    log_peak = np.log(np.maximum(peak[:, :, 0], np.finfo(np.float32).tiny))

    means, relative = _rings(maps, n_rings)
    side_y, side_x = min(height, _CENTRAL_SIDE), min(width, _CENTRAL_SIDE)
    top, left = (height - side_y) // 2, (width - side_x) // 2
    central = maps[:, top : top + side_y, left : left + side_x].reshape(len(maps), -1)
    brightest = np.sort(central, axis=1)[:, : -_N_BRIGHTEST - 1 : -1]
    overall = maps.mean(axis=(1, 2))[:, np.newaxis]
    levels = [np.log(np.maximum(level, _FLOOR)) + log_peak for level in (means, brightest, overall)]
    features = np.hstack([levels[0], relative, levels[1], levels[2]])
    return features.reshape(n_samples, -1)


def _rings(maps, n_rings):
    """Return the mean in each ring, (n_maps, n_rings), and what is relative to it, (n_maps, 4 n_rings)."""
    inside, waves = _ring_pixels(*maps.shape[1:], n_rings)
    values = maps.reshape(len(maps), -1)
    weights = (inside / np.maximum(inside.sum(axis=0), 1)).astype(np.float32)
    mean = values @ weights
    level = np.maximum(np.abs(values) @ weights, _FLOOR)
    moments = [np.hypot(values @ (weights * wave.real), values @ (weights * wave.imag)) for wave in waves]
    rings = [values[:, pixels] for pixels in inside.T]
    scatter = np.stack([ring.std(axis=1) if ring.size else ring.sum(axis=1) for ring in rings], axis=1)
    peak = np.stack([ring.max(axis=1, initial=0) for ring in rings], axis=1)
    contrasts = [np.log(np.maximum(contrast / level, _MIN_CONTRAST)) for contrast in (scatter, peak)]
    return mean, np.hstack([*(moment / level for moment in moments), *contrasts])


@lru_cache(maxsize=8)
def _ring_pixels(height, width, n_rings):
    """Return which pixels are in which ring, (n_pixels, n_rings), and exp(i m angle) for m = 1, 2."""
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
    edge = min(height, width) / 2
    steps = np.arange(n_rings + 1)
    radii = _CORE_PIXELS * np.sinh(steps / n_rings * np.arcsinh(edge / _CORE_PIXELS))
    radii = np.maximum(radii, steps)
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    inside = (radii[:-1] <= distance) & (distance < radii[1:])
    return inside, [np.exp(1j * m * angle).astype(np.complex64) for m in (1, 2)]

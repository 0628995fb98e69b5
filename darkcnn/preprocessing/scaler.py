"""Normalisation and stretch of maps."""

from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import validate_data

from darkcnn._common.sklearn_private import Interval, StrOptions, _fit_context, validate_parameter_constraints
from darkcnn._common.transformer import ArrayTransformer
from darkcnn.preprocessing.maps import Maps, plain_array

_N_SIGN_ROWS = 16
"""Number of maps checked for values above zero."""

_CHANNEL_CONSTRAINTS = {
    "stretch": [StrOptions({"log", "asinh", "linear"})],
    "norm": [StrOptions({"max", "mean", "none"})],
    "floor": [Interval(Real, 0, None, closed="neither")],
}
"""Constraints of the parameters of `MapScaler` for one channel."""


class MapScaler(OneToOneFeatureMixin, ArrayTransformer, auto_wrap_output_keys=None):
    """Normalise each map and stretch its contrast.

    Each channel of each map is divided by its own norm, then stretched, independently of all other maps. A
    tuple sets a parameter for each channel.

    Parameters
    ----------
    stretch : {"log", "asinh", "linear"} or tuple of them, default="log"
        ``"log"``: log10 of the map, clipped at `floor`. ``"asinh"``: arcsinh(map / `floor`), which is linear
        near zero and suits signed, noisy maps. ``"linear"``: no stretch.
    norm : {"max", "mean", "none"} or tuple of them, default="max"
        Divide by the maximum or the mean of the absolute values. Maps of zeros are not divided.
    floor : float or tuple of float, default=1e-4
        Smallest value resolved by the stretch, in units of the norm.

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
        """Check the maps and the parameters.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps. Two-dimensional arrays are treated as maps of one row and one channel.
        y : None
            Ignored.

        Returns
        -------
        MapScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If the length of a tuple is not the number of channels, a value is unknown, or maps for a
            logarithmic stretch have no positive values (they may be logarithms already).
        """
        self._settings(self._check(X, reset=True))
        return self

    def transform(self, X):
        """Normalise and stretch maps.

        Parameters
        ----------
        X : Maps or array-like of shape (n_samples, height, width, n_channels)
            Maps.

        Returns
        -------
        Maps or ndarray, as `X`
            Scaled maps of the same shape; arrays keep their dtype, float32 or float64.
        """
        X = self._check(X, reset=False)
        scale = partial(_scale_channels, settings=self._settings(X))
        if isinstance(X, Maps):
            return X.apply(scale)
        return scale(X.reshape(len(X), 1, -1, 1)).reshape(X.shape) if X.ndim == 2 else scale(X)

    def _check(self, X, *, reset):
        if isinstance(X, Maps):
            return X
        return validate_data(self, plain_array(X), reset=reset, allow_nd=True, dtype=[np.float64, np.float32])

    def _settings(self, X):
        """Check the parameters; return one dict for each channel, or a single one for all."""
        parameters = self.get_params()
        tuples = {name: values for name, values in parameters.items() if isinstance(values, tuple)}
        n_channels = 1 if X.ndim == 2 else X.shape[-1]
        for name, values in tuples.items():
            if len(values) != n_channels:
                raise ValueError(
                    f"{name} must have one value for each of {n_channels} channels, got {values}"
                )
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
        tags.input_tags.two_d_array = True
        tags.no_validation = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.requires_fit = False
        return tags


def _scale_channels(batch, *, settings):
    """Normalise and stretch maps, with common settings or those of each channel."""
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
        # Axis by axis, and repeated for each column: NumPy is slow at loops over few channels.
        level = measure(measure(scaled, axis=1, keepdims=True), axis=2, keepdims=True)
        level[level == 0] = 1
        np.divide(batch, np.repeat(level, batch.shape[2], axis=2), out=scaled)
    # In place: allocating further arrays of this size is slow.
    if stretch == "log":
        np.maximum(scaled, floor, out=scaled)
        np.log10(scaled, out=scaled)
    elif stretch == "asinh":
        scaled /= floor
        np.arcsinh(scaled, out=scaled)
    return scaled


def _check_signs(X, settings):
    """Raise an error for maps without positive values if the stretch is logarithmic."""
    rows = np.asarray(X[:_N_SIGN_ROWS])
    rows = rows.reshape(-1, 1 if X.ndim == 2 else X.shape[-1])
    settings = settings * rows.shape[1] if len(settings) == 1 else settings
    ranges = zip(rows.min(axis=0), rows.max(axis=0), strict=True)
    for channel, (own, (lowest, highest)) in enumerate(zip(settings, ranges, strict=True)):
        if own["stretch"] == "log" and highest <= 0 and lowest < 0:
            raise ValueError(
                f"stretch='log' needs maps with positive values, got {lowest:.3g} to {highest:.3g} in "
                f"channel {channel}; if the maps are logarithms, pass 10**maps"
            )

"""A network that no rotation or reflection of the map can change, by construction."""

import keras
import numpy as np
from keras import ops

from darkcnn.networks.head import classify
from darkcnn.networks.layers import MOMENTUM, check_width, scaled
from darkcnn.records import FIELD_SIZE

INNER_RADIUS = 10.0
"""Radius of the first ring, in kpc. The last one touches the edge of the map."""

CORE = 40.0
"""Scale of the window in which the centre of the cluster is sought, in kpc."""


def polar(input_shape, n_classes, *, n_attributes=0, n_radii=20, n_angles=16, width=1.0, dropout=0.2):
    """Build a network on rings about the centre of the cluster.

    How dark matter scatters off itself knows no direction. The maps are resampled once onto (radius, angle):
    a rotation is then a cyclic shift along the rings and a reflection their reversal. Convolutions that are
    cyclic and symmetric in angle commute with both, and the mean and the maximum over each ring no longer
    know about either. No rotated or flipped copies are needed, in training or in prediction.

    The logits are the same, to rounding, for maps turned by multiples of 90° or flipped, and for rings turned
    by multiples of 360° / `n_angles`; for angles in between as nearly as the pixels can tell.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps, which must be square and hold the logarithm of
        surface density or brightness; expected standardised (mean 0, variance 1).
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of attributes of each cluster, see :func:`darkcnn.networks.head.classify`.
    n_radii : int, default=20
        Number of rings, evenly spaced in the logarithm of their radius.
    n_angles : int, default=16
        Number of points on each ring, a multiple of 4.
    width : float, default=1.0
        Multiplies the number of channels of every convolution.
    dropout : float, default=0.2
        Fraction of features hidden at each step of the training.

    Returns
    -------
    keras.Model
        From maps, or maps and attributes, to logits of shape (n_samples, n_classes).

    Examples
    --------
    >>> from darkcnn.networks import get_network
    >>> get_network("polar")((50, 50, 3), n_classes=3).get_layer("rings").output.shape
    (None, 20, 16, 3)
    """
    check_width(width)
    maps = keras.Input(input_shape, name="maps")  # 100 x 100 x 3
    x = Rings(n_radii, n_angles, name="rings")(maps)  # 20 x 16 x 3: radii, angles, channels
    x = standardise_rings(x)
    for _ in range(2):
        x = normalise_and_activate(RingConv(scaled(16, width))(x))  # 20 x 16 x 16
    x = keras.layers.Concatenate()([ops.mean(x, axis=2), ops.max(x, axis=2)])  # 20 x 32
    x = keras.layers.Conv1D(scaled(32, width), 3, padding="same", use_bias=False)(x)
    x = normalise_and_activate(x)  # 20 x 32
    x = keras.layers.Dropout(dropout)(keras.layers.Flatten()(x))  # 640
    x = keras.layers.Dense(scaled(64, width), activation="silu")(x)  # 64
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="polar")


def normalise_and_activate(x):
    """Normalise over the batch and activate, with a function smoother than the other networks'."""
    return keras.layers.Activation("silu")(keras.layers.BatchNormalization(momentum=MOMENTUM)(x))


def standardise_rings(x):
    """Bring every ring of every channel to mean 0 and variance 1, as the middle outshines the edge."""
    _, n_radii, n_angles, n_channels = x.shape
    x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, n_angles, n_radii * n_channels))
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, center=False, scale=False)(x)
    return ops.transpose(ops.reshape(x, (-1, n_angles, n_radii, n_channels)), (0, 2, 1, 3))


@keras.saving.register_keras_serializable(package="darkcnn")
class Rings(keras.layers.Layer):
    """Resample maps onto rings about the centre of the cluster, by bilinear interpolation.

    Parameters
    ----------
    n_radii : int
        Number of rings, evenly spaced in the logarithm of their radius.
    n_angles : int
        Number of points on each ring, a multiple of 4: a quarter of a turn is then a whole number of steps.
    **kwargs
        Arguments of ``keras.layers.Layer``.
    """

    def __init__(self, n_radii, n_angles, **kwargs):
        super().__init__(**kwargs)
        if n_radii < 2:
            raise ValueError(f"n_radii must be at least 2, got {n_radii!r}")
        if n_angles < 4 or n_angles % 4:
            raise ValueError(f"n_angles must be a multiple of 4, got {n_angles!r}")
        self.n_radii = n_radii
        self.n_angles = n_angles

    def build(self, input_shape):
        """Lay out the rings, in pixels from the centre."""
        _, height, width, _ = input_shape
        if height != width or height < 2:
            raise ValueError(f"maps must be square and at least 2 pixels wide, got {height} x {width} pixels")
        pixel = FIELD_SIZE / height
        radii = np.geomspace(INNER_RADIUS / pixel, (height - 1) / 2, self.n_radii)[:, None]
        angles = 2 * np.pi * np.arange(self.n_angles) / self.n_angles
        self.x = (radii * np.cos(angles)).ravel().astype("float32")
        self.y = (radii * np.sin(angles)).ravel().astype("float32")
        self.window = CORE / pixel

    def call(self, maps):
        """Return the rings, of shape (n_samples, n_radii, n_angles, n_channels)."""
        _, size, _, n_channels = maps.shape
        centre_x, centre_y = self.find_centre(maps)
        column, right = self.split(centre_x + self.x, size)
        row, down = self.split(centre_y + self.y, size)
        # One long list of pixels, in which each map begins size * size after the one before.
        pixels = ops.reshape(maps, (-1, n_channels))
        first = ops.expand_dims(ops.arange(ops.shape(maps)[0]) * (size * size), 1) + row * size + column
        rings = 0.0
        for step, weight in (
            (0, (1 - down) * (1 - right)),
            (1, (1 - down) * right),
            (size, down * (1 - right)),
            (size + 1, down * right),
        ):
            rings = rings + ops.expand_dims(weight, -1) * ops.take(pixels, first + step, axis=0)
        return ops.reshape(rings, (-1, self.n_radii, self.n_angles, n_channels))

    @staticmethod
    def split(position, size):
        """Split positions, in pixels from the middle, into the pixel before and the way to the next.

        The middle is taken off last, so that positions left and right of it are rounded alike.
        """
        position = position - (0.5 if size % 2 == 0 else 0.0)
        before = ops.clip(ops.floor(position), -(size // 2), size - 2 - size // 2)
        return ops.cast(before, "int32") + size // 2, ops.clip(position - before, 0.0, 1.0)

    def find_centre(self, maps):
        """Return the position of the peak, in pixels from the middle of the map, each (n_samples, 1)."""
        size = maps.shape[1]
        margin = max(0, size // 2 - int(np.ceil(4 * self.window)))
        core = ops.mean(maps[:, margin : size - margin, margin : size - margin], axis=-1)
        axis = np.arange(margin, size - margin, dtype="float32") - (size - 1) / 2
        x, y = (ops.convert_to_tensor(a.ravel()) for a in np.meshgrid(axis, axis))
        brightness = ops.reshape(4.0 * core, (-1, len(axis) ** 2))
        centre_x = centre_y = ops.zeros_like(brightness[:, :1])
        for _ in range(3):  # the window follows the peak
            distance2 = (x - centre_x) ** 2 + (y - centre_y) ** 2
            weight = ops.softmax(brightness - distance2 / (2 * self.window**2), axis=1)
            centre_x = ops.sum(weight * x, axis=1, keepdims=True)
            centre_y = ops.sum(weight * y, axis=1, keepdims=True)
        return centre_x, centre_y

    def compute_output_shape(self, input_shape):
        """Return the shape of the rings."""
        return (input_shape[0], self.n_radii, self.n_angles, input_shape[-1])

    def get_config(self):
        """Return the arguments that make this layer."""
        return {**super().get_config(), "n_radii": self.n_radii, "n_angles": self.n_angles}


@keras.saving.register_keras_serializable(package="darkcnn")
class RingConv(keras.layers.Layer):
    """Convolve rings, over 3 radii and 3 angles, with kernels that are symmetric in angle.

    Parameters
    ----------
    n_channels : int
        Number of channels to make.
    **kwargs
        Arguments of ``keras.layers.Layer``.
    """

    def __init__(self, n_channels, **kwargs):
        super().__init__(**kwargs)
        self.n_channels = n_channels

    def build(self, input_shape):
        """Make the two halves of the kernels: on the ray itself, and one step to either side."""
        shape = (3, 1, input_shape[-1], self.n_channels)
        # Attributes under these names let a network that is traced already start afresh from another seed.
        self.ray_initializer = keras.initializers.VarianceScaling(2.0 / 3.0, "fan_in")
        self.sides_initializer = keras.initializers.VarianceScaling(2.0 / 3.0, "fan_in")
        self.ray = self.add_weight(shape=shape, initializer=self.ray_initializer, name="ray")
        self.sides = self.add_weight(shape=shape, initializer=self.sides_initializer, name="sides")

    def call(self, x):
        """Return the convolved rings; beyond the first and the last ring is zero."""
        x = ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2)
        x = ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 0]])
        return ops.conv(x, ops.concatenate([self.sides, self.ray, self.sides], axis=1), padding="valid")

    def compute_output_shape(self, input_shape):
        """Return the shape of the convolved rings."""
        return (*input_shape[:-1], self.n_channels)

    def get_config(self):
        """Return the arguments that make this layer."""
        return {**super().get_config(), "n_channels": self.n_channels}

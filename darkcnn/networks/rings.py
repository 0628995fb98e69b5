"""Layers of the polar network: resampling onto rings and convolutions along them."""

import keras
import numpy as np
from keras import ops

from darkcnn.records import FIELD_SIZE

INNER_RADIUS = 10.0
"""Radius of the first ring in kpc. The last ring touches the edge of the map."""

WINDOW = 40.0
"""Standard deviation, in kpc, of the Gaussian window used to find the centre of the cluster."""

SHARPNESS = 4.0
"""Softmax exponent of the centre weights, per standard deviation of brightness."""


@keras.saving.register_keras_serializable(package="darkcnn")
class Rings(keras.layers.Layer):
    """Resample maps onto rings about the centre of the cluster, by bilinear interpolation.

    The centre is the peak of the mean of the channels near the middle of the map.

    Parameters
    ----------
    n_radii : int
        Number of rings, logarithmically spaced in radius.
    n_angles : int
        Number of points on each ring, a multiple of 4.
    **kwargs
        Further arguments of ``keras.layers.Layer``.
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
        """Compute the positions of the rings, in pixels from the centre."""
        _, height, width, _ = input_shape
        if height != width or height < 2:
            raise ValueError(f"maps must be square and at least 2 pixels wide, got {height} x {width} pixels")
        pixel = FIELD_SIZE / height
        radii = np.geomspace(INNER_RADIUS / pixel, (height - 1) / 2, self.n_radii)[:, None]
        angles = 2 * np.pi * np.arange(self.n_angles) / self.n_angles
        self.x = (radii * np.cos(angles)).ravel().astype(self.compute_dtype)
        self.y = (radii * np.sin(angles)).ravel().astype(self.compute_dtype)
        self.window = WINDOW / pixel

    def call(self, maps):
        """Resample maps; returns rings of shape (n_samples, n_radii, n_angles, n_channels)."""
        _, size, _, n_channels = maps.shape
        centre_x, centre_y = self.find_centre(maps)
        column, right = self.split(centre_x + self.x, size)
        row, down = self.split(centre_y + self.y, size)
        # One long list of pixels, in which each map begins size * size after the one before.
        pixels = ops.reshape(maps, (-1, n_channels))
        map_start = ops.arange(ops.shape(maps)[0], dtype="int32") * (size * size)
        first = ops.expand_dims(map_start, 1) + row * size + column
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
        """Split positions, in pixels from the middle, into the index of the pixel before and a fraction.

        The middle is subtracted last, so that positions on either side of it are rounded in the same way.
        """
        position = position - (0.5 if size % 2 == 0 else 0.0)
        before = ops.clip(ops.floor(position), -(size // 2), size - 2 - size // 2)
        return ops.cast(before, "int32") + size // 2, ops.clip(position - before, 0.0, 1.0)

    def find_centre(self, maps):
        """Return the x and y of the peak, in pixels from the middle, each of shape (n_samples, 1)."""
        size = maps.shape[1]
        margin = max(0, size // 2 - int(np.ceil(4 * self.window)))
        core = ops.mean(maps[:, margin : size - margin, margin : size - margin], axis=-1)
        axis = np.arange(margin, size - margin, dtype=self.compute_dtype) - (size - 1) / 2
        x, y = (ops.convert_to_tensor(a.ravel()) for a in np.meshgrid(axis, axis))
        brightness = ops.reshape(SHARPNESS * core, (-1, len(axis) ** 2))
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
        """Return the arguments of the layer, for saving."""
        return {**super().get_config(), "n_radii": self.n_radii, "n_angles": self.n_angles}


@keras.saving.register_keras_serializable(package="darkcnn")
class StandardiseRings(keras.layers.Layer):
    """Standardise each ring of each channel to mean 0 and variance 1 over all training maps.

    Unlike batch normalisation, it uses running statistics in training too: the level of a ring distinguishes
    dark-matter models, and its mean over a small batch is noisy.
    """

    def build(self, input_shape):
        """Create the running statistics."""
        _, n_radii, _, n_channels = input_shape
        # Attributes under these names let a network that is traced already start afresh.
        self.mean_initializer = self.n_batches_initializer = keras.initializers.Zeros()
        self.square_initializer = keras.initializers.Ones()
        for name, shape in (
            ("mean", (n_radii, 1, n_channels)),
            ("square", (n_radii, 1, n_channels)),
            ("n_batches", ()),
        ):
            initializer = getattr(self, f"{name}_initializer")
            weight = self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)
            setattr(self, name, weight)

    def call(self, x, training=False):
        """Return the standardised rings; in training, the running statistics are updated first."""
        if training:
            self.n_batches.assign(self.n_batches + 1)
            for running, batch in ((self.mean, x), (self.square, ops.square(x))):
                now = ops.mean(batch, axis=(0, 2))[:, None]
                running.assign(running + (now - running) / self.n_batches)
        variance = ops.maximum(self.square - ops.square(self.mean), 0.0)
        # The maps have variance 1, so that this constant keeps rings that hardly vary from being blown up.
        return (x - self.mean) / ops.sqrt(variance + 1e-3)

    def compute_output_shape(self, input_shape):
        """Return the shape of the rings."""
        return input_shape


@keras.saving.register_keras_serializable(package="darkcnn")
class RingConv(keras.layers.Layer):
    """Convolution of rings over 3 radii and 3 angles, with kernels symmetric in angle.

    Parameters
    ----------
    n_channels : int
        Number of output channels.
    **kwargs
        Further arguments of ``keras.layers.Layer``.
    """

    def __init__(self, n_channels, **kwargs):
        super().__init__(**kwargs)
        self.n_channels = n_channels

    def build(self, input_shape):
        """Create the independent columns of the kernels: at the same angle and at the neighbouring angles."""
        shape = (3, 1, input_shape[-1], self.n_channels)
        # As above, from another seed.
        self.ray_initializer = keras.initializers.VarianceScaling(2.0 / 3.0, "fan_in")
        self.sides_initializer = keras.initializers.VarianceScaling(2.0 / 3.0, "fan_in")
        self.ray = self.add_weight(shape=shape, initializer=self.ray_initializer, name="ray")
        self.sides = self.add_weight(shape=shape, initializer=self.sides_initializer, name="sides")

    def call(self, x):
        """Return the convolved rings, with zero padding in radius."""
        x = ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2)
        x = ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 0]])
        return ops.conv(x, ops.concatenate([self.sides, self.ray, self.sides], axis=1), padding="valid")

    def compute_output_shape(self, input_shape):
        """Return the shape of the convolved rings."""
        return (*input_shape[:-1], self.n_channels)

    def get_config(self):
        """Return the arguments of the layer, for saving."""
        return {**super().get_config(), "n_channels": self.n_channels}

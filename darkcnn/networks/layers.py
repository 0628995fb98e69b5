"""Layers and constants shared by the architectures."""

from functools import partial

import keras
from keras import ops

from darkcnn._common.keras_settings import check_data_format

LEAK = 0.03
"""Negative slope of the leaky ReLU, as in the published darkCNN."""

MOMENTUM = 0.9

"""Momentum of the running mean and variance in batch normalisation.

The darkCNN code has 0 (statistics of the last batch only), which makes the validation score jump between
epochs.
"""


def map_input(input_shape):
    """Return the input layer of a network, for maps of shape (height, width, n_channels)."""
    check_data_format()
    return keras.Input(input_shape, name="maps")


def check_width(width):
    """Return `width`, or raise a ValueError if it is not positive."""
    if not width > 0:
        raise ValueError(f"width must be positive, got {width!r}")
    return width


def check_blocks(blocks, n_stages):
    """Return `blocks`, or raise a ValueError if it is not one number of blocks per stage."""
    if len(blocks) != n_stages or any(n != int(n) or n < 0 for n in blocks):
        raise ValueError(f"blocks must be {n_stages} non-negative integers, got {blocks!r}")
    return blocks


def scaled(n_channels, width):
    """Return `n_channels` times `width`, rounded, at least 1."""
    return max(1, round(n_channels * width))


def leaky_relu(x):
    """Apply a leaky ReLU of slope `LEAK`."""
    return keras.layers.LeakyReLU(negative_slope=LEAK)(x)


def convolve(x, *steps, strides=1, width=1.0):
    """Apply one or more convolutions, each followed by batch normalisation and activation.

    Convolutions are zero-padded, without bias.

    Parameters
    ----------
    x : KerasTensor of shape (n_samples, height, width, n_channels)
        Input.
    *steps : (int, int) or (int, (int, int))
        Number of output channels and kernel size in pixels of each convolution, such as ``(96, 3)`` or
        ``(96, (1, 7))``.
    strides : int, default=1
        Stride of the last convolution in pixels.
    width : float, default=1.0
        Factor by which the numbers of channels are multiplied.

    Returns
    -------
    KerasTensor of shape (n_samples, ceil(height / strides), ceil(width / strides), n_channels)
        Features.
    """
    for i, (n_channels, kernel_size) in enumerate(steps, start=1):
        x = keras.layers.Conv2D(
            scaled(n_channels, width),
            kernel_size,
            strides=strides if i == len(steps) else 1,
            padding="same",
            use_bias=False,
        )(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, scale=False)(x)
        x = leaky_relu(x)
    return x


def make_convolve(width):
    """Return :func:`convolve` with a fixed `width`."""
    return partial(convolve, width=check_width(width))


def max_pool(x, size=3, *, strides=1):
    """Apply max pooling over `size` × `size` pixels."""
    return keras.layers.MaxPooling2D(size, strides=strides, padding="same")(x)


def average_pool(x, size=3, *, strides=1):
    """Apply average pooling over `size` × `size` pixels."""
    return keras.layers.AveragePooling2D(size, strides=strides, padding="same")(x)


def join(*branches):
    """Concatenate the channels of the branches."""
    return keras.layers.Concatenate()(branches)


def add_residual(x, *branches, scale=0.1):
    """Add the branches, multiplied by `scale`, to `x` and apply the activation.

    Szegedy et al. (2017, section 3.3) recommend scales between 0.1 and 0.3 for stable training.
    """
    step = keras.layers.Conv2D(x.shape[-1], 1, use_bias=False)(join(*branches))
    return leaky_relu(keras.layers.Add()([x, keras.layers.Rescaling(scale)(step)]))


def dense(x, n_features, *, width=1.0):
    """Apply a dense layer of `n_features` times `width` units and the activation."""
    return leaky_relu(keras.layers.Dense(scaled(n_features, width))(x))


@keras.saving.register_keras_serializable(package="darkcnn")
class Dropout(keras.layers.Layer):
    """Dropout at a rate that is a variable, so that changes need no retracing.

    With TensorFlow, results are bit-identical to those of ``keras.layers.Dropout``.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        # Set past keras, which would make it a weight.
        vars(self)["_factors"] = keras.Variable(
            lambda shape, dtype: ops.zeros(shape, dtype),
            shape=(2,),
            dtype="float32" if keras.backend.backend() == "jax" else "float64",
            trainable=False,
            name="dropout_rate",
        )
        self.set_rate(rate)

    @property
    def variables(self):
        """All state, including the rate."""
        return [*super().variables, self._factors]

    def set_rate(self, rate):
        """Change the rate."""
        if not 0 <= rate <= 1:
            raise ValueError(f"dropout must be between 0 and 1, got {rate!r}")
        self.rate = rate
        self._factors.assign([rate, 1 / (1 - rate) if rate < 1 else 1.0])

    def call(self, inputs, training=False):
        """Return the inputs; in training, set some of them to zero and scale the others."""
        if not training:
            return inputs
        rate, scale = ops.unstack(ops.cast(self._factors, inputs.dtype))
        drawn = keras.random.uniform(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        return ops.where(drawn >= rate, inputs * scale, 0)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Return the arguments of the layer, for saving."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

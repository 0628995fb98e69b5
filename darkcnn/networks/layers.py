"""Layers and constants shared by the architectures."""

from functools import partial

import keras

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

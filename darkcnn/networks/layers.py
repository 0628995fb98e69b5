"""The layers that the architectures are written in, with the numbers that all of them share."""

from functools import partial

import keras

from darkcnn._common.keras_settings import check_data_format

LEAK = 0.03
"""Slope of the activation below zero, as published for darkCNN."""

MOMENTUM = 0.9
"""How much of the running mean and variance a batch leaves in place.

A few thousand maps are some hundred batches an epoch, in which 0.9 settles. The published code has 0: the
statistics of the last batch alone, which makes the validation score jump from epoch to epoch.
"""


def map_input(input_shape):
    """Return the input of a network: maps of shape (height, width, n_channels)."""
    check_data_format()
    return keras.Input(input_shape, name="maps")


def check_width(width):
    """Return `width` if it is positive, else raise ValueError."""
    if not width > 0:
        raise ValueError(f"width must be a number above 0, got {width!r}")
    return width


def check_blocks(blocks, n_stages):
    """Return `blocks` if it holds a number of blocks for each of `n_stages` stages, else raise ValueError."""
    if len(blocks) != n_stages or any(n != int(n) or n < 0 for n in blocks):
        raise ValueError(f"blocks must be {n_stages} whole numbers of blocks, 0 or more, got {blocks!r}")
    return blocks


def scaled(n_channels, width):
    """Return `n_channels` times `width`, rounded, at least one."""
    return max(1, round(n_channels * width))


def leaky_relu(x):
    """Keep what is positive and shrink the rest to `LEAK` of itself."""
    return keras.layers.LeakyReLU(negative_slope=LEAK)(x)


def convolve(x, *steps, strides=1, width=1.0):
    """Convolve once or several times, each time followed by batch normalisation and activation.

    Every convolution pads with zeros, so that maps of any size pass through the deepest network. Biases and
    scales that the next operation would undo are left out.

    Parameters
    ----------
    x : KerasTensor of shape (n_samples, height, width, n_channels)
        Maps.
    *steps : (int, int) or (int, (int, int))
        Number of channels to make and size of the kernel in pixels, of each convolution: ``(96, 3)``, or
        ``(96, (1, 7))`` where height and width differ.
    strides : int, default=1
        Step of the last convolution, in pixels.
    width : float, default=1.0
        Multiplies all numbers of channels.

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
    """Return :func:`convolve` with `width` filled in, once it is checked."""
    return partial(convolve, width=check_width(width))


def max_pool(x, size=3, *, strides=1):
    """Take the maximum over squares of `size` pixels, `strides` apart."""
    return keras.layers.MaxPooling2D(size, strides=strides, padding="same")(x)


def average_pool(x, size=3, *, strides=1):
    """Take the mean over squares of `size` pixels, `strides` apart."""
    return keras.layers.AveragePooling2D(size, strides=strides, padding="same")(x)


def join(*branches):
    """Put the channels of the branches one behind the other."""
    return keras.layers.Concatenate()(branches)


def add_residual(x, *branches, scale=0.1):
    """Add to `x` what the branches make of it, `scale` times, and activate.

    Small steps keep wide residual networks from dying early in the training (Szegedy et al. 2017, section
    3.3, who take 0.1 to 0.3).
    """
    step = keras.layers.Conv2D(x.shape[-1], 1, use_bias=False)(join(*branches))
    return leaky_relu(keras.layers.Add()([x, keras.layers.Rescaling(scale)(step)]))


def dense(x, n_features, *, width=1.0):
    """Connect every feature with `n_features` times `width` new ones and activate."""
    return leaky_relu(keras.layers.Dense(scaled(n_features, width))(x))

"""The layers that every architecture is written in: convolution, batch normalisation, activation."""

from functools import partial

import keras

LEAK = 0.03
"""Slope of the activation below zero, as published for darkCNN."""

MOMENTUM = 0.9
"""How much of the running mean and variance a batch leaves in place.

A few thousand maps are some hundred batches an epoch, in which 0.9 settles. The published code has 0: the
statistics of the last batch alone, which makes the validation score jump from epoch to epoch.
"""


def scaled(n_channels, width):
    """Return `n_channels` times `width`, rounded, at least one."""
    return max(1, round(n_channels * width))


def conv_bn(x, n_channels, kernel_size, *, strides=1, width=1.0):
    """Convolve, normalise over the batch and activate.

    Every convolution pads with zeros, so that maps of any size pass through the deepest network. The bias
    and the scale that the normalisation or the next layer would undo are left out.

    Parameters
    ----------
    x : KerasTensor of shape (n_samples, height, width, n_channels_in)
        Maps.
    n_channels : int
        Number of channels to make, before `width`.
    kernel_size : int or (int, int)
        Height and width of the kernel, in pixels.
    strides : int, default=1
        Step of the kernel, in pixels.
    width : float, default=1.0
        Multiplies `n_channels`.

    Returns
    -------
    KerasTensor of shape (n_samples, ceil(height / strides), ceil(width / strides), n_channels)
        Features.
    """
    x = keras.layers.Conv2D(
        scaled(n_channels, width), kernel_size, strides=strides, padding="same", use_bias=False
    )(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, scale=False)(x)
    return leaky_relu(x)


def leaky_relu(x):
    """Keep what is positive and shrink the rest to `LEAK` of itself."""
    return keras.layers.LeakyReLU(negative_slope=LEAK)(x)


def max_pool(x, size=3, *, strides=2):
    """Take the maximum over squares of `size` pixels, `strides` apart."""
    return keras.layers.MaxPooling2D(size, strides=strides, padding="same")(x)


def average_pool(x, size=3, *, strides=1):
    """Take the mean over squares of `size` pixels, `strides` apart."""
    return keras.layers.AveragePooling2D(size, strides=strides, padding="same")(x)


def concatenate(*branches):
    """Put the channels of the branches one behind the other."""
    return keras.layers.Concatenate()(branches)


def conv_of_width(width):
    """Return :func:`conv_bn` with every number of channels multiplied by `width`."""
    return partial(conv_bn, width=check_width(width))


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

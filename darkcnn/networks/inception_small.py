"""Inception-v4 with about half the channels."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.inception import block_a, reduction_a, stem
from darkcnn.networks.layers import average_pool, check_blocks, join, make_convolve, map_input, max_pool


def inception_small(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.2):
    """Build the "small" Inception-v4 of the darkCNN code [2]_, after [1]_.

    Inception-v4 with half the channels before the first reduction block and fewer after it. Padding and
    pooling are as in :func:`darkcnn.networks.inception`.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps; any size.
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of cluster attributes (redshift, ...), see :func:`darkcnn.networks.head.classify`.
    width : float, default=1.0
        Factor by which the numbers of channels are multiplied.
    blocks : (int, int, int), default=(1, 1, 1)
        Number of A, B and C blocks.
    dropout : float, default=0.2
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] C. Szegedy, S. Ioffe, V. Vanhoucke and A. Alemi, AAAI 2017 (arXiv:1602.07261)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("inception_small", (100, 100, 3), n_classes=3)
    2379923
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv, half = make_convolve(width), make_convolve(width / 2)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, half)  # 13 x 13 x 192
    for _ in range(n_a):
        x = block_a(x, half)  # 13 x 13 x 192
    x = reduction_a(x, conv, k=128, l=128, m=128, n=128)  # 7 x 7 x 448
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 448
    x = reduction_b(x, conv)  # 4 x 4 x 640
    for _ in range(n_c):
        x = block_c(x, conv)  # 4 x 4 x 576
    x = keras.layers.GlobalAveragePooling2D()(x)  # 576
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="inception_small")


def block_b(x, conv):
    """Inception block with receptive fields of 1, 7 and 13 pixels, from 1D kernels."""
    return join(
        conv(average_pool(x), (64, 1)),
        conv(x, (128, 1)),
        conv(x, (96, 1), (128, (1, 7)), (128, (7, 1))),
        conv(x, (96, 1), (128, (1, 7)), (128, (7, 1)), (128, (1, 7)), (128, (7, 1))),
    )


def reduction_b(x, conv):
    """Second reduction block: halves the maps."""
    return join(
        max_pool(x, strides=2),
        conv(x, (96, 1), (96, 3), strides=2),
        conv(x, (96, 1), (96, (1, 7)), (96, (7, 1)), (96, 3), strides=2),
    )


def block_c(x, conv):
    """Inception block with receptive fields of 1 and 3 pixels and many channels."""
    once = conv(x, (96, 1))
    twice = conv(x, (96, 1), (96, (1, 3)), (96, (3, 1)))
    return join(
        conv(average_pool(x), (96, 1)),
        conv(x, (96, 1)),
        conv(once, (96, (1, 3))),
        conv(once, (96, (3, 1))),
        conv(twice, (96, (3, 1))),
        conv(twice, (96, (1, 3))),
    )

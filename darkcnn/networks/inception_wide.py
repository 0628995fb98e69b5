"""Inception-v4 with finer feature maps and a wider last stage."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.inception import block_a, block_b, reduction_a, reduction_b, short_stem
from darkcnn.networks.layers import average_pool, check_blocks, join, make_convolve, map_input, max_pool


def inception_wide(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.2):
    """Build the "wide" Inception-v4 of the darkCNN code [2]_, after [1]_.

    The stem halves the maps twice instead of three times, so blocks cost four times as much. C blocks have
    384 channels in each branch and one more branch, with max pooling (taken from the average-pooling branch
    in the code, an error). Padding and pooling are as in :func:`darkcnn.networks.inception`.

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
    >>> count_parameters("inception_wide", (100, 100, 3), n_classes=3)
    14764707
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = short_stem(maps, conv)  # 25 x 25 x 192
    for _ in range(n_a):
        x = block_a(x, conv)  # 25 x 25 x 384
    x = reduction_a(x, conv, k=192, l=224, m=256, n=384)  # 13 x 13 x 1024
    for _ in range(n_b):
        x = block_b(x, conv)  # 13 x 13 x 1024
    x = reduction_b(x, conv)  # 7 x 7 x 1536
    for _ in range(n_c):
        x = block_c(x, conv)  # 7 x 7 x 2688
    x = keras.layers.GlobalAveragePooling2D()(x)  # 2688
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="inception_wide")


def block_c(x, conv):
    """Inception block with receptive fields of 1 and 3 pixels and many channels."""
    once = conv(x, (384, 1))
    twice = conv(x, (384, 1), (448, (1, 3)), (512, (3, 1)))
    return join(
        conv(average_pool(x), (384, 1)),
        conv(max_pool(x), (384, 1)),
        conv(x, (384, 1)),
        conv(once, (384, (1, 3))),
        conv(once, (384, (3, 1))),
        conv(twice, (384, (3, 1))),
        conv(twice, (384, (1, 3))),
    )

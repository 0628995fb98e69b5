"""Inception-v4, the network of the published darkCNN."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import average_pool, check_blocks, join, make_convolve, map_input, max_pool


def inception(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.33):
    """Build an Inception-v4 [1]_ network, by default as shallow as the published darkCNN [2]_.

    The published darkCNN has one block of each type: 13,480,419 parameters for 3 channels and 3 classes. The
    full Inception-v4 has ``blocks=(4, 7, 3)``: 41.2 million parameters.

    Differences from the darkCNN code, which do not change the number of parameters: all convolutions are
    padded (unpadded, maps of 50 × 50 pixels shrink to nothing before the last block); average pooling is over
    3 × 3 pixels as in Fig. 4 to 6 of [1]_ (1 × 1 in the code, which has no effect); and the third branch of
    block B is 1 × 7 then 7 × 1, not 1 × 7 twice.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps; any size, preferably at least 50 × 50 pixels.
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of cluster attributes (redshift, ...), see :func:`darkcnn.networks.head.classify`.
    width : float, default=1.0
        Factor by which the numbers of channels are multiplied.
    blocks : (int, int, int), default=(1, 1, 1)
        Number of A, B and C blocks.
    dropout : float, default=0.33
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] C. Szegedy, S. Ioffe, V. Vanhoucke and A. Alemi, AAAI 2017, Fig. 3-9 (arXiv:1602.07261)
    .. [2] D. Harvey, Nature Astronomy 8, 1332 (2024); https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("inception", (50, 50, 3), n_classes=3)
    13480419
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 13 x 13 x 384
    for _ in range(n_a):
        x = block_a(x, conv)  # 13 x 13 x 384
    x = reduction_a(x, conv, k=192, l=224, m=256, n=384)  # 7 x 7 x 1024
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 1024
    x = reduction_b(x, conv)  # 4 x 4 x 1536
    for _ in range(n_c):
        x = block_c(x, conv)  # 4 x 4 x 1536
    x = keras.layers.GlobalAveragePooling2D()(x)  # 1536
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="inception")


def stem(x, conv):
    """Stem: reduces the maps to an eighth of their size (Fig. 3)."""
    x = short_stem(x, conv)  # 25 x 25 x 192
    return join(
        conv(x, (192, 3), strides=2),
        max_pool(x, strides=2),
    )  # 13 x 13 x 384


def short_stem(x, conv):
    """First part of the stem: reduces the maps to a quarter of their size (Fig. 3)."""
    x = conv(x, (32, 3), strides=2)  # 50 x 50 x 32
    x = conv(x, (32, 3), (64, 3))  # 50 x 50 x 64
    x = join(
        max_pool(x, strides=2),
        conv(x, (96, 3), strides=2),
    )  # 25 x 25 x 160
    return join(
        conv(x, (64, 1), (96, 3)),
        conv(x, (64, 1), (64, (7, 1)), (64, (1, 7)), (96, 3)),
    )  # 25 x 25 x 192


def block_a(x, conv):
    """Inception block with receptive fields of 1, 3 and 5 pixels (Fig. 4)."""
    return join(
        conv(average_pool(x), (96, 1)),
        conv(x, (96, 1)),
        conv(x, (64, 1), (96, 3)),
        conv(x, (64, 1), (96, 3), (96, 3)),
    )


def reduction_a(x, conv, *, k, l, m, n):  # noqa: E741 - the letters of the paper
    """First reduction block: halves the maps (Fig. 7, with the symbols of Table 1)."""
    return join(
        max_pool(x, strides=2),
        conv(x, (n, 3), strides=2),
        conv(x, (k, 1), (l, 3), (m, 3), strides=2),
    )


def block_b(x, conv):
    """Inception block with receptive fields of 1, 7 and 13 pixels, from 1D kernels (Fig. 5)."""
    return join(
        conv(average_pool(x), (128, 1)),
        conv(x, (384, 1)),
        conv(x, (192, 1), (224, (1, 7)), (256, (7, 1))),
        conv(x, (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))),
    )


def reduction_b(x, conv):
    """Second reduction block: halves the maps (Fig. 8)."""
    return join(
        max_pool(x, strides=2),
        conv(x, (192, 1), (192, 3), strides=2),
        conv(x, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3), strides=2),
    )


def block_c(x, conv):
    """Inception block with receptive fields of 1 and 3 pixels and many channels (Fig. 6)."""
    once = conv(x, (384, 1))
    twice = conv(x, (384, 1), (448, (1, 3)), (512, (3, 1)))
    return join(
        conv(average_pool(x), (256, 1)),
        conv(x, (256, 1)),
        conv(once, (256, (1, 3))),
        conv(once, (256, (3, 1))),
        conv(twice, (256, (3, 1))),
        conv(twice, (256, (1, 3))),
    )

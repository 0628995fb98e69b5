"""DIBARE: Inception network of Merten et al. (2019) for lensing convergence maps."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import average_pool, check_blocks, join, make_convolve, map_input, max_pool


def dibare(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.33):
    """Build the DIBARE network of Merten et al. [1]_, as ported to the darkCNN code [2]_.

    Differences from the darkCNN code: the fifth branch of block A has its own 1 × 1 and 1 × 7 convolutions,
    which the code leaves out (15,088 parameters more than its 4,195,331, for 3 channels and 3 classes);
    pooling is over 3 × 3 pixels (1 × 1 in the code, which has no effect); and all convolutions are padded.
    Use ``blocks=(4, 7, 3)`` for a deeper network.

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
    dropout : float, default=0.33
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] J. Merten et al., MNRAS 487, 104 (2019; arXiv:1810.11027)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("dibare", (100, 100, 3), n_classes=3)
    4210419
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 25 x 25 x 128
    for _ in range(n_a):
        x = block_a(x, conv)  # 25 x 25 x 240
    x = reduction_a(x, conv)  # 13 x 13 x 384
    for _ in range(n_b):
        x = block_b(x, conv)  # 13 x 13 x 512
    x = reduction_b(x, conv)  # 7 x 7 x 576
    for _ in range(n_c):
        x = block_c(x, conv)  # 7 x 7 x 1024
    x = keras.layers.GlobalAveragePooling2D()(x)  # 1024
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="dibare")


def stem(x, conv):
    """Stem: reduces the maps to a quarter of their size, with several kernel sizes in parallel."""
    x = conv(x, (32, 3), strides=2)  # 50 x 50 x 32
    x = join(
        conv(x, (16, 3)),
        conv(x, (16, 5)),
        conv(x, (16, 7)),
    )  # 50 x 50 x 48
    x = conv(x, (32, 3), strides=2)  # 25 x 25 x 32
    return join(
        conv(x, (64, 3)),
        conv(x, (64, (7, 1)), (64, (1, 7)), (64, 3)),
    )  # 25 x 25 x 128


def block_a(x, conv):
    """Inception block with receptive fields of 1, 3, 5 and 7 pixels."""
    return join(
        conv(average_pool(x), (48, 1)),
        conv(max_pool(x), (48, 1)),
        conv(x, (32, 1), (48, 3)),
        conv(x, (32, 1), (48, 5)),
        conv(x, (32, 1), (48, (1, 7)), (48, (7, 1))),
    )


def reduction_a(x, conv):
    """First reduction block: halves the maps by maximum, mean and convolution."""
    return join(
        max_pool(conv(x, (128, 1)), strides=2),
        average_pool(conv(x, (128, 1)), strides=2),
        conv(x, (64, 1), (128, 3), (128, 3), strides=2),
    )


def block_b(x, conv):
    """Inception block with receptive fields of 1, 7 and 13 pixels, from 1D kernels."""
    return join(
        conv(average_pool(x), (128, 1)),
        conv(x, (128, 1)),
        conv(x, (64, 1), (128, (1, 7)), (128, (7, 1))),
        conv(x, (64, 1), (128, (1, 7)), (128, (7, 1)), (128, (1, 7)), (128, (7, 1))),
    )


def reduction_b(x, conv):
    """Second reduction block: halves the maps."""
    return join(
        max_pool(conv(x, (192, 1)), strides=2),
        conv(x, (128, 1), (192, 3), strides=2),
        conv(x, (64, 1), (192, (1, 7)), (192, (7, 1)), (192, 3), strides=2),
    )


def block_c(x, conv):
    """Inception block with receptive fields of 1 and 3 pixels and many channels."""
    cross = conv(x, (128, 1), (256, (1, 3)), (256, (3, 1)))
    return join(
        conv(average_pool(x), (256, 1)),
        conv(max_pool(x), (256, 1)),
        conv(x, (128, 1), (256, 3), (256, 3)),
        conv(cross, (128, (3, 1))),
        conv(cross, (128, (1, 3))),
    )

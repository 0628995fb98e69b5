"""Inception-ResNet-v1: Inception blocks with residual connections."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.inception import reduction_a
from darkcnn.networks.layers import add_residual, check_blocks, join, make_convolve, map_input, max_pool


def inception_resnet_v1(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.2):
    """Build an Inception-ResNet-v1 [1]_, by default with one block of each type.

    The network of the paper has ``blocks=(5, 10, 5)``. As in the paper, every sum is followed by an
    activation (the darkCNN code [2]_ omits the last one of each stage). All convolutions are padded.

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
    .. [1] C. Szegedy, S. Ioffe, V. Vanhoucke and A. Alemi, AAAI 2017, Fig. 10-15 (arXiv:1602.07261)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("inception_resnet_v1", (100, 100, 3), n_classes=3)
    8047571
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 13 x 13 x 256
    for _ in range(n_a):
        x = block_a(x, conv)  # 13 x 13 x 256
    x = reduction_a(x, conv, k=192, l=192, m=256, n=384)  # 7 x 7 x 896
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 896
    x = reduction_b(x, conv)  # 4 x 4 x 1792
    for _ in range(n_c):
        x = block_c(x, conv)  # 4 x 4 x 1792
    x = keras.layers.GlobalAveragePooling2D()(x)  # 1792
    return classify(
        maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="inception_resnet_v1"
    )


def stem(x, conv):
    """Stem: reduces the maps to an eighth of their size (Fig. 14)."""
    x = conv(x, (32, 3), strides=2)  # 50 x 50 x 32
    x = conv(x, (32, 3), (64, 3))  # 50 x 50 x 64
    x = max_pool(x, strides=2)  # 25 x 25 x 64
    return conv(x, (80, 1), (192, 3), (256, 3), strides=2)  # 13 x 13 x 256


def block_a(x, conv):
    """Residual block with receptive fields of 1, 3 and 5 pixels (Fig. 10)."""
    return add_residual(
        x,
        conv(x, (32, 1)),
        conv(x, (32, 1), (32, 3)),
        conv(x, (32, 1), (32, 3), (32, 3)),
    )


def block_b(x, conv):
    """Residual block with receptive fields of 1 and 7 pixels (Fig. 11)."""
    return add_residual(
        x,
        conv(x, (128, 1)),
        conv(x, (128, 1), (128, (1, 7)), (128, (7, 1))),
    )


def reduction_b(x, conv):
    """Second reduction block: halves the maps (Fig. 12)."""
    return join(
        max_pool(x, strides=2),
        conv(x, (256, 1), (384, 3), strides=2),
        conv(x, (256, 1), (256, 3), strides=2),
        conv(x, (256, 1), (256, 3), (256, 3), strides=2),
    )


def block_c(x, conv):
    """Residual block with receptive fields of 1 and 3 pixels (Fig. 13)."""
    return add_residual(
        x,
        conv(x, (192, 1)),
        conv(x, (192, 1), (192, (1, 3)), (192, (3, 1))),
    )

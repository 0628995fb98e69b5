"""Inception-ResNet-v2: the stem of Inception-v4 and wider residual blocks."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.inception import reduction_a, stem
from darkcnn.networks.layers import add_residual, check_blocks, join, make_convolve, map_input, max_pool


def inception_resnet_v2(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(1, 1, 1), dropout=0.2):
    """Build an Inception-ResNet-v2 [1]_, by default with one block of each type.

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
    .. [1] C. Szegedy, S. Ioffe, V. Vanhoucke and A. Alemi, AAAI 2017, Fig. 15-19 (arXiv:1602.07261)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("inception_resnet_v2", (100, 100, 3), n_classes=3)
    10845299
    """
    n_a, n_b, n_c = check_blocks(blocks, 3)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 13 x 13 x 384
    for _ in range(n_a):
        x = block_a(x, conv)  # 13 x 13 x 384
    x = reduction_a(x, conv, k=256, l=256, m=384, n=384)  # 7 x 7 x 1152
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 1152
    x = reduction_b(x, conv)  # 4 x 4 x 2144
    for _ in range(n_c):
        x = block_c(x, conv)  # 4 x 4 x 2144
    x = keras.layers.GlobalAveragePooling2D()(x)  # 2144
    return classify(
        maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="inception_resnet_v2"
    )


def block_a(x, conv):
    """Residual block with receptive fields of 1, 3 and 5 pixels (Fig. 16)."""
    return add_residual(
        x,
        conv(x, (32, 1)),
        conv(x, (32, 1), (32, 3)),
        conv(x, (32, 1), (48, 3), (64, 3)),
    )


def block_b(x, conv):
    """Residual block with receptive fields of 1 and 7 pixels (Fig. 17)."""
    return add_residual(
        x,
        conv(x, (192, 1)),
        conv(x, (128, 1), (160, (1, 7)), (192, (7, 1))),
    )


def reduction_b(x, conv):
    """Second reduction block: halves the maps (Fig. 18)."""
    return join(
        max_pool(x, strides=2),
        conv(x, (256, 1), (384, 3), strides=2),
        conv(x, (256, 1), (288, 3), strides=2),
        conv(x, (256, 1), (288, 3), (320, 3), strides=2),
    )


def block_c(x, conv):
    """Residual block with receptive fields of 1 and 3 pixels (Fig. 19)."""
    return add_residual(
        x,
        conv(x, (192, 1)),
        conv(x, (192, 1), (224, (1, 3)), (256, (3, 1))),
    )

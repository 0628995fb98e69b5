"""Dark-Inception-ResNet: residual blocks with large receptive fields from 1D kernels."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import (
    Dropout,
    add_residual,
    average_pool,
    check_blocks,
    dense,
    join,
    make_convolve,
    map_input,
    max_pool,
)


def dark_inception_resnet(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(3, 5), dropout=0.2):
    """Build the "Dark-Inception-ResNet" of the darkCNN code [1]_.

    The published code does not run because the dropout rate of its dense layer is undefined. Three further
    errors are corrected here: the second branch of block A and the third branch of the first reduction block
    use all their convolutions (the code drops the first ones), and the fourth branch of block B is included.
    All convolutions are padded and batch-normalised.

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
    blocks : (int, int), default=(3, 5)
        Number of A and B blocks.
    dropout : float, default=0.2
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("dark_inception_resnet", (100, 100, 3), n_classes=3)
    3016771
    """
    n_a, n_b = check_blocks(blocks, 2)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 13 x 13 x 48
    for _ in range(n_a):
        x = block_a(x, conv)  # 13 x 13 x 48
    x = reduction_a(x, conv)  # 7 x 7 x 384
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 384
    x = reduction_b(x, conv)  # 2 x 2 x 832
    x = Dropout(dropout)(keras.layers.Flatten()(x))  # 3328
    x = dense(x, 256, width=width)  # 256
    return classify(
        maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="dark_inception_resnet"
    )


def stem(x, conv):
    """Stem: reduces the maps to an eighth of their size, with receptive fields of 3, 5 and 11 pixels."""
    x = conv(x, (32, 3), strides=2)  # 50 x 50 x 32
    x = conv(x, (32, 3))  # 50 x 50 x 32
    x = join(
        conv(x, (64, 3), strides=4),
        average_pool(x, 4, strides=4),
    )  # 13 x 13 x 96
    return join(
        conv(x, (16, 1), (16, 3)),
        conv(x, (16, 1), (16, 5)),
        conv(x, (16, 1), (16, 11)),
    )  # 13 x 13 x 48


def block_a(x, conv):
    """Residual block with receptive fields of 1, 5, 9 and 13 pixels, the large ones from 1D kernels."""
    return add_residual(
        x,
        conv(average_pool(x), (64, 1)),
        conv(x, (32, 1), (16, 3), (16, 3)),
        conv(x, (32, 1), (16, (1, 5)), (16, (5, 1)), (16, (1, 5)), (16, (5, 1))),
        conv(x, (32, 1), (16, (1, 7)), (16, (7, 1)), (16, (1, 7)), (16, (7, 1))),
    )


def reduction_a(x, conv):
    """First reduction block: halves the maps by maximum, mean and convolution."""
    return join(
        max_pool(conv(x, (128, 1)), strides=2),
        average_pool(conv(x, (128, 1)), strides=2),
        conv(x, (128, 1), (128, 3), (128, 3), strides=2),
    )


def block_b(x, conv):
    """Residual block with receptive fields of 1, 3 and 5 pixels."""
    return add_residual(
        x,
        conv(average_pool(x), (64, 1)),
        conv(x, (64, 1)),
        conv(x, (64, 1), (64, 3)),
        conv(x, (64, 1), (64, 3), (64, 3)),
    )


def reduction_b(x, conv):
    """Second reduction block: reduces the maps to a quarter by maximum, mean and convolution."""
    return join(
        max_pool(x, 4, strides=4),
        average_pool(x, 4, strides=4),
        conv(x, (128, 1), (64, 3), strides=4),
    )

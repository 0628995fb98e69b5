"""Deep Dark-Inception: the blocks of Dark-Inception-ResNet without residual connections."""

import keras

from darkcnn.networks.dark_inception_resnet import reduction_a, reduction_b, stem
from darkcnn.networks.head import classify
from darkcnn.networks.layers import Dropout, average_pool, check_blocks, dense, join, make_convolve, map_input


def dark_inception_deep(input_shape, n_classes, *, n_attributes=0, width=1.0, blocks=(3, 5), dropout=0.2):
    """Build the deeper of the two "Dark-Inception" networks of the darkCNN code [1]_.

    Errors of the code in the shared layers are corrected as in
    :func:`darkcnn.networks.dark_inception_resnet`.

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
    >>> count_parameters("dark_inception_deep", (100, 100, 3), n_classes=3)
    4883907
    """
    n_a, n_b = check_blocks(blocks, 2)
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = stem(maps, conv)  # 13 x 13 x 48
    for _ in range(n_a):
        x = block_a(x, conv)  # 13 x 13 x 160
    x = reduction_a(x, conv)  # 7 x 7 x 384
    for _ in range(n_b):
        x = block_b(x, conv)  # 7 x 7 x 448
    x = reduction_b(x, conv)  # 2 x 2 x 960
    x = Dropout(dropout)(keras.layers.Flatten()(x))  # 3840
    x = dense(x, 256, width=width)  # 256
    return classify(
        maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="dark_inception_deep"
    )


def block_a(x, conv):
    """Inception block with receptive fields of 1, 5, 9 and 13 pixels, the large ones from 1D kernels."""
    return join(
        conv(average_pool(x), (64, 1)),
        conv(x, (64, 1), (32, 3), (32, 3)),
        conv(x, (64, 1), (32, (1, 5)), (32, (5, 1)), (32, (1, 5)), (32, (5, 1))),
        conv(x, (64, 1), (32, (1, 7)), (32, (7, 1)), (32, (1, 7)), (32, (7, 1))),
    )


def block_b(x, conv):
    """Inception block with receptive fields of 1, 3 and 5 pixels."""
    return join(
        conv(average_pool(x), (128, 1)),
        conv(x, (128, 1)),
        conv(x, (128, 1), (64, 3)),
        conv(x, (128, 1), (128, 3), (128, 3)),
    )

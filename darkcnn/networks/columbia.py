"""Convolutional network for lensing convergence maps, after Gupta et al. (2018)."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import Dropout, average_pool, dense, make_convolve, map_input


def columbia(input_shape, n_classes, *, n_attributes=0, width=1.0, dropout=0.5):
    """Build the "columbia" network of the darkCNN code [2]_, after Gupta et al. [1]_.

    The darkCNN code does not cite a paper for this network; [1]_ is our interpretation. Batch normalisation
    is always on, all convolutions are padded, and all have an activation (the code omits the last two).

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
    dropout : float, default=0.5
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] A. Gupta, J. M. Zorrilla Matilla, D. Hsu and Z. Haiman, PRD 97, 103515 (2018; arXiv:1802.01212)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("columbia", (100, 100, 3), n_classes=3)
    1338699
    """
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = conv(maps, (4, 3))  # 100 x 100 x 4
    x = average_pool(x, 2, strides=2)  # 50 x 50 x 4
    x = conv(x, (12, 3), (12, 3))  # 50 x 50 x 12
    x = average_pool(x, 2, strides=2)  # 25 x 25 x 12
    x = conv(x, (32, 3))  # 25 x 25 x 32
    x = average_pool(x, 2, strides=2)  # 13 x 13 x 32
    x = conv(x, (64, 3))  # 13 x 13 x 64
    x = average_pool(x, 2, strides=2)  # 7 x 7 x 64
    x = average_pool(x, 2, strides=2)  # 4 x 4 x 64
    x = keras.layers.Flatten()(x)  # 1024
    for n_features in (1024, 256):
        x = Dropout(dropout)(dense(x, n_features, width=width))  # 1024, 256
    x = dense(x, 10, width=width)  # 10
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="columbia")

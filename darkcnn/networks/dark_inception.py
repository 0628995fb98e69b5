"""Dark-Inception: three layers of parallel convolutions, with average pooling."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import Dropout, average_pool, dense, join, make_convolve, map_input


def dark_inception(input_shape, n_classes, *, n_attributes=0, width=1.0, dropout=0.5):
    """Build the "dark_inception" network of the darkCNN code [1]_.

    Batch normalisation, optional in the darkCNN code, is always on.

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
    .. [1] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("dark_inception", (100, 100, 3), n_classes=3)
    3155827
    """
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = join(
        average_pool(maps, 4),
        conv(maps, (4, 1)),
        conv(maps, (4, 3)),
    )  # 100 x 100 x 11
    x = average_pool(x, 4, strides=4)  # 25 x 25 x 11
    x = join(
        average_pool(x, 4),
        conv(x, (12, 3), (12, 3)),
        conv(x, (12, 5), (12, 5)),
        conv(x, (12, 7)),
    )  # 25 x 25 x 47
    x = average_pool(x, 2, strides=2)  # 13 x 13 x 47
    x = join(
        average_pool(x, strides=3),
        conv(x, (32, 1), (32, 3), strides=3),
        conv(x, (32, 3), (32, 3), strides=3),
    )  # 5 x 5 x 111
    x = Dropout(dropout)(keras.layers.Flatten()(x))  # 2775
    x = Dropout(dropout)(dense(x, 1024, width=width))  # 1024
    x = dense(x, 256, width=width)  # 256
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="dark_inception")

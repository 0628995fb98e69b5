"""Convolutional network after Ravanbakhsh et al. (2016), for maps."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import Dropout, average_pool, dense, make_convolve, map_input


def cmu(input_shape, n_classes, *, n_attributes=0, width=1.0, dropout=0.5):
    """Build the "cmu" network of the darkCNN code [2]_, a 2D version of Ravanbakhsh et al. [1]_.

    The darkCNN code does not cite a paper for this network; [1]_ is our interpretation. Batch normalisation
    is always on and all convolutions are padded.

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
    .. [1] S. Ravanbakhsh et al., ICML 2016 (PMLR 48, 2407; arXiv:1711.02033)
    .. [2] https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("cmu", (100, 100, 3), n_classes=3)
    3499555
    """
    conv = make_convolve(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = conv(maps, (4, 3))  # 100 x 100 x 4
    x = average_pool(x, 2, strides=2)  # 50 x 50 x 4
    x = conv(x, (12, 3), (12, 3))  # 50 x 50 x 12
    x = average_pool(x, 2, strides=2)  # 25 x 25 x 12
    x = conv(x, (32, 3), strides=2)  # 13 x 13 x 32
    x = conv(x, (64, 3), strides=2)  # 7 x 7 x 64
    x = keras.layers.Flatten()(x)  # 3136
    x = Dropout(dropout)(dense(x, 1024, width=width))  # 1024
    x = dense(x, 256, width=width)  # 256
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="cmu")

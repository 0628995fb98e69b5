"""Small network with three convolutional layers."""

import keras

from darkcnn.networks.head import classify
from darkcnn.networks.layers import check_width, map_input, scaled


def simple(input_shape, n_classes, *, n_attributes=0, width=1.0, dropout=0.0):
    """Build the "simple" network of the darkCNN code [1]_.

    The size of its first dense layer grows with the number of pixels: 1,203,747 parameters for 100 × 100
    pixels, 3 channels and 3 classes.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps; any size from 1 × 1 pixel.
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of cluster attributes (redshift, ...), see :func:`darkcnn.networks.head.classify`.
    width : float, default=1.0
        Factor by which the numbers of channels are multiplied.
    dropout : float, default=0.0
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    References
    ----------
    .. [1] D. Harvey, Nature Astronomy 8, 1332 (2024); https://github.com/davidharvey1986/darkCNN

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("simple", (100, 100, 3), n_classes=3)
    1203747
    """
    check_width(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    x = maps
    for n_channels in (16, 32, 64):
        x = keras.layers.Conv2D(scaled(n_channels, width), 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D([min(2, side) for side in x.shape[1:3]])(x)  # a side of 1 stays
    # 12 x 12 x 64
    x = keras.layers.Flatten()(x)  # 9216
    x = keras.layers.Dense(scaled(128, width), activation="relu")(x)  # 128
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="simple")

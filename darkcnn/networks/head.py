"""Output layers shared by all architectures: features of a map to class logits."""

import keras

from darkcnn.networks.layers import Dropout


def classify(maps, features, n_classes, *, n_attributes=0, dropout=0.0, name=None):
    """Add the output layers to a network and return the model.

    Attributes are combined with the features before a nonlinear layer, so the effect of a map can depend on
    an attribute such as redshift. The output has no softmax; logits have the precision of
    ``keras.config.floatx()`` under any policy.

    Parameters
    ----------
    maps : KerasTensor of shape (n_samples, height, width, n_channels)
        Network input, named "maps".
    features : KerasTensor of shape (n_samples, n_features)
        Output of the last layer before the attributes are added.
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of cluster attributes. They are the second input of the model, named "attributes", of shape
        (n_samples, n_attributes), and should be standardised (mean 0, variance 1).
    dropout : float, default=0.0
        Dropout rate.
    name : str, optional
        Name of the model.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes). The input of its last
        layer is the embedding.

    Examples
    --------
    >>> import keras
    >>> from darkcnn.networks.head import classify
    >>> maps = keras.Input((20, 20, 3), name="maps")
    >>> features = keras.layers.GlobalAveragePooling2D()(maps)
    >>> model = classify(maps, features, 4, n_attributes=2)
    >>> [tensor.name for tensor in model.inputs], model.output_shape
    (['maps', 'attributes'], (None, 4))
    """
    inputs = maps
    if n_attributes:
        attributes = keras.Input((n_attributes,), name="attributes")
        inputs = [maps, attributes]
        known = keras.layers.Dense(32, activation="relu")(attributes)
        features = keras.layers.Concatenate()([features, known])
        features = keras.layers.Dense(128, activation="relu")(features)
    embedding = Dropout(dropout)(features)
    logits = keras.layers.Dense(n_classes, name="logits", dtype=keras.config.floatx())(embedding)
    return keras.Model(inputs, logits, name=name)

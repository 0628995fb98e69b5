"""The last layers that every architecture shares: features of a map → logits of the classes."""

import keras


def classify(maps, features, n_classes, *, n_attributes=0, dropout=0.0, name=None):
    """Close a network with its head and return the model.

    Attributes join the features before a layer that is not linear, so that the effect of a map can depend on,
    say, the redshift of the cluster. The published head is linear end to end: there, attributes can only
    shift all clusters' scores alike. There is no softmax, which the published code applies twice: the loss
    takes logits, of the precision of ``keras.config.floatx()`` under any policy.

    Parameters
    ----------
    maps : KerasTensor of shape (n_samples, height, width, n_channels)
        Input of the network, named "maps".
    features : KerasTensor of shape (n_samples, n_features)
        Output of the last layer that takes maps alone.
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of attributes of each cluster, expected standardised (mean 0, variance 1); they enter the model
        as its second input, named "attributes", of shape (n_samples, n_attributes).
    dropout : float, default=0.0
        Fraction of features hidden at each step of the training.
    name : str, optional
        Name of the model.

    Returns
    -------
    keras.Model
        From maps, or maps and attributes, to logits of shape (n_samples, n_classes). The input of its last
        layer is the embedding of a cluster.

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
    embedding = keras.layers.Dropout(dropout)(features)
    logits = keras.layers.Dense(n_classes, name="logits", dtype=keras.config.floatx())(embedding)
    return keras.Model(inputs, logits, name=name)

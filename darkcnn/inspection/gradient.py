"""Gradient of log-probabilities with the TensorFlow or JAX backend of keras."""

import keras
import numpy as np


def log_probability_gradient(model, maps, attributes, classes, *, from_logits):
    """Compute the gradient of the log-probability of a class with respect to the pixels.

    Parameters
    ----------
    model : keras.Model
        Network from maps (and attributes) to logits or probabilities.
    maps : ndarray of shape (n_maps, height, width, n_channels)
        Maps.
    attributes : ndarray of shape (n_maps, n_attributes) or None
        Attributes.
    classes : ndarray of int of shape (n_maps,)
        Class index of each map.
    from_logits : bool
        Whether the network returns logits.

    Returns
    -------
    ndarray of shape (n_maps, height, width, n_channels)
        Gradients.

    Raises
    ------
    NotImplementedError
        If the backend of keras is neither TensorFlow nor JAX.
    """
    chosen = np.eye(model.output_shape[-1], dtype=np.float32)[classes]

    def inputs(x):
        return x if attributes is None else [x, keras.ops.convert_to_tensor(attributes)]

    def total(outputs):
        logs = keras.ops.log_softmax(outputs) if from_logits else keras.ops.log(outputs + 1e-12)
        return keras.ops.sum(logs * chosen)

    maps = keras.ops.convert_to_tensor(maps)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(maps)
            value = total(model(inputs(maps), training=False))
        return tape.gradient(value, maps).numpy()
    if keras.config.backend() == "jax":
        import jax

        weights = (model.trainable_variables, model.non_trainable_variables)
        trained, rest = ([variable.value for variable in group] for group in weights)
        gradient = jax.grad(
            lambda x: total(model.stateless_call(trained, rest, inputs(x), training=False)[0])
        )
        return np.asarray(gradient(maps))
    raise NotImplementedError(
        f"saliency needs the backend 'tensorflow' or 'jax' of keras, got {keras.config.backend()!r}"
    )

"""Keras models of the packaged networks, for any number of pixels and any subset of maps."""

from threading import Lock

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils import gen_batches

from darkcnn._common.keras_settings import check_data_format, check_precision, check_process
from darkcnn.networks import get_network

import keras  # isort: skip - the settings start it without the messages of its backend

from darkcnn.networks.rings import StandardiseRings
from darkcnn.pretrained.files import HEAD, read_pretrained, to_embedding

_BUILT = {}
_N_BATCHES = 100  # weight of the packaged ring statistics in fine-tuning, in training batches
_MAX_BUILT = 8  # one for each number of pixels, a few megabytes each
_LOCK = Lock()


def weights_of(file):
    """Return the weights of a packaged file, in the order of its network."""
    weights = file.group("weights")
    return [weights[key] for key in sorted(weights)]


def build(file, n_pixels, n_classes=None, **options):
    """Build the network of a file, with its number of classes or another one.

    `options` are options of the architecture, overridden by those of the file.
    """
    shape = (n_pixels, n_pixels, len(file.card["maps"]))
    n_classes = n_classes or len(file.card["cross_sections"])
    return get_network(file.card["architecture"])(shape, n_classes, **(options | file.card["options"]))


def build_trained(file, n_pixels):
    """Build the network of a file with its weights."""
    network = build(file, n_pixels)
    network.set_weights(weights_of(file))
    return network


def build_for_training(file, n_pixels, n_classes, **options):
    """Build the network of a file for other classes, with ring statistics that change slowly in training."""
    network = build(file, n_pixels, n_classes, **options)
    network.set_weights(weights_of(file)[:-2] + network.get_weights()[-2:])
    _standardise(network).n_batches.assign(_N_BATCHES)
    return network


def start_training(file, network, batches):
    """Set the input scaling of a compiled network, and fit its last layer to the training maps."""
    arrays = file.arrays
    network.standardise("maps", arrays["scaling/level"], arrays["scaling/scatter"])
    rows = np.flatnonzero(batches.weights > 0)
    features = np.concatenate(
        [
            network.embedding_model.predict_on_batch(batches.views.draw(each, np.zeros_like(each)))
            for each in (rows[some] for some in gen_batches(len(rows), 128))
        ]
    )
    classes = batches.targets[rows].argmax(axis=1)
    if len(np.unique(classes)) < 2:  # a first partial_fit with one class
        return
    head = LogisticRegression(**HEAD).fit(to_embedding(arrays, features), classes, batches.weights[rows])
    kernel, bias = (np.array(variable) for variable in network.model.trainable_variables[-2:])
    kernel[:, head.classes_], bias[head.classes_] = _last_layer(arrays, head)
    for variable, value in zip(network.model.trainable_variables[-2:], (kernel, bias), strict=True):
        variable.assign(value)


def _last_layer(arrays, head):
    """Return kernel and bias of the last layer, from a logistic regression on the embedding."""
    coef, intercept = head.coef_, head.intercept_
    if len(head.classes_) == 2:  # two classes have one score
        coef, intercept = np.array([-coef[0], coef[0]]) / 2, np.array([-intercept[0], intercept[0]]) / 2
    kernel = arrays["embedding/matrix"] @ coef.T
    return kernel, intercept - arrays["embedding/mean"] @ kernel


def classifier_model(name, n_pixels, head):
    """Return a model from maps and a mask of available maps, as for `embed`, to the logits of a head.

    Missing maps are computed from the available ones, so that gradients include their effect on the centre.
    """
    file = read_pretrained(name)
    network = build_trained(file, n_pixels)
    maps, available = keras.Input(network.input_shape[1:]), keras.Input((network.input_shape[-1],))
    is_shown = keras.ops.reshape(available, (-1, 1, 1, available.shape[-1]))
    n_shown = keras.ops.sum(is_shown, axis=-1, keepdims=True)
    mean = keras.ops.sum(maps * is_shown, axis=-1, keepdims=True) / n_shown
    features = embedding_model(network)([maps * is_shown + mean * (1 - is_shown), available])
    last = keras.layers.Dense(len(head.classes_))
    model = keras.Model([maps, available], last(features))
    last.set_weights(_last_layer(file.arrays, head))
    return model


def embed(name, maps, available):
    """Return the embedding of maps.

    Parameters
    ----------
    name : str
        Name of a packaged network.
    maps : ndarray of shape (n_samples, n_pixels, n_pixels, n_maps)
        Scaled maps. Missing maps contain the mean of the others, which determine the centre.
    available : ndarray of shape (n_samples, n_maps)
        1 for available maps, 0 for missing ones, whose rings are replaced by their mean in the training set.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32
        Input of the last layer.
    """
    check_process()
    check_data_format()
    key = (name, maps.shape[1], keras.config.floatx(), check_precision())
    with _LOCK:  # predictions do not depend on earlier use of the network
        if key not in _BUILT:
            while len(_BUILT) >= _MAX_BUILT:
                del _BUILT[next(iter(_BUILT))]
            _BUILT[key] = embedding_model(build_trained(read_pretrained(name), maps.shape[1]))
        return np.asarray(_BUILT[key].predict_on_batch([maps, available]), np.float32)


def embedding_model(network):
    """Return a model from maps and a mask of available maps to the embedding."""
    standardise = _standardise(network)
    body = keras.Model(standardise.output, network.layers[-1].input)
    available = keras.Input((network.input_shape[-1],), name="available")
    rings = standardise.output * keras.ops.reshape(available, (-1, 1, 1, available.shape[-1]))
    return keras.Model([network.input, available], body(rings))


def _standardise(network):
    return next(layer for layer in network.layers if isinstance(layer, StandardiseRings))

"""Networks ready to train, traced once and used again.

Building and tracing a large network takes longer than an epoch on a few hundred clusters, and
cross-validation would pay for it in every fold. So a traced network stays in memory, and each fit starts it
afresh from its own seed. It never belongs to an estimator: those keep their weights as plain arrays.
"""

from collections import OrderedDict
from contextlib import contextmanager
from threading import Lock

import keras
import numpy as np

from darkcnn.networks import get_network

_IDLE = OrderedDict()  # key -> network that nobody uses at the moment, least recently used first
_IDLE_LOCK = Lock()
_MAX_IDLE = 4  # a large Inception holds 160 MB with its optimiser


class CompiledNetwork:
    """An architecture with its input scaling, its loss and its optimiser.

    Parameters
    ----------
    architecture : str or callable
        See :func:`darkcnn.networks.get_network`.
    map_shape : (int, int, int)
        Height, width and number of channels of the maps.
    n_attributes, n_classes : int
        Number of attributes (0 for none) and of classes.
    options : dict
        Further arguments of the architecture.
    weight_decay, label_smoothing : float
        Of the optimiser and of the loss.
    """

    def __init__(
        self, architecture, map_shape, n_attributes, n_classes, *, options, weight_decay, label_smoothing
    ):
        if n_attributes:
            options = {"n_attributes": n_attributes, **options}
        network = get_network(architecture)(map_shape, n_classes, **options)
        if network.output_shape != (None, n_classes):
            raise ValueError(
                f"architecture must return a model with output shape (None, {n_classes}), "
                f"got {network.output_shape}"
            )
        maps = keras.Input(map_shape, name="maps")
        inputs, scaled = maps, _standardisation("standardise_maps")(maps)
        if n_attributes:
            attributes = keras.Input((n_attributes,), name="attributes")
            inputs, scaled = (
                [maps, attributes],
                [scaled, _standardisation("standardise_attributes")(attributes)],
            )
        self.model = keras.Model(inputs, network(scaled), name=network.name)
        self.embedding_model = keras.Model(
            inputs, keras.Model(network.inputs, network.layers[-1].input)(scaled), name="embedding"
        )
        self.from_logits = not ends_in_softmax(network)
        self.model.compile(
            optimizer=keras.optimizers.AdamW(weight_decay=weight_decay),
            loss=keras.losses.CategoricalCrossentropy(
                from_logits=self.from_logits, label_smoothing=label_smoothing
            ),
            metrics=["accuracy"],
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self._initializers = _initializers(self.model)
        # A weight whose layer has no attribute `<name>_initializer` cannot be drawn anew: such a network
        # serves a single fit.
        self.reusable = all(initializer is not None for _, initializer in self._initializers)

    def restart(self, seed):
        """Draw all weights anew, and forget the optimiser's past and the state of the dropout.

        Parameters
        ----------
        seed : int
            Decides every number that is drawn.
        """
        seeds = np.random.default_rng(seed)
        for weight, initializer in self._initializers:
            if initializer is not None:
                config = initializer.get_config()
                if "seed" in config:
                    config["seed"] = int(seeds.integers(2**31))
                weight.assign(type(initializer).from_config(config)(weight.shape, dtype=weight.dtype))
        for variable in self._state():
            if "seed_generator" in variable.path:
                variable.assign(np.array([seeds.integers(2**31), 0], dtype=variable.dtype))
            else:
                variable.assign(np.zeros(variable.shape, dtype=variable.dtype))

    def _state(self):
        """List what a training needs to go on as if it had not stopped, besides the weights."""
        optimizer = [v for v in self.model.optimizer.variables if v.name != "learning_rate"]
        return optimizer + [v for v in self.model.variables if "seed_generator" in v.path]

    def get_state(self):
        """Copy the state of the optimiser and of the dropout.

        Returns
        -------
        list of ndarray
            What `set_state` takes.
        """
        return [keras.ops.convert_to_numpy(variable) for variable in self._state()]

    def set_state(self, state):
        """Go on from where `get_state` was called.

        Parameters
        ----------
        state : list of ndarray
            What it returned.
        """
        for variable, value in zip(self._state(), state, strict=True):
            variable.assign(value)

    def standardise(self, name, mean, variance):
        """Set what is taken off and divided by before the network.

        Parameters
        ----------
        name : {"maps", "attributes"}
            Which input.
        mean, variance : ndarray of shape (n_channels,) or (n_attributes,)
            Of the training set.
        """
        layer = self.model.get_layer(f"standardise_{name}")
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(np.where(variance > 0, variance, 1))


def _standardisation(name):
    """Subtract a mean and divide by a standard deviation that are set, not trained."""
    return keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-7, trainable=False, name=name
    )


def ends_in_softmax(network):
    """Return whether a network gives probabilities instead of logits."""
    last = network.layers[-1]
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax


def _initializers(model):
    """Pair every weight with the initialiser of its layer, or with None where that is not to be found."""
    pairs = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            pairs += _initializers(layer)
        else:
            for weight in layer.weights:
                name = weight.name.replace("wise_kernel", "wise")  # of separable convolutions
                pairs.append((weight, getattr(layer, f"{name}_initializer", None)))
    return pairs


@contextmanager
def borrow_network(architecture, map_shape, n_attributes, n_classes, **settings):
    """Lend a compiled network: one that is idle, or else a new one.

    Parameters
    ----------
    architecture, map_shape, n_attributes, n_classes, **settings
        As for :class:`CompiledNetwork`.

    Yields
    ------
    CompiledNetwork
        A network that nobody else uses meanwhile. Its weights are those of whoever had it before.
    """
    # A dict of options may hold lists, which have no hash; their text tells them apart as well.
    key = (architecture, tuple(map_shape), n_attributes, n_classes, repr(sorted(settings.items())))
    with _IDLE_LOCK:
        network = _IDLE.pop(key, None)
    if network is None:
        network = CompiledNetwork(architecture, map_shape, n_attributes, n_classes, **settings)
    try:
        yield network
    finally:
        if network.reusable:
            with _IDLE_LOCK:
                _IDLE[key] = network
                while len(_IDLE) > _MAX_IDLE:
                    _IDLE.popitem(last=False)

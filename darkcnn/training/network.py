"""Keras models with input scaling, loss and optimiser."""

from itertools import chain
from weakref import WeakSet

import keras
import numpy as np
from keras import ops

from darkcnn.networks import get_network
from darkcnn.networks.layers import Dropout
from darkcnn.networks.rings import Rings
from darkcnn.training.learning_rate import ScheduledRate

_TRACED = "train_function", "test_function", "predict_function"  # of a keras model


class CompiledNetwork:
    """Network of an architecture (see :func:`darkcnn.networks.get_network`) with scaling, loss and optimiser.

    `options` are further arguments of the architecture.
    """

    def __init__(self, architecture, map_shape, n_attributes, n_classes, *, options):
        if n_attributes:
            options = {"n_attributes": n_attributes, **options}
        # Other networks may start from weights of an earlier training.
        self.can_restart = isinstance(architecture, str)
        network = get_network(architecture)(map_shape, n_classes, **options)
        if not self.can_restart:
            network = _copy(network)
        if network.output_shape != (None, n_classes):
            raise ValueError(
                f"architecture must return a model with output shape (None, {n_classes}), "
                f"got {network.output_shape}"
            )
        network, resample, body = _divide(network) if self.can_restart else (network, None, None)
        maps = keras.Input(map_shape, name="maps")
        inputs, scaled = maps, _standardisation("standardise_maps")(maps)
        if n_attributes:
            attributes = keras.Input((n_attributes,), name="attributes")
            inputs = [maps, attributes]
            scaled = [scaled, _standardisation("standardise_attributes")(attributes)]
        self.model = _Network(inputs, network(scaled), name=network.name)
        self.rings_model = None
        if resample is not None:
            (maps, *others), (scaled_maps, *scaled_others) = self.model.inputs, keras.tree.flatten(scaled)
            self.rings_model = keras.Model(maps, resample(scaled_maps))
            rings = keras.Input(resample.output_shape[1:], name="rings")
            after_rings = keras.Model([rings, *others], body([rings, *scaled_others]))
            self.model.after_rings = lambda inputs, **options: after_rings(inputs, **options)
        self._dropouts = [(layer, layer.rate) for layer in _layers(self.model) if isinstance(layer, Dropout)]
        self.predictor = keras.Model(inputs, self.model.output)  # predicts one batch at a time
        self.embedding_model = keras.Model(
            inputs, keras.Model(network.inputs, network.layers[-1].input)(scaled), name="embedding"
        )
        self.from_logits = not ends_in_softmax(network)
        self.learning_rate = ScheduledRate()
        optimizer = keras.optimizers.AdamW(self.learning_rate)
        self.learning_rate.steer(optimizer)
        # A variable: a Python number would be traced, and each value would need its own network.
        optimizer.weight_decay = self._weight_decay = keras.Variable(
            0.0, trainable=False, name="weight_decay"
        )
        loss = keras.losses.CategoricalCrossentropy(self.from_logits)
        self.model.compile(optimizer, loss, metrics=["accuracy"])
        # Creates the variables of the metrics: a step that created them would be traced twice.
        blank = np.zeros((1, n_classes), keras.config.floatx())
        self.model.compute_metrics(None, blank, blank)
        self._traced = {}
        self.model.optimizer.build(self.model.trainable_variables)
        if self.can_restart:
            self._initializers = _initializers(self.model)
            # All arrays begin at 0, but not every scalar: half precision needs a scale of the loss.
            self._first_state = [_value(v) if v.shape == () else 0 for v in self._state()]

    def run_at_once(self, n_steps):
        """Set the number of training steps per call. Functions are traced once for each number."""
        model = self.model
        if n_steps != model.steps_per_execution:
            self._traced[model.steps_per_execution] = [getattr(model, name) for name in _TRACED]
            model.steps_per_execution = n_steps
            for name, function in zip(_TRACED, self._traced.get(n_steps, [None] * len(_TRACED)), strict=True):
                setattr(model, name, function)

    def restart(self, seed):
        """Reinitialise all weights, the optimiser and the dropout from a seed."""
        seeds = np.random.default_rng(seed)
        for weight, initializer in self._initializers:
            config = initializer.get_config()
            if "seed" in config:
                config["seed"] = int(seeds.integers(2**31))
            weight.assign(type(initializer).from_config(config)(weight.shape, dtype=weight.dtype))
        for variable, first in zip(self._state(), self._first_state, strict=True):
            value = [seeds.integers(2**31), 0] if "seed_generator" in variable.path else first
            variable.assign(np.full(variable.shape, value, dtype=variable.dtype))

    def _state(self):
        """Return the variables, besides the weights, that are needed to resume a training."""
        settings = "learning_rate", "weight_decay"
        optimizer = [v for v in self.model.optimizer.variables if v.name not in settings]
        return optimizer + [v for v in self.model.variables if "seed_generator" in v.path]

    def get_state(self):
        """Return a copy of the state of the optimiser and the dropout, for `set_state`."""
        return [_value(variable) for variable in self._state()]

    def set_state(self, state):
        """Restore the state from `get_state`."""
        for variable, value in zip(self._state(), state, strict=True):
            variable.assign(value)

    def load_weights(self, path):
        """Load the weights of a model file, without the state of the optimiser."""
        self.predictor.load_weights(path)

    def set_weight_decay(self, weight_decay):
        """Set the weight decay of the optimiser."""
        self._weight_decay.assign(weight_decay)

    def set_dropout(self, rate=None):
        """Set the rate of all dropout layers of a built-in network; None for the initial rates."""
        for layer, first in self._dropouts:
            layer.set_rate(first if rate is None else rate)

    def copy_predictor(self):
        """Return a copy of the model that maps inputs to outputs, with arbitrary weights."""
        return keras.models.clone_model(
            self.predictor, clone_function=_plain_copy, recursive=self.can_restart
        )

    def standardise(self, name, mean, deviation):
        """Set the mean and standard deviation of an input, ``"maps"`` or ``"attributes"``."""
        layer = self.model.get_layer(f"standardise_{name}")
        layer.moving_mean.assign(mean)
        layer.gamma.assign(1 / deviation)


class _Network(keras.Model):
    """Network that also accepts ``{"rings": ...}`` instead of maps, if it resamples maps onto rings."""

    input_spec = None
    after_rings = None

    def call(self, inputs, training=None, mask=None):
        """Return the output."""
        if isinstance(inputs, dict):
            inputs = [inputs[name] for name in ("rings", "attributes") if name in inputs]
            return self.after_rings(inputs, training=training)
        return super().call(inputs, training=training, mask=mask)


def _divide(network):
    """Return a network and its parts before and after the rings, or None if it has no rings."""
    layer = next((layer for layer in network.layers if isinstance(layer, Rings)), None)
    if layer is None:
        return network, None, None
    resample = keras.Model(network.inputs[0], layer.output)
    body = keras.Model([layer.output, *network.inputs[1:]], network.output)
    # Rebuilt, because keras has given its inputs another place in their layers.
    return keras.Model(network.input, network.output, name=network.name), resample, body


_TRAINED = WeakSet()  # layers of networks that could not be copied


def _copy(network):
    """Return a copy of a network, so that the layers of the user remain unchanged."""
    try:
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        return copy
    except (
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:  # a layer that cannot be made from its config
        if not _TRAINED.isdisjoint(network.layers):
            raise ValueError(
                "architecture must return new layers at each call, or a network that can be copied, but this "
                f"one cannot be copied ({error})"
            ) from error
        _TRAINED.update(layer for layer in network.layers if layer.weights)
        return network


def _standardisation(name):
    """Return a layer that standardises with a given mean and standard deviation, which are not trained.

    The scale `gamma` is the inverse standard deviation, with variance 1 and epsilon 0, because the variance
    of maps with small values would vanish in float32. Inputs are not cast to half precision.
    """
    return BatchNormalization(
        center=False, epsilon=0.0, trainable=False, name=name, dtype=keras.config.floatx()
    )


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation that is not trained, with a row of pixels in one dimension.

    Results are bit-identical, but backends are slow at loops over few channels. The name, which is part of
    model files, is that of the layer of keras.
    """

    def call(self, inputs, training=None, mask=None):
        """Return the standardised inputs."""
        *_, width, n_channels = inputs.shape
        n_pixels = width if len(inputs.shape) == 4 else 1
        x = ops.cast(inputs, self.compute_dtype)
        rows = ops.reshape(x, (-1, *inputs.shape[1:-2], n_pixels * n_channels))
        mean, variance, scale = (
            ops.tile(ops.cast(weight, x.dtype), [n_pixels])
            for weight in (self.moving_mean, self.moving_variance, self.gamma)
        )
        rows = ops.batch_normalization(rows, mean, variance, -1, scale=scale, epsilon=self.epsilon)
        return ops.reshape(rows, (-1, *inputs.shape[1:]))


def ends_in_softmax(network):
    """Return whether the output of a network is probabilities instead of logits."""
    last = network.layers[-1]
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax


def _value(variable):
    return keras.ops.convert_to_numpy(variable)


def _layers(model):
    """Return all layers of a model and of the models in it."""
    nested = (_layers(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers)
    return list(chain.from_iterable(nested))


def _initializers(model):
    """Return pairs of each weight and the initialiser of its layer."""
    pairs = []
    for layer in _layers(model):
        for weight in layer.weights:
            name = weight.name.replace("wise_kernel", "wise")  # of separable convolutions
            pairs.append((weight, getattr(layer, f"{name}_initializer")))
    return pairs


def _plain_copy(layer):
    """Copy a layer, replaced by the equivalent one of keras, so that keras alone can load a saved model."""
    replaced = isinstance(layer, BatchNormalization | Dropout)
    kind = getattr(keras.layers, type(layer).__name__) if replaced else type(layer)
    return kind.from_config(layer.get_config())

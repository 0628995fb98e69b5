"""Networks ready to train."""

from weakref import WeakSet

import keras
import numpy as np

from darkcnn.networks import get_network
from darkcnn.networks.rings import Rings
from darkcnn.training.learning_rate import ScheduledRate


class CompiledNetwork:
    """An architecture, see :func:`darkcnn.networks.get_network`, with its input scaling, loss and optimiser.

    `n_attributes` is 0 for none; `options` are further arguments of the architecture.
    """

    def __init__(self, architecture, map_shape, n_attributes, n_classes, *, options):
        if n_attributes:
            options = {"n_attributes": n_attributes, **options}
        # Whoever wrote another network decides its first weights: some may come from an earlier training.
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
        self.predictor = keras.Model(inputs, self.model.output)  # a batch at a time, however it is trained
        self.embedding_model = keras.Model(
            inputs, keras.Model(network.inputs, network.layers[-1].input)(scaled), name="embedding"
        )
        self.from_logits = not ends_in_softmax(network)
        self.learning_rate = ScheduledRate()
        optimizer = keras.optimizers.AdamW(self.learning_rate)
        self.learning_rate.steer(optimizer)
        # A number would be part of what is traced, and every other value would need a network of its own.
        optimizer.weight_decay = self._weight_decay = keras.Variable(
            0.0, trainable=False, name="weight_decay"
        )
        self._compile(optimizer, keras.losses.CategoricalCrossentropy(self.from_logits))
        self.model.optimizer.build(self.model.trainable_variables)
        if self.can_restart:
            self._initializers = _initializers(self.model)
            # All arrays begin at 0, but not every scalar: half precision needs a scale of the loss.
            self._first_state = [_value(v) if v.shape == () else 0 for v in self._state()]

    def run_at_once(self, n_steps):
        """Set how many training steps run without callbacks in between; every change is traced anew."""
        if n_steps != self.model.steps_per_execution:
            self._compile(self.model.optimizer, self.model.loss, n_steps)

    def _compile(self, optimizer, loss, n_steps=1):
        self.model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=n_steps)

    def restart(self, seed):
        """Draw all weights anew from a seed; forget the optimiser's past and the state of the dropout."""
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
        """List what a training needs to go on as if it had not stopped, besides the weights."""
        settings = "learning_rate", "weight_decay"
        optimizer = [v for v in self.model.optimizer.variables if v.name not in settings]
        return optimizer + [v for v in self.model.variables if "seed_generator" in v.path]

    def get_state(self):
        """Return a copy of the state of the optimiser and of the dropout, as `set_state` takes it."""
        return [_value(variable) for variable in self._state()]

    def set_state(self, state):
        """Go on from where `get_state` was called."""
        for variable, value in zip(self._state(), state, strict=True):
            variable.assign(value)

    def load_weights(self, path):
        """Read the weights of a model file, without the optimiser's state."""
        self.predictor.load_weights(path)

    def set_weight_decay(self, weight_decay):
        """Set the weight decay of the optimiser."""
        self._weight_decay.assign(weight_decay)

    def standardise(self, name, mean, deviation):
        """Set what is subtracted from an input, ``"maps"`` or ``"attributes"``, and what it is divided by."""
        layer = self.model.get_layer(f"standardise_{name}")
        layer.moving_mean.assign(mean)
        layer.gamma.assign(1 / deviation)


class _Network(keras.Model):
    """A network that takes ``{"rings": ...}`` in place of maps, if rings are what it makes of them first."""

    input_spec = None
    after_rings = None

    def call(self, inputs, training=None, mask=None):
        """Return the output."""
        if isinstance(inputs, dict):
            inputs = [inputs[name] for name in ("rings", "attributes") if name in inputs]
            return self.after_rings(inputs, training=training)
        return super().call(inputs, training=training, mask=mask)


def _divide(network):
    """Return a network, and what it does before and after its maps are rings, or None if they never are."""
    layer = next((layer for layer in network.layers if isinstance(layer, Rings)), None)
    if layer is None:
        return network, None, None
    resample = keras.Model(network.inputs[0], layer.output)
    body = keras.Model([layer.output, *network.inputs[1:]], network.output)
    # Made anew, as keras has given its inputs another place in their layers.
    return keras.Model(network.input, network.output, name=network.name), resample, body


_TRAINED = WeakSet()  # layers of networks that could not be copied


def _copy(network):
    """Return a copy of a network, as layers that the user keeps must stay as they are."""
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
                "architecture must return new layers at each call, or a network that can be copied, which "
                f"this one cannot ({error})"
            ) from error
        _TRAINED.update(layer for layer in network.layers if layer.weights)
        return network


def _standardisation(name):
    """Subtract a mean and divide by a standard deviation that are set, not trained.

    The scale, `gamma`, is 1 over the standard deviation, and the variance stays 1: the variance of small maps
    would be lost beside any epsilon, and soon in float32. The inputs are not cast to half precision, either.
    """
    return keras.layers.BatchNormalization(
        center=False, epsilon=0.0, trainable=False, name=name, dtype=keras.config.floatx()
    )


def ends_in_softmax(network):
    """Return whether a network gives probabilities instead of logits."""
    last = network.layers[-1]
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax


def _value(variable):
    return keras.ops.convert_to_numpy(variable)


def _initializers(model):
    """Pair every weight with the initialiser of its layer."""
    pairs = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            pairs += _initializers(layer)
        else:
            for weight in layer.weights:
                name = weight.name.replace("wise_kernel", "wise")  # of separable convolutions
                pairs.append((weight, getattr(layer, f"{name}_initializer")))
    return pairs

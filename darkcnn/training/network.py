"""Networks ready to train."""

from weakref import WeakSet

import keras
import numpy as np

from darkcnn.networks import get_network


class CompiledNetwork:
    """An architecture, see :func:`darkcnn.networks.get_network`, with its input scaling, loss and optimiser.

    `n_attributes` is 0 for none; `options` are further arguments of the architecture.
    """

    def __init__(self, architecture, map_shape, n_attributes, n_classes, *, options, label_smoothing):
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
        maps = keras.Input(map_shape, name="maps")
        inputs, scaled = maps, _standardisation("standardise_maps")(maps)
        if n_attributes:
            attributes = keras.Input((n_attributes,), name="attributes")
            inputs = [maps, attributes]
            scaled = [scaled, _standardisation("standardise_attributes")(attributes)]
        self.model = keras.Model(inputs, network(scaled), name=network.name)
        self.embedding_model = keras.Model(
            inputs, keras.Model(network.inputs, network.layers[-1].input)(scaled), name="embedding"
        )
        self.from_logits = not ends_in_softmax(network)
        optimizer = keras.optimizers.AdamW()
        # A number would be part of what is traced, and every other value would need a network of its own.
        optimizer.weight_decay = self._weight_decay = keras.Variable(
            0.0, trainable=False, name="weight_decay"
        )
        self.model.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(
                from_logits=self.from_logits, label_smoothing=label_smoothing
            ),
            metrics=["accuracy"],
        )
        self.model.optimizer.build(self.model.trainable_variables)
        if self.can_restart:
            self._initializers = _initializers(self.model)
            # All arrays begin at 0, but not every scalar: half precision needs a scale of the loss.
            self._first_state = [_value(v) if v.shape == () else 0 for v in self._state()]

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
        keras.Model(self.model.inputs, self.model.outputs).load_weights(path)

    def set_weight_decay(self, weight_decay):
        """Set the weight decay of the optimiser."""
        self._weight_decay.assign(weight_decay)

    def standardise(self, name, mean, deviation):
        """Set what is subtracted from an input, ``"maps"`` or ``"attributes"``, and what it is divided by."""
        layer = self.model.get_layer(f"standardise_{name}")
        layer.moving_mean.assign(mean)
        layer.gamma.assign(1 / deviation)


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

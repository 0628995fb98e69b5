import keras
import numpy as np
import pytest

from darkcnn import DarkCNNClassifier
from darkcnn.training import traced


def test_own_architecture(small, marked_maps):
    X, y = marked_maps

    def pooled(input_shape, n_classes, *, n_units=4):
        maps = keras.Input(input_shape)
        x = keras.layers.Dense(n_units, activation="relu")(keras.layers.GlobalMaxPooling2D()(maps))
        return keras.Model(maps, keras.layers.Dense(n_classes, activation="softmax")(x))

    classifier = small(architecture=pooled, network_options={"n_units": 8}, epochs=20, learning_rate=0.05)
    assert classifier.fit(X, y).score(X, y) > 0.9
    assert classifier.model_.count_params() == (2 + 1) * 8 + (8 + 1) * 2 + 2 * 3
    with pytest.raises(ValueError, match=r"output shape \(None, 2\), got \(None, 3\)"):
        small(architecture=lambda shape, n: pooled(shape, 3), network_options={}).fit(X, y)


def test_own_layers_without_initialisers_are_seeded_as_well(small, marked_maps):
    class Own(keras.layers.Layer):
        def build(self, input_shape):
            self.matrix = self.add_weight(shape=(input_shape[-1], 8), initializer="glorot_uniform", name="m")

        def call(self, x):
            return x @ self.matrix

    def network(input_shape, n_classes):
        maps = keras.Input(input_shape)
        x = Own()(keras.layers.GlobalMaxPooling2D()(maps))
        return keras.Model(maps, keras.layers.Dense(n_classes)(x))

    X, y = marked_maps
    first, again, other = (
        small(architecture=network, network_options={}, epochs=1, random_state=seed)
        .fit(X, y)
        .predict_proba(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


KERNEL = np.full((3, 3, 2, 4), 0.25, np.float32)


def pretrained(input_shape, n_classes, *, trainable):
    """A network whose first layer was trained before."""
    maps = keras.Input(input_shape)
    layer = keras.layers.Conv2D(4, 3, activation="relu", trainable=trainable)
    x = keras.layers.GlobalAveragePooling2D()(layer(maps))
    layer.set_weights([KERNEL, np.zeros(4)])
    return keras.Model(maps, keras.layers.Dense(n_classes)(x))


def first_kernel(model):
    return next(weight for weight in model.weights_ if weight.shape == KERNEL.shape)


@pytest.mark.parametrize("seed", [0, 1])
def test_frozen_layers_of_your_own_keep_their_weights(small, marked_maps, seed):
    options = {"architecture": pretrained, "network_options": {"trainable": False}, "random_state": seed}
    fitted = small(epochs=2, **options).fit(*marked_maps)
    np.testing.assert_array_equal(first_kernel(fitted), KERNEL)
    fitted.partial_fit(*marked_maps)
    np.testing.assert_array_equal(first_kernel(fitted), KERNEL)


def test_a_training_starts_from_weights_of_your_own(small, marked_maps):
    options = {"architecture": pretrained, "network_options": {"trainable": True}, "learning_rate": 1e-6}
    np.testing.assert_allclose(first_kernel(small(epochs=1, **options).fit(*marked_maps)), KERNEL, atol=1e-4)


@pytest.mark.parametrize("n_batches", [1, 4])
def test_weight_decay_acts_per_epoch(n_batches):
    """At a vanishing learning rate, an epoch multiplies weights by (1 - decay / n_batches)^n_batches."""
    X, y = np.random.default_rng(0).random((16, 6, 6, 1)), ["CDM", "SIDM1"] * 8
    settings = {"epochs": 1, "batch_size": 16 // n_batches, "learning_rate": 1e-9, "random_state": 0}
    kept, decayed = (
        DarkCNNClassifier("simple", weight_decay=decay, **settings).fit(X, y).weights_[-2]
        for decay in (0.0, 0.4)
    )
    ratio = decayed / kept  # of the kernel of the last layer
    np.testing.assert_allclose(ratio, (1 - 0.4 / n_batches) ** n_batches, rtol=1e-3)


def test_other_weight_decays_share_a_traced_network():
    X, y = np.random.default_rng(0).random((8, 6, 6, 1)), ["CDM", "SIDM1"] * 4
    used = []
    for decay in (0.1, 0.2):
        DarkCNNClassifier("simple", epochs=1, weight_decay=decay, random_state=0).fit(X, y)
        used.append(list(traced._IDLE.values())[-1])
    assert used[0] is used[1]


def base():
    """A network that was trained before, as part of another."""
    maps = keras.Input((12, 12, 2))
    features = keras.layers.Conv2D(4, 3, activation="relu")(maps)
    model = keras.Model(maps, keras.layers.GlobalAveragePooling2D()(features))
    model.layers[1].set_weights([KERNEL, np.zeros(4)])
    return model


@pytest.mark.parametrize("trainable", [False, True])
def test_a_model_that_you_keep_stays_as_it_is(small, marked_maps, trainable):
    kept = base()
    kept.trainable = trainable
    logits = keras.layers.Dense(2)

    def architecture(input_shape, n_classes):
        maps = keras.Input(input_shape)
        return keras.Model(maps, logits(kept(maps)))

    first, second = (
        small(architecture=architecture, network_options={}, epochs=2).fit(*marked_maps) for _ in range(2)
    )
    np.testing.assert_array_equal(kept.layers[1].get_weights()[0], KERNEL)
    np.testing.assert_array_equal(first_kernel(first), first_kernel(second))  # of the same start
    assert (first_kernel(first) == KERNEL).all() == (not trainable)


def test_layers_that_can_neither_be_copied_nor_kept_apart_are_refused(small, marked_maps):
    class Scale(keras.layers.Layer):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor  # an object, of which keras makes no config

        def build(self, input_shape):
            self.offset = self.add_weight(shape=(1,), name="offset")

        def call(self, x):
            return x * self.factor.value + self.offset

    class Factor:
        value = 2.0

    def with_layer(layer):
        def architecture(input_shape, n_classes):
            maps = keras.Input(input_shape)
            x = keras.layers.GlobalAveragePooling2D()((layer or Scale(Factor()))(maps))
            return keras.Model(maps, keras.layers.Dense(n_classes)(x))

        return small(architecture=architecture, network_options={}, epochs=1)

    for _ in range(2):
        with_layer(None).fit(*marked_maps)
    kept = Scale(Factor())
    with_layer(kept).fit(*marked_maps)
    with pytest.raises(
        ValueError, match="architecture must return new layers at each call, or a network that"
    ):
        with_layer(kept).fit(*marked_maps)

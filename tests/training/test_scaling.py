import keras
import numpy as np
import pytest

from darkcnn.preprocessing import Maps, as_views
from darkcnn.training.network import CompiledNetwork
from darkcnn.training.scaling import standardise


@pytest.fixture(scope="module", params=["simple", "polar"])
def network(request):
    settings = {"options": {"width": 0.25}}
    return CompiledNetwork(request.param, (12, 12, 2), 2, 3, **settings)


@pytest.fixture
def given(marked_maps):
    """Maps, and attributes that have little in common."""
    rng = np.random.default_rng(0)
    return marked_maps[0], rng.normal(size=(40, 2)).astype(np.float32) * [1, 1e-3] + [0, 5]


def output(network, maps, attributes):
    """What a network makes of inputs by which it was standardised."""
    maps, attributes = np.asarray(maps, np.float32), np.asarray(attributes, np.float32)
    standardise(network, as_views(Maps(maps, maps.shape[1:], attributes=attributes)))
    return np.asarray(network.model([maps, attributes], training=False))


def test_standardisation_has_the_bits_of_the_layer_of_keras(network, given):
    maps, attributes = given
    output(network, maps, attributes)
    for inputs, name in ((maps, "standardise_maps"), (attributes, "standardise_attributes")):
        layer = network.model.get_layer(name)
        own = keras.layers.BatchNormalization.from_config(layer.get_config())
        own.build((None, *inputs.shape[1:]))
        own.set_weights(layer.get_weights())
        np.testing.assert_array_equal(layer(inputs), own(inputs))


def test_maps_are_standardised_with_the_training_set(small, marked_maps):
    X, y = marked_maps
    classifier = small(epochs=1).fit(X * 1000 + 5000, y)
    layer = classifier.model_.get_layer("standardise_maps")
    np.testing.assert_allclose(layer.moving_mean, (X * 1000 + 5000).mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(1 / layer.gamma**2, (X * 1000).var(axis=(0, 1, 2)), rtol=1e-3)


@pytest.mark.parametrize("exponent", [-100, -40, -20, 20, 100])
def test_the_unit_does_not_matter_to_the_last_bit(network, given, exponent):
    maps, attributes = given
    expected = output(network, maps, attributes)
    assert np.ptp(expected, axis=0).min() > 0
    unit = np.float32(2.0**exponent)
    np.testing.assert_array_equal(output(network, maps * unit, attributes), expected)
    np.testing.assert_array_equal(output(network, maps, attributes.astype(np.float32) * unit), expected)


def test_a_large_constant_does_not_matter(network, given):
    maps, attributes = given
    maps, attributes = np.round(maps * 64) / 64, np.round(attributes * 64) / 64  # which the sums can hold
    expected = output(network, maps, attributes)
    np.testing.assert_allclose(output(network, maps + 1000, attributes + 1000), expected, atol=2e-3)


@pytest.mark.parametrize("constant", [0, 0.1, 1e-12, -3e7])
def test_what_does_not_vary_is_not_blown_up(network, given, constant):
    maps, attributes = given[0].copy(), given[1].copy()
    maps[..., 1] = attributes[:, 1] = constant
    found = output(network, maps, attributes)
    assert np.isfinite(found).all()
    maps[..., 1] = attributes[:, 1] = 0
    np.testing.assert_allclose(found, output(network, maps, attributes), atol=1e-5)


@pytest.mark.parametrize("unit", [1e-40, 3e37])
def test_what_float32_cannot_standardise_is_refused(network, given, unit):
    maps, attributes = given
    with pytest.raises(ValueError, match=r"channel 0 of X must have a standard deviation between 1e-37 and"):
        output(network, maps * unit, attributes)
    with pytest.raises(ValueError, match="attribute 0 must have a standard deviation between"):
        output(network, maps, attributes * unit)


def test_small_maps_are_learned_as_well_as_others(small, marked_maps):
    X, y = marked_maps
    assert small().fit(X * 1e-6, y).score(X * 1e-6, y) == 1

import keras
import numpy as np
import pytest
from keras import ops

from darkcnn.networks import get_network
from darkcnn.networks.polar import polar
from darkcnn.networks.rings import RingConv, Rings, StandardiseRings


def random_maps(size, n_channels=3, n_samples=4):
    return np.random.default_rng(0).normal(size=(n_samples, size, size, n_channels)).astype(np.float32)


def shaken(size, **options):
    """Return a network none of whose weights and running statistics is at its initial value."""
    network = polar((size, size, 3), 3, **options)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign_add(rng.uniform(-0.1, 0.1, weight.shape))
    return network


def logits(network, *inputs):
    return ops.convert_to_numpy(
        network([ops.convert_to_tensor(x) for x in inputs] if len(inputs) > 1 else inputs[0])
    )


@pytest.fixture(scope="module", params=[50, 51, 100])
def network(request):
    return shaken(request.param)


@pytest.mark.parametrize(
    "move",
    [
        lambda maps: np.rot90(maps, 1, axes=(1, 2)),
        lambda maps: np.rot90(maps, 2, axes=(1, 2)),
        lambda maps: np.rot90(maps, 3, axes=(1, 2)),
        lambda maps: maps[:, ::-1],
        lambda maps: maps[:, :, ::-1],
        lambda maps: maps.swapaxes(1, 2),
    ],
    ids=["90", "180", "270", "upside down", "left to right", "transposed"],
)
def test_logits_of_turned_and_flipped_maps_are_the_same(network, move):
    maps = random_maps(network.input_shape[1])
    np.testing.assert_allclose(logits(network, move(maps).copy()), logits(network, maps), rtol=0, atol=1e-5)


def test_logits_of_rings_turned_by_any_step_or_reversed_are_the_same(network):
    rings = network.get_layer("rings").output
    behind = keras.Model(rings, network.output)
    x = np.random.default_rng(1).normal(size=(4, *rings.shape[1:])).astype(np.float32)
    turned = [np.roll(x, shift, axis=2) for shift in range(rings.shape[2])]
    moved = logits(behind, np.concatenate(turned + [y[:, :, ::-1] for y in turned]))
    expected = np.tile(logits(behind, x), (2 * len(turned), 1))
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-5)


def test_logits_of_different_maps_differ(network):
    maps = random_maps(network.input_shape[1])
    assert np.ptp(logits(network, maps), axis=0).min() > 1e-3


def test_network_sees_the_angles_and_not_only_the_mean_of_each_ring(network):
    rings = network.get_layer("rings").output
    behind = keras.Model(rings, network.output)
    x = np.random.default_rng(1).normal(size=(4, *rings.shape[1:])).astype(np.float32)
    alike = np.broadcast_to(x.mean(axis=2, keepdims=True), x.shape).copy()
    assert np.abs(logits(behind, x) - logits(behind, alike)).max() > 1e-3


def peaked_map(size, x=0.0, y=0.0):
    """Return a map of -log10(1 + (R / 100 kpc)2) about (x, y) kpc."""
    axis = (np.arange(size) - (size - 1) / 2) * 2000 / size
    radius2 = (axis - x) ** 2 + (axis[:, None] - y) ** 2
    return -np.log10(1 + radius2 / 100**2).astype(np.float32)[None, :, :, None]


def ring_radii(size, n_radii):
    return np.geomspace(10, 1000 * (size - 1) / size, n_radii)


def test_rings_are_the_profile_of_a_round_map():
    rings = ops.convert_to_numpy(Rings(20, 16)(peaked_map(100)))[0, :, :, 0]
    expected = -np.log10(1 + (ring_radii(100, 20) / 100) ** 2)
    np.testing.assert_allclose(rings, np.tile(expected[:, None], 16), rtol=0, atol=0.02)


def test_rings_are_about_the_peak_and_not_the_middle():
    x, y = 13.0, -8.0
    rings = ops.convert_to_numpy(Rings(20, 16)(peaked_map(100, x, y)))[0, :, :, 0]
    expected = -np.log10(1 + (ring_radii(100, 20) / 100) ** 2)
    np.testing.assert_allclose(rings[:19], np.tile(expected[:19, None], 16), rtol=0, atol=0.03)


def test_rings_of_a_map_that_grows_with_x_are_cosines():
    axis = (np.arange(100) - 49.5) * 20
    maps = np.tile(axis.astype(np.float32) * 1e-6, (100, 1))[None, :, :, None]  # too faint to move the centre
    rings = ops.convert_to_numpy(Rings(20, 16)(maps))[0, :, :, 0] * 1e6
    expected = ring_radii(100, 20)[:, None] * np.cos(2 * np.pi * np.arange(16) / 16)
    np.testing.assert_allclose(rings, expected, rtol=0, atol=0.1)


def test_ring_conv_commutes_with_turns_and_reflections():
    x = np.random.default_rng(2).normal(size=(2, 6, 8, 3)).astype(np.float32)
    conv = RingConv(5)
    y = ops.convert_to_numpy(conv(x))
    assert y.shape == (2, 6, 8, 5)
    np.testing.assert_allclose(conv(np.roll(x, 3, axis=2)), np.roll(y, 3, axis=2), atol=1e-5)
    np.testing.assert_allclose(conv(x[:, :, ::-1].copy()), y[:, :, ::-1], atol=1e-5)


def test_standardise_rings_brings_what_it_saw_to_mean_0_and_variance_1():
    x = np.random.default_rng(4).normal(5, 3, size=(96, 6, 8, 2)).astype(np.float32)
    x *= np.linspace(0.5, 2, 6, dtype=np.float32)[:, None, None]
    standardise = StandardiseRings()
    for batch in np.split(x, 3):
        standardise(batch, training=True)
    y = ops.convert_to_numpy(standardise(x))
    np.testing.assert_allclose(y.mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(0, 2)), 1, atol=1e-3)


def test_standardise_rings_learns_nothing_outside_training():
    x = np.full((2, 3, 4, 1), 5, np.float32)
    standardise = StandardiseRings()
    np.testing.assert_allclose(standardise(standardise(x)), x, rtol=1e-2)


def test_saved_network_gives_the_same_logits(tmp_path):
    network = shaken(24, n_attributes=2, n_radii=8, n_angles=8, width=0.25)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    inputs = random_maps(24), np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(logits(again, *inputs), logits(network, *inputs))


def test_layers_are_made_again_from_their_config():
    for layer in (Rings(8, 12), RingConv(5), StandardiseRings()):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()


def test_attributes_change_the_logits():
    network = shaken(24, n_attributes=2)
    assert [x.name for x in network.inputs] == ["maps", "attributes"]
    maps = random_maps(24)
    ones = np.ones((4, 2), np.float32)
    assert np.abs(logits(network, maps, ones) - logits(network, maps, -ones)).min() > 1e-4


@pytest.mark.parametrize("size", [8, 9])
def test_small_maps_pass(size):
    out = logits(polar((size, size, 1), 4), random_maps(size, n_channels=1))
    assert out.shape == (4, 4)
    assert np.isfinite(out).all()


def test_every_weight_learns():
    keras.utils.set_random_seed(0)
    network = polar((24, 24, 3), 3, n_attributes=2, width=0.5)
    inputs, target = [random_maps(24), np.random.default_rng(3).normal(size=(4, 2))], np.array([0, 1, 2, 0])
    network.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    before = [ops.convert_to_numpy(weight).copy() for weight in network.trainable_weights]
    network.train_on_batch(inputs, target)
    moved = [
        np.abs(ops.convert_to_numpy(weight) - old).max()
        for weight, old in zip(network.trainable_weights, before, strict=True)
    ]
    assert min(moved) > 0


def test_logits_are_the_last_layer():
    network = get_network("polar")((24, 24, 3), 4)
    assert network.layers[-1].name == "logits"
    assert network.input.name == "maps"


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((50, 40, 3), {}, "square.*50 x 40"),
        ((50, 50, 3), {"n_angles": 18}, "n_angles must be a multiple of 4, got 18"),
        ((50, 50, 3), {"n_radii": 1}, "n_radii must be at least 2, got 1"),
        ((50, 50, 3), {"width": 0}, "width must be"),
    ],
)
def test_impossible_options_are_named(shape, options, message):
    with pytest.raises(ValueError, match=message):
        polar(shape, 3, **options)

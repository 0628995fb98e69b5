import inspect
import sys
from functools import cache

import keras
import numpy as np
import pytest

from darkcnn import networks
from darkcnn.networks import NETWORKS, Recipe, count_parameters, get_network, get_recipe, name_of
from darkcnn.networks.head import classify
from darkcnn.networks.layers import convolve

NAMES = sorted(NETWORKS)
DEFAULTS = {
    name: {p.name: p.default for p in inspect.signature(function).parameters.values()}
    for name, function in NETWORKS.items()
}
WITH_BLOCKS = [name for name in NAMES if "blocks" in DEFAULTS[name]]
N_CLASSES = 3


def build(name, shape, **options):
    """A network of few channels and one block of each kind, of fixed weights."""
    keras.utils.set_random_seed(0)
    if name in WITH_BLOCKS:
        options = {"blocks": (1,) * len(DEFAULTS[name]["blocks"])} | options
    return NETWORKS[name](shape, N_CLASSES, **{"width": 0.1} | options)


@cache
def with_attributes(name):
    """The network that most tests look at; building takes longer than testing."""
    return build(name, (8, 8, 2), n_attributes=2, dropout=0.45)


@cache
def wider(name):
    """The same network with twice the channels, for larger maps of odd size."""
    return build(name, (31, 31, 2), n_attributes=2, width=0.2)


def inputs_of(shape, n=4, n_attributes=0):
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(n, *shape)).astype(np.float32)
    return [maps, rng.normal(size=(n, n_attributes)).astype(np.float32)] if n_attributes else maps


INPUTS = inputs_of((8, 8, 2), n_attributes=2)


def logits_of(model, inputs):
    return np.asarray(model(inputs, training=False))


# Published: the code of darkCNN, built at 100 x 100 x 3 with 3 classes. Its DIBARE lacks the first two
# convolutions of a branch: 128 -> 32 by 1 x 1 and 32 -> 48 by 1 x 7, each with three numbers per channel of
# batch normalisation.
DIBARE_BRANCH = (128 * 32 + 3 * 32) + (32 * 48 * 7 + 3 * 48)


@pytest.mark.parametrize(
    ("name", "published"),
    [("simple", 1_203_747), ("inception", 13_480_419), ("dibare", 4_195_331 + DIBARE_BRANCH)],
)
def test_parameters_are_as_many_as_published(name, published):
    assert count_parameters(name, (100, 100, 3), 3) == published


def test_all_blocks_of_inception_v4():
    assert count_parameters("inception", (64, 64, 3), 3, blocks=(4, 7, 3)) == pytest.approx(41.2e6, abs=5e4)


def test_parameters_are_counted_without_memory_for_them():
    assert count_parameters("simple", (100, 100, 3), 3, width=1000) > 1e12  # some 5 TB
    # Nor does the next network get that memory.
    assert build("simple", (8, 8, 1)).count_params() == count_parameters("simple", (8, 8, 1), 3, width=0.1)
    with pytest.raises(ValueError, match="width must be positive"):
        count_parameters("simple", (8, 8, 1), 3, width=0)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_that_all_architectures_share(name):
    parameters = inspect.signature(NETWORKS[name]).parameters
    assert list(parameters)[:3] == ["input_shape", "n_classes", "n_attributes"]
    assert all(p.kind is p.KEYWORD_ONLY for p in list(parameters.values())[2:])
    assert DEFAULTS[name]["n_attributes"] == 0
    assert DEFAULTS[name]["width"] == 1.0
    assert 0 <= DEFAULTS[name]["dropout"] < 1


@pytest.mark.parametrize("name", NAMES)
def test_name_is_that_of_the_function_and_of_the_model(name):
    assert NETWORKS[name].__name__ == name == with_attributes(name).name


@pytest.mark.parametrize("name", NAMES)
def test_logits_of_maps_of_any_size(name):
    model = build(name, (50, 50, 1))
    assert [i.name for i in model.inputs] == ["maps"]
    maps, attributes = inputs_of((31, 31, 2), n_attributes=2)
    for logits in (
        logits_of(model, inputs_of((50, 50, 1))),
        logits_of(wider(name), [maps, np.zeros_like(attributes)]),
    ):
        assert logits.shape == (4, N_CLASSES)
        assert np.isfinite(logits).all()
        assert np.ptp(logits, axis=0).min() > 0  # the maps matter


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 1), (1, 7, 1), (1, 20, 1), (3, 1, 2)])
def test_simple_takes_a_row_of_numbers(shape):
    assert logits_of(build("simple", shape), inputs_of(shape)).shape == (4, N_CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_output_is_logits_from_the_embedding(name):
    model = with_attributes(name)
    last = model.layers[-1]
    assert last.name == "logits"
    assert last.activation is keras.activations.linear
    embedding = logits_of(keras.Model(model.inputs, last.input), INPUTS)
    np.testing.assert_allclose(
        embedding @ np.asarray(last.kernel) + np.asarray(last.bias), logits_of(model, INPUTS), atol=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_the_second_input_and_matter(name):
    model = with_attributes(name)
    assert [i.name for i in model.inputs] == ["maps", "attributes"]
    maps, attributes = INPUTS
    logits, shifted = logits_of(model, INPUTS), logits_of(model, [maps, attributes + 1])
    assert logits.shape == (4, N_CLASSES)
    assert np.isfinite(logits).all()
    assert np.abs(shifted - logits).min() > 0


def test_attributes_change_what_a_map_means():
    keras.utils.set_random_seed(0)
    maps = keras.Input((4, 4, 1), name="maps")
    model = classify(maps, keras.layers.Flatten()(maps), N_CLASSES, n_attributes=2)
    x, attributes = inputs_of((4, 4, 1), n_attributes=2)
    shift = logits_of(model, [x, attributes * 0 + 2]) - logits_of(model, [x, attributes * 0 - 2])
    # A head that is linear throughout would shift all clusters alike.
    assert np.ptp(shift, axis=0).min() > 0.1 * np.abs(shift).max()


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_the_training_changes_every_layer(name):
    model = wider(name)
    # Tracing the graph takes longer than this one step.
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = [np.array(w) for w in model.trainable_weights]
    model.train_on_batch(inputs_of((31, 31, 2), 16, n_attributes=2), np.arange(16) % N_CLASSES)
    weights = zip(model.trainable_weights, before, strict=True)
    assert [w.path for w, old in weights if np.array_equal(w, old)] == []


@pytest.mark.parametrize("name", NAMES)
def test_all_layers_are_keras_own_or_registered(name):
    registered = keras.saving.get_custom_objects().values()
    for layer in with_attributes(name).layers:
        assert not isinstance(layer, keras.layers.Lambda)
        assert type(layer).__module__.startswith("keras.") or type(layer) in registered


@pytest.mark.parametrize("name", ["simple", "dark_inception"])
def test_a_saved_model_gives_the_same_logits(name, tmp_path):
    model = with_attributes(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(logits_of(loaded, INPUTS), logits_of(model, INPUTS))


@pytest.mark.parametrize("name", NAMES)
def test_dropout_acts_in_training_alone(name):
    model = with_attributes(name)
    first, second = (np.asarray(model(INPUTS, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.01 * np.abs(first).max()  # not rounding
    np.testing.assert_array_equal(logits_of(model, INPUTS), logits_of(model, INPUTS))


def test_half_the_width_is_a_quarter_of_the_parameters():
    full, half = (count_parameters("inception", (8, 8, 1), 3, width=width) for width in (1, 0.5))
    assert half == pytest.approx(full / 4, rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_width_scales_the_channels(name):
    n_kernels = [  # not of the head, which has no width
        sum(np.prod(weight.shape) for weight in model.weights if len(weight.shape) > 2)
        for model in (with_attributes(name), wider(name))
    ]
    assert n_kernels[1] > 1.3 * n_kernels[0] > 0


@pytest.mark.parametrize("width", [0, -1, float("nan")])
@pytest.mark.parametrize("name", NAMES)
def test_width_must_be_positive(name, width):
    with pytest.raises(ValueError, match="width must be positive"):
        NETWORKS[name]((8, 8, 1), 3, width=width)


@pytest.mark.parametrize("name", WITH_BLOCKS)
def test_blocks_stack_in_every_stage(name, monkeypatch):
    stacked = ""

    def count(letter):
        def block(x, conv):
            nonlocal stacked
            stacked += letter
            return x

        return block

    for letter in "abc"[: len(DEFAULTS[name]["blocks"])]:
        monkeypatch.setattr(sys.modules[NETWORKS[name].__module__], f"block_{letter}", count(letter))
    build(name, (8, 8, 1), blocks=(2, 1, 3)[: len(DEFAULTS[name]["blocks"])])
    assert stacked == "aab" + "ccc" * (len(DEFAULTS[name]["blocks"]) == 3)


@pytest.mark.parametrize("blocks", [(1,), (1, 2, 3, 4), (-1, 1, 1), (0.5, 1, 1)])
@pytest.mark.parametrize("name", WITH_BLOCKS)
def test_blocks_must_be_whole_numbers_one_for_each_stage(name, blocks):
    with pytest.raises(ValueError, match=r"blocks must be [23] non-negative integers"):
        NETWORKS[name]((8, 8, 1), 3, blocks=blocks)


def test_convolution_strides_once_and_rounds_its_width():
    x = convolve(keras.Input((9, 9, 1)), (4, 1), (10, 3), strides=2, width=0.25)
    assert x.shape == (None, 5, 5, 2)
    assert convolve(keras.Input((9, 9, 1)), (4, 1), width=0.01).shape == (None, 9, 9, 1)


def test_get_network_by_name_or_function():
    def own(input_shape, n_classes):
        return None

    assert get_network("inception") is NETWORKS["inception"]
    assert get_network(own) is own


def test_get_network_hints_at_the_name_meant():
    with pytest.raises(
        ValueError, match=r"one of \[.*'simple'.*\], got 'incepton' \(did you mean 'inception'\?\)"
    ):
        get_network("incepton")
    with pytest.raises(ValueError, match=r"got 'xyz'$"):
        get_network("xyz")


def test_name_of_a_function():
    def own(input_shape, n_classes):
        return None

    assert name_of(networks.polar) == name_of("polar") == "polar"
    assert name_of(own) is own


def test_a_recipe_stands_beside_its_network():
    assert get_recipe("polar") is get_recipe(networks.polar) is networks.polar.recipe
    assert get_recipe("polar").invariant
    assert get_recipe("simple") == Recipe()

    @Recipe({"epochs": 3})
    def own(input_shape, n_classes):
        return None

    assert get_recipe(own) == Recipe({"epochs": 3}, invariant=False)


def test_channels_first_are_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            ValueError, match=r"image_data_format\(\) must be 'channels_last'.* 'channels_first'"
        ):
            NETWORKS["simple"]((8, 8, 1), 3)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", ["polar", "simple", "dark_inception"])
def test_logits_are_precise_under_any_policy(name, policy):
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_dtype_policy(policy)
    if policy == "float64":
        keras.config.set_floatx(policy)
    try:
        logits = build(name, (8, 8, 2))(inputs_of((8, 8, 2)))
        assert keras.backend.standardize_dtype(logits.dtype) == keras.config.floatx()
    finally:
        keras.config.set_dtype_policy(before[0])
        keras.config.set_floatx(before[1])
    assert np.isfinite(np.asarray(logits)).all()

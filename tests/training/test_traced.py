import inspect
import random
import resource
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone

from darkcnn import DarkCNNClassifier
from darkcnn.networks import NETWORKS
from darkcnn.training import traced
from darkcnn.training.network import CompiledNetwork, _Network
from darkcnn.training.traced import _python_seed, borrow_network

SETTINGS = {"options": {}}


def weights_of(network):
    return [np.array(weight) for weight in network.model.get_weights()]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_start_afresh(name):
    blocks = inspect.signature(NETWORKS[name]).parameters.get("blocks")
    options = {"width": 0.1} | ({} if blocks is None else {"blocks": (1,) * len(blocks.default)})
    network = CompiledNetwork(name, (8, 8, 2), 1, 3, **{**SETTINGS, "options": options})
    assert network.can_restart


@pytest.mark.parametrize("name", ["simple", "polar"])
def test_a_restart_draws_the_same_weights_for_the_same_seed(name):
    network = CompiledNetwork(name, (16, 16, 2), 0, 3, **SETTINGS)
    network.restart(1)
    first = weights_of(network)
    x, y = np.random.default_rng(0).random((8, 16, 16, 2)), np.eye(3)[np.arange(8) % 3]
    network.model.fit(x, y, verbose=0)
    trained = weights_of(network)
    network.restart(1)
    for again, before, after in zip(weights_of(network), first, trained, strict=True):
        np.testing.assert_array_equal(again, before)
        assert before.size == 0 or before.shape == after.shape
    assert any((before != after).any() for before, after in zip(first, trained, strict=True))
    assert all(
        (state == 0).all() for state in network.get_state()[: len(network.model.optimizer.variables) - 2]
    )
    network.restart(2)
    assert any((a != b).any() for a, b in zip(weights_of(network), first, strict=True))


def test_weights_follow_their_initialisers():
    network = CompiledNetwork("simple", (20, 20, 3), 0, 3, **SETTINGS)
    network.restart(0)
    kernels = [weight for weight in network.model.trainable_weights if weight.name == "kernel"]
    biases = [weight for weight in network.model.trainable_weights if weight.name == "bias"]
    for kernel in kernels:  # Glorot's uniform: variance 2 / (fan in + fan out)
        *window, n_in, n_out = kernel.shape
        expected = 2 / (np.prod(window) * (n_in + n_out))
        assert np.var(kernel) == pytest.approx(expected, rel=5 * np.sqrt(2 / np.size(kernel)))
    assert all((np.asarray(bias) == 0).all() for bias in biases)
    assert len({float(np.ravel(kernel)[0]) for kernel in kernels}) == len(kernels)


def test_a_network_that_is_lent_is_not_lent_twice():
    with borrow_network("simple", (8, 8, 1), 0, 2, **SETTINGS) as first:
        with borrow_network("simple", (8, 8, 1), 0, 2, **SETTINGS) as second:
            assert first is not second
        with borrow_network("simple", (8, 8, 1), 0, 2, **SETTINGS) as third:
            assert third is second
    with borrow_network("simple", (8, 8, 1), 0, 3, **SETTINGS) as other:
        assert other is not first
        assert other.model.output_shape == (None, 3)


def test_few_networks_stay_idle():
    for n_classes in range(2, 9):
        with borrow_network("simple", (4, 4, 1), 0, n_classes, **SETTINGS):
            pass
    assert len(traced._IDLE) == traced._MAX_IDLE


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles steps in another way")
def test_the_first_step_is_traced_once(small, monkeypatch):
    traces, train_step = [], _Network.train_step

    def counted(model, data):
        traces.append(model)
        return train_step(model, data)

    monkeypatch.setattr(_Network, "train_step", counted)
    small(epochs=1).fit(np.zeros((4, 5, 6, 1)), ["CDM", "SIDM1"] * 2)  # a shape of no other test
    assert len(traces) == 1


def test_functions_are_traced_once_for_each_number_of_steps():
    network = CompiledNetwork(own, (4, 4, 1), 0, 2, **SETTINGS)
    x, y, functions = np.zeros((4, 4, 4, 1)), np.eye(2)[[0, 1, 0, 1]], []
    for n_steps in (1, 10, 1, 10):
        network.run_at_once(n_steps)
        network.model.fit(x, y, verbose=0)
        functions.append(network.model.train_function)
    assert functions[:2] == functions[2:]
    assert functions[0] is not functions[1]


def own(input_shape, n_classes, activation=None, mask=None):
    maps = keras.Input(input_shape)
    x = keras.layers.GlobalAveragePooling2D()(maps)
    return keras.Model(maps, keras.layers.Dense(n_classes, activation=activation)(x))


def test_a_network_of_your_own_serves_one_training():
    with borrow_network(own, (4, 4, 1), 0, 2, seed=0, **SETTINGS) as first:
        pass
    with borrow_network(own, (4, 4, 1), 0, 2, seed=0, **SETTINGS) as second:
        assert second is not first
    with borrow_network(own, (4, 4, 1), 0, 2, **SETTINGS) as to_predict:
        assert to_predict is second


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({"mask": np.zeros(2000)}, {"mask": np.eye(1, 2000, 1000)[0]}),
        ({"mask": [np.zeros(2000)]}, {"mask": [np.eye(1, 2000, 1000)[0]]}),
        ({"mask": np.zeros(2000)}, {"mask": np.zeros(2000, np.float32)}),
        ({"mask": np.zeros(2000)}, {"mask": "array([0., 0., 0., ..., 0., 0., 0.], shape=(2000,))"}),
        ({"mask": 1}, {"mask": True}),
        ({"mask": keras.activations.relu}, {"mask": keras.activations.tanh}),
    ],
)
def test_networks_of_other_options_are_not_mixed_up(options, others):
    with borrow_network(own, (4, 4, 1), 0, 2, **{**SETTINGS, "options": options}) as first:
        pass
    with borrow_network(own, (4, 4, 1), 0, 2, **{**SETTINGS, "options": others}) as other:
        assert other is not first
    with borrow_network(own, (4, 4, 1), 0, 2, **{**SETTINGS, "options": options}) as again:
        assert again is first


def test_building_a_network_leaves_pythons_own_generator_as_it_was():
    before = random.getstate()
    with borrow_network(own, (5, 4, 1), 0, 2, **SETTINGS):
        assert random.getstate() == before


@pytest.mark.parametrize(("activation", "from_logits"), [("softmax", False), (None, True)])
def test_the_loss_agrees_with_the_last_layer(activation, from_logits):
    network = CompiledNetwork(own, (4, 4, 3), 0, 3, **{**SETTINGS, "options": {"activation": activation}})
    assert network.from_logits is from_logits
    x = np.random.default_rng(0).normal(size=(5, 4, 4, 3)).astype("f4")
    out = network.model.predict(x, verbose=0).astype(float)
    p = out if activation else np.exp(out) / np.exp(out).sum(axis=1, keepdims=True)
    loss = network.model.evaluate(x, np.eye(3)[[0, 1, 2, 0, 1]], verbose=0)[0]
    assert loss == pytest.approx(-np.log(p[np.arange(5), [0, 1, 2, 0, 1]]).mean(), rel=1e-5)


def test_fits_share_a_traced_network_but_never_weights(small, fitted, marked_maps):
    X, y = marked_maps
    before = fitted.predict_proba(X)
    models = {id(network.model) for network in traced._IDLE.values()}
    other = small(random_state=9).fit(X[::-1], y)
    assert {id(network.model) for network in traced._IDLE.values()} == models
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert not np.array_equal(other.predict_proba(X), before)


def resident_megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_candidates_of_a_search_share_one_network_and_its_memory():
    rng = np.random.default_rng(0)
    X, y = rng.random((8, 6, 6, 1), dtype=np.float32), np.arange(8) % 2
    traced._IDLE.clear()
    memory = []
    for candidate in range(60):
        DarkCNNClassifier(
            "simple",
            network_options={"width": 0.1, "dropout": candidate / 100},
            epochs=1 + candidate % 2,
            weight_decay=candidate / 60,
            label_smoothing=candidate / 100,
            learning_rate=1e-3 * (candidate + 1),
            learning_rate_schedule=("constant", "cosine")[candidate // 2 % 2],
            random_state=candidate,
        ).fit(X, y)
        memory.append(resident_megabytes())
    assert len(traced._IDLE) == 1
    assert memory[-1] - memory[9] < 50, memory  # 10 MB for each that is traced would be 500


def test_networks_of_all_dropout_rates_share_one_trace(small, marked_maps):
    X, y = marked_maps
    traced._IDLE.clear()
    rates = {"dropout": 0.9}, {}, {"dropout": 0.0}, {"dropout": 0.9}  # the default is 0
    losses = [
        small(epochs=2, network_options={"width": 0.1, **rate}, random_state=0).fit(X, y).loss_curve_
        for rate in rates
    ]
    assert losses[0] == losses[3] != losses[1] == losses[2]
    assert len(traced._IDLE) == 1
    with pytest.raises(ValueError, match=r"dropout must be between 0 and 1, got 2"):
        small(network_options={"dropout": 2}).fit(X, y)


def test_threads_leave_pythons_own_generator_as_it_was():
    before = random.getstate()
    entered, leave = ([threading.Event(), threading.Event()] for _ in range(2))

    def seed(thread):
        with _python_seed(thread):
            entered[thread].set()
            leave[thread].wait(10)

    threads = [threading.Thread(target=seed, args=[number]) for number in range(2)]
    threads[0].start()
    entered[0].wait(10)
    threads[1].start()
    entered[1].wait(0.2)  # it must not, before the first has left
    for event, thread in zip(leave, threads, strict=True):
        event.set()
        thread.join(10)
        assert not thread.is_alive()
    assert random.getstate() == before


@pytest.fixture
def keras_setting():
    """Change global settings of keras, for one test."""
    before = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()

    def change(setting, value):
        getattr(keras.config, f"set_{setting}")(value)

    yield change
    keras.config.set_floatx(before[1])
    keras.config.set_dtype_policy(before[0])
    keras.config.set_image_data_format(before[2])


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("simple", "mixed_float16"),
        ("simple", "mixed_bfloat16"),
        ("simple", "float64"),
        pytest.param("polar", "mixed_float16", marks=pytest.mark.slow),
    ],
)
def test_policies_of_precision_are_obeyed(keras_setting, small, marked_maps, name, policy):
    X, y = marked_maps
    model = small(architecture=name, network_options={}, epochs=2)
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless JAX_ENABLE_X64 is set")
    alone = clone(model).fit(X, y)
    keras_setting("dtype_policy", policy)
    if policy == "float64":
        keras_setting("floatx", policy)
    first, second = (clone(model).fit(X, y) for _ in range(2))  # the second starts a used network afresh
    assert first.history_ == second.history_
    assert first.loss_curve_[1] < first.loss_curve_[0]
    assert first.history_ != alone.history_  # the network of the other policy was not used
    assert np.isfinite(first.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("dtype_policy", "float16"), ("floatx", "bfloat16"), ("image_data_format", "channels_first")],
)
def test_settings_that_do_not_fit_are_refused(keras_setting, small, marked_maps, setting, value):
    keras_setting(setting, value)
    with pytest.raises(ValueError, match=rf"keras\.config\.{setting}\(\) must be .*got '{value}'"):
        small(architecture=own, network_options={}).fit(*marked_maps)

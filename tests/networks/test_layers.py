import keras
import numpy as np
import pytest

from darkcnn.networks.layers import Dropout

X = np.random.default_rng(0).normal(size=(6, 50)).astype("f4")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others draw the mask in another way")
@pytest.mark.parametrize("rate", [0, 0.3, 1 / 3, 1])
def test_dropout_gives_the_bits_of_that_of_keras(rate):
    ours, theirs = Dropout(0.5, seed=3), keras.layers.Dropout(rate, seed=3)
    ours.set_rate(rate)
    for _ in range(2):
        np.testing.assert_array_equal(ours(X, training=True), theirs(X, training=True))
    np.testing.assert_array_equal(ours(X), X)


def test_the_dropout_rate_changes_without_retracing_and_is_no_weight():
    maps = keras.Input((50,))
    layer = Dropout(0.0)
    model = keras.Model(maps, keras.layers.Dense(50, "linear", False, "identity")(layer(maps)))
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mse"])
    error = [model.train_on_batch(X, X, return_dict=True)["mse"]]
    layer.set_rate(1)
    model.reset_metrics()
    error.append(model.train_on_batch(X, X, return_dict=True)["mse"])
    np.testing.assert_allclose(error, [0, np.mean(X**2)], rtol=1e-5)
    assert len(model.weights) == 1
    assert layer.get_config()["rate"] == 1


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan])
def test_a_rate_that_is_no_fraction_is_refused(rate):
    with pytest.raises(ValueError, match=f"dropout must be between 0 and 1, got {rate}"):
        Dropout(rate)

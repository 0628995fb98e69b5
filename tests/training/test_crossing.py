"""Every parameter of the classifier, not at its default, with every way to carry it on."""

import inspect
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

from darkcnn import DarkCNNClassifier, RotationFlipAugmenter, WeakLensingNoise, load_model, save_model
from darkcnn.preprocessing import MapSelector

BASE = {"architecture": "simple", "network_options": {"width": 0.25}, "epochs": 2, "random_state": 0}
STOPPING = {"early_stopping": True, "validation_fraction": 0.25}

OTHERS = {
    "architecture": {"architecture": "polar", "network_options": {"n_radii": 8, "width": 0.25}},
    "network_options": {"network_options": {"width": 0.25, "dropout": 0.5}},
    "epochs": {"epochs": 3},
    "batch_size": {"batch_size": 7},
    "learning_rate": {"learning_rate": 5e-3},
    "learning_rate_schedule": {"learning_rate_schedule": "cosine"},
    "weight_decay": {"weight_decay": 0.5},
    "label_smoothing": {"label_smoothing": 0.1},
    "early_stopping": STOPPING,
    "validation_fraction": {**STOPPING, "validation_fraction": 0.4},
    "n_iter_no_change": {**STOPPING, "n_iter_no_change": 1},
    "class_weight": {"class_weight": {"CDM": 3.0, "SIDM1": 1.0}},
    "callbacks": {"callbacks": [keras.callbacks.EarlyStopping(monitor="loss", patience=5)]},
    "warm_start": {"warm_start": True},
    "predict_views": {"predict_views": 1},
    "n_draws": {"n_draws": 2},
    "checkpoint": {"checkpoint": "other"},
    "map_shape": {"map_shape": (12, 12, 2)},
    "random_state": {"random_state": 3},
    "verbose": {"verbose": 2},
}


def described(classifier, *left_out):
    return {name: value for name, value in classifier.get_params().items() if name not in left_out}


class Interrupt(keras.callbacks.Callback):
    """Break the training off after an epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.fixture
def data(request, marked_maps, clusters):
    """What the parameter acts on: maps, rows of numbers, views or observed maps."""
    X, y = marked_maps
    if request.param == "map_shape":
        return X.reshape(40, -1), y
    if request.param == "predict_views":
        return RotationFlipAugmenter(2, random_state=0).fit_transform(X), y
    if request.param == "n_draws":
        observed = WeakLensingNoise(random_state=0).fit_transform(clusters.data)
        return MapSelector(("total",)).fit_transform(observed), clusters.target
    return X, y


def test_every_parameter_is_crossed():
    defaults = {p.name: p.default for p in inspect.signature(DarkCNNClassifier).parameters.values()}
    assert OTHERS.keys() == defaults.keys()
    assert all(OTHERS[name][name] != default for name, default in defaults.items())


@pytest.mark.parametrize(("name", "data"), [(name, name) for name in OTHERS], indirect=["data"])
def test_a_parameter_is_carried_on(name, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = data
    parameters = {**BASE, **OTHERS[name]}
    fitted = DarkCNNClassifier(**parameters).fit(X, y)
    expected = fitted.predict_proba(X)

    pickled = pickle.loads(pickle.dumps(fitted))
    save_model(fitted, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    for again in (pickled, loaded):
        np.testing.assert_array_equal(again.predict_proba(X), expected)
        assert again.history_ == fitted.history_
    assert described(pickled, "callbacks") == described(fitted, "callbacks")
    # These belong to the training, not to the model.
    not_saved = ("callbacks", "checkpoint", "verbose")
    assert described(loaded, *not_saved) == described(fitted, *not_saved)

    interrupted = clone(fitted).set_params(checkpoint=tmp_path, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, y)
    resumed = clone(fitted).set_params(checkpoint=tmp_path).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), expected)
    assert resumed.history_ == fitted.history_
    assert len(list(tmp_path.glob("*.npz"))) == 1

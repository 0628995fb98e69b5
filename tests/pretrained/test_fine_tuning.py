import pickle

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone

from darkcnn import DarkCNNClassifier, default_pipeline
from darkcnn.networks.rings import StandardiseRings
from darkcnn.preprocessing import as_views
from darkcnn.pretrained import FineTuned, read_pretrained
from darkcnn.pretrained.network import build_for_training, weights_of
from darkcnn.training.batches import Batches
from darkcnn.training.network import CompiledNetwork


def test_training_begins_with_the_packaged_weights_and_a_new_last_layer():
    file = read_pretrained("polar")
    known = weights_of(file)
    network = build_for_training(file, 50, 2)
    statistics = next(layer for layer in network.layers if isinstance(layer, StandardiseRings))
    assert statistics.n_batches.numpy() == 100
    found = network.get_weights()
    assert found[-1].shape == (2,)
    same = [np.array_equal(one, other) for one, other in zip(found[:-2], known[:-2], strict=True)]
    assert same.count(False) == 1  # the number of batches in the statistics


@pytest.mark.slow
def test_a_gentle_fit_is_reproduced(example):
    X, y = example.data[:64], np.where(example.target[:64] == "SIDM1", "strong", "weak")
    model = default_pipeline("polar", pretrained="all", epochs=2, random_state=0)
    assert model["cnn"].learning_rate < default_pipeline("polar")["cnn"].learning_rate
    fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(clone(model))).fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), again.predict_proba(X))


def test_two_names_of_one_network_are_equal():
    assert FineTuned("polar") == FineTuned("polar-1")
    assert len({FineTuned("polar"), FineTuned("polar-1")}) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"attributes": ("redshift",)}, r"attributes must be left out for a packaged network, got \('reds"),
        ({"maps": ("total",)}, r"maps must be left out for a packaged network, got \('total',\)"),
        ({"architecture": "simple"}, "name must be one of .*, got 'simple'"),
    ],
)
def test_what_cannot_be_trained_further_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        default_pipeline(**{"architecture": "polar", "pretrained": "all", **parameters})


def test_other_maps_are_refused(marked_maps):
    X, y = marked_maps  # two channels
    with pytest.raises(
        ValueError, match=r"polar-1 needs square maps with the channels .*, got \(12, 12, 2\)"
    ):
        DarkCNNClassifier(FineTuned("polar"), network_options={"width": 2.0}, epochs=1).fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_training_starts_from_the_fitted_last_layer(example, n_classes):
    """Before the first step, the network predicts what the logistic regression of the embedding predicts."""
    names = np.unique(example.target)[:n_classes]
    X, y = (each[np.isin(example.target, names)][:32] for each in (example.data, example.target))
    views = as_views(default_pipeline("polar", pretrained="all")[:-1].fit_transform(X))
    targets = (y[:, np.newaxis] == names).astype(float)
    architecture = FineTuned("polar")
    network = CompiledNetwork(architecture, views.shape[2:], 0, n_classes, options={})
    architecture.start_training(network, Batches(views, 32, targets=targets))
    found = softmax(network.model.predict_on_batch(views.draw(np.arange(32), np.zeros(32, int))), axis=1)
    expected = default_pipeline("polar", pretrained=True).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)  # of the solver


@pytest.mark.slow
def test_a_first_part_may_contain_one_class(example):
    pipeline = default_pipeline("polar", pretrained="all", random_state=0)
    maps, y = pipeline[:-1].fit_transform(example.data[:16]), np.full(16, "CDM")
    classifier = pipeline[-1].partial_fit(maps, y, classes=["CDM", "SIDM1"])
    assert classifier.predict_proba(maps).shape == (16, 2)


@pytest.mark.slow
def test_weights_reach_the_fit_of_the_last_layer(example):
    """Rows of weight 0 do not count, and neither does a class whose weight is nearly 0."""
    y = np.where(example.target[:48] == "SIDM1", "strong", "weak")
    X, options = example.data[:48], {"epochs": 1, "learning_rate": 1e-12, "random_state": 0}
    pipeline = default_pipeline("polar", pretrained="all", **options)
    half = pipeline.fit(X[:24], y[:24]).predict_proba(X)
    weighted = pipeline.fit(X, y, cnn__sample_weight=np.repeat([1.0, 0.0], 24)).predict_proba(X)
    np.testing.assert_allclose(weighted, half, rtol=0, atol=2e-3)
    one_sided = pipeline.set_params(cnn__class_weight={"strong": 1.0, "weak": 1e-6}).fit(X, y)
    assert (one_sided.predict(X) == "strong").all()

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from darkcnn import DarkCNNClassifier, default_pipeline
from darkcnn.networks.rings import StandardiseRings
from darkcnn.pretrained import FineTuned, read_pretrained
from darkcnn.pretrained.network import build_for_training, weights_of


def test_training_begins_with_the_packaged_weights_and_a_new_last_layer():
    file = read_pretrained("polar")
    known = weights_of(file)
    network = build_for_training(file, 50, 2)
    statistics = next(layer for layer in network.layers if isinstance(layer, StandardiseRings))
    assert statistics.n_batches.numpy() == 0
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


@pytest.mark.slow
def test_a_fit_at_no_learning_rate_leaves_the_packaged_weights(example):
    gentle = default_pipeline("polar", pretrained="all", epochs=1, learning_rate=1e-12, weight_decay=0)
    gentle.fit(example.data[:16], example.target[:16])
    before = build_for_training(read_pretrained(), 50, 4).trainable_variables[:-2]  # all but the last layer
    for ours, theirs in zip(before, gentle["cnn"].model_.trainable_variables[:-2], strict=True):
        np.testing.assert_allclose(theirs.numpy(), ours.numpy(), rtol=0, atol=1e-6)

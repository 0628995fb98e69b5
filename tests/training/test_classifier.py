import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from darkcnn.preprocessing import Maps


def test_it_learns_a_signal(fitted, marked_maps):
    X, y = marked_maps
    assert fitted.score(X, y) == 1
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 2
    assert fitted.n_epochs_ == 8
    np.testing.assert_array_equal(fitted.classes_, ["CDM", "SIDM1"])


def test_it_learns_nothing_from_shuffled_labels(small):
    rng = np.random.default_rng(1)
    X, y = rng.random((440, 12, 12, 2), dtype=np.float32), np.tile(["CDM", "SIDM1"], 220)
    X[y == "SIDM1", 4:8, 4:8] += 2
    shuffled = rng.permutation(y)
    scores = {
        which: small().fit(X[:40], labels[:40]).score(X[40:], labels[40:])
        for which, labels in (("true", y), ("shuffled", shuffled))
    }
    assert scores["true"] > 0.95
    # The shuffled labels of the test are coins, whatever is predicted: 400 of them, five standard errors.
    assert abs(scores["shuffled"] - 0.5) < 5 * 0.5 / np.sqrt(400)


def test_same_seed_same_bits_whatever_came_before(small, fitted, marked_maps):
    X, y = marked_maps
    small(random_state=5, epochs=1).fit(X, y)  # leaves the shared network in another state
    again = small().fit(X, y)
    for first, second in zip(fitted.weights_, again.weights_, strict=True):
        np.testing.assert_array_equal(first, second)
    assert fitted.history_ == again.history_
    other = small(random_state=1).fit(X, y)
    assert any((a != b).any() for a, b in zip(fitted.weights_, other.weights_, strict=True))


@pytest.mark.slow
def test_a_fit_in_a_new_process_gives_the_same_bits(fitted, marked_maps, tmp_path):
    """Another process reads the fitted model and fits again."""
    X, y = marked_maps
    np.savez(tmp_path / "data.npz", X=X, y=y)
    joblib.dump(fitted, tmp_path / "model.joblib")
    code = (
        "import sys, numpy as np, joblib; from sklearn.base import clone\n"
        "data, model = np.load(sys.argv[1]), joblib.load(sys.argv[2])\n"
        "refitted = clone(model).fit(data['X'], data['y'])\n"
        "np.save(sys.argv[3], [each.predict_proba(data['X']) for each in (model, refitted)])"
    )
    paths = [tmp_path / name for name in ("data.npz", "model.joblib", "probabilities.npy")]
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, timeout=300)
    loaded, refitted = np.load(paths[-1])
    np.testing.assert_array_equal(loaded, fitted.predict_proba(X))
    np.testing.assert_array_equal(refitted, loaded)


def test_random_state_instances_give_different_seeds(small, marked_maps):
    X, y = marked_maps
    rng = np.random.RandomState(0)
    first, second = (small(epochs=1, random_state=rng).fit(X, y) for _ in range(2))
    assert first._seed != second._seed


def test_epochs_one_by_one_are_epochs_at_once(small, fitted, marked_maps):
    X, y = marked_maps
    partial = small()
    for _ in range(8):
        partial.partial_fit(X, y, classes=["CDM", "SIDM1"])
    np.testing.assert_array_equal(partial.predict_proba(X), fitted.predict_proba(X))
    assert partial.history_ == fitted.history_


def test_warm_start_goes_on(small, fitted, marked_maps):
    X, y = marked_maps
    warm = small(epochs=3, warm_start=True).fit(X, y)
    warm.set_params(epochs=5).fit(X, y)
    np.testing.assert_array_equal(warm.predict_proba(X), fitted.predict_proba(X))
    cold = small(epochs=3).fit(X, y)
    assert cold.fit(X, y).n_epochs_ == 3


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_training_goes_on_with_parameters_that_changed(small, marked_maps, method):
    X, y = marked_maps
    kept, changed = (small(epochs=1, warm_start=True).fit(X, y) for _ in range(2))
    getattr(kept, method)(X, y)
    getattr(changed.set_params(weight_decay=5.0), method)(X, y)
    assert changed.history_["loss"][0] == kept.history_["loss"][0]
    assert any((a != b).any() for a, b in zip(kept.weights_, changed.weights_, strict=True))
    for name, value in (("network_options", {"width": 0.25}), ("architecture", "polar")):
        with pytest.raises(ValueError, match=rf"{name} must be that of the first fit, .*0\.5|'simple'"):
            getattr(small(epochs=1, warm_start=True).fit(X, y).set_params(**{name: value}), method)(X, y)


def test_dropout_goes_on_as_well(small, marked_maps):
    X, y = marked_maps
    options = {"network_options": {"width": 0.5, "dropout": 0.5}}
    whole = small(epochs=3, **options).fit(X, y)
    partial = small(**options)
    for _ in range(3):
        partial.partial_fit(X, y)
    np.testing.assert_array_equal(partial.predict_proba(X), whole.predict_proba(X))


def test_partial_fit_of_a_class_that_is_still_to_come(small, marked_maps):
    X, y = marked_maps
    classifier = small().partial_fit(X, y, classes=["CDM", "SIDM0.1", "SIDM1"])
    assert classifier.predict_proba(X).shape == (40, 3)
    with pytest.raises(ValueError, match=r"labels \['WDM'\] that are not in classes"):
        classifier.partial_fit(X, np.where(y == "CDM", "WDM", y))
    with pytest.raises(
        ValueError, match=r"first call, \['CDM', 'SIDM0.1', 'SIDM1'\], got \['CDM', 'SIDM1'\]"
    ):
        classifier.partial_fit(X, y, classes=["CDM", "SIDM1"])


def test_attributes_join_the_maps(small):
    # The maps say nothing; whether the two attributes have the same sign says everything: a head that is
    # linear from attributes to logits could not learn it.
    rng = np.random.default_rng(0)
    attributes = rng.normal(size=(400, 2)).astype(np.float32)
    y = np.where(attributes.prod(axis=1) > 0, "CDM", "SIDM1")
    maps = Maps(np.zeros((400, 4, 4, 1), np.float32), (4, 4, 1), attributes=attributes)
    classifier = small(epochs=30, learning_rate=2e-2, batch_size=100, network_options={}).fit(
        maps[:300], y[:300]
    )
    assert classifier.n_attributes_ == 2
    assert classifier.score(maps[300:], y[300:]) > 0.9


def test_clone_and_pickle(fitted, marked_maps):
    X, _ = marked_maps
    assert not hasattr(clone(fitted), "weights_")
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X)
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"architecture": "incepton"}, r"got 'incepton' \(did you mean 'inception'\?\)"),
        ({"epochs": 0}, r"'epochs' parameter.*Got 0"),
        ({"learning_rate": -1.0}, r"'learning_rate' parameter.*Got -1.0"),
        ({"validation_fraction": 0.9}, r"'validation_fraction' parameter.*\(0.0, 0.5\]. Got 0.9"),
        ({"early_stopping": True, "validation_fraction": 0.01}, r"needs at least 100 clusters, got 40"),
        (
            {"class_weight": {"CDM": -1.0, "SIDM1": 1.0}},
            r"class_weight must be .* non-negative, got -1.0 for 'CDM'",
        ),
        ({"callbacks": ["EarlyStopping"]}, r"callbacks must be instances of .*Callback, got 'EarlyStopping'"),
    ],
)
def test_bad_parameters_are_refused(small, marked_maps, parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        small(**parameters).fit(*marked_maps)


def test_unknown_network_options_are_refused(small, marked_maps):
    with pytest.raises(TypeError, match="unexpected keyword argument 'widht'"):
        (classifier := small(network_options={"widht": 1})).fit(*marked_maps)
    assert (classifier.n_epochs_, classifier.loss_curve_) == (0, [])

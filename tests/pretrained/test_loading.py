import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score

from darkcnn import default_pipeline, load_pretrained
from darkcnn.pretrained import PRETRAINED, describe_pretrained, read_pretrained


@pytest.mark.parametrize("name", PRETRAINED)
def test_published_predictions_are_reproduced(name):
    """Of every name, for ever: users quote them."""
    file = read_pretrained(name)
    model = load_pretrained(name, cross_sections=file.card["cross_sections"])
    maps = file.arrays["reference/maps"].astype(np.float32)
    order = np.argsort([f"SIDM{each:g}" if each else "CDM" for each in file.card["cross_sections"]])
    np.testing.assert_allclose(
        model.predict_proba(maps), file.arrays["reference/probabilities"][:, order], rtol=0, atol=1e-3
    )


def test_it_predicts_better_than_chance_at_once(example):
    model = load_pretrained()
    assert model.classes_.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
    assert model.score(example.data, example.target) > 0.35  # 0.25 by chance, ± 0.02
    assert model[:-1].transform(example.data[:3]).shape == (3, 128)


def test_probabilities_among_some_classes_are_those_among_all_renormalised(example):
    X, known = example.data[:5], describe_pretrained()["cross_sections"]
    everything = load_pretrained(cross_sections=known)
    probabilities = dict(zip(everything.classes_, everything.predict_proba(X).T, strict=True))
    for wanted, labels in (((1, 0.03, 0), ["CDM", "SIDM0.03", "SIDM1"]), ((0, 0.5), ["CDM", "SIDM0.5"])):
        among = load_pretrained(cross_sections=wanted)
        assert among.classes_.tolist() == labels
        expected = np.stack([probabilities[label] for label in labels], axis=1)
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(among.predict_proba(X), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("wanted", [(0,), (0, 0.2), (0, 0), 0.1, ()])
def test_unknown_cross_sections_are_refused(wanted):
    with pytest.raises(ValueError, match=r"cross_sections must be two or more of \[0.0, .*\] cm2/g, got"):
        load_pretrained(cross_sections=wanted)


def test_a_clone_learns_the_last_layer_anew_and_keeps_the_embedding(example):
    X, y = example.data[:40], np.where(example.target[:40] == "CDM", "cold", "warm")
    model = load_pretrained(maps=("total",))
    again = clone(model).fit(X, y)
    assert again.classes_.tolist() == ["cold", "warm"]
    np.testing.assert_array_equal(again["embed"].transform(X), model["embed"].transform(X))


def test_a_search_accepts_it(example):
    X, y, groups = example.data[:120], example.target[:120], example.groups[:120]
    model = default_pipeline("polar", pretrained=True)
    search = GridSearchCV(model, {"head__C": [0.001, 1]}, cv=StratifiedGroupKFold(2), error_score="raise")
    search.fit(X, y, groups=groups)
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(best.predict_proba(X[:4]), search.predict_proba(X[:4]))


@pytest.mark.slow
def test_scores_are_the_same_in_two_processes(example):
    X, y, groups = example.data[:120], example.target[:120], example.groups[:120]
    one, two = (
        cross_val_score(
            default_pipeline("polar", pretrained=True),
            X, y, groups=groups, cv=StratifiedGroupKFold(2), n_jobs=n, error_score="raise",
            scoring="neg_log_loss",
        )
        for n in (1, 2)
    )  # fmt: skip
    np.testing.assert_array_equal(one, two)


def test_cross_validation_learns_the_last_layer_only(example):
    X, y, groups = example.data[:80], example.target[:80], example.groups[:80]
    options = {"groups": groups, "cv": StratifiedGroupKFold(2), "error_score": "raise"}
    scores = cross_val_score(load_pretrained(), X, y, **options)
    fresh = cross_val_score(default_pipeline("polar", pretrained=True), X, y, **options)
    np.testing.assert_array_equal(scores, fresh)


@pytest.mark.parametrize("rename", [lambda y: np.where(y, 3, 7), lambda y: y, lambda y: y.astype(str)])
def test_any_labels_can_be_learned(rename, example):
    y = rename(example.target[:40] == "SIDM1")
    model = default_pipeline("polar", pretrained=True).fit(example.data[:40], y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert set(model.predict(example.data[:40])) <= set(y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 3}, "epochs must be left out for a packaged network, got 3"),
        ({"pretrained": "head"}, "pretrained must be False, True or 'all', got 'head'"),
    ],
)
def test_what_a_packaged_network_does_not_take_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        default_pipeline(**{"pretrained": True, **options})

"""What reaches an estimator that a comparison, an ensemble or a study trains."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from darkcnn import DarkCNNEnsemble
from darkcnn.model_selection import cross_validate_by_cluster, run_study
from darkcnn.model_selection.folds import check_rows, run_fold
from darkcnn.preprocessing import Maps, as_views

CALLS = []


class Probe(ClassifierMixin, BaseEstimator):
    """Record what `fit` gets."""

    __metadata_request__fit = {"groups": True}

    def __init__(self, option=0, random_state=None):
        self.option, self.random_state = option, random_state

    def fit(self, X, y, sample_weight=None, groups=None):
        CALLS.append(
            {"X": np.array(X), "groups": groups, "weights": sample_weight, "seed": self.random_state}
        )
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[np.zeros(len(X), int)]


def piped(estimator):
    return make_pipeline(FunctionTransformer(), estimator)


@pytest.fixture
def rows():
    """Rows that are numbered, labels and clusters."""
    CALLS.clear()
    groups = np.repeat(np.arange(12), 4)
    return np.arange(48.0)[:, np.newaxis], np.tile(["CDM", "SIDM1"], 24), groups


def cross_validate(estimator, X, y, groups, **options):
    cross_validate_by_cluster({"probe": estimator}, X, y, groups, n_splits=3, random_state=0, **options)


def ensemble(estimator, X, y, groups, **options):
    DarkCNNEnsemble(estimator, n_networks=3, random_state=0).fit(X, y, groups, **options)


def study(folder):
    def run(estimator, X, y, groups, **options):
        run_study(estimator, X, y, groups=groups, cv=GroupKFold(3), folder=folder, **options)

    return run


@pytest.fixture(params=["cross-validation", "ensemble", "study"])
def compare(request, tmp_path):
    return {"cross-validation": cross_validate, "ensemble": ensemble, "study": study(tmp_path)}[request.param]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("wrap", [lambda probe: probe, piped, lambda probe: piped(piped(probe))])
def test_groups_and_weights_of_the_training_rows_reach_the_last_step(compare, rows, wrap, routing):
    X, y, groups = rows
    weights = np.arange(48.0) + 1
    with config_context(enable_metadata_routing=routing):
        probe = Probe().set_fit_request(sample_weight=True) if routing else Probe()
        compare(wrap(probe), X, y, groups, sample_weight=weights)
    assert len(CALLS) == 3
    for call in CALLS:
        trained = call["X"][:, 0].astype(int)
        np.testing.assert_array_equal(call["groups"], groups[trained])
        np.testing.assert_array_equal(call["weights"], weights[trained])


@pytest.mark.parametrize("routing", [False, True])
def test_a_fit_that_takes_neither_gets_neither(compare, rows, routing):
    with config_context(enable_metadata_routing=routing):
        compare(piped(KNeighborsClassifier(1)), *rows)


def test_weights_that_have_no_effect_are_refused(compare, rows):
    X, y, groups = rows
    with pytest.raises(ValueError, match="sample_weight must be None for KNeighborsClassifier, whose fit"):
        compare(piped(KNeighborsClassifier(1)), X, y, groups, sample_weight=np.ones(48))
    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError):
            compare(LogisticRegression(), X, y, groups, sample_weight=np.ones(48))
        with pytest.raises(TypeError, match="unexpected argument"):
            compare(KNeighborsClassifier(1), X, y, groups, sample_weight=np.ones(48))


def test_weights_change_what_is_learned(rows):
    X, y, groups = rows
    y = np.where(groups % 3 == 0, "CDM", "SIDM1")
    weights = np.where(y == "CDM", 8.0, 1.0)
    fits = [
        cross_validate_by_cluster(
            {"prior": DummyClassifier()}, X, y, groups, n_splits=2, random_state=0, sample_weight=w
        ).probabilities["prior"][0][0]
        for w in (None, weights)
    ]
    np.testing.assert_allclose(fits, [[1 / 3, 2 / 3], [0.8, 0.2]])


@pytest.mark.parametrize("routing", [False, True])
def test_a_search_splits_by_cluster_and_hands_the_clusters_on(rows, routing):
    X, y, groups = rows
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(piped(Probe()), {"probe__option": [1]}, cv=StratifiedGroupKFold(2))
        run_fold(piped(search), X, y, np.arange(32), np.arange(32, 48), groups=groups)
    *inner, refit = CALLS
    np.testing.assert_array_equal(refit["groups"], groups[:32])
    halves = [set(call["groups"].tolist()) for call in inner]
    assert len(halves) == 2
    assert not halves[0] & halves[1]


def test_groups_reach_an_ensemble_within_a_comparison(rows):
    X, y, groups = rows
    cross_validate(DarkCNNEnsemble(piped(Probe()), n_networks=2, random_state=0), X, y, groups)
    assert len(CALLS) == 6
    for call in CALLS:
        np.testing.assert_array_equal(call["groups"], groups[call["X"][:, 0].astype(int)])


@pytest.mark.parametrize("as_form", [lambda maps: maps, as_views])
def test_maps_made_of_records_have_their_clusters(rows, as_form):
    _, y, groups = rows
    maps = Maps(np.zeros((48, 4, 4, 1), np.float32), (4, 4, 1), groups=groups)
    DarkCNNEnsemble(Probe(), n_networks=3, random_state=0).fit(as_form(maps), y)
    assert len(CALLS) == 3
    for call in CALLS:
        assert np.unique(call["groups"], return_counts=True)[1].tolist() == [4] * 8


def test_every_random_state_is_set_and_the_estimator_is_left_alone(rows):
    X, y, _ = rows
    probe = Probe(random_state=7)
    fold = run_fold(piped(probe), X, y, np.arange(40), np.arange(40, 48), seed=3)
    assert CALLS[0]["seed"] == fold.estimator["probe"].random_state == 3
    assert CALLS[0]["groups"] is None
    assert probe.random_state == 7
    assert not hasattr(probe, "classes_")
    assert fold.result.shape == (8, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": [np.nan] * 48}, "groups must name the cluster of every row, got 48 rows"),
        ({"groups": np.arange(47)}, "inconsistent numbers of samples"),
        ({"y": np.ma.array([0, 1] * 24, mask=[0] * 47 + [1])}, "y must be known .* masked value in row 47"),
        ({"y": [0.0, np.nan] * 24}, "Input y contains NaN"),
        ({"y": np.arange(48) / 10}, "Unknown label type"),
        ({"sample_weight": np.ma.array(np.ones(48), mask=[1] + [0] * 47)}, "sample_weight .* row 0"),
        ({"sample_weight": [np.nan] * 48}, "sample_weight contains NaN"),
        ({"sample_weight": np.ones(47)}, r"sample_weight.shape == \(47,\)"),
    ],
)
def test_rows_of_which_something_is_not_known_are_refused(compare, rows, changes, message):
    arguments = dict(zip(("X", "y", "groups"), rows, strict=True)) | changes
    with pytest.raises(ValueError, match=message):
        compare(Probe(), **arguments)
    assert not CALLS


def test_rows_in_lists_and_columns_are_taken(rows):
    X, y, groups = rows
    checked, labels, metadata = check_rows([], X.tolist(), y.tolist(), groups[:, np.newaxis], [1] * 48)
    assert checked.shape == (48, 1)
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(metadata["groups"], groups)
    assert metadata["sample_weight"].tolist() == [1.0] * 48

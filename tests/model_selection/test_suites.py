"""Splits by suite, wherever groups are taken."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, cross_val_score

from darkcnn import DarkCNNEnsemble, run_study
from darkcnn.datasets import make_clusters
from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.simulation import NUMBERS_PER_SUITE


@pytest.fixture(scope="module")
def clusters():
    return make_clusters(2, n_suites=4, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=10, random_state=0)


def suites_of(X):
    return set((X["cluster_id"] // NUMBERS_PER_SUITE).tolist())


class Suspicious(ClassifierMixin, BaseEstimator):
    """Refuse clusters of suites that were trained on, and, in `fit`, groups that are not suites."""

    def __init__(self, bias=0):
        self.bias = bias

    def fit(self, X, y, groups=None):
        self.classes_, self.suites_ = np.unique(y), suites_of(X)
        assert groups is None or set(groups.tolist()) == self.suites_
        return self

    def predict_proba(self, X):
        assert self.suites_.isdisjoint(suites_of(X))
        return np.full((len(X), 2), 0.5)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_scikit_learn(clusters):
    options = {"groups": clusters.suite, "error_score": "raise"}
    scores = cross_val_score(Suspicious(), clusters.data, clusters.target, cv=LeaveOneGroupOut(), **options)
    assert len(scores) == 4
    search = GridSearchCV(Suspicious(), {"bias": [0, 1]}, cv=GroupKFold(2), refit=False, error_score="raise")
    search.fit(clusters.data, clusters.target, groups=clusters.suite)
    with pytest.raises(AssertionError):
        cross_val_score(
            Suspicious(),
            clusters.data,
            clusters.target,
            cv=GroupKFold(8),
            **options | {"groups": clusters.groups},
        )


def test_cross_validation(clusters):
    found = cross_validate_by_cluster(
        {"any": Suspicious()}, clusters.data, clusters.target, clusters.suite, n_splits=2, random_state=0
    )
    assert found.test_over_train == 1


def test_ensemble(clusters):
    ensemble = DarkCNNEnsemble(Suspicious(), n_networks=4, random_state=0)
    ensemble.fit(clusters.data, clusters.target, groups=clusters.suite)
    assert sorted(map(len, (network.suites_ for network in ensemble.estimators_))) == [3] * 4


def test_study(tmp_path, clusters):
    table = run_study(
        Suspicious(), clusters.data, clusters.target, groups=clusters.suite, cv=GroupKFold(4), folder=tmp_path
    )
    assert [table[f"split{number}_test_score"].tolist() for number in range(4)] == [[0.5]] * 4

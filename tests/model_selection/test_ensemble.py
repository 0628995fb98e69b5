import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier

from darkcnn import DarkCNNEnsemble, default_pipeline, load_model, save_model

TINY = default_pipeline("simple", n_views=1, epochs=1)


@pytest.fixture
def features():
    """Rows of twenty clusters, four of each, nearly the same; the labels mean nothing."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 4)
    X = rng.normal(size=(20, 3))[groups] + rng.normal(scale=1e-3, size=(80, 3))
    return X, np.array(["CDM", "SIDM1"])[rng.permutation(20) % 2][groups], groups


def test_what_was_held_out_was_not_learned(features):
    X, y, groups = features
    nearest = KNeighborsClassifier(1)  # remembers every cluster that it has seen
    by_cluster = DarkCNNEnsemble(nearest, random_state=0).fit(X, y, groups)
    by_row = DarkCNNEnsemble(nearest, random_state=0).fit(X, y)
    recognised = [
        np.mean(each.classes_[each.held_out_probabilities_.argmax(axis=1)] == y)
        for each in (by_cluster, by_row)
    ]
    assert recognised[0] < 0.8  # guessing, with 20 clusters
    assert recognised[1] > 0.9
    assert by_cluster.scores_.shape == (5,)


def test_probabilities_are_the_mean_over_networks(features):
    X, y, groups = features
    ensemble = DarkCNNEnsemble(LogisticRegression(), n_networks=3, random_state=0).fit(X, y, groups)
    each = ensemble.network_proba(X)
    assert each.shape == (3, 80, 2)
    assert np.ptp(each, axis=0).max() > 0  # they learned from different clusters
    np.testing.assert_allclose(ensemble.predict_proba(X), each.mean(axis=0))
    np.testing.assert_allclose(ensemble.predict_log_proba(X), np.log(each.mean(axis=0)))
    assert set(ensemble.predict(X)) <= {"CDM", "SIDM1"}


def test_routed_groups_are_its_groups(features):
    X, y, groups = features
    nearest = DarkCNNEnsemble(KNeighborsClassifier(1), n_networks=2, random_state=0)
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            nearest, X, y, params={"groups": groups}, cv=StratifiedGroupKFold(2), return_estimator=True,
            return_indices=True, error_score="raise",
        )  # fmt: skip
    train = found["indices"]["train"][0]
    expected = nearest.fit(X[train], y[train], groups[train]).held_out_probabilities_
    np.testing.assert_array_equal(found["estimator"][0].held_out_probabilities_, expected)


def test_rows_of_a_table_are_dealt_like_those_of_an_array(features, table_of):
    X, y, groups = features
    ensemble = DarkCNNEnsemble(LogisticRegression(), n_networks=2, random_state=0)
    expected = ensemble.fit(X, y, groups).held_out_probabilities_
    np.testing.assert_array_equal(ensemble.fit(table_of(X), y, groups).held_out_probabilities_, expected)


def test_a_fit_that_failed_leaves_it_unfitted(features):
    X, y, groups = features
    ensemble = DarkCNNEnsemble(LogisticRegression(C=-1.0), n_networks=2, random_state=0)
    with pytest.raises(ValueError, match="'C' parameter"):
        ensemble.fit(X, y, groups)
    with pytest.raises(NotFittedError):
        ensemble.predict(X)


def test_records_know_their_clusters(clusters):
    ensemble = DarkCNNEnsemble(TINY, n_networks=2, random_state=0).fit(clusters.data, clusters.target)
    with_groups = DarkCNNEnsemble(TINY, n_networks=2, random_state=0)
    with_groups.fit(clusters.data, clusters.target, clusters.groups)
    np.testing.assert_array_equal(ensemble.held_out_probabilities_, with_groups.held_out_probabilities_)


@pytest.mark.slow
def test_networks_do_not_depend_on_n_jobs_and_survive_a_file(clusters, tmp_path):
    first, second = (
        DarkCNNEnsemble(TINY, n_networks=2, random_state=0, n_jobs=n_jobs).fit(clusters.data, clusters.target)
        for n_jobs in (None, 2)
    )
    expected = first.network_proba(clusters.data)
    np.testing.assert_array_equal(second.network_proba(clusters.data), expected)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(second)).predict_proba(clusters.data), expected.mean(axis=0)
    )
    for number, network in enumerate(first.estimators_):
        save_model(network, tmp_path / f"{number}.keras")
    loaded = [load_model(tmp_path / f"{number}.keras").predict_proba(clusters.data) for number in range(2)]
    np.testing.assert_array_equal(loaded, expected)


def test_default_is_the_polar_network():
    assert DarkCNNEnsemble()._template()["cnn"].architecture == "polar"


def test_it_can_be_cloned_and_cross_validated(features):
    X, y, groups = features
    ensemble = DarkCNNEnsemble(LogisticRegression(), n_networks=2, random_state=0)
    assert is_classifier(ensemble)
    assert clone(ensemble).get_params()["estimator__C"] == 1.0
    scores = cross_val_score(ensemble, X, y, groups=groups, cv=GroupKFold(3))
    assert np.isfinite(scores).all()


def test_seeds_of_the_template_are_set_anew_and_it_is_left_alone(clusters):
    template = clone(TINY).set_params(cnn__random_state=7)
    ensemble = DarkCNNEnsemble(template, n_networks=2, random_state=0).fit(clusters.data, clusters.target)
    seeds = {network["cnn"].random_state for network in ensemble.estimators_}
    assert len(seeds - {7}) == 2
    assert template["cnn"].random_state == 7
    assert not hasattr(template["cnn"], "weights_")


def test_progress_is_shown_on_demand_only(features, capsys):
    X, y, groups = features
    DarkCNNEnsemble(LogisticRegression(), n_networks=2, random_state=0).fit(X, y, groups)
    assert capsys.readouterr().err == ""
    DarkCNNEnsemble(LogisticRegression(), n_networks=2, random_state=0, verbose=1).fit(X, y, groups)
    assert "2/2" in capsys.readouterr().err


def test_refuses_what_cannot_be_dealt(features):
    X, y, groups = features
    with pytest.raises(ValueError, match="number of clusters, 4, got 5"):
        DarkCNNEnsemble(LogisticRegression()).fit(X[:16], y[:16], groups[:16])
    with pytest.raises(ValueError, match="'n_networks'"):
        DarkCNNEnsemble(LogisticRegression(), n_networks=1).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DarkCNNEnsemble(LogisticRegression()).fit(X, y, groups[:5])


def test_scikit_learns_own_ensemble_gives_the_same_array(features):
    X, y, _ = features
    networks = [(f"network{seed}", LogisticRegression(C=10.0**seed)) for seed in range(3)]
    voting = VotingClassifier(networks, voting="soft", flatten_transform=False).fit(X, y)
    each = np.array([network.predict_proba(X) for network in voting.estimators_])
    np.testing.assert_array_equal(voting.transform(X), each)

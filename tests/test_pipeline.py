import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)

from darkcnn import WeakLensingNoise, default_pipeline, networks


def tiny(**parameters):
    """A pipeline that trains in a second."""
    defaults = {"n_views": 2, "epochs": 1, "network_options": {"width": 0.25}, "random_state": 0}
    return default_pipeline("simple", **{**defaults, **parameters})


@pytest.fixture(params=["records", "arrays"])
def data(request, clusters):
    """The same clusters as records and as a plain array."""
    X = clusters.data
    if request.param == "arrays":
        X = np.stack([X["total"], X["xray"], X["stellar"]], axis=-1)
    return X, clusters.target, clusters.groups


def test_records_and_arrays_give_the_same(clusters):
    X = np.stack([clusters.data[name] for name in ("total", "xray", "stellar")], axis=-1)
    from_records = tiny().fit(clusters.data, clusters.target).predict_proba(clusters.data)
    from_arrays = tiny().fit(X, clusters.target).predict_proba(X)
    np.testing.assert_array_equal(from_records, from_arrays)


@pytest.mark.slow
def test_cross_validation_by_cluster_is_the_same_for_any_n_jobs(clusters):
    X, y, groups = clusters.data, clusters.target, clusters.groups
    scores = [
        cross_val_score(
            tiny(), X, y, groups=groups, cv=StratifiedGroupKFold(3), scoring="neg_log_loss",
            n_jobs=n_jobs, error_score="raise",
        )
        for n_jobs in (1, 2)
    ]  # fmt: skip
    np.testing.assert_array_equal(*scores)


def test_cross_val_predict(data):
    X, y, groups = data
    probabilities = cross_val_predict(
        tiny(), X, y, groups=groups, cv=StratifiedGroupKFold(2), method="predict_proba"
    )
    assert probabilities.shape == (24, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_routed_groups_hold_clusters_back(clusters):
    X = np.stack([clusters.data[name] for name in ("total", "xray", "stellar")], axis=-1)
    y, groups = clusters.target, clusters.groups
    pipeline = tiny(early_stopping=True, validation_fraction=0.5)
    with config_context(enable_metadata_routing=True):
        routed = clone(pipeline).fit(X, y, groups=groups).predict_proba(X)
        cross_validate(
            pipeline, X, y, params={"groups": groups}, cv=StratifiedGroupKFold(2), error_score="raise"
        )
    by_row = clone(pipeline).fit(X, y).predict_proba(X)
    by_cluster = clone(pipeline).fit(X, y, cnn__groups=groups).predict_proba(X)
    np.testing.assert_array_equal(routed, by_cluster)
    assert (by_row != by_cluster).any()


@pytest.mark.slow
def test_grid_search(clusters):
    grid = {
        "select__maps": [("total",), "all"],
        "select__attributes": [(), ("redshift", "log_mass")],
        "augment__n_views": [1],
        "cnn__architecture": ["simple"],
    }
    search = GridSearchCV(tiny(), grid, cv=StratifiedGroupKFold(2), error_score="raise")
    search.fit(clusters.data, clusters.target, groups=clusters.groups)
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert search.best_estimator_[-1].map_shape_[:2] == (20, 20)


def test_calibration(data):
    X, y, _ = data
    calibrated = CalibratedClassifierCV(tiny(), cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


def test_voting(data):
    X, y, _ = data
    voting = VotingClassifier([("a", tiny()), ("b", tiny(random_state=1))], voting="soft").fit(X, y)
    mean = np.mean([member.predict_proba(X) for member in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict_proba(X), mean)


def test_clone_pickle_and_one_row(data):
    X, y, _ = data
    pipeline = tiny().fit(X, y)
    probabilities = pipeline.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).predict_proba(X), probabilities)
    np.testing.assert_array_equal(clone(pipeline).fit(X, y).predict_proba(X), probabilities)
    assert pipeline.predict_proba(X[:1]).shape == (1, 2)
    assert set(pipeline.predict(X)) <= set(y)


def test_html_diagram(clusters):
    assert "RotationFlipAugmenter" in tiny()._repr_html_()


def test_parameters_reach_their_steps():
    pipeline = default_pipeline(
        "simple", maps=("total",), attributes=("redshift",), n_views=4, random_state=3, epochs=7
    )
    assert pipeline["select"].get_params() == {"maps": ("total",), "attributes": ("redshift",)}
    assert (pipeline["augment"].n_views, pipeline["augment"].random_state) == (4, 3)
    assert (pipeline["cnn"].epochs, pipeline["cnn"].random_state) == (7, 3)


def test_an_invariant_network_takes_no_views():
    assert list(default_pipeline("polar").named_steps) == ["select", "scale", "cnn"]


def test_the_polar_network_is_the_default():
    assert default_pipeline()["cnn"].get_params() == default_pipeline("polar")["cnn"].get_params()


def test_a_network_is_named_or_given_as_its_function():
    by_name, by_function = default_pipeline("polar", epochs=3), default_pipeline(networks.polar, epochs=3)
    assert str(by_function.get_params()) == str(by_name.get_params())

    @networks.Recipe({"epochs": 7})
    def own(input_shape, n_classes):
        return networks.simple(input_shape, n_classes, width=0.25)

    assert list(default_pipeline(own).named_steps) == ["select", "scale", "augment", "cnn"]
    assert default_pipeline(own)["cnn"].get_params()["epochs"] == 7
    assert default_pipeline(own, epochs=2)["cnn"].get_params()["epochs"] == 2
    with pytest.raises(ValueError, match=r"got 'pola' \(did you mean 'polar'\?\)"):
        default_pipeline("pola")


@pytest.mark.parametrize("attributes", [(), ("redshift", "bcg_ellipticity")])
def test_probabilities_of_turned_and_flipped_clusters_are_the_same(clusters, attributes):
    # A quarter of a turn is a whole number of angular steps, and the only turn that moves pixels onto pixels.
    pipeline = default_pipeline("polar", attributes=attributes, epochs=3, random_state=0)
    pipeline.fit(clusters.data, clusters.target)
    expected = pipeline.predict_proba(clusters.data)
    assert np.ptp(expected[:, 0]) > 0.01
    moved = []
    for n_quarters in range(4):
        for flip in (False, True):
            copy = clusters.data.copy()
            for name in ("total", "xray", "stellar"):
                turned = np.rot90(copy[name], n_quarters, axes=(1, 2))
                copy[name] = turned[:, :, ::-1] if flip else turned
            moved.append(copy)
    probabilities = pipeline.predict_proba(np.concatenate(moved))
    np.testing.assert_allclose(probabilities, np.tile(expected, (8, 1)), rtol=0, atol=1e-5)


def test_a_recipe_is_only_a_default():
    assert default_pipeline("polar")["cnn"].weight_decay == 0.1
    assert default_pipeline("polar", weight_decay=1.0)["cnn"].weight_decay == 1
    assert default_pipeline("simple")["cnn"].weight_decay == 0


def test_noise_must_be_a_list():
    with pytest.raises(TypeError, match=r"noise must be a list such as .*, got WeakLensingNoise\(\)"):
        default_pipeline(noise=WeakLensingNoise())

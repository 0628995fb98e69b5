import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn import config_context

from darkcnn import DarkCNNClassifier, MapSelector, default_pipeline
from darkcnn.preprocessing import as_views
from darkcnn.training import ValidationSplit


def split(y, groups=None, fraction=0.1, seed=0):
    [(train, held_back)] = ValidationSplit(fraction, random_state=seed).split(y, y, groups)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held_back])), np.arange(len(y)))
    return train, held_back


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.34, 0.4, 0.5, 0.7])
def test_the_fraction_of_clusters_is_held_back(fraction):
    y, groups = np.tile(["a", "b", "c"], 100), np.repeat(np.arange(100), 3)
    train, held_back = split(y, groups, fraction)
    assert len(np.unique(groups[held_back])) == round(100 * fraction)
    assert not set(groups[train]) & set(groups[held_back])


def test_classes_are_held_back_in_proportion():
    y = np.repeat(["a", "b", "c"], [600, 300, 100])
    _, held_back = split(y, fraction=0.4)
    assert np.unique(y[held_back], return_counts=True)[1].tolist() == [240, 120, 40]


@pytest.mark.parametrize("seed", range(20))
def test_every_class_stays_on_both_sides(seed):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(30), 4))
    y = np.where(groups < 2, "rare", np.where(groups < 14, "a", rng.choice(["a", "b"], 120)))
    train, held_back = split(y, groups, 0.05, seed)  # one or two clusters, of three classes
    assert set(y[train]) == set(y[held_back]) == {"rare", "a", "b"}
    assert len(np.unique(groups[held_back])) <= 3


def test_the_seed_decides_the_split():
    y = np.tile(["a", "b"], 50)
    np.testing.assert_array_equal(split(y, seed=1)[1], split(y, seed=1)[1])
    assert (split(y, seed=1)[1] != split(y, seed=2)[1]).any()


@pytest.mark.parametrize(
    ("y", "groups", "fraction", "message"),
    [
        (["a"] * 5 + ["b"] * 5, [0] * 5 + [1] * 5, 0.5, "both sides .* class 'a' has 1"),
        (["a"] * 40 + ["b"] * 40 + ["c"] * 9, [*range(40), *range(40), *[99] * 9], 0.1, "class 'c' has 1"),
        (["a", "b"] * 4, np.repeat(np.arange(4), 2), 0.1, "needs at least 10 clusters, got 4"),
    ],
)
def test_impossible_splits_are_refused(y, groups, fraction, message):
    with pytest.raises(ValueError, match=message):
        split(y, groups, fraction)


def test_early_stopping_holds_clusters_back(small, marked_maps):
    X, y = marked_maps
    groups = np.arange(40) // 4
    classifier = small(epochs=4, early_stopping=True, validation_fraction=0.2, n_iter_no_change=1)
    train, held_back = classifier.fit(X, y, groups=groups)._split(as_views(X), y, groups)
    assert not set(groups[train]) & set(groups[held_back])
    assert len(held_back) == 8
    assert set(y[train]) == set(y[held_back]) == {"CDM", "SIDM1"}
    assert len(classifier.history_["val_loss"]) == classifier.n_epochs_


def test_early_stopping_takes_the_clusters_of_records(small, clusters):
    maps = MapSelector().fit_transform(clusters.data)
    classifier = small(epochs=1, early_stopping=True, validation_fraction=0.34).fit(maps, clusters.target)
    train, held_back = classifier._split(as_views(maps), clusters.target, None)
    assert not set(clusters.groups[train]) & set(clusters.groups[held_back])


def test_early_stopping_restores_the_best_weights(small, marked_maps):
    X, y = marked_maps
    # A learning rate that ruins the network after the first steps.
    classifier = small(epochs=6, early_stopping=True, n_iter_no_change=2, learning_rate=0.5, weight_decay=0.0)
    classifier.fit(X, y)
    losses = classifier.history_["val_loss"]
    _, held_back = classifier._split(as_views(X), y, None)
    # From logits: with so ruined a network, probabilities are too small for numbers to hold.
    log_p = log_softmax(classifier.model_.predict(X[held_back], verbose=0).astype(float), axis=1)
    truth = np.searchsorted(classifier.classes_, y[held_back])
    loss = -log_p[np.arange(len(log_p)), truth].mean()
    assert loss == pytest.approx(min(losses), rel=1e-3, abs=1e-6)


def test_clusters_that_nobody_knows_are_refused(small, marked_maps):
    X, y = marked_maps
    groups = np.repeat(np.arange(20.0), 2)
    stopping = small(epochs=1, early_stopping=True)
    by_column = stopping.fit(X, y, groups=groups[:, np.newaxis]).predict_proba(X)
    np.testing.assert_array_equal(stopping.fit(X, y, groups=groups).predict_proba(X), by_column)
    groups[7] = np.nan
    with pytest.raises(ValueError, match=r"groups must name the cluster of every row.*row 7"):
        stopping.fit(X, y, groups=groups)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[40, 39\]"):
        stopping.fit(X, y, groups=np.arange(39))


def test_validation_maps_of_your_own(small, marked_maps):
    X, y = marked_maps
    stopping = small(epochs=2, early_stopping=True)
    train, held_back = stopping.fit(X, y)._split(as_views(X), y, None)
    given = small(epochs=2, early_stopping=True).fit(
        X[train], y[train], X_val=X[held_back], y_val=y[held_back]
    )
    assert given.history_ == stopping.history_
    np.testing.assert_array_equal(given.predict_proba(X), stopping.predict_proba(X))
    weighted = small(epochs=2, early_stopping=True).fit(
        X[train], y[train], X_val=X, y_val=y, sample_weight_val=np.isin(np.arange(40), held_back)
    )
    assert weighted.history_ == stopping.history_


def test_validation_maps_that_do_not_fit_are_refused(small, marked_maps):
    X, y = marked_maps
    stopping = small(epochs=1, early_stopping=True)
    for given, message in (
        ({"X_val": X}, "X_val and y_val must be given together, got X_val alone"),
        ({"y_val": y}, "X_val and y_val must be given together, got y_val alone"),
        ({"X_val": X[..., :1], "y_val": y}, r"X_val has maps of shape \(12, 12, 1\)"),
        ({"X_val": X, "y_val": np.where(y == "CDM", "WDM", y)}, r"y_val contains labels \['WDM'\]"),
        ({"X_val": X, "y_val": y[1:]}, r"inconsistent numbers of samples: \[40, 39\]"),
        (
            {"X_val": X, "y_val": y, "sample_weight_val": -np.ones(40)},
            "sample_weight_val must be non-negative",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            stopping.fit(X, y, **given)
    with pytest.raises(ValueError, match="X_val and y_val need early_stopping=True, got False"):
        small(epochs=1).fit(X, y, X_val=X, y_val=y)


def test_a_pipeline_transforms_validation_clusters(clusters):
    X, y = clusters.data, clusters.target
    pipeline = default_pipeline(
        "simple", n_views=1, epochs=2, early_stopping=True, network_options={"width": 0.25}, random_state=0
    ).set_params(transform_input=["X_val"])
    with config_context(enable_metadata_routing=True):
        history = pipeline.fit(X[8:], y[8:], X_val=X[:8], y_val=y[:8])["cnn"].history_
    alone = DarkCNNClassifier(**pipeline["cnn"].get_params())
    steps = pipeline[:-1]
    alone.fit(steps.transform(X[8:]), y[8:], X_val=steps.transform(X[:8]), y_val=y[:8])
    assert alone.history_ == history

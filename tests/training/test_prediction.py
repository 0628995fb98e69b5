import gc
import weakref

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from darkcnn import DarkCNNClassifier, RotationFlipAugmenter
from darkcnn.preprocessing import as_maps
from darkcnn.training.batches import Batches


def test_probabilities(fitted, marked_maps):
    X, _ = marked_maps
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (40, 2)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(X[:1]), probabilities[:1], rtol=1e-5)
    np.testing.assert_array_equal(fitted.predict_log_proba(X), np.log(probabilities))


def test_views_are_trained_on_and_averaged(small, marked_maps):
    X, y = marked_maps
    views = RotationFlipAugmenter(3, random_state=0).fit_transform(X)
    classifier = small(epochs=3).fit(views, y)
    each = [classifier.predict_proba(np.ascontiguousarray(np.asarray(views)[:, view])) for view in range(3)]
    np.testing.assert_allclose(classifier.predict_proba(views), np.mean(each, axis=0), rtol=1e-4)
    classifier.set_params(predict_views=1)
    np.testing.assert_allclose(classifier.predict_proba(views), each[0], rtol=1e-4)


def test_one_pass_gives_what_two_give(marked_maps, monkeypatch):
    X, y = marked_maps
    X = np.concatenate([X] * 7)  # more views than a batch of predictions
    views = RotationFlipAugmenter(2, random_state=0).fit_transform(X)
    classifier = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(views[:40], y)
    expected = classifier.predict_proba(views), classifier.transform(views)
    passes = []
    monkeypatch.setattr(
        "darkcnn.training.prediction.Batches", lambda *args: passes.append(1) or Batches(*args)
    )
    for found, wanted in zip(classifier.predict_and_embed(views), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert len(passes) == 1


def test_embedding_feeds_other_estimators(small, fitted, marked_maps):
    X, y = marked_maps
    features = fitted.transform(X)
    assert features.shape == (40, 64)
    assert fitted.get_feature_names_out()[0] == "darkcnnclassifier0"
    pipeline = make_pipeline(small(epochs=4), LogisticRegression()).fit(X, y)
    assert pipeline.score(X, y) == 1


def test_model_is_a_copy_of_your_own(fitted, marked_maps):
    X, _ = marked_maps
    model = fitted.model_
    logits = model.predict(X, verbose=0).astype(float)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-4)
    before = fitted.predict_proba(X)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_the_diagram_of_a_fitted_classifier_builds_no_network(fitted, monkeypatch):
    def build(self):
        raise AssertionError("a network was built")

    monkeypatch.setattr(DarkCNNClassifier, "_network", build)
    assert "DarkCNNClassifier" in fitted._repr_html_()


def test_rows_hold_maps_of_a_given_shape(small, marked_maps):
    X, y = marked_maps
    flat = small(epochs=1, map_shape=(12, 12, 2)).fit(X.reshape(40, -1), y)
    np.testing.assert_array_equal(
        flat.predict_proba(X.reshape(40, -1)), small(epochs=1).fit(X, y).predict_proba(X)
    )
    with pytest.raises(ValueError, match=r"map_shape=\(5, 5, 1\) does not fit the 288 columns of X"):
        small(map_shape=(5, 5, 1)).fit(X.reshape(40, -1), y)


def test_columns_of_an_earlier_fit_are_forgotten(small, marked_maps):
    X, y = marked_maps
    classifier = small(epochs=1).fit(X, y)
    smaller = np.ascontiguousarray(X[:, 2:10, 2:10])
    expected = small(epochs=1).fit(smaller, y).predict_proba(smaller)
    np.testing.assert_array_equal(classifier.fit(as_maps(smaller), y).predict_proba(smaller), expected)


def test_bad_maps_are_refused(small, fitted, marked_maps, clusters):
    X, y = marked_maps
    with pytest.raises(NotFittedError):
        small().predict(X)
    with pytest.raises(ValueError, match=r"shape \(12, 10, 2\).*fitted on \(12, 12, 2\)"):
        fitted.predict_proba(X[:, :, :10])
    with pytest.raises(ValueError, match=r"shape \(12, 12, 1\).*fitted on \(12, 12, 2\)"):
        fitted.predict_proba(X[..., :1])
    with pytest.raises(ValueError, match="X has 10 features, but DarkCNNClassifier is expecting 12"):
        fitted.predict_proba(X[:, :10])
    broken = X.copy()
    broken[7, 3, 3, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        small().fit(broken, y)
    with pytest.raises(TypeError, match="X contains records: add a MapSelector before"):
        small().fit(clusters.data, clusters.target)
    masked = np.ma.array(X, mask=X < 0.1)
    for use in (lambda: small().fit(masked, y), lambda: fitted.predict_proba(masked)):
        with pytest.raises(ValueError, match="X must have no masked pixels"):
            use()
    with pytest.raises(ValueError, match=r"Found array with 0 sample"):
        small().fit(X[:0], y[:0])


def test_maps_are_let_go_after_training_and_prediction(marked_maps):
    X, y = marked_maps
    maps = as_maps(X)
    options = {"early_stopping": True, "validation_fraction": 0.3}
    classifier = DarkCNNClassifier("simple", epochs=1, random_state=0, **options).fit(maps, y)
    classifier.predict(maps)
    classifier.transform(maps)
    alive = weakref.ref(maps)
    del maps
    gc.collect()
    assert alive() is None
    assert not [x for x in gc.get_objects() if isinstance(x, Batches) and x.views is not None]

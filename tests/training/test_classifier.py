import gc
import pickle
import random
import subprocess
import sys
import threading
import weakref

import joblib
import keras
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from darkcnn import DarkCNNClassifier, MapSelector, RotationFlipAugmenter
from darkcnn.preprocessing import Maps, as_maps, as_views
from darkcnn.training import traced
from darkcnn.training.batches import Batches
from darkcnn.training.traced import _python_seed


def small(**parameters):
    """A classifier that learns a marked centre in a second."""
    defaults = {
        "architecture": "simple",
        "network_options": {"width": 0.5},
        "epochs": 8,
        "learning_rate": 5e-3,
        "random_state": 0,
    }
    return DarkCNNClassifier(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted(marked_maps):
    return small().fit(*marked_maps)


def test_it_learns_a_signal(fitted, marked_maps):
    X, y = marked_maps
    assert fitted.score(X, y) == 1
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 2
    assert fitted.n_epochs_ == 8
    np.testing.assert_array_equal(fitted.classes_, ["CDM", "SIDM1"])


def test_it_learns_nothing_from_shuffled_labels(marked_maps):
    X, y = marked_maps
    rng = np.random.default_rng(1)
    train = rng.permutation(40)[:24]
    test = np.setdiff1d(np.arange(40), train)
    shuffled = rng.permutation(y[train])
    assert small(epochs=2).fit(X[train], shuffled).score(X[test], y[test]) < 1


def test_probabilities(fitted, marked_maps):
    X, _ = marked_maps
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (40, 2)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(X[:1]), probabilities[:1], rtol=1e-5)
    np.testing.assert_array_equal(fitted.predict_log_proba(X), np.log(probabilities))


def test_same_seed_same_bits_whatever_came_before(fitted, marked_maps):
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
    X, y = marked_maps
    np.savez(tmp_path / "data.npz", X=X, y=y)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    code = (
        "import sys, numpy as np, joblib; from sklearn.base import clone\n"
        "data = np.load(sys.argv[1]); fitted = joblib.load(sys.argv[2])\n"
        "np.save(sys.argv[3], [fitted.predict_proba(data['X']),"
        " clone(fitted).fit(data['X'], data['y']).predict_proba(data['X'])])"
    )
    paths = [tmp_path / name for name in ("data.npz", "fitted.joblib", "out.npy")]
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True)
    loaded, refitted = np.load(tmp_path / "out.npy")
    np.testing.assert_array_equal(loaded, fitted.predict_proba(X))
    np.testing.assert_array_equal(refitted, fitted.predict_proba(X))


def test_random_state_instances_give_different_seeds(marked_maps):
    X, y = marked_maps
    rng = np.random.RandomState(0)
    first, second = (small(epochs=1, random_state=rng).fit(X, y) for _ in range(2))
    assert first._seed != second._seed


def test_fits_share_a_traced_network_but_never_weights(fitted, marked_maps):
    X, y = marked_maps
    before = fitted.predict_proba(X)
    models = {id(network.model) for network in traced._IDLE.values()}
    other = small(random_state=9).fit(X[::-1], y)
    assert {id(network.model) for network in traced._IDLE.values()} == models
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert not np.array_equal(other.predict_proba(X), before)


def test_epochs_one_by_one_are_epochs_at_once(fitted, marked_maps):
    X, y = marked_maps
    partial = small()
    for _ in range(8):
        partial.partial_fit(X, y, classes=["CDM", "SIDM1"])
    np.testing.assert_array_equal(partial.predict_proba(X), fitted.predict_proba(X))
    assert partial.history_ == fitted.history_


def test_warm_start_goes_on(fitted, marked_maps):
    X, y = marked_maps
    warm = small(epochs=3, warm_start=True).fit(X, y)
    warm.set_params(epochs=5).fit(X, y)
    np.testing.assert_array_equal(warm.predict_proba(X), fitted.predict_proba(X))
    cold = small(epochs=3).fit(X, y)
    assert cold.fit(X, y).n_epochs_ == 3


def test_dropout_goes_on_as_well(marked_maps):
    X, y = marked_maps
    options = {"network_options": {"width": 0.5, "dropout": 0.5}}
    whole = small(epochs=3, **options).fit(X, y)
    partial = small(**options)
    for _ in range(3):
        partial.partial_fit(X, y)
    np.testing.assert_array_equal(partial.predict_proba(X), whole.predict_proba(X))


def test_partial_fit_of_a_class_that_is_still_to_come(marked_maps):
    X, y = marked_maps
    classifier = small().partial_fit(X, y, classes=["CDM", "SIDM0.1", "SIDM1"])
    assert classifier.predict_proba(X).shape == (40, 3)
    with pytest.raises(ValueError, match=r"labels \['WDM'\] that are not in classes"):
        classifier.partial_fit(X, np.where(y == "CDM", "WDM", y))
    with pytest.raises(
        ValueError, match=r"first call, \['CDM', 'SIDM0.1', 'SIDM1'\], got \['CDM', 'SIDM1'\]"
    ):
        classifier.partial_fit(X, y, classes=["CDM", "SIDM1"])


def test_views_are_trained_on_and_averaged(marked_maps):
    X, y = marked_maps
    views = RotationFlipAugmenter(3, random_state=0).fit_transform(X)
    classifier = small(epochs=3).fit(views, y)
    each = [classifier.predict_proba(np.ascontiguousarray(np.asarray(views)[:, view])) for view in range(3)]
    np.testing.assert_allclose(classifier.predict_proba(views), np.mean(each, axis=0), rtol=1e-4)
    classifier.set_params(predict_views=1)
    np.testing.assert_allclose(classifier.predict_proba(views), each[0], rtol=1e-4)


def test_every_epoch_takes_every_view_once(marked_maps):
    X, y = marked_maps
    views = RotationFlipAugmenter(3, random_state=0).fit_transform(X)
    batches = Batches(views, 32, targets=np.eye(2)[(y == "SIDM1").astype(int)], seed=1)
    assert len(batches) == 4  # 120 views
    orders = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        orders.append(batches.order)
        np.testing.assert_array_equal(np.sort(batches.order), np.arange(120))
        targets = np.concatenate([batches[index][1] for index in range(4)])
        np.testing.assert_array_equal(targets[:, 1] == 1, (y == "SIDM1")[batches.order // 3])
    assert (orders[0] != orders[1]).any()


def test_attributes_join_the_maps():
    # The maps say nothing; whether the two attributes have the same sign says everything: a head that is
    # linear from attributes to logits could not learn it.
    rng = np.random.default_rng(0)
    attributes = rng.normal(size=(400, 2)).astype(np.float32)
    y = np.where(attributes.prod(axis=1) > 0, "CDM", "SIDM1")
    maps = Maps(np.zeros((400, 4, 4, 1), np.float32), (4, 4, 1), attributes=attributes)
    classifier = small(epochs=30, learning_rate=1e-2, network_options={}).fit(maps[:300], y[:300])
    assert classifier.n_attributes_ == 2
    assert classifier.score(maps[300:], y[300:]) > 0.9


def test_maps_are_standardised_with_the_training_set(marked_maps):
    X, y = marked_maps
    classifier = small(epochs=1).fit(X * 1000 + 5000, y)
    layer = classifier.model_.get_layer("standardise_maps")
    np.testing.assert_allclose(layer.moving_mean, (X * 1000 + 5000).mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(1 / layer.gamma**2, (X * 1000).var(axis=(0, 1, 2)), rtol=1e-3)


def test_early_stopping_holds_clusters_back(marked_maps):
    X, y = marked_maps
    groups = np.arange(40) // 4
    classifier = small(epochs=4, early_stopping=True, validation_fraction=0.2, n_iter_no_change=1)
    train, held_back = classifier.fit(X, y, groups=groups)._split(as_views(X), y, groups)
    assert not set(groups[train]) & set(groups[held_back])
    assert len(held_back) == 8
    assert len(classifier.history_["val_loss"]) == classifier.n_epochs_


def test_early_stopping_takes_the_clusters_of_records(clusters):
    maps = MapSelector().fit_transform(clusters.data)
    classifier = small(epochs=1, early_stopping=True, validation_fraction=0.34).fit(maps, clusters.target)
    train, held_back = classifier._split(as_views(maps), clusters.target, None)
    assert not set(clusters.groups[train]) & set(clusters.groups[held_back])


def test_early_stopping_restores_the_best_weights(marked_maps):
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


def test_cosine_schedule_falls_to_zero(marked_maps):
    rates = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

        def __deepcopy__(self, memo):
            return self

    small(epochs=2, learning_rate_schedule="cosine", callbacks=[Recorder()]).fit(*marked_maps)
    n_steps = 4  # two batches an epoch
    expected = 5e-3 * (1 + np.cos(np.pi * np.arange(n_steps) / n_steps)) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_callbacks_are_copied(marked_maps):
    X, y = marked_maps
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    before = dict(vars(stop))
    classifier = small(epochs=2, callbacks=[stop]).fit(X, y)
    assert vars(stop) == before
    assert classifier.callbacks == [stop]


def test_weights_of_rows_and_classes(marked_maps):
    X, y = marked_maps
    weight = np.where(y == "CDM", 1.0, 0.0)
    before = weight.copy()
    one_sided = small(class_weight=None).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(weight, before)
    assert (one_sided.predict(X) == "CDM").all()  # the other class weighs nothing
    by_class = small(class_weight={"CDM": 1.0, "SIDM1": 0.0}).fit(X, y)
    np.testing.assert_array_equal(by_class.predict_proba(X), one_sided.predict_proba(X))


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


def test_embedding_feeds_other_estimators(fitted, marked_maps):
    X, y = marked_maps
    features = fitted.transform(X)
    assert features.shape == (40, 64)
    assert fitted.get_feature_names_out()[0] == "darkcnnclassifier0"
    pipeline = make_pipeline(small(epochs=4), LogisticRegression()).fit(X, y)
    assert pipeline.score(X, y) == 1


def test_own_architecture(marked_maps):
    X, y = marked_maps

    def pooled(input_shape, n_classes, *, n_units=4):
        maps = keras.Input(input_shape)
        x = keras.layers.Dense(n_units, activation="relu")(keras.layers.GlobalMaxPooling2D()(maps))
        return keras.Model(maps, keras.layers.Dense(n_classes, activation="softmax")(x))

    classifier = small(architecture=pooled, network_options={"n_units": 8}, epochs=60, learning_rate=0.02)
    assert classifier.fit(X, y).score(X, y) > 0.9
    assert classifier.model_.count_params() == (2 + 1) * 8 + (8 + 1) * 2 + 2 * 3
    with pytest.raises(ValueError, match=r"output shape \(None, 2\), got \(None, 3\)"):
        small(architecture=lambda shape, n: pooled(shape, 3), network_options={}).fit(X, y)


def test_own_layers_without_initialisers_are_seeded_as_well(marked_maps):
    class Own(keras.layers.Layer):
        def build(self, input_shape):
            self.matrix = self.add_weight(shape=(input_shape[-1], 8), initializer="glorot_uniform", name="m")

        def call(self, x):
            return x @ self.matrix

    def network(input_shape, n_classes):
        maps = keras.Input(input_shape)
        x = Own()(keras.layers.GlobalMaxPooling2D()(maps))
        return keras.Model(maps, keras.layers.Dense(n_classes)(x))

    X, y = marked_maps
    first, again, other = (
        small(architecture=network, network_options={}, epochs=1, random_state=seed)
        .fit(X, y)
        .predict_proba(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


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


def test_clone_and_pickle(fitted, marked_maps):
    X, _ = marked_maps
    assert not hasattr(clone(fitted), "weights_")
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X)
    )


def test_rows_hold_maps_of_a_given_shape(marked_maps):
    X, y = marked_maps
    flat = small(epochs=1, map_shape=(12, 12, 2)).fit(X.reshape(40, -1), y)
    np.testing.assert_array_equal(
        flat.predict_proba(X.reshape(40, -1)), small(epochs=1).fit(X, y).predict_proba(X)
    )
    with pytest.raises(ValueError, match=r"map_shape=\(5, 5, 1\) does not fit the 288 columns of X"):
        small(map_shape=(5, 5, 1)).fit(X.reshape(40, -1), y)


def test_columns_of_an_earlier_fit_are_forgotten(marked_maps):
    X, y = marked_maps
    classifier = small(epochs=1).fit(X, y)
    smaller = np.ascontiguousarray(X[:, 2:10, 2:10])
    expected = small(epochs=1).fit(smaller, y).predict_proba(smaller)
    np.testing.assert_array_equal(classifier.fit(as_maps(smaller), y).predict_proba(smaller), expected)


def test_threads_leave_pythons_own_generator_as_it_was():
    before = random.getstate()
    entered, leave = ([threading.Event(), threading.Event()] for _ in range(2))

    def seed(thread):
        with _python_seed(thread):
            entered[thread].set()
            leave[thread].wait(10)

    threads = [threading.Thread(target=seed, args=[number]) for number in range(2)]
    threads[0].start()
    entered[0].wait(10)
    threads[1].start()
    entered[1].wait(0.2)  # it must not, before the first has left
    for event, thread in zip(leave, threads, strict=True):
        event.set()
        thread.join()
    assert random.getstate() == before


def test_bad_maps_are_refused(fitted, marked_maps, clusters):
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
    with pytest.raises(TypeError, match="X holds records; put a MapSelector before"):
        small().fit(clusters.data, clusters.target)
    with pytest.raises(ValueError, match=r"Found array with 0 sample"):
        small().fit(X[:0], y[:0])


def test_bad_labels_are_refused(marked_maps):
    X, y = marked_maps
    with pytest.raises(ValueError, match=r"floats such as .*0\.1.*label_of\(0\.1\) is 'SIDM0\.1'"):
        small().fit(X, np.where(y == "CDM", 0.1, 0.3))
    with pytest.raises(ValueError, match=r"at least two classes, got one class: \['CDM'\]"):
        small().fit(X[y == "CDM"], y[y == "CDM"])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[40, 39\]"):
        small().fit(X, y[1:])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"architecture": "incepton"}, r"got 'incepton' \(did you mean 'inception'\?\)"),
        ({"epochs": 0}, r"'epochs' parameter.*Got 0"),
        ({"learning_rate": -1.0}, r"'learning_rate' parameter.*Got -1.0"),
        ({"validation_fraction": 0.9}, r"'validation_fraction' parameter.*\(0.0, 0.5\]. Got 0.9"),
        ({"early_stopping": True, "validation_fraction": 0.01}, r"needs at least 100 clusters, got 40"),
    ],
)
def test_bad_parameters_are_refused(marked_maps, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*marked_maps)


def test_unknown_network_options_are_refused(marked_maps):
    with pytest.raises(TypeError, match="unexpected keyword argument 'widht'"):
        (classifier := small(network_options={"widht": 1})).fit(*marked_maps)
    assert (classifier.n_epochs_, classifier.loss_curve_) == (0, [])


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


def test_verbose_0_is_silent(marked_maps, capfd):
    small(epochs=1).fit(*marked_maps).predict(marked_maps[0])
    assert capfd.readouterr() == ("", "")
    small(epochs=1, verbose=1).fit(*marked_maps)
    assert "loss" in capfd.readouterr().out

import subprocess
import sys
from inspect import signature
from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest
from astropy.cosmology import LambdaCDM, Planck18
from model_files import edit
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from darkcnn import (
    DarkCNNEnsemble,
    ObservedRecords,
    WeakLensingNoise,
    XrayNoise,
    default_pipeline,
    load_model,
    networks,
    save_model,
)
from darkcnn.networks import NETWORKS
from darkcnn.noise import Miscentring
from darkcnn.preprocessing import Maps, as_views
from darkcnn.training import DarkCNNClassifier
from darkcnn.training.examples import Examples


def test_probabilities_are_the_same_to_the_bit(pipeline, saved, clusters):
    loaded = load_model(saved)
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), pipeline.predict_proba(clusters.data))
    np.testing.assert_array_equal(loaded.predict(clusters.data), pipeline.predict(clusters.data))
    np.testing.assert_array_equal(loaded.transform(clusters.data), pipeline.transform(clusters.data))
    assert str(loaded.get_params()) == str(pipeline.get_params())
    assert loaded[-1].history_ == pipeline[-1].history_


@pytest.mark.slow
def test_probabilities_are_the_same_in_a_new_process(pipeline, saved, clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    code = (
        "import sys, numpy as np, darkcnn\n"
        "model = darkcnn.load_model(sys.argv[1])\n"
        "np.save(sys.argv[3], model.predict_proba(np.load(sys.argv[2])))"
    )
    paths = [saved, tmp_path / "records.npy", tmp_path / "out.npy"]
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, timeout=200)
    np.testing.assert_array_equal(np.load(paths[2]), pipeline.predict_proba(clusters.data))


def test_keras_reads_the_file(pipeline, saved, clusters):
    network = keras.models.load_model(saved)
    assert network.count_params() == pipeline[-1].model_.count_params()


def test_a_classifier_alone(marked_maps, tmp_path):
    X, y = marked_maps
    rng = np.random.RandomState(0)
    model = DarkCNNClassifier("simple", epochs=1, random_state=rng).fit(X, np.where(y == "CDM", 0, 1))
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.classes_, [0, 1])


def test_training_goes_on_after_loading(saved, clusters):
    loaded = load_model(saved)
    maps = loaded[:-1].transform(clusters.data)
    assert loaded[-1].partial_fit(maps, clusters.target).n_epochs_ == 2


def untrained(architecture="simple", n_attributes=0, **parameters):
    """Make a classifier as a fit leaves it, with the first weights of its network."""
    parameters = {"network_options": {"width": 0.1}, "random_state": 0} | parameters
    classifier = DarkCNNClassifier(architecture, **parameters)
    attributes = np.zeros((2, n_attributes), np.float32) if n_attributes else None
    views = as_views(Maps(np.zeros((2, 10, 10, 2), np.float32), (10, 10, 2), attributes=attributes))
    labels = np.array(["CDM", "SIDM1"])
    classifier._begin(Examples(views, labels, np.ones(2), np.arange(2)), labels, resume=False)
    with classifier._network() as network:
        classifier.weights_ = network.model.get_weights()
        classifier._n_features_out = network.embedding_model.output_shape[1]
    return classifier


def through_file(model, folder):
    save_model(model, folder / "model.keras")
    return load_model(folder / "model.keras")


QUICK = ("cmu", "columbia", "polar", "simple")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in NETWORKS]
)
def test_every_network_comes_back(name, tmp_path):
    blocks = signature(NETWORKS[name]).parameters.get("blocks")
    options = {"width": 0.1} | ({} if blocks is None else {"blocks": (1,) * len(blocks.default)})
    for n_attributes in (2, 0)[: 1 + (name == "polar")]:
        classifier = untrained(name, n_attributes, network_options=options)
        loaded = through_file(classifier, tmp_path)
        for before, after in zip(classifier.weights_, loaded.weights_, strict=True):
            np.testing.assert_array_equal(before, after)
        for attribute in ("_settings", "_seed", "map_shape_", "n_attributes_", "_n_features_out", "history_"):
            assert getattr(loaded, attribute) == getattr(classifier, attribute)


PARAMETERS = {
    "architecture": "polar",
    "network_options": {"width": 0.1, "dropout": np.float64(0.1)},
    "epochs": np.int64(3),
    "batch_size": 7,
    "learning_rate": 0.01,
    "learning_rate_schedule": "cosine",
    "weight_decay": 0.1,
    "label_smoothing": 0.1,
    "early_stopping": True,
    "validation_fraction": 0.2,
    "n_iter_no_change": 3,
    "class_weight": {"CDM": 2.0, "SIDM1": 1},
    "callbacks": [keras.callbacks.LambdaCallback()],
    "warm_start": True,
    "predict_views": 2,
    "n_draws": 2,
    "checkpoint": Path("folder"),
    "map_shape": (10, 10, 2),
    "random_state": 3,
    "verbose": 2,
}


def test_every_parameter_comes_back_or_has_no_effect_on_predictions(tmp_path):
    default = DarkCNNClassifier().get_params()
    assert PARAMETERS.keys() == default.keys()
    loaded = through_file(untrained(**PARAMETERS), tmp_path)
    assert loaded.get_params() == PARAMETERS | {
        name: default[name] for name in ("callbacks", "checkpoint", "verbose")
    }


def test_a_function_of_this_package_is_its_name(tmp_path):
    assert through_file(untrained(networks.simple), tmp_path).architecture == "simple"


STAR = np.zeros((20, 20), bool)
STAR[3:6, 3:6] = True


@pytest.mark.parametrize(
    "options",
    [
        {"maps": ("xray",)},
        {"maps": ("stellar", "total"), "attributes": ("log_mass", "redshift")},
        {"noise": [WeakLensingNoise(n_gal=30)]},
        {"noise": [XrayNoise()], "maps": ["total", "xray"]},
        {"noise": [Miscentring(), XrayNoise()], "maps": ["xray"]},
        {"noise": [WeakLensingNoise(mask=STAR), XrayNoise()], "attributes": ["redshift"]},
        {"noise": [WeakLensingNoise(mask=STAR.tolist(), output="shear")], "maps": ("shear1", "shear2")},
        {"class_weight": "balanced", "callbacks": [keras.callbacks.TerminateOnNaN()]},
    ],
    ids=["xray", "attributes", "lensing", "counts", "miscentred", "mask", "shear", "weights"],
)
def test_every_kind_of_pipeline_predicts_the_same_from_its_file(options, clusters, tmp_path):
    small = {"n_views": 1, "epochs": 1, "network_options": {"width": 0.1}, "random_state": 0}
    model = default_pipeline("simple", **small, **options).fit(clusters.data, clusters.target)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), model.predict_proba(clusters.data))


def test_what_was_learned_from_observed_records_comes_back(clusters, tmp_path):
    observed = ObservedRecords(clusters.data)
    small = {"n_views": 4, "epochs": 1, "network_options": {"width": 0.1}, "random_state": 0}
    model = default_pipeline("simple", **small).fit(observed, clusters.target)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(observed), model.predict_proba(observed))


def test_steps_that_do_nothing_are_left_out(pipeline, clusters, tmp_path):
    names = ["select", "scale", "augment", "cnn"]
    steps = [(name, pipeline[name]) for name in names]
    model = Pipeline(
        [("nothing", None), *steps[:3], ("neither", "passthrough"), steps[3]], memory=str(tmp_path)
    )
    loaded = through_file(model, tmp_path)
    assert [name for name, _ in loaded.steps] == ["nothing", *names[:3], "neither", "cnn"]
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), pipeline.predict_proba(clusters.data))


def test_a_suffix_and_a_fit_are_asked_for(pipeline, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in '\.keras', got 'model\.pkl'"):
        save_model(pipeline, tmp_path / "model.pkl")
    with pytest.raises(NotFittedError):
        save_model(DarkCNNClassifier(), tmp_path / "model.keras")


class Own(DarkCNNClassifier):
    pass


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (lambda pipeline: pipeline[:-1], "that ends in one, got RotationFlipAugmenter"),
        (lambda pipeline: pipeline["scale"], "got MapScaler"),
        (lambda pipeline: LogisticRegression(), "got LogisticRegression"),
        (lambda pipeline: DarkCNNEnsemble(pipeline), "got DarkCNNEnsemble"),
        (lambda pipeline: GridSearchCV(pipeline, {}), "got GridSearchCV"),
        (lambda pipeline: Own(), "got Own"),
        (lambda pipeline: "model", "got str"),
        (lambda pipeline: make_pipeline(pipeline), "got Pipeline"),
    ],
)
def test_what_is_no_classifier_is_refused(pipeline, model, found, tmp_path):
    with pytest.raises(TypeError, match=rf"model must be a DarkCNNClassifier.*{found}: save the classifiers"):
        save_model(model(pipeline), tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_described_is_refused(pipeline, marked_maps, tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(TypeError, match=r"got FunctionTransformer; use joblib\.dump"):
        save_model(make_pipeline(FunctionTransformer(), pipeline[-1]), path)

    def own(input_shape, n_classes):
        maps = keras.Input(input_shape)
        return keras.Model(maps, keras.layers.Dense(n_classes)(keras.layers.GlobalMaxPooling2D()(maps)))

    with pytest.raises(TypeError, match="architecture must be a name to be saved"):
        save_model(DarkCNNClassifier(own, epochs=1).fit(*marked_maps), path)
    with pytest.raises(
        TypeError, match=r"map_shape must be .* for DarkCNNClassifier to be saved, got <function"
    ):
        save_model(untrained().set_params(map_shape=[own]), path)
    named = Pipeline([("cnn", untrained().set_params(network_options={"width": {1}}))])
    with pytest.raises(TypeError, match=r"network_options must be .* for cnn to be saved, got \{1\}"):
        save_model(named, path)
    assert not list(tmp_path.iterdir())


def test_a_flat_cosmology_comes_back_and_others_are_refused_by_name(clusters, tmp_path):
    noise = [WeakLensingNoise(cosmology=Planck18), XrayNoise(cosmology=Planck18)]
    model = default_pipeline("simple", noise=noise, n_views=1, epochs=1, network_options={"width": 0.25})
    save_model(model.fit(clusters.data, clusters.target), tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded["observe_total"].cosmology == loaded["observe_xray"].cosmology == Planck18
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), model.predict_proba(clusters.data))
    model["observe_total"].set_params(cosmology=LambdaCDM(70, 0.3, 0.6))
    with pytest.raises(TypeError, match=r"cosmology must be .* got LambdaCDM\(.*use joblib\.dump"):
        save_model(model, tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=3), r"it is of format 3, written by darkcnn .*reads format 2"),
        (lambda d: d["steps"][0].update({"class": "os.system"}), r"its step 'os.system' is unknown"),
        (lambda d: d["steps"].pop(), r"its last step must be a DarkCNNClassifier"),
        (lambda d: d["steps"][3]["parameters"]["dict"].append(["evil", 1]), r"parameters .*'evil'.* unknown"),
        (lambda d: d["steps"][3]["fitted"]["dict"].append(["predict", 1]), r"unknown attribute 'predict'"),
        (lambda d: d["steps"][3]["fitted"]["dict"].append(["model_", 1]), r"unknown attribute 'model_'"),
        (lambda d: d["steps"][3]["fitted"]["dict"].append([1, 1]), r"unknown attribute 1"),
        (lambda d: d["steps"][3].pop("fitted"), r"must have parameters and fitted attributes"),
        (lambda d: d["steps"].__setitem__(0, 1), r"must have 'name', got 1"),
        (lambda d: d["steps"][0].pop("class"), r"must have 'class'"),
        (lambda d: d.pop("steps"), r"must have 'steps'"),
        (lambda d: d["steps"].clear(), r"its last step must be a DarkCNNClassifier"),
    ],
)  # fmt: skip
def test_a_tampered_description_is_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=f"cannot load .*model.keras: .*{message}"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def places(node, path=()):
    """List the path to every part of a description."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [place for key, part in items for place in places(part, (*path, key))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_a_description_with_any_part_replaced_is_read_or_refused(saved, tmp_path):
    values = [None, True, -1, 0, 10**9, 1e30, "x", [], [[1]], {}, {"dict": [["a", 1]]}, {"tuple": [1]}]
    values += [{"ndarray": ["a", "b"], "dtype": "<U1"}, {"FlatLambdaCDM": {}, "name": None}]
    random = Random(0)

    def replace(description):
        *path, last = random.choice(places(description))
        node = description
        for key in path:
            node = node[key]
        node[last] = random.choice(values)

    refused = 0
    for _ in range(200):
        try:
            load_model(edit(saved, tmp_path / "model.keras", replace))
        except ValueError as error:
            refused += 1
            assert "model.keras" in str(error)  # noqa: PT017 - others are read
    assert 100 < refused < 200

import io
import json
import shutil
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
from astropy.cosmology import LambdaCDM, Planck18
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from darkcnn import WeakLensingNoise, XrayNoise, default_pipeline, load_model, load_notes, save_model
from darkcnn.persistence import limit, saving
from darkcnn.training import DarkCNNClassifier


@pytest.fixture(scope="module")
def pipeline(clusters):
    model = default_pipeline(
        "simple",
        attributes=("redshift",),
        n_views=2,
        epochs=1,
        network_options={"width": 0.25},
        random_state=0,
    )
    return model.fit(clusters.data, clusters.target)


@pytest.fixture(scope="module")
def saved(pipeline, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.keras"
    save_model(pipeline, path)
    return path


def rewrite(source, target, change):
    """Copy an archive; a function of name and content gives each member's new content, None to drop it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)


def edit(saved, path, change):
    """Copy a model file with its description changed in place by a function."""

    def changed(name, content):
        if name != "darkcnn.json":
            return content
        description = json.loads(content)
        change(description)
        return json.dumps(description)

    rewrite(saved, path, changed)
    return path


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
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True)
    np.testing.assert_array_equal(np.load(paths[2]), pipeline.predict_proba(clusters.data))


def test_keras_reads_the_file(pipeline, saved, clusters):
    network = keras.models.load_model(saved)
    assert network.count_params() == pipeline[-1].model_.count_params()


def test_a_classifier_alone(marked_maps, tmp_path):
    X, y = marked_maps
    rng = np.random.RandomState(0)
    model = DarkCNNClassifier("polar", epochs=1, random_state=rng).fit(X, np.where(y == "CDM", 0, 1))
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.classes_, [0, 1])


def test_training_goes_on_after_loading(saved, clusters):
    loaded = load_model(saved)
    maps = loaded[:-1].transform(clusters.data)
    assert loaded[-1].partial_fit(maps, clusters.target).n_epochs_ == 2


def test_what_cannot_be_described_is_refused(pipeline, marked_maps, clusters, tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ValueError, match=r"path must end in '\.keras', got 'model\.pkl'"):
        save_model(pipeline, tmp_path / "model.pkl")
    with pytest.raises(NotFittedError):
        save_model(DarkCNNClassifier(), path)
    with pytest.raises(TypeError, match=r"got FunctionTransformer; use joblib\.dump"):
        save_model(make_pipeline(FunctionTransformer(), pipeline[-1]), path)

    def own(input_shape, n_classes):
        maps = keras.Input(input_shape)
        return keras.Model(maps, keras.layers.Dense(n_classes)(keras.layers.GlobalMaxPooling2D()(maps)))

    with pytest.raises(TypeError, match="architecture must be a name to be saved"):
        save_model(DarkCNNClassifier(own, epochs=1).fit(*marked_maps), path)
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


@pytest.mark.parametrize("part", ["darkcnn.json", "model.weights.h5"])
def test_a_missing_part_is_named(saved, tmp_path, part):
    path = tmp_path / "model.keras"
    rewrite(saved, path, lambda name, content: None if name == part else content)
    with pytest.raises(ValueError, match=f"cannot load .*model.keras: its part '{part}' is missing"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=3), r"it is of format 3, written by darkcnn .*reads format 2"),
        (lambda d: d["steps"][0].update({"class": "os.system"}), r"its step 'os.system' is unknown"),
        (lambda d: d["steps"].pop(), r"its last step is no DarkCNNClassifier"),
        (lambda d: d["steps"][3]["parameters"]["dict"].append(["evil", 1]), r"unexpected keyword argument"),
        (lambda d: d["steps"][3]["fitted"]["dict"].append(["predict", 1]), r"unknown attribute 'predict'"),
        (lambda d: d.pop("steps"), r"KeyError"),
    ],
)  # fmt: skip
def test_a_tampered_description_is_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=f"cannot load .*model.keras: .*{message}"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def test_an_unknown_network_is_refused(saved, tmp_path):
    def change(description):
        settings = dict(description["steps"][3]["fitted"]["dict"])["_settings"]["dict"]
        settings[[key for key, _ in settings].index("architecture")][1] = "../evil"

    with pytest.raises(ValueError, match=r"its network '\.\./evil' is unknown"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def test_arrays_of_objects_are_refused(saved, tmp_path):
    def change(description):
        fitted = description["steps"][3]["fitted"]["dict"]
        fitted[[key for key, _ in fitted].index("classes_")][1]["dtype"] = "|O"

    with pytest.raises(ValueError, match="it holds an array of type object"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def fitted(description):
    return dict(description["steps"][3]["fitted"]["dict"])


def test_an_array_of_endless_texts_is_refused(saved, tmp_path):
    def change(description):
        fitted(description)["classes_"]["dtype"] = "<U500000000"

    with pytest.raises(ValueError, match="it holds an array of type "):
        load_model(edit(saved, tmp_path / "model.keras", change))


def option(name, value):
    def change(description):
        settings = dict(fitted(description)["_settings"]["dict"])
        settings["options"]["dict"][:] = [[name, value]]

    return change


def shape(*numbers):
    def change(description):
        (pair,) = [pair for pair in description["steps"][3]["fitted"]["dict"] if pair[0] == "map_shape_"]
        pair[1] = {"tuple": list(numbers)}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (option("width", 2), r"its network has weights of over \d+ bytes"),
        (option("width", 5000), r"its network has weights of over \d+ bytes"),
        (option("width", 1e30), r"its network has width=1e\+30, more than 10000"),
        (option("width", float("nan")), r"its network has width=nan, more than 10000"),
        (shape(10**6, 10**6, 3), r"its network has map_shape=\(1000000, 1000000, 3\), more than 10000"),
    ],
)
def test_a_network_larger_than_its_weights_is_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=rf"cannot load .*model\.keras: {message}"):
        load_model(edit(saved, tmp_path / "model.keras", change))
    load_model(saved)


def test_endless_blocks_are_refused(saved, tmp_path, monkeypatch):
    def change(description):
        settings = dict(fitted(description)["_settings"]["dict"])
        settings["options"]["dict"][:] = [["width", 1e-3], ["blocks", [9999, 1, 1]]]
        pairs = fitted(description)["_settings"]["dict"]
        pairs[[key for key, _ in pairs].index("architecture")][1] = "inception"

    monkeypatch.setattr(limit, "MAX_WEIGHT_ARRAYS", 100)
    with pytest.raises(ValueError, match="its network has over 100 arrays of weights"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def paths(file):
    """List what is in an HDF5 file."""
    found = []
    file.visit(found.append)
    return found


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("damage", ["missing", "nan"])
def test_weights_that_are_missing_or_not_finite_are_refused(saved, tmp_path, damage):
    def change(name, content):
        if not name.endswith(".h5"):
            return content
        with h5py.File(io.BytesIO(content), "r+") as file:
            (kernel,) = [path for path in paths(file) if path.endswith("/conv2d/vars/0")]
            if damage == "nan":
                file[kernel][...] = np.nan
            else:
                del file[kernel.removesuffix("/vars/0")]
            file.flush()
            return file.id.get_file_image()

    rewrite(saved, tmp_path / "model.keras", change)
    with pytest.raises(ValueError, match=r"cannot load .*model\.keras: "):
        load_model(tmp_path / "model.keras")


def test_a_damaged_weight_is_noticed(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive, h5py.File(archive.open("model.weights.h5")) as file:
        (kernel,) = [file[path] for path in paths(file) if path.endswith("/conv2d/vars/0")]
        value = kernel[0].tobytes()
    content = saved.read_bytes()
    assert content.count(value) == 1
    (tmp_path / "model.keras").write_bytes(content.replace(value, bytes([value[0] ^ 1]) + value[1:]))
    with pytest.raises(ValueError, match=r"cannot load .*model\.keras: .*Bad CRC-32"):
        load_model(tmp_path / "model.keras")


def test_weights_that_unpack_are_refused(saved, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + bytes(10**7) * (name == "model.weights.h5"))
    with pytest.raises(ValueError, match=r"its weights claim \d+ bytes, more than the file has"):
        load_model(path)


def test_a_truncated_file_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    for tenth in range(10):
        path = tmp_path / "model.keras"
        path.write_bytes(content[: len(content) * tenth // 10])
        with pytest.raises(ValueError, match="cannot load"):
            load_model(path)


def test_other_files_are_refused(saved, tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="path must end in"):
        load_model(shutil.copy(saved, tmp_path / "model.zip"))


def test_notes_come_back(pipeline, saved, tmp_path):
    assert load_notes(saved) is None
    path = tmp_path / "model.keras"
    save_model(pipeline, path, notes={"text": "<ü>", "numbers": [1, 0.5, None]})
    assert load_notes(path) == {"text": "<ü>", "numbers": [1, 0.5, None]}
    assert load_model(path).get_params().keys() == pipeline.get_params().keys()


def test_bad_notes_are_refused(pipeline, tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ValueError, match="JSON compliant"):
        save_model(pipeline, path, notes={"score": float("nan")})
    assert not path.exists()
    save_model(pipeline, path, notes={})
    rewrite(path, tmp_path / "damaged.keras", lambda name, content: "{" if name == "notes.json" else content)
    with pytest.raises(ValueError, match=r"cannot load .*damaged\.keras"):
        load_notes(tmp_path / "damaged.keras")


@pytest.mark.parametrize("read", [load_model, load_notes])
def test_a_bomb_is_not_unpacked(monkeypatch, saved, tmp_path, read):
    path = tmp_path / "model.keras"
    shutil.copy(saved, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes.json", b" " * 3000, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(saving, "_MAX_DESCRIPTION", 100)
    with pytest.raises(ValueError, match=r"its part '.*json' has \d+ bytes, too many"):
        read(path)

import zipfile
from random import Random

import numpy as np
import pytest
from model_files import edit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from darkcnn import default_pipeline, load_model, load_pretrained, save_model
from darkcnn.pretrained import PretrainedEmbedding


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.keras"
    save_model(load_pretrained("polar"), path)
    return path


@pytest.mark.parametrize(
    "model",
    [
        lambda X, y: load_pretrained(cross_sections=(0, 0.5), maps=("total", "xray")),
        lambda X, y: default_pipeline("polar", pretrained=True).set_params(head__C=2.0).fit(X, y),
    ],
    ids=["predicts at once", "fitted head"],
)
def test_a_packaged_network_is_saved_by_name(model, example, tmp_path):
    X, y = example.data[:40], example.target[:40]
    model = model(X, y)
    save_model(model, tmp_path / "model.keras", notes={"for": "a test"})
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert str(loaded.get_params()) == str(model.get_params())
    assert (loaded["embed"].name_, loaded["embed"].sha256_) == ("polar-1", model["embed"].sha256_)
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert archive.namelist() == ["darkcnn.json", "notes.json"]


@pytest.mark.slow
def test_a_fine_tuned_network_is_saved_with_its_weights(example, tmp_path):
    X, y = example.data[:40], example.target[:40]
    model = default_pipeline("polar", pretrained="all", epochs=1, random_state=0).fit(X, y)
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded["cnn"].architecture == model["cnn"].architecture


def test_other_steps_around_a_packaged_network_are_refused(example, tmp_path):
    model = make_pipeline(PretrainedEmbedding(), StandardScaler(), LogisticRegression())
    model.fit(example.data[:40], example.target[:40])
    with pytest.raises(TypeError, match=r"model must be a DarkCNNClassifier.*got LogisticRegression"):
        save_model(model, tmp_path / "model.keras")


def fitted(step, name):
    """Return a function that finds the fitted attribute of a step in a description."""
    return lambda d: next(each for each in d["steps"][step]["fitted"]["dict"] if each[0] == name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: fitted(0, "name_")(d).__setitem__(1, "polar-0"), r"name must be one of .*got 'polar-0'"),
        (lambda d: fitted(0, "sha256_")(d).__setitem__(1, "0"), r"has the SHA-256 '0', but the packaged one"),
        (lambda d: fitted(0, "_n_features_out")(d).__setitem__(1, 3), r"must have 128 features, got \(3, "),
        (lambda d: fitted(1, "coef_")(d)[1]["ndarray"].pop(), r"coef_ must be finite numbers of shape"),
        (lambda d: fitted(1, "intercept_")(d).__setitem__(1, 0.0), r"intercept_ must be finite numbers"),
        (lambda d: fitted(1, "classes_")(d).__setitem__(1, "CDM"), r"classes_ must be an array of labels"),
        (lambda d: fitted(1, "coef_")(d)[1]["ndarray"][0].__setitem__(0, float("nan")), r"coef_ must be fin"),
        (lambda d: d["steps"].pop(), r"its last step must be a DarkCNNClassifier"),
        (lambda d: d["steps"][1]["fitted"]["dict"].append(["predict", 1]), r"unknown attribute 'predict'"),
    ],
)  # fmt: skip
def test_a_tampered_file_is_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=f"cannot load .*model.keras: .*{message}"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def test_a_file_with_any_part_replaced_predicts_or_is_refused(saved, example, tmp_path):
    values = [None, True, -1, 1e30, "x", [], {}, {"dict": []}, {"ndarray": ["a", "b"], "dtype": "<U1"}]
    random, X, refused = Random(0), example.data[:1], 0

    def replace(description):
        fitted = random.choice(random.choice(description["steps"])["fitted"]["dict"])
        fitted[1] = random.choice(values)

    for _ in range(40):
        try:
            model = load_model(edit(saved, tmp_path / "model.keras", replace))
        except ValueError as error:
            refused += 1
            assert "model.keras" in str(error)  # noqa: PT017 - others are read
        else:
            assert model.predict_proba(X).shape[0] == 1
    assert 10 < refused < 40

"""What labels say × what is asked of a model: everything works, or is refused with a clear error."""

import csv
import io
import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from darkcnn import CrossSectionPosterior, default_pipeline, plotting
from darkcnn.cli import main
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.inference import marginalize_feedback
from darkcnn.persistence import describe_training, save_model
from darkcnn.records import join_labels
from darkcnn.report import page

VIEW = {"redshifts": (0.25,), "n_pixels": 10}
KINDS = {
    "SIDM": {"cross_sections": (0, 1)},
    "vdSIDM": {"cross_sections": (0, 3.04), "velocity_scale": 560},
    "joint": {"cross_sections": (0, 1), "feedback": ("fiducial", "strong")},
}
DARK_MATTER = {"SIDM": ["CDM", "SIDM1"], "vdSIDM": ["CDM", "vdSIDM3.04w560"], "joint": ["CDM", "SIDM1"]}
VELOCITY = {"SIDM": None, "vdSIDM": 1000, "joint": None}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def run_well(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    """A model, 24 halos that it was not trained on with and without labels, and the files of all of them."""
    kind, folder = request.param, tmp_path_factory.mktemp("crossing")
    known, new = (make_clusters(n, **KINDS[kind], **VIEW, random_state=n) for n in (6, 24))
    target = join_labels(known.target, known.feedback)
    model = default_pipeline("simple", epochs=1, random_state=0).fit(known.data, target)
    files = {name: folder / name for name in ("model.keras", "new.h5", "unlabelled.h5")}
    save_model(model, files["model.keras"], notes={"training": describe_training(known)})
    save_clusters(files["new.h5"], new)
    save_clusters(files["unlabelled.h5"], new.data)
    return SimpleNamespace(kind=kind, model=model, new=new, folder=folder, files=list(files.values()))


def test_predict(case):
    model, new, unlabelled = case.files
    known, unknown = (
        list(csv.DictReader(io.StringIO(run_well("predict", model, each)))) for each in (new, unlabelled)
    )
    classes = case.model.classes_.tolist()
    assert list(known[0])[4:] == classes
    assert {row["label"] for row in known} == set(DARK_MATTER[case.kind])
    assert {row["label"] for row in unknown} == {""}
    assert [row["predicted"] for row in known] == [row["predicted"] for row in unknown]
    assert {row["predicted"] for row in known} <= set(classes)


def test_infer(case):
    model, new, unlabelled = case.files
    velocity = [] if VELOCITY[case.kind] is None else ["--velocity", VELOCITY[case.kind]]
    for options in ([], ["--calibration", new]):
        result = json.loads(run_well("infer", model, unlabelled, "--json", *options, *velocity))
        assert list(result["posterior"]) == DARK_MATTER[case.kind]
        assert result["velocity"] == VELOCITY[case.kind]
        assert ("at 1000 km/s" in result["summary"]) == bool(velocity)
        assert result["n_clusters"] == 24
    refused = run("infer", model, new, "--calibration", unlabelled, *velocity)
    assert refused.exit_code == 1
    assert "unlabelled.h5 must contain a label for each cluster" in refused.stderr
    if velocity:
        refused = run("infer", model, new)
        assert refused.exit_code == 1
        assert "whose cross-section depends on velocity" in refused.stderr


@pytest.mark.slow
def test_report(case, monkeypatch):
    model, new, unlabelled = case.files
    monkeypatch.setattr(page, "_N_MISTAKES", 1)
    contents = []
    describe = page.describe
    monkeypatch.setattr(
        page, "describe", lambda *args, **options: contents.append(describe(*args, **options)) or contents[-1]
    )
    output = case.folder / "report.html"
    run_well("report", model, new, "--new-halos", "-o", output, "-q")
    (content,) = contents
    assert content["labels"] == DARK_MATTER[case.kind]
    assert content["numbers"]["predictions"][0]["probabilities"].keys() == set(content["labels"])
    score = content["scores"][-1]["score"]
    probabilities, classes = marginalize_feedback(
        case.model.predict_proba(case.new.data), case.model.classes_
    )
    is_right = classes[probabilities.argmax(axis=1)] == case.new.target
    assert score == pytest.approx(is_right.mean())  # as many clusters of each class
    assert content["n_wrong"] == (~is_right).sum()
    assert ("State the velocity" in output.read_text()) == (case.kind == "vdSIDM")
    assert bool(content["posteriors"]) == (case.kind != "vdSIDM")
    if case.kind == "vdSIDM":
        run_well("report", model, new, "--new-halos", "-o", output, "-q", "--velocity", 1000)
        assert [each["truth"] for each in contents[-1]["posteriors"]] == DARK_MATTER["vdSIDM"]
        assert "at 1000 km/s" in output.read_text()
    refused = run("report", model, unlabelled, "-o", output)
    assert refused.exit_code == 1
    assert "unlabelled.h5 must contain a label for each cluster" in refused.stderr


@pytest.mark.filterwarnings("ignore:held-out probabilities do not separate the classes:UserWarning")
def test_posterior(case):
    probabilities, classes = marginalize_feedback(
        case.model.predict_proba(case.new.data), case.model.classes_
    )
    posterior = CrossSectionPosterior(classes, velocity=VELOCITY[case.kind], random_state=0)
    labels = join_labels(case.new.target, case.new.feedback)
    posterior.calibrate(probabilities, labels, case.new.groups).fit(probabilities, case.new.groups)
    assert "cross-section" in posterior.summary()
    assert plotting.PosteriorDisplay.from_estimator(posterior).ax_.get_xlabel()


def test_displays(case):
    labels = join_labels(case.new.target, case.new.feedback)
    estimator = case.model, case.new.data, labels
    display = plotting.CrossSectionConfusionDisplay.from_estimator(*estimator)
    assert display.display_labels[0] == "CDM"
    assert set(display.display_labels) == set(case.model.classes_)
    assert (
        0
        <= plotting.ReliabilityDisplay.from_estimator(*estimator, groups=case.new.groups).calibration_error
        <= 1
    )
    assert len(plotting.EmbeddingDisplay.from_estimator(*estimator).ax_.collections) == len(
        case.model.classes_
    )
    assert plotting.RecordsDisplay.from_records(case.new.data, labels).labels[0] == "CDM"
    assert plotting.RecordsDisplay(load_clusters(case.files[2], labelled=False).data[:1]).labels is None

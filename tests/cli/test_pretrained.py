import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from darkcnn import load_model, load_pretrained, networks
from darkcnn.cli import main
from darkcnn.datasets import make_clusters, save_clusters
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.report import page


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def run_well(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def large():
    """Ten halos in four models, of 25 pixels: the fewest that the packaged network takes."""
    return make_clusters(10, redshifts=(0.25,), n_pixels=25, random_state=3)


@pytest.fixture(scope="module")
def database(large, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "clusters.h5"
    save_clusters(path, large)
    return path


def test_predict_needs_no_model(database, large):
    rows = list(csv.DictReader(io.StringIO(run_well("predict", "--pretrained", database).stdout)))
    model = load_pretrained()
    found = np.array([[float(row[name]) for name in model.classes_] for row in rows])
    np.testing.assert_allclose(found, model.predict_proba(large.data), atol=1e-5)


def test_classes_of_the_packaged_network_are_selected(database):
    table = run_well("predict", "--pretrained", "--cross-sections", "0,0.1,1", database).stdout
    assert table.splitlines()[0].endswith("CDM,SIDM0.1,SIDM1")
    for arguments, message in (
        (["--pretrained", "--cross-sections", "0,0.2", database], "cross_sections must be two or more of"),
        (["--cross-sections", "0,0.1", database, database], "of the packaged network: add --pretrained"),
    ):
        result = run("predict", *arguments)
        assert result.exit_code != 0
        assert message in result.stderr


@pytest.mark.parametrize("command", ["predict", "report", "infer"])
def test_a_model_beside_the_packaged_one_is_refused(database, command):
    result = run(command, "--pretrained", database, database)
    assert result.exit_code == 2
    assert "--pretrained replaces MODEL: give DATABASE only" in result.stderr
    assert "Missing argument 'MODEL'; with --pretrained, the packaged network replaces MODEL." in " ".join(
        run(command).stderr.split()
    )


def test_predict_needs_a_database(database):
    for arguments in (["--pretrained"], [database]):
        for command in ("predict", "infer"):
            assert "Missing argument 'DATABASE'" in run(command, *arguments).stderr


def test_fit_trains_the_last_layer_and_others_read_it(database, tmp_path):
    path = tmp_path / "model.keras"
    told = run_well("fit", "--pretrained", database, "-f", path, "-c", "total,xray").stdout
    assert told == f"Trained pretrained polar on 40 clusters. Wrote {path}\n"
    model = load_model(path)
    assert isinstance(model["embed"], PretrainedEmbedding)
    assert model["embed"].maps == ("total", "xray")
    assert len(run_well("predict", path, database).stdout.splitlines()) == 41
    result = run_well("infer", path, database, "--json")
    assert "are of halos that the model was trained on" in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pretrained", "--fine-tune"], "--pretrained and --fine-tune cannot be combined"),
        (["--pretrained", "-a", "redshift"], "attributes must be left out for a packaged network"),
        (["--pretrained", "--lensing", "euclid"], "noise must be left out for a packaged network"),
        (["--pretrained", "-n", 3], "epochs must be left out for a packaged network, got 3"),
        (["--pretrained", "-o", "simple"], "name must be one of ['polar', 'polar-1'], got 'simple'"),
        (["--fine-tune", "-c", "total"], "maps must be left out for a packaged network"),
    ],
)
def test_what_a_packaged_network_does_not_take_is_refused(database, tmp_path, options, message):
    result = run("fit", database, "-f", tmp_path / "model.keras", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "last"),
    [
        ([], ["pretrained polar", "polar"]),
        (["--pretrained"], ["polar", "pretrained polar"]),
        (["--fine-tune"], ["polar", "pretrained polar", "fine-tuned polar"]),
    ],
)
def test_the_network_is_compared_from_scratch_and_pretrained(database, tmp_path, monkeypatch, options, last):
    monkeypatch.setitem(networks.polar.recipe.parameters, "epochs", 1)
    monkeypatch.setattr(page, "_N_MISTAKES", 1)
    epochs = [] if "--pretrained" in options else ["-n", 1]
    told = run_well("-d", database, "-f", tmp_path, "-t", 0.5, "-m", 2, "-q", *epochs, *options).stdout
    for name in last:
        assert f"{name} - radial profiles: " in told
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert list(metrics["scores"]) == ["majority", "radial profiles", *last]
    means = {name: np.mean(scores["balanced_accuracy"]) for name, scores in metrics["scores"].items()}
    is_hint_due = max(means, key=means.get) == "pretrained polar" != last[-1]
    assert ("pretrained polar scored higher. To train and write it instead, use --pr" in told) == is_hint_due
    assert is_hint_due or options  # one epoch is too few
    names = ["confusion_matrix.png", "learning_curve.png", "metrics.json", "model.keras", "report.html"]
    if "--pretrained" in options:
        names.remove("learning_curve.png")
        assert "The network was packaged with its weights" in (tmp_path / "report.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert load_model(tmp_path / "model.keras").predict_proba is not None


@pytest.mark.slow
def test_a_report_on_the_packaged_network(database, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_N_MISTAKES", 1)
    path = tmp_path / "report.html"
    told = run_well("report", "--pretrained", database, "-o", path, "-q").stdout
    assert "Scored 40 predictions. The model itself, on halos that are not in its training set." in told
    assert "pretrained polar" in path.read_text()


def test_infer_needs_neither_model_nor_calibration(large, tmp_path):
    sample = tmp_path / "sample.h5"
    save_clusters(sample, large.data[large.target == "SIDM0.1"])
    result = json.loads(run_well("infer", "--pretrained", sample, "--json").stdout)
    assert result["n_clusters"] == 10
    assert 0 < result["sample_pvalue"] <= 1
    assert set(result["variances"]) == {"sample", "calibration", "suites", "discrepancy"}
    printed = run_well("infer", "--pretrained", sample).stdout
    assert f"effective number of clusters, at most: {result['n_effective']:.0f}" in printed
    assert result["summary"] in printed


def test_infer_refuses_samples_whose_clusters_have_different_maps(large, tmp_path):
    records = large.data[:8].copy()
    records["stellar"][:3] = np.nan
    save_clusters(tmp_path / "sample.h5", records)
    result = run("infer", "--pretrained", tmp_path / "sample.h5")
    assert result.exit_code == 1
    assert (
        "clusters must all have the same maps to be combined, but ['stellar'] are NaN in some"
        in result.stderr
    )


def test_infer_learns_from_a_few_halos_of_the_samples_own_simulation(large, tmp_path):
    sample, own = tmp_path / "sample.h5", tmp_path / "own.h5"
    is_own = large.groups < 5
    save_clusters(sample, large.data[(large.target == "SIDM1") & ~is_own])
    save_clusters(own, large.data[is_own], large.target[is_own])
    alone, helped = (
        json.loads(run_well("infer", "--pretrained", sample, "--json", *options).stdout)
        for options in ([], ["--calibration", own])
    )
    assert alone["sample_pvalue"] == helped["sample_pvalue"]
    assert helped["variances"]["suites"] < alone["variances"]["suites"]

import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from darkcnn import __version__, default_pipeline, report
from darkcnn.cli import commands, main
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.noise import LENSING_SURVEYS, XRAY_TELESCOPES
from darkcnn.persistence import describe_training, load_model, load_notes, save_model
from darkcnn.report import infer_cross_section, page

COMMANDS = ["cross-validate", "fit", "predict", "report", "simulate"]
TINY = ["-o", "simple", "-n", "1", "--views", "1"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def run_well(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def database(clusters, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "clusters.h5"
    save_clusters(path, clusters)
    return path


@pytest.fixture(scope="module")
def model(database, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    assert run_well("fit", database, "-f", path, *TINY, "-q").stderr == ""
    return path


def test_help_comes_without_importing_what_is_slow():
    code = (
        "import sys; from darkcnn.cli import main; main(['-h'], standalone_mode=False); print(*sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = output.splitlines()[-1].split()
    assert "darkcnn.cli.commands" in modules
    assert not {"keras", "tensorflow", "sklearn", "matplotlib"} & set(modules)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_shows_an_example(command, flag):
    lines = run_well(command, flag).output.splitlines()
    assert lines[lines.index("  Example:") + 1].startswith(f"    darkcnn {command} ")


def test_version():
    assert __version__ in run_well("-v").output


@pytest.mark.slow
def test_main_job_scores_trains_and_writes_everything(clusters, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_N_MISTAKES", 1)
    database, folder = tmp_path / "clusters.h5", tmp_path / "deep" / "results"
    target = np.where(clusters.target == "CDM", "CDM", "vdSIDM3.04w560")
    save_clusters(database, clusters.data, target)
    result = run_well("-d", database, "-f", folder, *TINY, "-c", "xray,total", "-t", 0.5, "-m", 2)
    assert "24 clusters of 6 halos" in result.stdout
    assert "simple - radial profiles: " in result.stdout
    assert "Cross-validation" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion_matrix.png",
        "learning_curve.png",
        "metrics.json",
        "model.keras",
        "report.html",
    ]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["scores"]["majority"]["balanced_accuracy"] == [0.5, 0.5]
    assert metrics["scores"]["simple"]["confusion"]["labels"] == ["CDM", "vdSIDM3.04w560"]
    assert metrics["difference"]["from"] == "radial profiles"
    assert metrics["parameters"]["select__maps"] == ["xray", "total"]
    assert metrics["data"]["n_halos"] == 6
    clusters = load_clusters(database)
    assert load_model(folder / "model.keras").predict_proba(clusters.data).shape == (24, 2)


@pytest.mark.slow
def test_cross_validate_prints_json_and_nothing_else(database):
    result = run_well("cross-validate", database, *TINY, "-t", 0.5, "--json", "-q")
    scores = json.loads(result.stdout)["scores"]
    assert list(scores) == ["majority", "radial profiles", "simple"]
    assert scores["simple"]["standard_error"] is None
    assert result.stderr == ""


@pytest.mark.slow
def test_cross_validate_deals_five_folds_by_halo(database):
    table = run_well("cross-validate", database, *TINY, "-q").stdout
    assert [line.split()[0] for line in table.splitlines() if " 0.500 " in line] == [*"12345", "mean"]


def test_fit_shows_its_epochs_and_changes_no_bits(database, model, tmp_path):
    result = run_well("fit", database, "-f", tmp_path / "model.keras", *TINY)
    assert "Training on all clusters: 100%" in result.stderr
    assert "1/1" in result.stderr
    shown, quiet = (load_model(path)[-1].weights_ for path in (tmp_path / "model.keras", model))
    for one, other in zip(shown, quiet, strict=True):
        np.testing.assert_array_equal(one, other)


def test_predict_writes_a_row_for_each_cluster(database, model, tmp_path):
    printed = run_well("predict", model, database)
    clusters = load_clusters(database)
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert list(rows[0]) == ["cluster_id", "redshift", "label", "predicted", "CDM", "SIDM1"]
    assert [row["label"] for row in rows] == clusters.target.tolist()
    assert [int(row["cluster_id"]) for row in rows] == clusters.groups.tolist()
    probabilities = np.array([[float(row[name]) for name in ("CDM", "SIDM1")] for row in rows])
    np.testing.assert_allclose(probabilities, load_model(model).predict_proba(clusters.data), atol=1e-6)
    run_well("predict", model, database, "-o", tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == printed.stdout


def test_a_sample_needs_no_labels_but_a_training_does(database, model, tmp_path):
    path = tmp_path / "unknown.fits"
    save_clusters(path, load_clusters(database).data)
    printed = [run_well("predict", model, each).stdout for each in (database, path)]
    known, unknown = (list(csv.DictReader(io.StringIO(table))) for table in printed)
    assert {row.pop("label") for row in unknown} == {""}
    assert [row for row in known if row.pop("label")] == unknown
    assert run_well("infer", model, path).stdout == run_well("infer", model, database).stdout
    for arguments in (["fit", path, "-f", path.with_suffix(".keras")], ["report", model, path]):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert "unknown.fits must contain a label for each cluster" in refused.stderr


def test_clusters_without_a_map_are_learned_from_and_predicted(database, model, tmp_path):
    clusters, two_maps = load_clusters(database), tmp_path / "two_maps.keras"
    clusters.data["stellar"] = clusters.data["stellar_norm"] = np.nan
    for suffix in (".h5", ".fits"):
        save_clusters(tmp_path / f"observed{suffix}", clusters)
    run_well("fit", tmp_path / "observed.h5", "-f", two_maps, "-c", "total,xray", *TINY, "-q")
    whole = run_well("predict", two_maps, database).stdout
    assert run_well("predict", two_maps, tmp_path / "observed.h5").stdout == whole
    assert run_well("predict", two_maps, tmp_path / "observed.fits").stdout == whole
    refused = run("predict", model, tmp_path / "observed.fits")
    assert refused.exit_code == 1
    assert "'stellar'" in refused.stderr


def test_observations_join_the_pipeline(database, tmp_path):
    path = tmp_path / "model.keras"
    seen = ["--lensing", "Euclid", "--xray", "xmm", "--exposure", 20]
    run_well("fit", database, "-f", path, *TINY, "-q", *seen)
    model = load_model(path)
    assert model["observe_total"].n_gal == LENSING_SURVEYS["euclid"].parameters["n_gal"]
    assert model["observe_xray"].exposure == 20_000
    assert model["observe_xray"].psf_fwhm == XRAY_TELESCOPES["xmm"].parameters["psf_fwhm"]
    run_well("fit", database, "-f", path, *TINY, "-q", "--xray", "erosita")
    assert "observe_total" not in load_model(path).named_steps
    assert load_model(path)["observe_xray"].exposure == XRAY_TELESCOPES["erosita"].parameters["exposure"]


def test_observed_clusters_get_no_more_noise(database, tmp_path):
    path = tmp_path / "model.keras"
    run_well("fit", database, "-f", path, *TINY, "-q", "--lensing", "euclid", "--xray", "chandra")
    clusters, model = load_clusters(database), load_model(path)
    clusters.data = model[:2].transform(clusters.data)
    for name in ("seen.h5", "seen.fits"):
        save_clusters(tmp_path / name, clusters)
    simulated = run_well("predict", path, database).stdout
    for name in ("seen.h5", "seen.fits"):
        assert run_well("predict", path, tmp_path / name).stdout == simulated
    told = [run_well("infer", path, sample).stdout for sample in (database, tmp_path / "seen.h5")]
    assert told[0] == told[1]
    clusters.data = np.asarray(clusters.data)  # which does not say that it was observed
    save_clusters(tmp_path / "unmarked.h5", clusters)
    refused = run("predict", path, tmp_path / "unmarked.h5")
    assert refused.exit_code == 1
    assert "mark real observations as ObservedRecords: they need no noise" in refused.stderr


@pytest.mark.slow
def test_cross_validate_tells_what_the_clusters_are_seen_by(database):
    seen = ["--lensing", "jwst", "--xray", "chandra", "--exposure", 10]
    table = run_well("cross-validate", database, *TINY, *seen, "-t", 0.5, "-q").stdout
    assert "Noise    jwst, chandra for 10 ks" in table


def test_help_names_every_telescope():
    words = re.findall(r"\w+", run_well("fit", "-h").output)
    assert {*LENSING_SURVEYS, *XRAY_TELESCOPES} <= set(words)


def test_attributes_may_be_repeated_or_separated_by_commas(database, tmp_path):
    path = tmp_path / "model.keras"
    run_well("fit", database, "-f", path, *TINY, "-q", "-a", "redshift,log_mass", "-a", "redshift")
    assert load_model(path)["select"].attributes == ("redshift", "log_mass")


def test_simulate_writes_what_make_clusters_makes(tmp_path):
    path = tmp_path / "clusters.fits"
    run_well(
        "simulate", "-o", path, "--n-halos", 2, "--cross-sections", "0,0.3", "--redshifts", 0.25, "--seed", 7
    )
    expected = make_clusters(2, cross_sections=(0, 0.3), redshifts=(0.25,), random_state=7)
    clusters = load_clusters(path)
    np.testing.assert_array_equal(clusters.data["total"], expected.data["total"])
    assert clusters.target.tolist() == expected.target.tolist()


def test_simulate_writes_suites(tmp_path):
    path = tmp_path / "clusters.h5"
    options = [
        "--n-halos",
        2,
        "--n-suites",
        3,
        "--cross-sections",
        "0",
        "--redshifts",
        0.25,
        "--n-pixels",
        10,
    ]
    result = run_well("simulate", "-o", path, *options)
    assert "Wrote 6 clusters of 2 halos in each of 3 suites" in result.stdout
    assert load_clusters(path).suite.tolist() == [0, 0, 1, 1, 2, 2]


def test_missing_matplotlib_is_told_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(commands.steps, "find_spec", lambda name: None)
    monkeypatch.setattr(commands.steps, "load", lambda path: pytest.fail("work began"))
    result = run("-f", tmp_path / "results")
    assert result.exit_code == 1
    assert 'pip install "darkcnn[plot]"' in result.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["-d", "nowhere.h5"], 2, "'nowhere.h5' does not exist"),
        (["-c", "total,gamma"], 2, "'gamma' is not one of 'total', 'xray', 'stellar'"),
        (["-t", 1.5], 2, "1.5 is not in the range 0<x<1"),
        (["-n", 3, "fit", "DATABASE", "-f", "m.joblib"], 2, "-n must come after 'fit'"),
        (["cross-validate", "DATABASE", "-o", "polr"], 1, "did you mean 'polar'?"),
        (["cross-validate", "DATABASE", "-a", "colour"], 1, "got 'colour'"),
        (["cross-validate", "DATABASE", "-t", 0.01], 1, "train_size"),
        (["cross-validate", "DATABASE", "--lensing", "lsst"], 1, "'roman', 'superbit'], got 'lsst'"),
        (["cross-validate", "DATABASE", "--xray", "rosat"], 1, "got 'rosat'"),
        (["cross-validate", "DATABASE", "--exposure", 10], 1, "--exposure needs a telescope"),
        (["cross-validate", "DATABASE", "--xray", "xmm", "--exposure", 0], 2, "0.0 is not in the range x>0"),
        (["cross-validate", "GARBAGE"], 1, "garbage.h5"),
        (["predict", "GARBAGE", "DATABASE"], 1, "garbage.h5"),
        (["fit", "DATABASE", "-f", "model.joblib"], 1, "must end in one of .keras"),
        (["fit", "DATABASE", "-f", "nowhere/model.keras"], 1, "nowhere does not exist"),
        (
            ["infer", "GARBAGE", "DATABASE", "--plot", "p.foo"],
            1,
            "cannot write p.foo: its name must end in one",
        ),
        (["infer", "GARBAGE", "DATABASE", "--plot", "p"], 1, "cannot write p: its name must end in one of"),
        (["infer", "GARBAGE", "DATABASE", "--plot", "nowhere/p.png"], 1, "nowhere does not exist"),
        (["infer", "GARBAGE", "DATABASE", "--velocity", -1], 2, "-1.0 is not in the range x>=0"),
        (["predict", "GARBAGE", "DATABASE", "-o", "nowhere/p.csv"], 1, "nowhere does not exist"),
        (["simulate", "-o", "clusters.csv"], 1, "must end in one of .h5"),
        (["simulate", "-o", "clusters.h5", "--n-pixels", 7], 1, "n_pixels must be 100 or a divisor"),
        (["simulate", "-o", "clusters.h5", "--redshifts", "0,x"], 2, "'x' is not a valid float"),
    ],
)
def test_bad_input_gives_one_clear_line(database, tmp_path, monkeypatch, arguments, status, message):
    garbage = tmp_path / "garbage.h5"
    garbage.write_text("no database")
    monkeypatch.chdir(tmp_path)
    places = {"DATABASE": database, "GARBAGE": garbage}
    result = run(*(places.get(argument, argument) for argument in arguments))
    assert result.exit_code == status
    assert message in result.stderr
    error = result.stderr[result.stderr.index("Error: ") :]
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["garbage.h5"]


def test_maps_of_another_size_are_refused(model, tmp_path):
    other = make_clusters(2, cross_sections=(0, 1), redshifts=(0,), n_pixels=10, random_state=0)
    save_clusters(tmp_path / "other.h5", other)
    result = run("predict", model, tmp_path / "other.h5")
    assert result.exit_code == 1
    assert "(10, 10, 3), but (20, 20, 3) were seen at fit" in result.stderr


@pytest.mark.slow
def test_infer_tells_prints_and_draws(model, database, tmp_path):
    held_out = make_clusters(24, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=20, random_state=1)
    save_clusters(tmp_path / "held_out.h5", held_out)
    told = run_well("infer", model, database)
    assert "cross-section" in told.stdout
    assert "ln(evidence / CDM)" in told.stdout
    assert "Warning: not calibrated" in told.stderr
    calibrated = ["--calibration", tmp_path / "held_out.h5", "--plot", tmp_path / "posterior.png"]
    result = json.loads(run_well("infer", model, database, *calibrated, "--json").stdout)
    assert result["n_clusters"] == 6
    assert result["n_maps"] == 24
    assert sum(result["posterior"].values()) == pytest.approx(1)
    assert result["log_evidence_ratio"]["CDM"] == 0
    assert {"interval_68", "upper_limit_95", "lower_limit_95"} <= result.keys()
    assert 0 < result["sample_pvalue"] <= 1
    assert (tmp_path / "posterior.png").stat().st_size > 1000


def test_infer_prints_what_the_function_returns(model, database):
    _, result = infer_cross_section(
        load_model(model), load_clusters(database), training=load_notes(model)["training"], random_state=3
    )
    assert json.loads(run_well("infer", model, database, "--json", "--seed", 3).stdout) == result


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (5, "must be a dict, got int"),
        ({"author": "somebody"}, "'database' is missing"),
        ({"halo_ids": None}, "'halo_ids' is None"),
        ({"clusters_of_class": {"CDM": "many"}}, "numbers of clusters_of_class, got {'CDM': 'many'}"),
    ],
)
def test_notes_of_another_form_are_refused(model, database, clusters, tmp_path, training, message):
    if isinstance(training, dict) and "author" not in training:
        training = describe_training(clusters) | training
    save_model(load_model(model), tmp_path / "model.keras", notes={"training": training})
    for command in ("infer", "report"):
        refused = run(command, tmp_path / "model.keras", database)
        assert refused.exit_code == 1
        assert message in refused.stderr


def test_a_model_of_plain_maps_is_refused(database, clusters, tmp_path):
    maps = np.stack([clusters.data[name] for name in ("total", "xray", "stellar")], axis=-1)
    pipeline = default_pipeline("simple", n_views=1, epochs=1, random_state=0)[1:]
    save_model(pipeline.fit(maps, clusters.target), tmp_path / "model.keras")
    for command in ("predict", "infer", "report"):
        refused = run(command, tmp_path / "model.keras", database)
        assert refused.exit_code == 1
        assert "is a model of plain maps, not of cluster records" in refused.stderr


@pytest.mark.parametrize("bug", [TypeError, AttributeError, KeyError, IndexError, AssertionError])
def test_a_bug_shows_its_traceback(model, database, monkeypatch, bug):
    def fail(*arguments, **options):
        raise bug("somewhere inside")

    monkeypatch.setattr(report, "infer_cross_section", fail)
    assert isinstance(run("infer", model, database).exception, bug)


def test_infer_refuses_too_few_calibration_clusters(model, database, tmp_path):
    few = make_clusters(4, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=1)
    save_clusters(tmp_path / "few.h5", few)
    result = run("infer", model, database, "--calibration", tmp_path / "few.h5")
    assert result.exit_code == 1
    assert "at least ten clusters" in result.stderr


def test_infer_refuses_to_calibrate_with_the_training_set(model, database, clusters, tmp_path):
    new = make_clusters(4, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=1)
    new.data["cluster_id"] += 100
    data = np.concatenate([new.data, clusters.data[clusters.groups == 3]])
    save_clusters(tmp_path / "mixed.h5", data, np.concatenate([new.target, clusters.target[:4]]))
    result = run("infer", model, database, "--calibration", tmp_path / "mixed.h5")
    assert result.exit_code == 1
    assert "the model was not trained on, but 4 of 12 are of halos of its training set" in result.stderr
    result = run_well("infer", model, tmp_path / "mixed.h5")
    assert "Warning: 4 of 12 clusters are of halos that the model was trained on" in result.stderr

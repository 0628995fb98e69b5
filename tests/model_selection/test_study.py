import json
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from darkcnn.model_selection import corrected_standard_error, run_study, study_status

GRID = {"logisticregression__C": [0.01, 1.0], "standardscaler__with_mean": [True, False]}
TINY = ["-o", "simple", "-n", "1", "--views", "1", "-q"]
TIMES = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")


@pytest.fixture(scope="module")
def data():
    """Three columns, two classes and 20 clusters that each hold both: rows, labels and clusters."""
    rng = np.random.default_rng(0)
    y = np.tile(["CDM", "SIDM1"], 20)
    return rng.normal(size=(40, 3)) + (y == "SIDM1")[:, np.newaxis], y, np.repeat(np.arange(20), 2)


@pytest.fixture
def study(data, tmp_path):
    """Run a study in the temporary folder, with arguments that differ as asked."""

    def run(**changes):
        X, y, groups = data
        arguments = {
            "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
            "X": X,
            "y": y,
            "groups": groups,
            "cv": StratifiedGroupKFold(4, shuffle=True, random_state=0),
            "folder": tmp_path / "study",
            "param_grid": GRID,
        }
        return run_study(**(arguments | changes))

    return run


def untimed(results):
    return {name: np.asarray(column).tolist() for name, column in results.items() if name not in TIMES}


def test_the_table_is_that_of_scikit_learn_with_an_error(study, data):
    X, y, groups = data
    results = study()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        GRID,
        cv=StratifiedGroupKFold(4, shuffle=True, random_state=0),
        refit=False,
    ).fit(X, y, groups=groups)
    expected = untimed(search.cv_results_)
    errors = results.pop("standard_error_test_score")
    assert untimed(results) == expected
    rows = np.transpose([expected[f"split{split}_test_score"] for split in range(4)])
    assert errors.tolist() == [corrected_standard_error(row, 1 / 3) for row in rows]


def test_rows_of_a_table_are_those_of_an_array(study, data, table_of, tmp_path):
    of_table = study(X=table_of(data[0]), folder=tmp_path / "table")
    assert untimed(of_table) == untimed(study())


def test_several_scores_and_values_that_are_tuples(study):
    results = study(
        pipeline=LogisticRegression(),
        param_grid=[{"C": [1.0]}, {"class_weight": [{"CDM": 2.0}], "C": [2.0]}],
        scoring=["accuracy", "neg_log_loss"],
    )
    assert results["param_class_weight"].mask.tolist() == [True, False]
    assert results["param_class_weight"][1] == {"CDM": 2.0}
    assert (results["mean_test_neg_log_loss"] < 0).all()
    assert {"rank_test_accuracy", "standard_error_test_neg_log_loss"} <= set(results)


def test_what_has_finished_is_not_repeated(study, data, monkeypatch):
    first = study()
    monkeypatch.setattr(LogisticRegression, "fit", lambda *_, **__: pytest.fail("repeated"))
    again = study()
    assert untimed(again) == untimed(first)
    assert again["mean_fit_time"].tolist() == first["mean_fit_time"].tolist()


def test_a_larger_grid_goes_on_in_the_folder(study, tmp_path):
    small = study(param_grid={"logisticregression__C": [1.0]})
    large = study(param_grid={"logisticregression__C": [0.1, 1.0]})
    assert large["mean_fit_time"][1] == small["mean_fit_time"][0]
    assert study_status(tmp_path / "study").n_fits == 8


def test_scores_that_are_not_a_number_are_kept(study):
    def undefined(estimator, X, y):
        return np.nan

    study(scoring=undefined)
    results = study(scoring=undefined)
    assert np.isnan(results["mean_test_score"]).all()
    assert results["rank_test_score"].tolist() == [1, 1, 1, 1]


def test_infinite_scores_are_kept_and_ranked(study, tmp_path):
    def score(estimator, X, y):
        return {"0.01": -np.inf, "0.1": np.nan, "1.0": np.inf, "10.0": 0.5}[str(estimator.C)]

    arguments = {
        "pipeline": LogisticRegression(),
        "param_grid": {"C": [0.01, 0.1, 1.0, 10.0]},
        "scoring": score,
    }
    study(**arguments)
    results = study(**arguments)
    np.testing.assert_array_equal(results["mean_test_score"], [-np.inf, np.nan, np.inf, 0.5])
    assert results["rank_test_score"].tolist() == [3, 4, 1, 2]
    np.testing.assert_array_equal(results["std_test_score"], [np.nan, np.nan, np.nan, 0])
    np.testing.assert_array_equal(results["standard_error_test_score"], [np.nan, np.nan, np.nan, 0])
    lines = study_status(tmp_path / "study").table()
    assert lines[0].startswith("score -inf ± nan in 4 of 4 splits")


def test_a_score_that_is_no_number_is_named(study):
    with pytest.raises(ValueError, match=r"scoring must return numbers, got \{'score': 'high'\}"):
        study(scoring=lambda estimator, X, y: "high")


def double(X):
    return 2 * X


def halve(X):
    return X / 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": make_pipeline(StandardScaler(), LogisticRegression(tol=1e-3))},
         r"pipeline\.steps\[1\]\[1\]\.tol: 0\.0001 before, 0\.001 now"),
        ({"pipeline": make_pipeline(StandardScaler(), RandomForestClassifier()), "param_grid": None},
         r"pipeline\.steps\[1\]\[1\]\.class: sklearn\.linear_model.* before"),
        ({"cv": StratifiedGroupKFold(4, shuffle=True, random_state=1)}, r"splits: 4 of checksum"),
        ({"cv": StratifiedGroupKFold(5, shuffle=True, random_state=0)}, r"splits: 4 .* before, 5 .* now"),
        ({"scoring": "balanced_accuracy"}, r"scoring: None before, balanced_accuracy now"),
    ],
)  # fmt: skip
def test_another_study_is_refused(study, changes, message):
    study()
    with pytest.raises(ValueError, match=rf"(?s)contains another study; choose another.*{message}"):
        study(**changes)


def test_other_data_are_refused(study, data):
    X, y, groups = data
    study()
    other = X.copy()
    other[17, 2] = np.nextafter(other[17, 2], 9)
    with pytest.raises(
        ValueError, match=r"Differences:\n  X: shape \(40, 3\) of checksum \w+ before, shape .* now$"
    ):
        study(X=other)
    with pytest.raises(ValueError, match=r"Differences:\n  X: shape .*\n  y: .*\n  groups: .*\n  splits: "):
        study(X=X[2:], y=y[2:], groups=groups[2:])


def test_another_version_is_refused(study, monkeypatch):
    from darkcnn.model_selection.study import identity

    study()
    now = {**identity.versions(), "keras": "99.0"}
    monkeypatch.setattr(identity, "versions", lambda: now)
    with pytest.raises(ValueError, match=r"Differences:\n  versions\.keras: .* before, 99\.0 now$"):
        study()


def test_functions_are_told_apart_by_their_source(study):
    study(pipeline=make_pipeline(FunctionTransformer(double), DummyClassifier()), param_grid=None)
    with pytest.raises(ValueError, match=r"func: .*\.double of checksum .* before, .*\.halve of checksum"):
        study(pipeline=make_pipeline(FunctionTransformer(halve), DummyClassifier()), param_grid=None)


def test_what_does_not_matter_may_change(study):
    study(pipeline=RandomForestClassifier(3, random_state=0), param_grid=None)
    study(pipeline=RandomForestClassifier(3, random_state=0, n_jobs=2, verbose=0), param_grid=None, n_jobs=1)


def test_memory_mapped_data_are_the_same_data(study, data, tmp_path):
    study()
    np.save(tmp_path / "X.npy", data[0])
    study(X=np.load(tmp_path / "X.npy", mmap_mode="r"))


def test_records_on_disk_are_the_same_data(clusters, tmp_path):
    from darkcnn.datasets import load_clusters, save_clusters
    from darkcnn.model_selection.study.identity import fingerprint

    save_clusters(tmp_path / "clusters.h5", clusters)
    on_disk = load_clusters(tmp_path / "clusters.h5", mmap=True).data
    assert type(on_disk) is not np.ndarray
    assert fingerprint(on_disk) == fingerprint(clusters.data)


def test_splits_must_keep_clusters_together(study, data):
    X, y, _ = data
    splits = StratifiedKFold(4, shuffle=True, random_state=0).split(X, y)
    with pytest.raises(ValueError, match=r"split 0 puts \d+ into both training and test set; use a group"):
        study(cv=splits)


def test_arguments_are_checked_before_anything_is_written(study, data, tmp_path):
    with pytest.raises(ValueError, match="Invalid parameter 'c' for estimator LogisticRegression"):
        study(param_grid={"logisticregression__c": [1]})
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        study(y=data[1][1:])
    assert not (tmp_path / "study").exists()


def test_a_failing_fit_is_named_and_the_others_stay(study, tmp_path):
    with pytest.raises(ValueError, match="'C' parameter") as caught:
        study(param_grid={"logisticregression__C": [1.0, -1.0]})
    assert any(note.startswith("in split 0 of Pipeline(") for note in caught.value.__notes__)
    assert study_status(tmp_path / "study").n_finished == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1]",
        b"{}",
        b'{"format": 2}',
        b'{"format": 1, "scores": {"score": "1"}}',
        b'{"format": 1, "scores": {"score": "1"}, "fit_time": 1.0, "score_time": 1.0}',
        b'{"format": 1, "scores": {"score": true}, "fit_time": 1.0, "score_time": 1.0}',
        b"[" * 10**5,
    ],
)
def test_a_damaged_file_is_named(study, tmp_path, content):
    study()
    fit = sorted((tmp_path / "study" / "fits").iterdir())[3]
    before = fit.read_bytes()
    fit.write_bytes(content)
    for read in (study, lambda: study_status(tmp_path / "study")):
        with pytest.raises(ValueError, match=f"cannot read {fit}: it is"):
            read()
    fit.write_bytes(before)
    header = tmp_path / "study" / "study.json"
    header.write_bytes(content)
    for read in (study, lambda: study_status(tmp_path / "study")):
        with pytest.raises(ValueError, match=f"cannot read {header}: it is"):
            read()


def test_status_tells_how_far_it_has_come(study, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"study\.json"):
        study_status(tmp_path / "study")
    results = study()
    for fit in sorted((tmp_path / "study" / "fits").iterdir())[:5]:
        fit.unlink()
    status = study_status(tmp_path / "study")
    assert (status.n_fits, status.n_finished, status.n_splits) == (16, 11, 4)
    assert status.seconds_left == pytest.approx(5 * status.fit_time)
    assert status.candidates == results["params"]
    study()
    assert study_status(tmp_path / "study").seconds_left == 0


def test_progress_counts_what_was_there(study, tmp_path, capsys):
    study()
    sorted((tmp_path / "study" / "fits").iterdir())[0].unlink()
    assert capsys.readouterr().err == ""
    study(verbose=1)
    error = capsys.readouterr().err
    assert "Study:  94%" in error
    assert "16/16" in error


MECHANICS = textwrap.dedent(
    """
    import os, random, resource, signal, sys, time
    from pathlib import Path
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.model_selection import GroupKFold
    from darkcnn.model_selection import run_study

    class Slow(ClassifierMixin, BaseEstimator):
        # Notes each fit before it begins.
        def __init__(self, value=0):
            self.value = value
        def fit(self, X, y):
            with open("begun", "a") as file:
                file.write(f"{self.value}-{int(X.sum())}\\n")
            time.sleep(0.01)
            self.classes_ = np.unique(y)
            return self
        def score(self, X, y):
            return float(np.sin(self.value + X.sum()))

    N_CANDIDATES, N_SPLITS = 10, 8

    def study(folder, n_candidates=N_CANDIDATES):
        rows = np.arange(16)
        results = run_study(Slow(), 2.0 ** rows[:, np.newaxis], rows % 2, groups=rows // 2, folder=folder,
                            cv=GroupKFold(N_SPLITS), param_grid={"value": list(range(n_candidates))})
        return {name: np.asarray(column).tolist() for name, column in results.items() if "_time" not in name}

    def begun():
        path = Path("begun")
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def child(function):
        pid = os.fork()
        if pid == 0:
            try:
                function()
                os._exit(0)
            except BaseException:
                import traceback
                traceback.print_exc()
            os._exit(1)
        return pid

    def finished(folder):
        return {path.name: path.read_bytes() for path in Path(folder, "fits").glob("[!.]*.json")}
    """
)


def run_script(folder, code):
    code = MECHANICS + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
def test_killed_twenty_times_it_loses_and_repeats_nothing(tmp_path):
    # It is killed once a random number of further fits has begun, and a moment later: on a machine of any
    # speed at work. If it ends before all the same, its table is checked, and another folder takes its place.
    result = run_script(
        tmp_path,
        """
        def has_ended(pid):  # and still waits to be waited for
            return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

        def n_begun():
            return Path("begun").read_bytes().count(b"\\n") if Path("begun").exists() else 0

        expected = study("whole")
        all_fits = begun()
        assert len(set(all_fits)) == len(all_fits) == N_CANDIDATES * N_SPLITS
        moments, kills, folder = random.Random(0), [], "killed"
        while len(kills) < 20:
            before = finished(folder)
            pid = child(lambda: study(folder))
            further = moments.randrange(7)
            patience = time.monotonic() + 60
            while n_begun() < further and not has_ended(pid) and time.monotonic() < patience:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            after = finished(folder)
            assert before.items() <= after.items(), "a finished fit was lost or written again"
            started = begun()
            assert len(set(started)) == len(started)
            # Whatever was begun in this life and is not on disk is the one fit that was under way.
            assert len(started) - (len(after) - len(before)) in (0, 1), (started, len(before), len(after))
            if os.WIFSIGNALED(status):
                kills.append(len(started))
            else:
                assert status == 0
            if len(after) == N_CANDIDATES * N_SPLITS:
                assert study(folder) == expected
                assert begun() == []
                folder += " again"
        before = finished(folder)
        assert study(folder) == expected
        assert len(begun()) == N_CANDIDATES * N_SPLITS - len(before)
        assert before.items() <= finished(folder).items()
        print(kills)
        """,
    )
    assert result.returncode == 0, result.stderr
    fits = json.loads(result.stdout)
    assert len(fits) == 20
    assert sum(n > 0 for n in fits) > 10  # it was killed at work, not before


STUDY_OF_NETWORKS = """
import sys
from sklearn.model_selection import StratifiedGroupKFold
from darkcnn import default_pipeline, run_study
from darkcnn.datasets import load_clusters

def study(database, folder):
    clusters = load_clusters(database, mmap=True)
    return run_study(
        default_pipeline("simple", n_views=2, epochs=2, random_state=0), clusters.data, clusters.target,
        groups=clusters.groups, cv=StratifiedGroupKFold(2, shuffle=True, random_state=0),
        folder=folder, param_grid={"cnn__batch_size": [4, 8]}, scoring="neg_log_loss",
    )

if __name__ == "__main__":
    study(*sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_study_of_networks_ends_with_the_same_table(clusters, tmp_path):
    from darkcnn.datasets import save_clusters

    save_clusters(tmp_path / "clusters.h5", clusters)
    command = [sys.executable, "-c", STUDY_OF_NETWORKS, "clusters.h5", "killed"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        patience = time.monotonic() + 200
        while process.poll() is None and not list(tmp_path.glob("killed/fits/[!.]*.json")):
            if time.monotonic() > patience:
                break
            time.sleep(0.001)
        process.kill()
    assert 0 < len(list(tmp_path.glob("killed/fits/[!.]*.json"))) <= 4
    here = {}
    exec(STUDY_OF_NETWORKS, here)
    tables = [
        untimed(here["study"](tmp_path / "clusters.h5", tmp_path / name)) for name in ("killed", "whole")
    ]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_two_processes_share_the_work(tmp_path):
    result = run_script(
        tmp_path,
        """
        import json
        expected = study("alone")
        begun()
        def work(name):
            Path(name).write_text(json.dumps(study("shared")))
        pids = [child(lambda name=name: work(name)) for name in ("first", "second")]
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
        started = begun()
        assert len(set(started)) == len(started) == N_CANDIDATES * N_SPLITS, "a fit was done twice"
        for name in ("first", "second"):
            assert json.loads(Path(name).read_text()) == expected
        """,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path):
    result = run_script(
        tmp_path,
        """
        from darkcnn.model_selection import study_status
        study("full", n_candidates=2)
        begun()
        header = Path("full/study.json").stat().st_size
        kept = finished("full")
        # Room for the header, as it will be with ten candidates, but for no file of the disk's usual size.
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        write = Path.write_text
        def write_text(path, text, **options):
            resource.setrlimit(resource.RLIMIT_FSIZE, (50 if "scores" in text else hard, hard))
            return write(path, text, **options)
        Path.write_text = write_text
        try:
            study("full")
        except OSError as error:
            print(error)
        else:
            raise SystemExit("the disk was not full")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        Path.write_text = write
        assert finished("full") == kept
        assert study_status("full").n_finished == 2 * N_SPLITS
        begun()
        assert study("full") == study("never full")
        """,
    )
    assert result.returncode == 0, result.stderr
    assert "File too large; finished fits are kept: solve this and start the study again" in result.stdout
    assert "full/fits/" in result.stdout

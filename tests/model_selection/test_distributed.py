"""Fits on a dask cluster of two worker processes."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from darkcnn.cli import main
from darkcnn.datasets import load_clusters, save_clusters
from darkcnn.model_selection import cross_validate_by_cluster, run_study
from darkcnn.pipeline import default_pipeline

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # of dask about its own sockets
]


@contextmanager
def cluster_of_two():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    """One cluster for all tests but the one that kills a worker."""
    with cluster_of_two() as client:
        yield client


def n_started(client):
    """Count the tasks that were started, whoever sent them."""
    return client.run_on_scheduler(
        lambda dask_scheduler: sum(each[2] == "processing" for each in dask_scheduler.transition_log)
    )


@pytest.fixture(scope="module")
def data():
    """Columns that are large enough to be scattered, labels and clusters."""
    rng = np.random.default_rng(0)
    y = np.tile(["CDM", "SIDM1"], 40)
    return rng.normal(size=(80, 50)) + (y == "SIDM1")[:, np.newaxis], y, np.repeat(np.arange(40), 2)


def test_scores_are_the_same_as_in_one_process(client, data, tmp_path):
    X, y, groups = data
    arguments = {"groups": groups, "cv": GroupKFold(4), "param_grid": {"C": [0.1, 1.0]}}
    alone = run_study(LogisticRegression(), X, y, folder=tmp_path / "alone", **arguments)
    validation = cross_validate_by_cluster({"linear": LogisticRegression()}, X, y, groups, random_state=0)
    with joblib.parallel_config("dask"):
        together = run_study(LogisticRegression(), X, y, folder=tmp_path / "together", **arguments)
        distant = cross_validate_by_cluster({"linear": LogisticRegression()}, X, y, groups, random_state=0)
    for split in range(4):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(together[name], alone[name])
    np.testing.assert_array_equal(distant.scores["linear"], validation.scores["linear"])


def test_networks_have_the_same_bits_as_in_one_process(client, clusters, tmp_path):
    save_clusters(tmp_path / "clusters.h5", clusters)
    stored = load_clusters(tmp_path / "clusters.h5", mmap=True)  # travels as its path
    pipeline = default_pipeline("simple", n_views=2, epochs=1, random_state=0)

    def cross_validate():
        return cross_validate_by_cluster(
            {"network": pipeline}, stored.data, stored.target, stored.groups, n_splits=2, random_state=0
        )

    alone = cross_validate()
    with joblib.parallel_config("dask"):
        together = cross_validate()
    for one, other in zip(alone.probabilities["network"], together.probabilities["network"], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("command", ["cross-validate", "study"])
def test_the_command_hands_fits_to_a_scheduler(client, clusters, tmp_path, command):
    save_clusters(tmp_path / "clusters.h5", clusters)

    def run(*more):
        words = [str(tmp_path / "clusters.h5"), "-o", "simple", "-n", "1", "--views", "1", "-q", *more]
        if command == "study":
            words = ["run", words[0], str(tmp_path / f"study{len(more)}"), *words[1:], "--folds", "2"]
        result = CliRunner().invoke(main, [command, *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    before = n_started(client)
    here = run() if command == "study" else None  # once: other tests compare fits here and there
    assert n_started(client) == before
    there = run("--scheduler", client.scheduler.address)
    assert here in (None, there)
    assert n_started(client) > before


def test_a_worker_that_is_killed_costs_one_fit(data, tmp_path):
    X, y, groups = data
    log = str(tmp_path / "begun")

    class Slow(ClassifierMixin, BaseEstimator):  # local, so that it travels to the workers by value
        def fit(self, X, y):
            with open(log, "a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(0.5)
            self.classes_ = np.unique(y)
            return self

        def score(self, X, y):
            return float(X.sum())

    def kill_one():
        patience = time.monotonic() + 120
        while not list((tmp_path / "study").glob("fits/*.json")) and time.monotonic() < patience:
            time.sleep(0.05)
        pid = next(iter(client.run(os.getpid).values()))
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    killed = []
    thread = threading.Thread(target=kill_one, daemon=True)
    with cluster_of_two() as client, joblib.parallel_config("dask"):
        thread.start()
        results = run_study(Slow(), X, y, groups=groups, cv=GroupKFold(10), folder=tmp_path / "study")
        thread.join(timeout=120)
    begun = (tmp_path / "begun").read_text().split()
    assert killed
    assert len(set(begun)) >= 2
    assert 10 <= len(begun) <= 11
    expected = [X[test].sum() for _, test in GroupKFold(10).split(X, y, groups)]
    assert [results[f"split{split}_test_score"][0] for split in range(10)] == expected

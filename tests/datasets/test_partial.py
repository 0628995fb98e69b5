import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from darkcnn.datasets import load_clusters, make_clusters, mock, save_clusters
from darkcnn.datasets.partial import PartialFile
from darkcnn.records import GALAXY_DTYPE, record_dtype

SETTINGS = {"n_halos": 12, "redshifts": (0.25,), "n_pixels": 10, "random_state": 3}


@pytest.fixture(scope="module")
def expected():
    """Return the clusters made in memory."""
    return make_clusters(**SETTINGS)


def assert_same(path, expected):
    loaded = load_clusters(path)
    for name in ("data", "galaxies", "target", "feedback"):
        assert loaded[name].tobytes() == expected[name].tobytes()
    assert loaded.DESCR == expected.DESCR


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(mock, "_CLUSTERS_PER_TASK", 8)


@pytest.fixture
def interrupted(monkeypatch):
    """Interrupt the simulation at its fourth part, and list the parts that are asked for."""
    simulate, calls, interruptions = mock._simulate, [], iter([KeyboardInterrupt])

    def simulate_three(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            for interruption in interruptions:
                raise interruption
        return simulate(*arguments)

    monkeypatch.setattr(mock, "_simulate", simulate_three)
    return calls


def test_what_goes_to_disk_is_what_would_be_in_memory(tmp_path, expected):
    path = tmp_path / "clusters.h5"
    clusters = make_clusters(**SETTINGS, path=path)
    np.testing.assert_array_equal(np.asarray(clusters.data), expected.data)
    assert_same(path, expected)
    assert os.listdir(tmp_path) == ["clusters.h5"]
    data, target = make_clusters(**SETTINGS, path=path, return_X_y=True)
    np.testing.assert_array_equal(target, expected.target)
    np.testing.assert_array_equal(np.asarray(data), expected.data)


def test_labels_of_every_kind_are_written(tmp_path):
    options = {"cross_sections": (0, 3.04), "velocity_scale": 560, "feedback": ("weak", "strong")}
    options |= SETTINGS | {"n_halos": 2}
    expected = make_clusters(**options)
    clusters = make_clusters(**options, path=tmp_path / "clusters.h5")
    assert clusters.target_names.tolist() == ["CDM", "vdSIDM3.04w560"]
    assert_same(tmp_path / "clusters.h5", expected)
    save_clusters(tmp_path / "clusters.fits", clusters)
    assert_same(tmp_path / "clusters.fits", expected)


def test_an_interrupted_simulation_goes_on_where_it_was(tmp_path, expected, interrupted, capsys):
    path = tmp_path / "clusters.h5"
    with pytest.raises(KeyboardInterrupt):
        make_clusters(**SETTINGS, path=path)
    assert os.listdir(tmp_path) == ["clusters.h5.partial"]
    with open(tmp_path / "clusters.h5.partial" / "records.bin", "ab") as file:
        file.write(b"half a record that was never counted")

    with pytest.raises(ValueError, match=r"clusters.h5.partial was started with other settings"):
        make_clusters(**SETTINGS | {"random_state": 4}, path=path)
    interrupted.clear()
    make_clusters(**SETTINGS, path=path, verbose=1)
    assert len(interrupted) == 3  # three of the six parts were there
    assert_same(path, expected)
    assert "48/48" in capsys.readouterr().err


def shorten(path, n_bytes):
    os.truncate(path, path.stat().st_size - n_bytes)


def blank(path, n_bytes):
    size = path.stat().st_size
    os.truncate(path, size - n_bytes)
    os.truncate(path, size)  # zeros, as file systems leave them where a write was lost


@pytest.mark.parametrize("lose", [shorten, blank])
@pytest.mark.parametrize(
    ("name", "n_bytes", "n_kept"),
    [("records.bin", 100, 2), ("records.bin", 9 * 1200, 1), ("galaxies.bin", 5, 2), ("parts.jsonl", 3, 2)],
)
def test_records_that_were_lost_are_simulated_again(
    tmp_path, expected, interrupted, lose, name, n_bytes, n_kept
):
    path, folder = tmp_path / "clusters.h5", tmp_path / "clusters.h5.partial"
    with pytest.raises(KeyboardInterrupt):
        make_clusters(**SETTINGS, path=path)
    lose(folder / name, n_bytes)
    interrupted.clear()
    make_clusters(**SETTINGS, path=path)
    assert len(interrupted) == 6 - n_kept
    assert_same(path, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system for the name of an open file")
def test_parts_are_on_the_disk_before_they_are_noted(tmp_path, monkeypatch):
    events, fsync = [], os.fsync

    def watched(descriptor):
        events.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    part = PartialFile(tmp_path / "clusters.h5", record_dtype(5), {})
    monkeypatch.setattr(os, "fsync", watched)
    part.append(np.zeros(2, record_dtype(5)), np.zeros(3, GALAXY_DTYPE))
    assert events == ["records.bin", "galaxies.bin", "parts.jsonl"]


@pytest.mark.slow
def test_a_killed_simulation_ends_with_the_same_clusters(tmp_path, expected):
    path = tmp_path / "clusters.h5"
    code = (
        "from darkcnn.datasets import make_clusters, mock\n"
        "mock._CLUSTERS_PER_TASK = 8\n"
        f"make_clusters(**{SETTINGS}, path={str(path)!r})"
    )
    progress = tmp_path / "clusters.h5.partial" / "parts.jsonl"
    n_killed = 0
    while not path.exists():  # killed after each of three parts
        before = progress.read_bytes() if progress.exists() else b""
        process = subprocess.Popen([sys.executable, "-c", code])
        while (
            n_killed < 3
            and process.poll() is None
            and (not progress.exists() or progress.read_bytes() == before)
        ):
            time.sleep(0.001)
        if n_killed < 3 and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            n_killed += 1
        process.wait()
    assert n_killed == 3
    assert_same(path, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "clusters.fits"}, "path must end in .h5 or .hdf5, got 'clusters.fits'"),
        ({"path": "clusters.h5", "random_state": None}, "random_state must be an integer .* got None"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_clusters(**SETTINGS | arguments)

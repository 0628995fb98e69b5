import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from darkcnn.datasets import load_clusters, make_clusters, mock

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


def test_what_goes_to_disk_is_what_would_be_in_memory(tmp_path, expected):
    path = tmp_path / "clusters.h5"
    clusters = make_clusters(**SETTINGS, path=path)
    np.testing.assert_array_equal(np.asarray(clusters.data), expected.data)
    assert_same(path, expected)
    assert os.listdir(tmp_path) == ["clusters.h5"]
    data, target = make_clusters(**SETTINGS, path=path, return_X_y=True)
    np.testing.assert_array_equal(target, expected.target)
    np.testing.assert_array_equal(np.asarray(data), expected.data)


def test_an_interrupted_simulation_goes_on_where_it_was(tmp_path, expected, monkeypatch, capsys):
    path = tmp_path / "clusters.h5"
    simulate, n_calls = mock._simulate, 0

    def interrupted(*arguments):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 4:
            raise KeyboardInterrupt
        return simulate(*arguments)

    monkeypatch.setattr(mock, "_simulate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_clusters(**SETTINGS, path=path)
    assert os.listdir(tmp_path) == ["clusters.h5.partial"]
    with open(tmp_path / "clusters.h5.partial" / "records.bin", "ab") as file:
        file.write(b"half a record that was never counted")

    with pytest.raises(ValueError, match=r"clusters.h5.partial is of a simulation with other settings"):
        make_clusters(**SETTINGS | {"random_state": 4}, path=path)
    n_calls = 10
    make_clusters(**SETTINGS, path=path, verbose=1)
    assert n_calls == 13  # three of the six parts were there
    assert_same(path, expected)
    assert "48/48" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_simulation_ends_with_the_same_clusters(tmp_path, expected):
    path = tmp_path / "clusters.h5"
    code = (
        "from darkcnn.datasets import make_clusters, mock\n"
        "mock._CLUSTERS_PER_TASK = 8\n"
        f"make_clusters(**{SETTINGS}, path={str(path)!r})"
    )
    progress = tmp_path / "clusters.h5.partial" / "progress.json"
    n_killed = 0
    while not path.exists():
        before = progress.read_bytes() if progress.exists() else b""
        process = subprocess.Popen([sys.executable, "-c", code])
        while process.poll() is None and (not progress.exists() or progress.read_bytes() == before):
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            n_killed += 1
        process.wait()
    assert n_killed > 0
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

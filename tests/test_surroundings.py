"""The command where users have put it: odd paths, no home, no assertions, no backend."""

import os
import subprocess
import sys

import pytest

from darkcnn.datasets import make_clusters, save_clusters

COMMAND = (sys.executable, "-O", "-c", "from darkcnn.cli import main; main(prog_name='darkcnn')")


def darkcnn(folder, *words, **variables):
    environment = os.environ | {"HOME": "/proc/nobody", "KERAS_HOME": "/proc/nobody"} | variables
    command = [*COMMAND, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    """A folder with a name that has spaces and letters beyond ASCII, and a small database in it."""
    folder = tmp_path / "späte Würfe Ω"
    folder.mkdir()
    clusters = make_clusters(4, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=10, random_state=0)
    save_clusters(folder / "haufen ü.h5", clusters)
    return folder


@pytest.mark.slow
def test_the_command_works_without_home_and_assertions_on_odd_paths(folder):
    fitted = darkcnn(folder, "fit", "haufen ü.h5", "-o", "simple", "-n", "1", "-f", "modell ö.keras")
    assert fitted.returncode == 0, fitted.stderr
    predicted = darkcnn(folder, "predict", "modell ö.keras", "haufen ü.h5", "-o", "tafel.csv")
    assert predicted.returncode == 0, predicted.stderr
    assert len((folder / "tafel.csv").read_text().splitlines()) == 9


@pytest.mark.slow
def test_a_missing_backend_is_named(folder):
    fitted = darkcnn(folder, "fit", "haufen ü.h5", "-f", "model.keras", KERAS_BACKEND="nonsense")
    assert fitted.returncode == 1
    assert "Error: keras cannot start the backend 'nonsense' (" in fitted.stderr
    assert "Traceback" not in fitted.stderr

"""The command where users have put it: odd paths, no home, no assertions, no backend, a read-only wheel."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from darkcnn import __version__, default_pipeline
from darkcnn.datasets import load_clusters, make_clusters, save_clusters

# Several commands, separated by "+", in one interpreter.
COMMANDS = """
import sys
from itertools import groupby
from darkcnn.cli import main
for is_separator, words in groupby(sys.argv[1:], "+".__eq__):
    if not is_separator:
        main(list(words), prog_name="darkcnn", standalone_mode=False)
"""


def darkcnn(folder, *words, code=COMMANDS, **variables):
    environment = os.environ | {"HOME": "/proc/none", "KERAS_HOME": "/proc/none"} | variables
    command = [sys.executable, "-O", "-c", code, *words]
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
    fit = ["fit", "haufen ü.h5", "-o", "simple", "-n", "1", "-f", "modell ö.keras"]
    done = darkcnn(folder, *fit, "+", "predict", "modell ö.keras", "haufen ü.h5", "-o", "tafel.csv")
    assert done.returncode == 0, done.stderr
    assert len((folder / "tafel.csv").read_text().splitlines()) == 9


# The superuser may write everywhere, unless this is taken away.
UNPRIVILEGED = ["setpriv", "--inh-caps", "-dac_override", "--bounding-set", "-dac_override"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="permissions as Linux has them")
def test_the_wheel_works_from_a_folder_that_cannot_be_written(folder, tmp_path):
    root, site, home = Path(__file__).parents[1], tmp_path / "site", tmp_path / "home"
    source = tmp_path / "source"
    shutil.copytree(root / "darkcnn", source / "darkcnn", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--root-user-action", "ignore"]
    command = [*pip, "install", *options, "--no-compile", "--target", site, source]
    subprocess.run(command, check=True)
    description = next(site.glob("*.dist-info/METADATA")).read_text(encoding="utf-8")
    assert re.findall(r"""(?:\]\(|src=")(?!https:)[^)"]*""", description) == []  # links that PyPI would break
    home.mkdir()
    for path in (*site.rglob("*"), site, home):
        path.chmod(path.stat().st_mode & 0o555)

    def run(*words):
        command = [*(UNPRIVILEGED if os.geteuid() == 0 else []), sys.executable, "-O", *words]
        environment = os.environ | {"HOME": home, "PYTHONPATH": site}
        environment.pop("KERAS_HOME", None)
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    for place in (site, home):
        assert "PermissionError" in run("-c", f"open({str(place / 'new')!r}, 'w')").stderr
    code = "import darkcnn; print(darkcnn.__file__); print(len(darkcnn.load_pretrained().classes_))\n"
    fit = ["fit", "haufen ü.h5", "-o", "simple", "-n", "1", "-f", "modell ö.keras"]
    done = run(
        "-c", code + COMMANDS, *fit, "+", "predict", "modell ö.keras", "haufen ü.h5", "-o", "tafel.csv"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [str(site / "darkcnn" / "__init__.py"), "4"]
    assert len((folder / "tafel.csv").read_text().splitlines()) == 9
    version = run(next(site.glob("bin/darkcnn")), "--version")
    assert __version__ in version.stdout, version.stderr


@pytest.mark.slow
def test_a_missing_backend_is_named(folder):
    words = "fit", "haufen ü.h5", "-f", "model.keras"
    code = "from darkcnn.cli import main; main(prog_name='darkcnn')"
    fitted = darkcnn(folder, *words, code=code, KERAS_BACKEND="nonsense")
    assert fitted.returncode == 1
    assert "Error: keras cannot start the backend 'nonsense' (" in fitted.stderr
    assert "Traceback" not in fitted.stderr


TWO_DEVICES = """
import json, keras, numpy as np, sys, tensorflow as tf
from darkcnn import __version__, default_pipeline
from darkcnn.datasets import load_clusters

class Look(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        print(type(self.model.trainable_variables[0].value).__name__)

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
clusters = load_clusters("haufen ü.h5")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = default_pipeline("simple", **json.loads(sys.argv[1]), callbacks=[Look()])
    np.save("two.npy", model.fit(clusters.data, clusters.target).predict_proba(clusters.data))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="MirroredStrategy is TensorFlow's"
)
def test_a_network_trains_on_two_devices_as_on_one(folder):
    options = {"n_views": 2, "epochs": 2, "batch_size": 4, "random_state": 0}
    command = [sys.executable, "-c", TWO_DEVICES, json.dumps(options)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "MirroredVariable" in done.stdout
    clusters = load_clusters(folder / "haufen ü.h5")
    alone = default_pipeline("simple", **options).fit(clusters.data, clusters.target)
    np.testing.assert_allclose(alone.predict_proba(clusters.data), np.load(folder / "two.npy"), rtol=1e-5)

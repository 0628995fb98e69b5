import json
import os
import subprocess
import sys
from importlib import metadata

import pytest

from darkcnn._common import versions as module
from darkcnn._common.versions import backend_of_keras, versions


@pytest.fixture
def without_keras(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_the_backend_is_found_where_keras_looks_for_it(without_keras, monkeypatch):
    assert backend_of_keras() == "tensorflow"
    for content in ("{", "[]", '{"floatx": "float32"}'):
        (without_keras / "keras.json").write_text(content)
        assert backend_of_keras() == "tensorflow"
    (without_keras / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert backend_of_keras() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert backend_of_keras() == "jax"


def test_only_the_backend_in_use_is_listed(without_keras, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "joblib")  # stands for one that is installed
    found = versions()
    assert found["backend"] == "joblib"
    assert found["joblib"] == metadata.version("joblib")
    assert "tensorflow" not in found


def test_the_backend_may_come_from_a_distribution_of_another_name(monkeypatch):
    def version(name):
        if name == "tensorflow":
            raise metadata.PackageNotFoundError(name)
        return "2.18.1" if name == "tensorflow-cpu" else metadata.version(name)

    monkeypatch.setattr(module, "backend_of_keras", lambda: "tensorflow")
    monkeypatch.setattr(module, "version", version)
    monkeypatch.setattr(module, "packages_distributions", lambda: {"tensorflow": ["tensorflow-cpu"] * 2})
    assert versions()["tensorflow-cpu"] == "2.18.1"
    monkeypatch.setattr(module, "packages_distributions", dict)
    assert versions()["backend"] == "tensorflow"


@pytest.mark.slow
def test_keras_agrees_about_its_backend(tmp_path):
    code = (
        "from darkcnn._common.versions import backend_of_keras as backend; before = backend(); "
        "import sys; assert 'keras' not in sys.modules; import keras; print(before, backend())"
    )
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    environment = os.environ | {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.stdout == "tensorflow tensorflow\n", result.stderr

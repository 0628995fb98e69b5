import importlib
import os
import subprocess
import sys

import pytest

from darkcnn._common import quiet

START = "import darkcnn.networks, keras, os; keras.ops.zeros(1); print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"


@pytest.mark.slow
def test_networks_start_in_silence():
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_setting_of_the_user_stands(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    importlib.reload(quiet)
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"

import os
import subprocess
import sys

import pytest

START = "import darkcnn.networks, keras, os; keras.ops.zeros(1); print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"


def start(**variables):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | variables
    return subprocess.run(
        [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True
    )


@pytest.mark.slow
def test_networks_start_in_silence():
    assert start().stderr == ""


@pytest.mark.slow
def test_setting_of_the_user_stands():
    assert start(TF_CPP_MIN_LOG_LEVEL="1").stdout == "1\n"

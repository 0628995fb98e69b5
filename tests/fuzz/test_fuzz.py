"""Mutated files are read or refused by name; for what must not happen, see ``harness.py``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

N_FILES = {"fits": 300, "hdf5": 300, "pickle": 300, "study": 300, "checkpoint": 150, "model": 40}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits and audits the process as Linux does")
@pytest.mark.parametrize("reader", N_FILES)
def test_mutated_files_are_read_or_refused(tmp_path, reader):
    harness = Path(__file__).with_name("harness.py")
    command = [sys.executable, harness, reader, tmp_path, str(N_FILES[reader]), "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    counts = json.loads(result.stdout)
    assert counts["refused"] + counts["read"] >= N_FILES[reader]
    assert counts["refused"] > 0

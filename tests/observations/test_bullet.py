"""The Bullet Cluster: the example of the gallery, from the public catalogue to a posterior."""

import os
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "plot_bullet.py"


@pytest.mark.slow
@pytest.mark.skipif("DARKCNN_TEST_DATA" not in os.environ, reason="needs DARKCNN_TEST_DATA")
def test_the_published_mass_is_found_and_one_cluster_gives_no_limit(capsys, monkeypatch):
    mpl.use("agg")
    found = runpy.run_path(str(EXAMPLE))
    assert found["compare"](found["bullet"], found["lensing"]) > 0.85
    assert "no limit on the cross-section from 1 cluster" in capsys.readouterr().out
    assert found["lensing"].n_gal == pytest.approx(110, rel=0.1)


def test_the_example_is_skipped_without_the_data(capsys, monkeypatch):
    monkeypatch.delenv("DARKCNN_TEST_DATA", raising=False)
    mpl.use("agg")
    runpy.run_path(str(EXAMPLE))
    assert "skipped" in capsys.readouterr().out

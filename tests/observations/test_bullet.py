"""The example of the gallery from a shear catalogue to a posterior: simulated, and the Bullet Cluster."""

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
    assert found["compare"](found["bullet"], found["published"], ("published", "here")) > 0.85
    assert capsys.readouterr().out.splitlines()[-1] == "no limit on the cross-section from 1 cluster"
    assert found["bullet"].n_gal == pytest.approx(110, rel=0.1)


@pytest.mark.slow
def test_the_simulated_catalogue_needs_no_data(capsys, monkeypatch):
    monkeypatch.delenv("DARKCNN_TEST_DATA", raising=False)
    mpl.use("agg")
    found = runpy.run_path(str(EXAMPLE))
    assert found["compare"](found["lensing"], found["kappa"], ("truth", "reconstructed")) > 0.8
    assert "skipped" in capsys.readouterr().out

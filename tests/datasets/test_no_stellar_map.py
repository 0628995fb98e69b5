"""Clusters without a stellar map, from arrays to predictions: in memory, HDF5 and FITS, with or without "
"its column."""

import numpy as np
import pytest
from astropy.io import fits
from sklearn.pipeline import make_pipeline

from darkcnn import MapSelector, default_pipeline, make_records
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.preprocessing import profile_baseline
from darkcnn.records import NORMS


@pytest.fixture(scope="module")
def made():
    """Records made of the total and X-ray maps of mock clusters."""
    mock = make_clusters(8, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=100, random_state=0)
    maps = {
        name: mock.data[name] * mock.data[norm][:, None, None]
        for name, norm in zip(("total", "xray"), NORMS, strict=False)
    }
    return make_records(
        **maps,
        pixel_scale=20,
        redshift=0.25,
        cluster_id=mock.groups,
        cross_section=mock.target,
        n_pixels=20,
        center="middle",
    )


@pytest.fixture(params=["memory", "clusters.h5", "clusters.fits", "no column"])
def stored(request, made, tmp_path):
    if request.param == "memory":
        return made
    name = "clusters.fits" if request.param == "no column" else request.param
    save_clusters(tmp_path / name, made)
    if request.param == "no column":
        with fits.open(tmp_path / name) as hdus:
            kept = [column for column in hdus[1].columns if not column.name.startswith("stellar")]
            table = fits.BinTableHDU.from_columns(fits.ColDefs(kept), hdus[1].header, name="CLUSTERS")
            table.writeto(tmp_path / "other.fits")
        name = "other.fits"
    return load_clusters(tmp_path / name)


def test_networks_and_the_baseline_learn_from_the_other_maps(stored, made):
    assert np.isnan(np.asarray(stored.data["stellar"])).all()
    assert np.isnan(stored.data["stellar_norm"]).all()
    for pipeline in (
        default_pipeline("simple", maps=("total", "xray"), n_views=1, epochs=1, random_state=0),
        make_pipeline(MapSelector(maps=("total", "xray")), profile_baseline()),
    ):
        probabilities = pipeline.fit(stored.data, stored.target).predict_proba(stored.data)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_what_needs_it_refuses_it_by_name(made):
    with pytest.raises(ValueError, match="'stellar'"):
        default_pipeline("simple", epochs=1).fit(made.data, made.target)

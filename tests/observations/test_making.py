import numpy as np
import pytest
from astropy import units as u

from darkcnn import ObservedRecords, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn.datasets import load_clusters, save_clusters
from darkcnn.observations import make_observations


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(20, 20))


def test_pipelines_and_files_recognise_observations(clusters, tmp_path):
    """Observations of a mock cluster, taken out of the records and put in again, are predicted alike."""
    pipeline = default_pipeline(
        "simple",
        maps=("total", "xray"),
        noise=[WeakLensingNoise(), XrayNoise()],
        n_views=1,
        epochs=1,
        random_state=0,
    ).fit(clusters.data, clusters.target)
    seen = pipeline[:2].transform(clusters.data[:3])
    made = make_observations(
        total=list(seen["total"]),
        xray=list(seen["xray"]),
        redshift=seen["redshift"],
        cluster_id=["A 1", "A 2", "A 3"],
    )
    assert isinstance(made, ObservedRecords)
    expected = pipeline.predict_proba(clusters.data[:3])
    np.testing.assert_array_equal(pipeline.predict_proba(made), expected)
    save_clusters(tmp_path / "sample.h5", made)
    loaded = load_clusters(tmp_path / "sample.h5", labelled=False)
    np.testing.assert_array_equal(pipeline.predict_proba(loaded.data), expected)


def test_what_is_not_given_is_nan(noise):
    made = make_observations(total=noise, redshift=0.3, cluster_id="A 2744", log_mass=15.1)
    assert np.isnan(made["xray"]).all()
    assert np.isnan([made["lensing_norm"], made["stellar_norm"], made["bcg_e1"]]).all()
    assert made["log_mass"] == np.float32(15.1)


def test_stellar_maps_have_units(noise):
    stars = np.abs(noise) * 1e12
    for given in (stars, stars / 1e6 * u.Msun / u.kpc**2):
        made = make_observations(stellar=given, redshift=0.3, cluster_id=1)
        np.testing.assert_allclose(made["stellar_norm"], stars.max())
        np.testing.assert_allclose(made["stellar"][0], stars / stars.max(), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"total": lambda noise: 0.1 * noise},
            r"must be the convergence over its noise, .* got 0\.10\d: divide it",
        ),
        ({"total": lambda noise: np.zeros_like(noise)}, "must be the convergence over its noise"),
        ({"total": lambda noise: 1e14 * noise}, "must be the convergence over its noise"),
        ({"total": lambda noise: np.where(noise > 2, np.nan, noise)}, "must be finite in every pixel"),
        ({"xray": lambda noise: np.abs(noise) / np.abs(noise).max()}, "must contain photon counts"),
        ({"xray": lambda noise: 10 * noise}, "must contain photon counts"),
        ({"xray": lambda noise: np.abs(noise) * u.ct / u.s}, "'xray' must be in ''"),
        ({"stellar": lambda noise: noise}, "'stellar' must be zero or more, with a positive peak"),
        ({"total": lambda noise: noise[:15]}, "maps must be square and of one size"),
        ({"xray": lambda noise: [10 * np.abs(noise)] * 2}, "of the same number of clusters"),
        ({"redshift": lambda _: np.nan}, "redshift must be known"),
        ({"cluster_id": lambda _: ""}, "the halo of row 0"),
    ],
)
def test_wrong_observations_are_refused(noise, changes, message):
    given = {"total": noise, "redshift": 0.3, "cluster_id": 1}
    for name, change in changes.items():
        given[name] = change(noise)
    with pytest.raises(ValueError, match=message):
        make_observations(**given)

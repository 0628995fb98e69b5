from dataclasses import replace

import numpy as np
import pytest

from darkcnn.datasets import make_clusters
from darkcnn.simulation import Physics, with_feedback


@pytest.fixture(scope="module")
def variants():
    """Return 24 halos of cold dark matter in three variants of feedback, in arrays of (halo, feedback)."""
    return make_clusters(
        24, cross_sections=(0,), redshifts=(0.25,), feedback=("weak", "fiducial", "strong"), random_state=5
    )


def mean_by_feedback(values):
    return np.mean(np.reshape(values, (-1, 3)), axis=0)


def test_feedback_is_told_apart_from_dark_matter(variants):
    assert variants.target.tolist() == ["CDM"] * 72
    assert variants.feedback[:3].tolist() == ["weak", "fiducial", "strong"]
    assert variants.target_names.tolist() == ["CDM"]
    fiducial = make_clusters(24, cross_sections=(0,), redshifts=(0.25,), random_state=5)
    np.testing.assert_array_equal(variants.data[1::3], fiducial.data)
    assert set(fiducial.feedback) == {"fiducial"}


def test_stronger_feedback_dims_and_flattens_the_gas(variants):
    assert (np.diff(mean_by_feedback(np.log10(variants.data["xray_norm"]))) < 0).all()
    assert (np.diff(mean_by_feedback(variants.data["xray_concentration"])) < 0).all()
    assert (np.diff(mean_by_feedback(np.log10(variants.data["lensing_norm"]))) < 0).all()


def test_feedback_leaves_halo_and_core_radius_alone(variants):
    for name in ("log_mass", "redshift", "cluster_id"):
        values = variants.data[name].reshape(-1, 3)
        np.testing.assert_array_equal(values, values[:, :1].repeat(3, axis=1))
    both = make_clusters(6, cross_sections=(1,), redshifts=(0,), feedback=("weak", "strong"), random_state=5)
    weak, strong = both.core_radius.reshape(-1, 2).T
    np.testing.assert_allclose(weak, strong, rtol=0.5)  # they differ by the divergence of simulations
    assert np.mean(np.log(strong / weak)) == pytest.approx(0, abs=0.25)
    assert len(np.unique(both.effective_cross_section)) == 1


def test_a_simulation_may_heat_more_than_fiducial():
    hot = with_feedback(Physics(heating=0.2), "fiducial")
    assert hot == replace(with_feedback(Physics(), "strong"), heating=0.2)
    assert with_feedback(Physics(heating=0.2), "weak") == Physics(heating=0.2)

import pickle

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from darkcnn import MapSelector, XrayNoise, default_pipeline
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.disk import RecordsOnDisk


@pytest.fixture(scope="module")
def clusters():
    return make_clusters(8, cross_sections=(0, 1), redshifts=(0.25, 0.375), n_pixels=10, random_state=0)


@pytest.fixture
def stored(clusters, tmp_path):
    save_clusters(tmp_path / "clusters.h5", clusters)
    return load_clusters(tmp_path / "clusters.h5", mmap=True)


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(3, 9),
        slice(None, None, -3),
        [5, 0, 0, -1],
        np.array([7, 2]),
        np.arange(32) % 3 == 0,
        np.zeros(32, bool),
        (np.array([1, 4]), Ellipsis),
    ],
)
def test_rows_are_those_of_the_array(clusters, stored, rows):
    some, expected = stored.data[rows], clusters.data[rows]
    assert isinstance(some, RecordsOnDisk)
    assert (some.shape, len(some), some.dtype) == (expected.shape, len(expected), expected.dtype)
    np.testing.assert_array_equal(np.asarray(some), expected)
    np.testing.assert_array_equal(some["total"], expected["total"])
    np.testing.assert_array_equal(some[["redshift", "log_mass"]], expected[["redshift", "log_mass"]])
    np.testing.assert_array_equal(np.asarray(some[::-1]), expected[::-1])


def test_one_row_is_one_record(clusters, stored):
    assert stored.data[3] == clusters.data[3]
    assert stored.data[[5, 3]][-1] == clusters.data[3]
    with pytest.raises(IndexError):
        stored.data[len(stored.data)]


def test_pickles_hold_the_path_and_not_the_records(stored):
    pickled = pickle.dumps(stored.data[::2])
    assert len(pickled) < 0.1 * stored.data.dtype.itemsize * len(stored.data)
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickled)), np.asarray(stored.data)[::2])


def test_noise_and_maps_are_the_same(clusters, stored):
    noise = XrayNoise(random_state=0)
    for step in (MapSelector(attributes=("redshift", "xray_norm")), noise):
        expected = np.asarray(step.fit_transform(clusters.data))
        np.testing.assert_array_equal(np.asarray(step.fit_transform(stored.data)), expected)


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_cross_validation_is_the_same(clusters, stored, n_jobs):
    pipeline = default_pipeline("simple", n_views=2, epochs=1, random_state=0)
    cv = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    scores = [
        cross_val_score(
            pipeline, X, clusters.target, groups=clusters.groups, cv=cv, n_jobs=jobs, scoring="neg_log_loss"
        )
        for X, jobs in ((clusters.data, None), (stored.data, n_jobs))
    ]
    np.testing.assert_array_equal(*scores)

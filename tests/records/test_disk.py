import pickle

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from darkcnn import MapSelector, XrayNoise, default_pipeline
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.records import RecordsOnDisk


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


def test_numbers_are_read_once_for_all_rows(clusters, stored, monkeypatch):
    stored.data["redshift"]
    monkeypatch.setattr(RecordsOnDisk, "_map", None)
    np.testing.assert_array_equal(stored.data["log_mass"], clusters.data["log_mass"])
    np.testing.assert_array_equal(stored.data[5:1:-1]["cluster_id"], clusters.data[5:1:-1]["cluster_id"])


def test_fields_with_maps_come_as_a_whole(clusters, stored):
    fields = ["total", "redshift"]
    np.testing.assert_array_equal(stored.data[[3, 1]][fields], clusters.data[[3, 1]][fields])


def test_galaxies_stay_on_disk(clusters, stored):
    assert isinstance(stored.galaxies, RecordsOnDisk)
    np.testing.assert_array_equal(np.asarray(stored.galaxies), clusters.galaxies)
    heavy = clusters.galaxies["m200"] > 12
    np.testing.assert_array_equal(np.asarray(stored.galaxies[heavy]), clusters.galaxies[heavy])


def test_what_is_on_disk_can_be_saved_again(clusters, stored, tmp_path):
    for name in ("again.h5", "again.fits"):
        save_clusters(tmp_path / name, stored)
        again = load_clusters(tmp_path / name)
        assert again.data.tobytes() == clusters.data.tobytes()
        assert again.galaxies.tobytes() == clusters.galaxies.tobytes()


def test_rows_of_a_npy_file_are_not_copied(clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    mapped = np.load(tmp_path / "records.npy", mmap_mode="r")
    records = RecordsOnDisk.from_memmap(mapped)[[4, 2]]
    assert isinstance(records, RecordsOnDisk)
    np.testing.assert_array_equal(np.asarray(records), clusters.data[[4, 2]])
    for wrong in (clusters.data, mapped[2:], mapped["total"]):
        with pytest.raises(TypeError, match=r"mapped must (be a memory-mapped array|contain all records)"):
            RecordsOnDisk.from_memmap(wrong)


def test_records_of_another_byte_order_are_turned(clusters, tmp_path):
    stored = np.dtype(
        [("label", "S4"), *((n, t[0].newbyteorder(">")) for n, t in clusters.data.dtype.fields.items())]
    )
    table = np.zeros(len(clusters.data), stored)
    for name in clusters.data.dtype.names:
        table[name] = clusters.data[name]
    (tmp_path / "records.bin").write_bytes(b"ahead" + table.tobytes())
    records = RecordsOnDisk(tmp_path / "records.bin", clusters.data.dtype, 5, len(table), stored=stored)
    assert np.asarray(records).tobytes() == clusters.data.tobytes()
    assert records[3] == clusters.data[3]
    for name in ("xray", "redshift"):
        assert records[name].dtype == clusters.data[name].dtype
        np.testing.assert_array_equal(records[4:][name], clusters.data[4:][name])


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

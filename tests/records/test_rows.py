"""Lazy rows look like the array that they stand for."""

import numpy as np
import pytest

from darkcnn import RotationFlipAugmenter, XrayNoise
from darkcnn.preprocessing import Maps, Views, as_maps
from darkcnn.records import CHUNK, LazyRows, ObservedRecords, RecordsOnDisk, record_dtype

N_ROWS = CHUNK + 5


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    records = np.empty(N_ROWS, record_dtype(4))
    for name in records.dtype.names:
        records[name] = rng.random(records[name].shape)
    records["xray_norm"] *= 1e-12
    records["cluster_id"] = np.arange(N_ROWS)
    return records


@pytest.fixture(scope="module", params=["disk", "observed", "seen", "maps", "views"])
def lazy(request, records, tmp_path_factory):
    """Lazy rows of each kind, and the array that they stand for."""
    maps = as_maps(np.stack([records["total"], records["xray"]], axis=-1))
    if request.param == "disk":
        path = tmp_path_factory.mktemp("rows") / "records.npy"
        np.save(path, records)
        return RecordsOnDisk.from_memmap(np.load(path, mmap_mode="r")), records
    if request.param == "observed":
        observed = XrayNoise(random_state=0).fit_transform(records)
        return observed, observed.draw(np.arange(N_ROWS))
    if request.param == "seen":
        return ObservedRecords(records), records
    if request.param == "maps":
        return maps, maps.draw(np.arange(N_ROWS))
    views = RotationFlipAugmenter(2, random_state=0).fit_transform(maps)
    rows, some = np.indices((N_ROWS, 2)).reshape(2, -1)
    return views, views.draw(rows, some).reshape(views.shape)


def test_whole(lazy):
    rows, array = lazy
    assert isinstance(rows, LazyRows)
    assert (rows.shape, rows.ndim, len(rows), rows.dtype) == (array.shape, array.ndim, N_ROWS, array.dtype)
    np.testing.assert_array_equal(np.asarray(rows), array)
    np.testing.assert_array_equal(np.asarray(rows[...]), array)


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(3, 9),
        slice(None, None, -7),
        slice(5, 5),
        [5, 0, 0, -1],
        np.array([7, 2]),
        np.arange(N_ROWS) % 3 == 0,
        np.zeros(N_ROWS, bool),
        (np.array([1, 4]), Ellipsis),
    ],
)
def test_some_rows_are_lazy_and_those_of_the_array(lazy, key):
    rows, array = lazy
    some = rows[key]
    assert type(some) is type(rows)
    assert some.shape == array[key].shape
    np.testing.assert_array_equal(np.asarray(some), array[key])
    np.testing.assert_array_equal(np.asarray(some[::-1]), array[key][::-1])


@pytest.mark.parametrize("key", [3, -1, np.int32(5), np.array(2), (4, Ellipsis)])
def test_one_row_is_that_of_the_array(lazy, key):
    rows, array = lazy
    np.testing.assert_array_equal(rows[key], array[key])
    assert rows[key].dtype == array.dtype


@pytest.mark.parametrize("key", [N_ROWS, -N_ROWS - 1, [N_ROWS], np.zeros(3, bool), (2, 3), "mass", None, 0.5])
def test_other_keys_are_refused(lazy, key):
    rows, _ = lazy
    with pytest.raises((IndexError, TypeError, ValueError)):
        rows[key]


def test_other_types_are_converted(lazy):
    rows, array = lazy
    if array.dtype.names is None:
        assert np.asarray(rows, dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.array(rows, dtype=array.dtype, copy=True), array)


@pytest.mark.parametrize("fields", [["redshift"], ["cluster_id", "xray_norm"], ["total", "redshift", "xray"]])
def test_fields_are_those_of_the_array(lazy, fields):
    rows, array = lazy
    if isinstance(rows, Maps | Views):
        with pytest.raises(IndexError):
            rows[fields]
        return
    assert rows[fields].dtype.names == tuple(fields)
    np.testing.assert_array_equal(rows[fields], array[fields])
    for name in fields:
        np.testing.assert_array_equal(rows[name], array[name])
    with pytest.raises(ValueError, match="no field of name mass; there are "):
        rows["mass"]
    with pytest.raises(ValueError, match="no field of name mass; there are "):
        rows[["redshift", "mass"]]

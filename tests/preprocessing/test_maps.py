import astropy.units as u
import numpy as np
import pytest
from astropy.utils.masked import Masked

from darkcnn import MapSelector
from darkcnn.preprocessing import Maps, as_maps
from darkcnn.records import CHUNK


def double(batch):
    return batch * 2


def test_maps_look_like_an_array():
    X = np.random.default_rng(0).random((5, 4, 4, 2), dtype=np.float32)
    maps = as_maps(X)
    assert maps.shape == (5, 4, 4, 2)
    assert len(maps) == 5
    np.testing.assert_array_equal(np.asarray(maps), X)
    np.testing.assert_array_equal(np.asarray(maps, dtype=np.float64), X)
    np.testing.assert_array_equal(maps[3], X[3])
    np.testing.assert_array_equal(np.asarray(maps[np.array([4, 0])]), X[[4, 0]])
    np.testing.assert_array_equal(np.asarray(maps[X[:, 0, 0, 0] > 0.5, ...]), X[X[:, 0, 0, 0] > 0.5])
    np.testing.assert_array_equal(np.asarray(maps[1:3]), X[1:3])


def test_rows_carry_their_attributes_and_groups():
    maps = Maps(np.zeros((4, 2, 2, 1), "f4"), (2, 2, 1), attributes=np.eye(4), groups=np.arange(4))
    picked = maps[[3, 1]]
    np.testing.assert_array_equal(picked.attributes, np.eye(4)[[3, 1]])
    np.testing.assert_array_equal(picked.groups, [3, 1])


def test_float32_maps_are_not_copied():
    X = np.zeros((3, 4, 4, 1), np.float32)
    assert as_maps(X).source is X


def test_memory_mapped_rows_wait_until_drawn(tmp_path):
    n_samples = CHUNK + 3
    X = np.random.default_rng(0).random((n_samples, 3, 3, 1), dtype=np.float32)
    np.save(tmp_path / "maps.npy", X)
    lazy = as_maps(np.load(tmp_path / "maps.npy", mmap_mode="r")).apply(double)
    eager = as_maps(X).apply(double)
    assert lazy.steps == (double,)
    assert eager.steps == ()
    np.testing.assert_array_equal(np.asarray(lazy), X * 2)
    np.testing.assert_array_equal(np.asarray(eager), X * 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    X = np.zeros((4, 3, 3, 2), np.float32)
    X[2, 1, 1, 0] = value
    with pytest.raises(ValueError, match=f"X must be finite, got {value} in 1 maps, first in row 2"):
        as_maps(X)


def test_other_shapes_are_refused(clusters):
    with pytest.raises(ValueError, match=r"\(n_samples, height, width, n_channels\), got shape \(4, 3\)"):
        as_maps(np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"got shape \(0, 3, 3, 1\)"):
        as_maps(np.zeros((0, 3, 3, 1)))
    with pytest.raises(TypeError, match="X contains records: add a MapSelector before"):
        as_maps(clusters.data)
    with pytest.raises(IndexError, match="indexed by rows"):
        as_maps(np.zeros((4, 3, 3, 1)))[:, 0]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((4, 3, 3)), r"got shape \(4, 3, 3\); one channel is X\[\.\.\., np\.newaxis\]"),
        (np.zeros((4, 3, 8, 8)), r"channels last.*\(4, 3, 8, 8\): np\.moveaxis\(X, 1, -1\)"),
        (np.ma.masked_equal(np.arange(36.0).reshape(4, 3, 3, 1), 20), "no masked pixels, got some in row 2"),
        (
            np.full((4, 3, 3, 1), 1e44),
            r"finite, got 1e\+44 in 4 maps, first in row 0; divide maps by their p",
        ),
        (
            np.full((4, 3, 3, 2), [1, 1e-46]),
            "must not be rounded to zero in float32.* 1.0 in row 0: divide maps by",
        ),
    ],
)
def test_maps_that_would_be_taken_for_others_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        as_maps(X)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (
            np.ones((4, 3, 3, 1)) * u.Msun / u.Mpc**2,
            TypeError,
            "without a unit, got Quantity in .*Mpc2",
        ),
        ([np.ones((3, 3, 1)) * u.kpc] * 2, TypeError, r"X\[0\] must be numbers without a unit"),
        ([np.ma.array(np.ones((3, 3, 1)), mask=True)], ValueError, r"X\[0\] must have no masked pixels"),
        (Masked(np.ones((4, 3, 3, 1)), True), ValueError, "no masked pixels, got some in row 0"),
        ({"total": np.ones((4, 3, 3))}, TypeError, "must be an array of maps, got a dict"),
        (np.ones((3, 3, 3)), ValueError, r"got shape \(3, 3, 3\).* one row X\[np\.newaxis\]"),
    ],
)
def test_what_means_more_than_its_numbers_is_refused_everywhere(X, error, message):
    for use in (as_maps, MapSelector().fit, MapSelector().fit(np.ones((4, 3, 3, 3))).transform):
        with pytest.raises(error, match=message):
            use(X)


def test_numbers_without_dimension_are_taken():
    assert type(as_maps(np.ones((4, 3, 3, 1)) * u.one).source) is np.ndarray


def test_an_empty_map_and_a_mask_of_nothing_are_no_fault():
    X = np.ma.masked_array(np.zeros((2, 3, 3, 2)), mask=False)
    assert type(as_maps(X).source) is np.ndarray

import pickle

import cv2
import numpy as np
import pytest
from sklearn.base import clone

from darkcnn import ObservedRecords, WeakLensingNoise
from darkcnn.pretrained import PretrainedEmbedding, network
from darkcnn.records import MAPS


@pytest.fixture
def some(example):
    return example.data[:6].copy()


def as_array(records):
    return np.stack([records[name] for name in MAPS], axis=-1)


def test_records_arrays_clones_and_pickles_give_the_same(some):
    embed = PretrainedEmbedding().fit(some)
    expected = embed.transform(some)
    assert (expected.shape, expected.dtype) == ((6, 128), np.float32)
    assert embed.get_feature_names_out()[-1] == "pretrainedembedding127"
    for other, X in (
        (clone(embed).fit(some), some),
        (PretrainedEmbedding().fit(as_array(some)), 3 * as_array(some)),
        (pickle.loads(pickle.dumps(embed)), some),
    ):
        np.testing.assert_allclose(other.transform(X), expected, rtol=0, atol=1e-5)


def test_rows_do_not_depend_on_each_other(some):
    embed = PretrainedEmbedding().fit(some)
    by_row = np.concatenate([embed.transform(some[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(embed.transform(some), by_row, rtol=0, atol=1e-5)


def test_maps_left_out_are_maps_that_are_nan(some):
    left_out = PretrainedEmbedding(maps=("total", "xray")).fit(some).transform(some)
    np.testing.assert_array_equal(
        PretrainedEmbedding(maps=("xray", "total")).fit(some).transform(some), left_out
    )
    everything = PretrainedEmbedding().fit(some)
    assert np.abs(everything.transform(some) - left_out).max() > 0.1
    some["stellar"] = np.nan
    np.testing.assert_array_equal(everything.transform(some), left_out)
    maps = as_array(some)[..., :2]
    given = PretrainedEmbedding(maps=("total", "xray")).fit(maps).transform(maps)
    np.testing.assert_allclose(given, left_out, rtol=0, atol=1e-5)


def test_one_row_without_a_map_leaves_the_others_alone(some):
    embed = PretrainedEmbedding().fit(some)
    before = embed.transform(some)
    some["xray"][2] = np.nan
    after = embed.transform(some)
    assert np.abs(after[2] - before[2]).max() > 0.1
    np.testing.assert_allclose(np.delete(after, 2, 0), np.delete(before, 2, 0), rtol=0, atol=1e-5)


def test_fine_maps_are_averaged_to_100_pixels(some):
    maps = as_array(some)[:2]  # of 50 pixels
    fine, finer = (np.kron(maps, np.ones((1, n, n, 1), np.float32)) for n in (2, 4))
    embed = PretrainedEmbedding().fit(maps)
    np.testing.assert_allclose(embed.transform(finer), embed.transform(fine), rtol=0, atol=1e-3)
    assert embed.transform(maps[:, 5:-5, 5:-5]).shape == (2, 128)  # 40 pixels: taken as they are


def test_turned_clusters_have_the_same_embedding(some):
    maps = as_array(some)
    embed = PretrainedEmbedding().fit(maps)
    turned = embed.transform(np.rot90(maps, axes=(1, 2))[:, :, ::-1])
    np.testing.assert_allclose(turned, embed.transform(maps), rtol=0, atol=1e-3)


def change(field, value, row=1):
    def changed(records):
        records[field][row] = value
        return records

    return changed


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (lambda X: change("xray", np.inf)(X), "maps must be finite; 'xray' of row 1 is not"),
        (lambda X: change("xray", 0)(X), "maps must have a pixel above zero .*; 'xray' of row 1 is not"),
        (
            lambda X: np.array(WeakLensingNoise(random_state=0).fit_transform(X)),
            "maps must be zero or more, as without noise; 'total' of row 0 is not",
        ),
        (
            lambda X: change("stellar", np.nan, (1, 3))(X),
            "maps must be NaN in every pixel \\(missing\\) or in none; 'stellar' of row 1 is not",
        ),
        (
            lambda X: [change(name, np.nan)(X) for name in MAPS][-1],
            "maps must be available, at least one for each cluster; 'total' of row 1 is not",
        ),
        (lambda X: as_array(X)[:, :20, :20], "square maps of at least 25 pixels on a side, got 20 x 20"),
        (lambda X: as_array(X)[:, :40], "square maps of at least 25 pixels on a side, got 40 x 50"),
        (
            lambda X: as_array(X)[..., :2],
            r"one channel for each of the maps \['total', 'xray', 'stellar'\], go",
        ),
        (
            lambda X: WeakLensingNoise(random_state=0).fit_transform(X),
            "X must be maps without noise, .* got observed records; .*default_pipeline",
        ),
        (lambda X: ObservedRecords(X), "X must be maps without noise"),
    ],
)
def test_what_the_network_was_not_trained_on_is_refused(some, X, message):
    embed = PretrainedEmbedding().fit(some)
    with pytest.raises(ValueError, match=message):
        embed.transform(X(some))


def test_negative_values_below_the_floor_are_rounding(some):
    expected = PretrainedEmbedding().fit_transform(some)
    for name in MAPS:
        some[name][some[name] < 1e-5] = -1e-6
    np.testing.assert_array_equal(PretrainedEmbedding().fit_transform(some), expected)


@pytest.mark.parametrize("maps", [(), ("total", "total"), ("total", "gas"), "total"])
def test_unknown_maps_are_refused(some, maps):
    with pytest.raises(ValueError, match=r"maps(' parameter of PretrainedEmbedding)? must be "):
        PretrainedEmbedding(maps=maps).fit(some)


def test_only_the_latest_networks_are_kept(some, monkeypatch):
    monkeypatch.setattr(network, "_MAX_BUILT", 2)
    embed = PretrainedEmbedding().fit(some)
    expected = embed.transform(some)
    for n_pixels in (48, 46, 44):
        embed.transform(as_array(some)[:1, :n_pixels, :n_pixels])
    assert len(network._BUILT) == 2
    np.testing.assert_array_equal(embed.transform(some), expected)


@pytest.mark.parametrize("n_pixels", [25, 100, 128, 200])
def test_other_numbers_of_pixels_than_at_fit(some, n_pixels):
    maps = as_array(some)
    embed = PretrainedEmbedding().fit(maps)
    expected = embed.transform(maps)
    got = embed.transform(np.array([cv2.resize(each, (n_pixels, n_pixels)) for each in maps]))
    assert got.shape == expected.shape
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.5  # interpolated maps differ

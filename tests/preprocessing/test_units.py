"""Warnings of records in other units than those of a training."""

import warnings

import numpy as np
import pytest

from darkcnn import MapSelector, WeakLensingNoise, XrayNoise
from darkcnn.records import ObservedRecords


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_selector_warns_of_norms_in_other_units(clusters, factor):
    selector = MapSelector().fit(clusters.data)
    shifted = clusters.data.copy()
    shifted["lensing_norm"] *= factor
    with pytest.warns(UserWarning, match=r"'lensing_norm' of 24 of 24 clusters, such as .* seen at fit"):
        selector.transform(shifted)
    shifted["lensing_norm"][5:] = clusters.data["lensing_norm"][5:]
    selector.transform(shifted)  # a few odd clusters are no other unit, and warnings are errors here


def test_selector_does_not_miss_norms_that_a_database_lacks(clusters):
    data = clusters.data.copy()
    data["stellar_norm"] = np.nan
    selector = MapSelector().fit(data)
    assert list(selector.ranges_["norms"]) == ["lensing_norm", "xray_norm"]
    selector.transform(data)


def at_redshift(records, redshift):
    """The same clusters, further away."""
    moved = records.copy()
    moved["xray_norm"] *= ((1 + records["redshift"]) / (1 + redshift)) ** 4
    moved["redshift"] = redshift
    return moved


@pytest.mark.parametrize("see", [None, WeakLensingNoise(), XrayNoise(), "both"])
def test_redshift_is_no_other_unit(clusters, see):
    near, far = (at_redshift(clusters.data, redshift) for redshift in (0.1, 0.8))
    assert near["xray_norm"].mean() > 4 * far["xray_norm"].mean()
    if see == "both":
        near, far = (
            XrayNoise().fit_transform(WeakLensingNoise().fit_transform(each)) for each in (near, far)
        )
    elif see is not None:
        near, far = see.fit_transform(near), see.fit_transform(far)
        assert (near[see.norm_name] < far[see.norm_name]).all()
    selector = MapSelector().fit(near)
    selector.transform(far)  # warnings are errors here
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "maps 'xray' have a standard deviation of"
        )  # fainter clusters, in few photons
        selector.transform(np.asarray(far))


@pytest.mark.parametrize("redshift", [0.1, 0.6, np.nan])  # dimming from 0.8 would hide some
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_other_units_are_seen_at_any_redshift(clusters, redshift, factor):
    selector = MapSelector().fit(at_redshift(clusters.data, 0.1))
    far = at_redshift(clusters.data, redshift)
    far["xray_norm"] = clusters.data["xray_norm"] * factor
    with pytest.warns(UserWarning, match=r"'xray_norm' of \d+ of 24 clusters, such as "):
        selector.transform(far)


def test_other_units_are_seen_through_noise(clusters):
    noise = XrayNoise(random_state=0).fit(clusters.data)
    selector = MapSelector().fit(noise.transform(clusters.data))
    shifted = clusters.data.copy()
    shifted["xray_norm"] *= 1e3
    with pytest.warns(UserWarning, match="'xray_norm' gives the clusters a peak surface brightness of"):
        observed = noise.transform(shifted)
    with pytest.warns(UserWarning, match=r"'xray_norm' of \d+ of 24 clusters"):
        selector.transform(observed)


@pytest.fixture
def seen(clusters):
    """A selector of observed maps, and maps as a telescope saw them, without norms."""
    observed = WeakLensingNoise(random_state=0).fit_transform(clusters.data)
    observed = XrayNoise(random_state=0).fit_transform(observed)
    records = np.asarray(observed)
    records["lensing_norm"] = records["xray_norm"] = np.nan
    return MapSelector().fit(observed), records


def test_observed_maps_in_the_units_of_the_training_are_taken(seen):
    selector, records = seen
    selector.transform(ObservedRecords(records))
    selector.transform(records[:1])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("total", lambda maps: 0.05 * maps),  # convergence instead of convergence over its noise
        ("total", lambda maps: maps / maps.max(axis=(1, 2), keepdims=True)),
        ("xray", lambda maps: maps / maps.max(axis=(1, 2), keepdims=True)),
        ("xray", lambda maps: 1e-13 * maps),
    ],
)
def test_observed_maps_in_other_units_are_seen_without_norms(seen, name, change):
    selector, records = seen
    records[name] = change(records[name])
    with pytest.warns(
        UserWarning,
        match=rf"maps '{name}' have a standard deviation of .* seen at fit: convert them to the units of",
    ):
        selector.transform(ObservedRecords(records))


def test_maps_divided_by_their_peaks_have_no_unit(clusters):
    selector = MapSelector().fit(clusters.data)
    compact = clusters.data.copy()
    for name in ("total", "xray", "stellar"):
        compact[name] **= 4
    selector.transform(compact)

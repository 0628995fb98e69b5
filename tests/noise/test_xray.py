import numpy as np
import pytest
from scipy import stats

from darkcnn.noise import XrayNoise
from darkcnn.noise.geometry import Lenses
from darkcnn.noise.xray import _blur, draw_counts


def test_counts_are_those_expected(blank_records, within_five_errors):
    records = blank_records(500, redshift=0.3, xray_norm=1e-13, xray=1.0)
    noise = XrayNoise(
        5_000, effective_area=500, energy_per_photon=0.5, band_fraction=0.5, background=0.01, random_state=0
    )
    counts = noise.fit_transform(records)["xray"]
    # 1e-13 erg/s/cm2/arcmin2 × 5 ks × 500 cm2 / 1.602e-9 erg = 156 photons an arcmin2, and 50 of background
    expected = (156.04 + 50) * Lenses(0.3).pixel_side(20) ** 2
    assert 10 < expected < 50
    within_five_errors(counts.mean(axis=(1, 2)), expected)
    within_five_errors(((counts - expected) ** 2).mean(axis=(1, 2)), expected)  # as Poisson has it


def test_empty_sky_shows_the_background(blank_records, within_five_errors):
    records = blank_records(300)
    counts = XrayNoise(1_000, background=0.05, random_state=0).fit_transform(records)["xray"]
    within_five_errors(counts.mean(axis=(1, 2)), 50 * Lenses(0.3).pixel_side(20) ** 2)
    assert not XrayNoise(background=0).fit_transform(records)["xray"].any()


def test_counts_times_the_norm_are_the_surface_brightness(blank_records, within_five_errors):
    records = blank_records(300, redshift=np.tile([0.0, 0.1, 0.4], 100), xray=0.5)
    observed = XrayNoise(background=0, random_state=0).fit_transform(records)
    brightness = (observed["xray"] * observed["xray_norm"][:, np.newaxis, np.newaxis]).mean(axis=(1, 2))
    for snapshot in range(3):
        within_five_errors(brightness[snapshot::3], 0.5e-13)
    assert observed["xray_norm"][0] == pytest.approx(observed["xray_norm"][1])


@pytest.mark.parametrize("width", [0, 0.05, 1.0, 3.0])
def test_blur_keeps_the_counts(width):
    image = np.random.default_rng(0).random((30, 30), dtype=np.float32) ** 8
    blurred = _blur(image, width)
    assert blurred.sum() == pytest.approx(image.sum(), rel=1e-5)
    assert blurred.std() <= image.std()


@pytest.mark.parametrize("factor", [3600.0, 1 / 3600])
def test_another_unit_of_brightness_is_suspected(clusters, factor):
    records = clusters.data.copy()
    records["xray_norm"] *= factor
    with pytest.warns(
        UserWarning, match=r"surface brightness of \S+: check that it is in erg / s / cm2 / arcmin2"
    ):
        XrayNoise().fit(records)


@pytest.mark.filterwarnings("ignore:'xray_norm' gives the clusters")
def test_point_source_has_the_width_of_the_telescope(blank_records):
    records = blank_records(1, 40, xray_norm=1e-8)
    records["xray"][0, 20, 20] = 1
    counts = XrayNoise(psf_fwhm=60, background=0, random_state=0).fit_transform(records)["xray"][0]
    x = np.arange(40) - 20
    width = np.sqrt((counts * x**2).sum() / counts.sum())  # along x
    expected = 60 / 2.3548 / 60 / Lenses(0.3).pixel_side(40)
    error = expected / np.sqrt(2 * counts.sum())
    assert width == pytest.approx(expected, abs=5 * error + 0.01)  # the kernel ends at four widths
    assert counts.sum() > 1e5


def test_each_row_has_a_draw_of_its_own(clusters):
    noise = XrayNoise(random_state=3).fit(clusters.data)
    observed = noise.transform(clusters.data)
    order = np.random.default_rng(0).permutation(len(observed))
    np.testing.assert_array_equal(noise.transform(clusters.data[order]), observed[order])
    np.testing.assert_array_equal(noise.transform(clusters.data[5:6]), observed[5:6])
    other = XrayNoise(random_state=4).fit_transform(clusters.data)
    assert (other["xray"] != observed["xray"]).any(axis=(1, 2)).all()


def test_nothing_else_changes(clusters):
    before = clusters.data.copy()
    observed = XrayNoise(random_state=0).fit_transform(clusters.data)
    np.testing.assert_array_equal(clusters.data, before)
    for name in set(before.dtype.names) - {"xray", "xray_norm"}:
        np.testing.assert_array_equal(observed[name], before[name])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"exposure": 0}, "'exposure' parameter of XrayNoise"),
        ({"background": -1}, "'background' parameter"),
        ({"psf_fwhm": -1}, "'psf_fwhm' parameter"),
    ],
)
def test_impossible_parameters_are_refused(clusters, parameters, message):
    with pytest.raises(ValueError, match=message):
        XrayNoise(**parameters).fit(clusters.data)


def test_bad_maps_are_refused(clusters):
    for value, message in (
        (-0.5, r"'xray' must not be negative"),
        (np.inf, "'xray' must be finite, got inf"),
    ):
        bad = clusters.data.copy()
        bad["xray"][2, 3, 3] = value
        with pytest.raises(ValueError, match=message):
            XrayNoise().fit(bad)


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.3, 2.5, 7.99, 8.01, 60.0])
def test_counts_follow_the_poisson_distribution(mean):
    expected, counts = np.full((4, 50, 50), mean), np.empty((4, 50, 50), np.float32)
    draw_counts(expected, [np.random.default_rng(seed) for seed in range(4)], out=counts)
    values = np.arange(int(stats.poisson.ppf(1 - 1e-3, mean)) + 2)
    cumulative = stats.poisson.cdf(values, mean)
    observed = (counts.ravel() <= values[:, np.newaxis]).mean(axis=1)
    error = np.sqrt(cumulative * (1 - cumulative) / counts.size)
    np.testing.assert_array_less(np.abs(observed - cumulative), 5 * error + 1e-4)


def test_counts_of_a_map_do_not_depend_on_the_others():
    expected = np.random.default_rng(0).gamma(0.5, 6.0, (7, 31, 31))
    together = np.empty(expected.shape, np.float32)
    draw_counts(expected, [np.random.default_rng(seed) for seed in range(7)], out=together)
    alone = np.empty((1, 31, 31), np.float32)
    draw_counts(expected[5:6], [np.random.default_rng(5)], out=alone)
    np.testing.assert_array_equal(alone[0], together[5])

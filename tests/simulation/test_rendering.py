import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.records import DarkMatter
from darkcnn.simulation import Physics, Snapshot
from darkcnn.simulation.rendering import PIXEL, PIXEL_AREA, X, Y, block_mean, particle_noise, smooth, splat


def test_splat_keeps_weight_and_position():
    image = splat(np.array([123.4]), np.array([-356.7]), np.array([2.0]))
    assert image.sum() == pytest.approx(2)
    assert np.count_nonzero(image) == 4
    assert (image * X).sum() / 2 == pytest.approx(123.4, abs=1e-3)
    assert (image * Y).sum() / 2 == pytest.approx(-356.7, abs=1e-3)


def test_splat_loses_what_falls_off_the_edge():
    assert splat(np.array([1000.0]), np.array([0.0]), np.array([1.0])).sum() == pytest.approx(0.5)
    assert splat(np.array([1100.0, 0.0]), np.array([0.0, -1100.0]), np.ones(2)).sum() == 0


def test_smoothing_keeps_the_sum_and_adds_variance():
    point = splat(np.array([10.0]), np.array([10.0]), np.array([1.0]))
    smoothed = smooth(point, 2.2)
    assert smoothed.sum() == pytest.approx(1)
    variance = (smoothed * (X - 10) ** 2).sum() / PIXEL**2
    assert variance == pytest.approx(2.2**2, rel=0.05)  # the kernel is cut at three times its width


def test_particle_noise_has_the_variance_of_the_smoothed_poisson_noise():
    n_smooth, width = 64, 1.7
    counts = n_smooth / (4 * np.pi * width**2)  # the kernel that holds 64 particles is 1.7 pixels wide
    density = np.full(X.shape, counts * 5e9 / PIXEL_AREA, np.float32)
    rng = np.random.default_rng(0)
    noise = np.array([particle_noise(density, 5e9, n_smooth, rng) for _ in range(20)]) * PIXEL_AREA / 5e9
    inner = noise[:, 10:-10, 10:-10]
    assert inner.var() == pytest.approx(counts / (4 * np.pi * width**2), rel=0.05)
    assert abs(inner.mean()) < 5 * np.sqrt(counts / inner.size)


@pytest.mark.parametrize("n_pixels", [100, 50, 20])
def test_block_mean_averages_blocks(n_pixels):
    image = np.random.default_rng(0).random((100, 100), dtype=np.float32)
    side = 100 // n_pixels
    expected = image.reshape(n_pixels, side, n_pixels, side).mean(axis=(1, 3))
    np.testing.assert_allclose(block_mean(image, n_pixels), expected, rtol=1e-5)


def simulate(**values):
    return Snapshot(0, 0, Epoch.at_redshift(0.25), Physics(**values)).simulate(DarkMatter(1.0))


def test_blur_smooths_all_maps_and_what_is_measured_on_them():
    sharp, blurred = simulate(), simulate(map_blur=30.0)
    for name, image in sharp.maps.items():
        np.testing.assert_array_equal(blurred.maps[name], smooth(image, 30 / PIXEL))
    name = "bcg_stellar_concentration"
    assert blurred.scalars[name] < 0.9 * sharp.scalars[name]


def test_miscentring_moves_the_cluster_but_changes_nothing_else():
    sharp, moved = simulate(), simulate(miscentring=20.0)
    shift = [float(moved.galaxies[axis][0] - sharp.galaxies[axis][0]) for axis in ("x", "y")]
    assert min(map(abs, shift)) > 1
    for axis, step in zip(("x", "y"), shift, strict=True):
        np.testing.assert_allclose(moved.galaxies[axis][1:20] - sharp.galaxies[axis][1:20], step, atol=1e-2)
    for name in ("total", "stellar"):
        peaks = [np.array(np.unravel_index(each.maps[name].argmax(), X.shape)) for each in (sharp, moved)]
        assert np.abs((peaks[1] - peaks[0]) * PIXEL - shift[::-1]).max() <= PIXEL


def test_miscentring_differs_from_map_to_map_with_the_scatter_given():
    snapshots = [
        Snapshot(0, 0, Epoch.at_redshift(redshift), Physics(miscentring=30.0)) for redshift in (0, 0.25)
    ]
    models = [DarkMatter(value) for value in np.linspace(0, 1, 60)]
    centres = np.array([
        [each.galaxies[axis][0] for axis in ("x", "y")]
        for snapshot in snapshots
        for each in map(snapshot.simulate, models)
    ])  # fmt: skip
    assert len(np.unique(centres)) == centres.size
    assert np.abs(centres.mean(axis=0) - 1000).max() < 4 * 30 / np.sqrt(120)
    expected = np.hypot(30, PIXEL / np.sqrt(12))
    assert np.abs(centres.std(axis=0) / expected - 1).max() < 4 / np.sqrt(240)

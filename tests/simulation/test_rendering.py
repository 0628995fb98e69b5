import numpy as np
import pytest

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

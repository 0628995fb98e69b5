import numpy as np
import pytest

from darkcnn.preprocessing import rotate

QUARTER = np.pi / 2


@pytest.fixture
def image():
    return np.random.default_rng(0).random((20, 20, 3), dtype=np.float32)


def disc(n_pixels, radius, x0=0.0, y0=0.0):
    """A smooth-edged disc, centred at (x0, y0) from the middle of the map, in pixels."""
    axis = np.arange(n_pixels) - (n_pixels - 1) / 2
    r = np.hypot(axis[np.newaxis] - x0, axis[:, np.newaxis] - y0)
    return (1 / (1 + np.exp((r - radius) * 2)))[..., np.newaxis].astype(np.float32)


@pytest.mark.parametrize("n_quarters", [1, 2, 3, 4])
def test_quarter_turns_are_exact(image, n_quarters):
    np.testing.assert_array_equal(
        rotate(image, n_quarters * QUARTER, flip=False), np.rot90(image, n_quarters)
    )


def test_four_quarter_turns_are_the_identity(image):
    turned = image
    for _ in range(4):
        turned = rotate(turned, QUARTER, flip=False)
    np.testing.assert_array_equal(turned, image)


def test_flip_comes_before_the_rotation(image):
    np.testing.assert_array_equal(rotate(image, 0, flip=True), image[:, ::-1])
    np.testing.assert_array_equal(rotate(image, QUARTER, flip=True), np.rot90(image[:, ::-1]))


@pytest.mark.parametrize("angle", [0.1, 0.7, 2.0, 5.5])
def test_rotation_moves_a_blob_where_it_should(angle):
    # Rows grow downwards, so an anticlockwise rotation takes (x, y) to (x cos + y sin, y cos - x sin).
    x0, y0 = 6.0, 2.0
    x1, y1 = x0 * np.cos(angle) + y0 * np.sin(angle), y0 * np.cos(angle) - x0 * np.sin(angle)
    view = rotate(disc(41, 4, x0, y0), angle, flip=False)
    # The edge of the disc curves by at most 0.4 a square pixel: bilinear interpolation is off by 0.1 at most.
    np.testing.assert_allclose(view, disc(41, 4, x1, y1), atol=0.1)


@pytest.mark.parametrize("angle", [0.3, 1.1, 4.0])
def test_views_keep_the_flux_of_a_centred_disc(angle):
    before = disc(50, 8)  # small enough that no corner mirrors it
    after = rotate(before, angle, flip=True)
    assert after.sum() == pytest.approx(before.sum(), rel=1e-3)
    np.testing.assert_allclose(after, before, atol=0.1)


def test_many_channels_turn_alike(image):
    many = np.concatenate([image, image, image[..., :1]], axis=-1)
    view = rotate(many, 0.3, flip=False)
    np.testing.assert_array_equal(view[..., 3:6], view[..., :3])
    # With more than four channels, OpenCV rounds positions to 1/32 pixel.
    np.testing.assert_allclose(view[..., :3], rotate(image, 0.3, flip=False), atol=1 / 32)

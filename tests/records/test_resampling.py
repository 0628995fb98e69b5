import numpy as np
import pytest

from darkcnn.records.resampling import Grid, check_resolution, shares


@pytest.fixture
def image():
    """Asymmetric map, zero at its edge."""
    rng = np.random.default_rng(0)
    image = np.zeros((90, 70))
    image[30:60, 20:50] = rng.random((30, 30))
    return image


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.12, 1.37, 0.61])
@pytest.mark.parametrize("first", [-3.0, -0.4, 0.25])
def test_shares_of_pixels_inside_add_up_to_one(ratio, first):
    n_out = int((40 - first) / ratio)
    share = shares(40, first, ratio, n_out)
    inside = np.arange(n_out) * ratio + first >= 0
    np.testing.assert_allclose(share.sum(axis=1)[inside], 1)


def test_shares_by_hand():
    # Pixels of 2.5 from the edge 0.5 on: 0.5 of the first, the second and the third; then half, two more, ...
    np.testing.assert_allclose(2.5 * shares(6, 0.5, 2.5, 2), [[0.5, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0.5]])


@pytest.mark.parametrize("pixel", [3.9, 7.8125, 20.0, 25.0, 33.0, 40.0])
@pytest.mark.parametrize("center", [(44.5, 34.5), (41.3, 37.9)])
def test_mass_is_conserved(image, pixel, center):
    grid = Grid(image.shape, pixel, center, 30 * 110 * pixel / 40, 21)  # shows all that is not zero
    larger = grid.ratio * pixel
    assert grid.mean(image).sum() * larger**2 == pytest.approx(image.sum() * pixel**2)


def test_whole_ratios_divide_no_pixel(image):
    grid = Grid(image.shape, 20.0, (44.5, 34.5), 1600.0, 20)
    assert grid.is_whole
    assert grid.ratio == 4
    blocks = image[5:85].reshape(20, 4, 70)[..., :].mean(axis=1)
    np.testing.assert_allclose(grid.mean(image).sum(), blocks.sum() / 4)
    np.testing.assert_allclose(
        grid.mean(image)[3],
        [  # columns begin at -5
            np.pad(image[17:21], ((0, 0), (5, 5)))[:, 4 * k : 4 * k + 4].mean() for k in range(20)
        ],
    )


@pytest.mark.parametrize("center", [(44.5, 34.5), (44.0, 35.0), (44.9, 34.1)])
def test_a_centre_within_a_pixel_blurs_nothing(image, center):
    grid = Grid(image.shape, 20.0, center, 1000.0, 50)
    assert set(np.unique(grid.mean(image)).tolist()) <= {0.0, *np.unique(image).tolist()}


def test_off_centre_equals_pre_centred(image):
    shifted = np.roll(image, (7, -5), axis=(0, 1))
    for pixel in (20.0, 7.3):
        there = Grid(image.shape, pixel, (51.5, 29.5), 40 * pixel, 13).mean(shifted)
        here = Grid(image.shape, pixel, (44.5, 34.5), 40 * pixel, 13).mean(image)
        np.testing.assert_allclose(there, here, atol=1e-12)


def test_transposed_in_transposed_out(image):
    one = Grid(image.shape, 7.3, (41.3, 37.9), 300.0, 13).mean(image)
    other = Grid(image.T.shape, 7.3, (37.9, 41.3), 300.0, 13).mean(image.T)
    np.testing.assert_allclose(one, other.T, atol=1e-12)


def test_images_far_away_and_small_show_nothing(image):
    assert Grid(image.shape, 20.0, (5000.0, -4000.0), 2000.0, 50).mean(image).sum() == 0


def test_larger_pixels_are_refused_or_blurred(image):
    grid = Grid(image.shape, 60.0, (44.5, 34.5), 2000.0, 50)
    with pytest.raises(
        ValueError,
        match=r"'xray' must not be larger than those of the records, 40 kpc, got 60 kpc: use n_pixels=33",
    ):
        check_resolution("xray", grid, 60.0, False)
    assert check_resolution("xray", grid, 60.0, True) == pytest.approx(17.32, abs=0.01)  # 60 / sqrt(12)


def test_pixels_that_do_not_fit_are_blurred(image):
    def blur(pixel):
        return check_resolution("xray", Grid(image.shape, pixel, (44.5, 34.5), 2000.0, 50), pixel, False)

    assert blur(30.0) == pytest.approx(7.5)  # 30 / sqrt(12 * 4 / 3)
    assert [blur(pixel) for pixel in (40.0, 20.0, 7.8125, 19.0)] == [0, 0, 0, 0]

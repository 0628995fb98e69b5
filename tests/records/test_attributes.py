import numpy as np
import pytest

from darkcnn.records import bcg_concentration, bcg_ellipticity, xray_concentration

RESOLUTIONS = [(100, 20.0), (200, 10.0), (256, 7.8125), (333, 6.006)]


def positions(n_pixels, pixel, row=None, column=None):
    """Positions from the middle, or from a row and a column, in kpc."""
    y, x = np.indices((n_pixels, n_pixels), dtype=float)
    middle = (n_pixels - 1) / 2
    return (x - (middle if column is None else column)) * pixel, (
        y - (middle if row is None else row)
    ) * pixel


def gaussian(x, y, major, minor, degrees=0.0):
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    along, across = x * cos + y * sin, y * cos - x * sin
    return np.exp(-0.5 * ((along / major) ** 2 + (across / minor) ** 2)).astype(np.float32)


def test_concentrations_of_a_flat_map_are_ratios_of_areas():
    flat = np.ones((100, 100), np.float32)
    assert bcg_concentration(flat, 20.0) == pytest.approx(0.3**2, rel=0.05)
    assert xray_concentration(flat, 20.0) == pytest.approx(100**2 / 400**2, rel=0.02)


@pytest.mark.parametrize(("n_pixels", "pixel"), RESOLUTIONS)
def test_xray_concentration_follows_the_peak(n_pixels, pixel):
    x, y = positions(n_pixels, pixel)
    steep = 1 / (1 + (x**2 + y**2) / 150**2)
    aside = 1 / (1 + ((x - 240) ** 2 + (y + 180) ** 2) / 150**2)
    # The integral of 1 / (1 + r2 / 150^2) within R is proportional to ln(1 + R2 / 150^2).
    expected = np.log(1 + (100 / 150) ** 2) / np.log(1 + (400 / 150) ** 2)
    assert xray_concentration(steep, pixel) == pytest.approx(expected, rel=0.03)
    assert xray_concentration(aside, pixel) == pytest.approx(xray_concentration(steep, pixel), rel=0.05)


@pytest.mark.parametrize(("n_pixels", "pixel"), RESOLUTIONS)
@pytest.mark.parametrize(("degrees", "direction"), [(0, (1, 0)), (45, (0, 1)), (90, (-1, 0)), (135, (0, -1))])
def test_ellipticity_points_along_the_major_axis(n_pixels, pixel, degrees, direction):
    measured = bcg_ellipticity(gaussian(*positions(n_pixels, pixel), 30, 20, degrees), pixel)
    expected = (30**2 - 20**2) / (30**2 + 20**2)  # of the second moments
    np.testing.assert_allclose(measured, expected * np.array(direction), atol=0.03)


@pytest.mark.parametrize(("n_pixels", "pixel"), RESOLUTIONS)
def test_stellar_concentration_is_that_of_a_gaussian(n_pixels, pixel):
    row, column = 0.4 * n_pixels + 0.3, 0.55 * n_pixels
    image = gaussian(*positions(n_pixels, pixel, row, column), 60, 60)
    expected = (1 - np.exp(-(30**2) / 7200)) / (1 - np.exp(-(100**2) / 7200))
    assert bcg_concentration(image, pixel, (row, column)) == pytest.approx(expected, rel=0.03)
    assert np.hypot(*bcg_ellipticity(image, pixel, (row, column))) < 0.02


def test_maps_that_end_before_the_radius_tell_nothing():
    image = gaussian(*positions(100, 20.0), 300, 300)
    assert np.isnan(xray_concentration(image[:, 35:], 20.0, (49.5, 14.5)))
    assert np.isnan(bcg_concentration(image, 20.0, (3.0, 50.0)))
    assert np.isnan(bcg_ellipticity(image, 20.0, (3.0, 50.0))).all()


def test_maps_of_nothing_tell_nothing():
    nothing = np.zeros((100, 100), np.float32)
    assert np.isnan([xray_concentration(nothing, 20.0), bcg_concentration(nothing, 20.0)]).all()
    assert np.isnan(bcg_ellipticity(nothing, 20.0)).all()

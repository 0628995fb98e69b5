import numpy as np
import pytest

from darkcnn.simulation.attributes import bcg_concentration, bcg_ellipticity, xray_concentration
from darkcnn.simulation.rendering import X, Y


def gaussian(major, minor, degrees=0.0):
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    along, across = X * cos + Y * sin, Y * cos - X * sin
    return np.exp(-0.5 * ((along / major) ** 2 + (across / minor) ** 2)).astype(np.float32)


def test_concentrations_of_a_flat_map_are_ratios_of_areas():
    flat = np.ones(X.shape, np.float32)
    assert bcg_concentration(flat) == pytest.approx(0.3**2, rel=0.05)
    # Whole pixels make a ragged disc: 69 of them lie within five pixels of one, not 25 pi.
    assert xray_concentration(flat) == pytest.approx(69 / (20**2 * np.pi), rel=0.02)


def test_xray_concentration_follows_the_peak():
    steep = 1 / (1 + (X**2 + Y**2) / 150**2)
    aside = np.roll(steep, (12, -9), axis=(0, 1))
    assert xray_concentration(aside) == pytest.approx(xray_concentration(steep), rel=0.02)


@pytest.mark.parametrize(("degrees", "direction"), [(0, (1, 0)), (45, (0, 1)), (90, (-1, 0)), (135, (0, -1))])
def test_ellipticity_points_along_the_major_axis(degrees, direction):
    measured = bcg_ellipticity(gaussian(30, 20, degrees))
    expected = (30**2 - 20**2) / (30**2 + 20**2)  # of the second moments
    np.testing.assert_allclose(measured, expected * np.array(direction), atol=0.03)

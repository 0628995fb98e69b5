import numpy as np
import pytest

from darkcnn.records.peak import find_center


def cluster(shape, row, column, pixel, axis_ratio=0.7):
    y, x = np.indices(shape)
    radius = np.hypot((x - column) * pixel, (y - row) * pixel / axis_ratio)
    return 1e15 / (1 + radius / 100) ** 2


@pytest.mark.parametrize(
    ("row", "column", "pixel"), [(52.0, 47.0, 20.0), (120.3, 139.8, 7.8), (41.6, 55.2, 20.0)]
)
def test_centre_is_found_within_a_pixel(row, column, pixel):
    shape = (100, 110) if pixel == 20 else (256, 260)
    found = find_center(cluster(shape, row, column, pixel), pixel)
    np.testing.assert_allclose(np.array(found) * pixel, np.array([row, column]) * pixel, atol=4)


def test_another_cluster_at_the_edge_is_not_the_centre():
    image = cluster((200, 200), 99.5, 99.5, 20.0) + 5 * cluster((200, 200), 20.0, 180.0, 20.0)
    np.testing.assert_allclose(find_center(image, 20.0), (99.5, 99.5), atol=1)


def test_a_bright_pixel_is_not_the_centre():
    image = cluster((100, 100), 49.5, 49.5, 20.0)
    image[60, 30] *= 30
    np.testing.assert_allclose(find_center(image, 20.0), (49.5, 49.5), atol=0.6)

import numpy as np
import pytest

from darkcnn.records import fill_gaps


def test_only_gaps_are_filled():
    mean, covered = np.array([[4.0, 1.0], [2.0, 0.0]]), np.array([[1.0, 0.5], [1.0, 0.0]])
    np.testing.assert_array_equal(fill_gaps("total", mean, covered, 6.0, 0.5), [[4, 4], [2, 6]])
    np.testing.assert_array_equal(fill_gaps("total", mean, covered, np.nan, 0.5), [[4, np.nan], [2, np.nan]])
    for fill_value, max_gap, told in ((None, 1.0, "none without fill_value"), (6.0, 0.3, r"max_gap=0\.3")):
        with pytest.raises(ValueError, match=rf"'total' must cover .*but 37\.50% of it .*{told}"):
            fill_gaps("total", mean, covered, fill_value, max_gap)


def test_whole_maps_stay_as_they_are():
    mean = np.arange(4.0).reshape(2, 2)
    assert fill_gaps("total", mean, np.ones((2, 2)), None, 0.1) is mean

import numpy as np
import pytest

from darkcnn.records import check_groups


@pytest.mark.parametrize("groups", [[1, 1, 2], [[1], [1], [2]], np.ma.array([1, 1, 2]), ["1", "1", "2"]])
def test_one_row_or_one_column_is_taken(groups):
    checked = check_groups(groups)
    assert checked.shape == (3,)
    assert checked.astype(int).tolist() == [1, 1, 2]


@pytest.mark.parametrize("groups", [3, np.zeros((3, 2)), np.zeros((3, 1, 1))])
def test_other_shapes_are_refused(groups):
    with pytest.raises(ValueError, match=r"groups must have shape \(n_samples,\), got shape"):
        check_groups(groups)


@pytest.mark.parametrize(
    "groups",
    [
        [1.0, np.nan, np.nan],
        [[1.0], [np.nan], [np.nan]],
        ["a", "", "nan"],
        np.array(["a", None, np.nan], dtype=object),
        np.ma.array([1, 2, 3], mask=[False, True, True]),
        np.ma.array([[1], [2], [3]], mask=[[False], [True], [True]]),
    ],
)
def test_a_row_without_a_cluster_is_refused(groups):
    with pytest.raises(ValueError, match=r"halos must name the cluster of .*got 2 rows .* row 1 with"):
        check_groups(groups, "halos")

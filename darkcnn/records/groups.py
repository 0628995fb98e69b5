"""Cluster of each row, as given by users."""

import numpy as np

from darkcnn.records.halos import UNKNOWN


def check_groups(groups, argument="groups", what="cluster"):
    """Check that every row has a group, its cluster.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or (n_samples, 1)
        Cluster of each row: numbers or names.
    argument : str, default="groups"
        Name of the argument, for the error message.
    what : str, default="cluster"
        What the values name, for the error message.

    Returns
    -------
    ndarray of shape (n_samples,)
        Checked groups.

    Raises
    ------
    ValueError
        If the shape is wrong, or a row has no cluster: masked, None, NaN, NaT or an empty name.

    Examples
    --------
    >>> from darkcnn.records import check_groups
    >>> check_groups([[3], [3], [8]]).tolist()
    [3, 3, 8]
    """
    unknown, groups = np.ma.getmaskarray(groups), np.asarray(np.ma.getdata(groups))
    if groups.ndim == 0 or groups.shape[1:] not in ((), (1,)):
        raise ValueError(f"{argument} must have shape (n_samples,), got shape {groups.shape}")
    unknown, groups = unknown.ravel(), groups.ravel()
    if groups.dtype.kind in "fmM":
        unknown = unknown | (groups != groups)
    elif groups.dtype == np.int64:
        unknown = unknown | (groups == np.iinfo(np.int64).min)  # NaN after a cast to integer
    elif groups.dtype.kind in "OSU":
        unknown = unknown | [str(name).strip().lower() in UNKNOWN for name in groups.tolist()]
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(
            f"{argument} must name the {what} of every row, got {int(unknown.sum())} rows without, first "
            f"row {row} with {groups.tolist()[row]!r}: leave such rows out, or give each its own name"
        )
    return groups

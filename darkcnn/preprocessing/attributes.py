"""Matrix of cluster attributes."""

import numpy as np

from darkcnn.records import NORMS, SCALARS, check_records

ATTRIBUTES = (
    *(name for name in SCALARS if name not in ("bcg_e1", "bcg_e2", "cluster_id")),
    "bcg_ellipticity",
)
"""Attributes that a network can read; all are invariant under rotation and reflection."""


def attribute_table(records, names):
    """Collect attributes of clusters in a matrix.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Clusters.
    names : sequence of str
        Names from `ATTRIBUTES`. Norms enter as log10; ``"bcg_ellipticity"`` is ``hypot(bcg_e1, bcg_e2)``.

    Returns
    -------
    ndarray of shape (n_samples, n_attributes)
        Attributes, float32.

    Raises
    ------
    ValueError
        If a name is unknown, or a value is masked or not finite.
    """
    records = check_records(records, "records")
    table = np.empty((len(records), len(names)), np.float32)
    for column, name in enumerate(names):
        if name == "bcg_ellipticity":
            values = np.hypot(records["bcg_e1"], records["bcg_e2"])
        elif name in ATTRIBUTES:
            values = records[name]
        else:
            hint = " (not invariant; use 'bcg_ellipticity')" if name in ("bcg_e1", "bcg_e2") else ""
            raise ValueError(f"attributes must be among {list(ATTRIBUTES)}, got {name!r}{hint}")
        if name in NORMS:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log10(values)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"attribute {name!r} must be finite{' and positive' if name in NORMS else ''}, "
                f"got {records[row][name] if name in SCALARS else values[row]} in row {row}"
            )
        table[:, column] = values
    return table

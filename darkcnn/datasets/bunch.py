"""Return value of all loaders: records, labels and groups."""

import numpy as np
from sklearn.utils import Bunch, check_consistent_length

from darkcnn.datasets.columns import plain_labels
from darkcnn.records import (
    FIELD_SIZE,
    GALAXY_DTYPE,
    check_records,
    cross_section_of,
    number_halos,
    sort_labels,
    split_labels,
)


def make_bunch(records, target, *, galaxies=None, description="", suite=None):
    """Make a Bunch of records and labels, as returned by every loader.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Clusters, see :func:`darkcnn.records.record_dtype`.
    target : ndarray of shape (n_samples,) or None
        Labels such as ``"CDM"`` and ``"SIDM0.1"``, or with feedback, ``"CDM/strong"``. Equivalent labels,
        such as ``"SIDM1"`` and ``"SIDM1.0"``, are merged. None if unknown.
    galaxies : structured ndarray or None, default=None
        Member galaxies of all clusters, of type `GALAXY_DTYPE`.
    description : str, default=""
        Source of the data.
    suite : array-like of shape (n_samples,) or None, default=None
        Suite of each cluster, a simulation with its own physics: numbers, or names, which become numbers by
        :func:`darkcnn.records.number_halos`.

    Returns
    -------
    sklearn.utils.Bunch
        ``data``, ``target`` (dark matter only), ``feedback`` (default ``"fiducial"``), ``target_names`` and
        ``cross_sections`` (cm2/g; low-velocity limits) in ascending order, ``groups`` (cluster ids),
        ``suite`` (None if unknown), ``galaxies``, ``pixel_scale`` (kpc) and ``DESCR``. Without labels,
        ``target`` and ``feedback`` are None, and ``target_names`` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.datasets import make_bunch
    >>> from darkcnn.records import record_dtype
    >>> records = np.zeros(4, record_dtype(20))
    >>> records["cluster_id"] = [0, 0, 1, 1]
    >>> bunch = make_bunch(records, np.array(["SIDM1", "CDM", "SIDM1", "CDM"]))
    >>> bunch.target_names.tolist(), bunch.cross_sections.tolist(), bunch.pixel_scale
    (['CDM', 'SIDM1'], [0.0, 1.0], 100.0)
    """
    records = check_records(records, "records")
    check_consistent_length(records, target, suite)
    feedback, names = None, []
    if target is not None:
        target, feedback = split_labels(plain_labels(target))
        names = sort_labels(target)
    return Bunch(
        data=records,
        target=target,
        feedback=feedback,
        target_names=np.array(names, dtype=str),
        cross_sections=np.array([cross_section_of(name, velocity=0) for name in names]),
        groups=records["cluster_id"],
        suite=None if suite is None else number_halos(suite, "suite"),
        galaxies=np.empty(0, GALAXY_DTYPE) if galaxies is None else galaxies,
        pixel_scale=FIELD_SIZE / records.dtype["total"].shape[0],
        DESCR=description,
    )

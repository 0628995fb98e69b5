"""Records of clusters and the labels of dark-matter models: the one place that knows their form."""

import re
from numbers import Real

import numpy as np

MAPS = ("total", "xray", "stellar")
"""The maps of a record, in the order of the channels of a plain array."""

NORMS = ("lensing_norm", "xray_norm", "stellar_norm")
"""Peak of each map of `MAPS` before it was divided by it."""

SCALARS = {
    "lensing_norm": np.float64,
    "xray_norm": np.float64,
    "stellar_norm": np.float64,
    "redshift": np.float32,
    "log_mass": np.float32,
    "xray_concentration": np.float32,
    "bcg_stellar_concentration": np.float32,
    "bcg_e1": np.float32,
    "bcg_e2": np.float32,
    "cluster_id": np.int64,
}
"""The fields of a record that are one number, with their types."""

FIELD_SIZE = 2000.0
"""Side of a map, in kpc."""


def record_dtype(n_pixels):
    """Return the structured type of a record whose maps are `n_pixels` on a side.

    Parameters
    ----------
    n_pixels : int
        Height and width of the maps, in pixels.

    Returns
    -------
    numpy.dtype
        ``total``, ``xray``, ``stellar``: maps with peak 1, float32 (height, width).
        ``lensing_norm``: peak of ``total``, Msun / Mpc2.
        ``xray_norm``: peak of ``xray``, erg / s / cm2 / arcmin2.
        ``stellar_norm``: peak of ``stellar``, Msun / Mpc2 (NaN where a database does not tell).
        ``redshift``: dimensionless.
        ``log_mass``: log10 of M200 in Msun.
        ``xray_concentration``: S(<100 kpc) / S(<400 kpc); above 0.2 the cluster is relaxed.
        ``bcg_stellar_concentration``: stellar mass within 30 kpc over that within 100 kpc.
        ``bcg_e1``, ``bcg_e2``: components of the ellipticity of the brightest cluster galaxy.
        ``cluster_id``: the same halo in every snapshot, projection and dark-matter model shares it.

    Examples
    --------
    >>> from darkcnn.records import record_dtype
    >>> record_dtype(50)["total"].shape
    (50, 50)
    """
    maps = [(name, np.float32, (n_pixels, n_pixels)) for name in MAPS]
    return np.dtype(maps + list(SCALARS.items()))


def is_records(X):
    """Return whether `X` is a structured array."""
    return getattr(getattr(X, "dtype", None), "names", None) is not None


def check_records(X, argument="X"):
    """Check that `X` is a non-empty array of records.

    Parameters
    ----------
    X : structured ndarray of shape (n_samples,)
        Records of clusters, see :func:`record_dtype`. Extra fields are left alone.
    argument : str, default="X"
        Name of the argument, for the error.

    Returns
    -------
    structured ndarray of shape (n_samples,)
        `X` itself.

    Raises
    ------
    TypeError
        If `X` is not a structured array.
    ValueError
        If it is empty, not one-dimensional or lacks a field.
    """
    if not is_records(X):
        raise TypeError(
            f"{argument} must be records of clusters (a structured array, see "
            f"darkcnn.datasets.make_clusters), got {type(X).__name__}"
            + (f" of shape {X.shape} and dtype {X.dtype}" if hasattr(X, "dtype") else "")
        )
    missing = [name for name in (*MAPS, *SCALARS) if name not in X.dtype.names]
    if missing:
        raise ValueError(f"{argument} lacks the fields {missing}; it has {list(X.dtype.names)}")
    if X.ndim != 1 or len(X) == 0:
        raise ValueError(f"{argument} must hold at least one record in one dimension, got shape {X.shape}")
    return X


def label_of(cross_section):
    """Name the dark-matter model of a cross-section.

    Labels are strings, because scikit-learn takes floats such as 0.1 for the target of a regression.

    Parameters
    ----------
    cross_section : float
        Self-interaction cross-section per unit mass, cm2/g; 0 is cold dark matter.

    Returns
    -------
    str
        ``"CDM"`` for 0, otherwise ``"SIDM"`` and the number.

    Raises
    ------
    ValueError
        If `cross_section` is negative or not finite.

    Examples
    --------
    >>> from darkcnn import label_of
    >>> label_of(0), label_of(0.1), label_of(1.0)
    ('CDM', 'SIDM0.1', 'SIDM1')
    """
    if not isinstance(cross_section, Real) or not np.isfinite(cross_section) or cross_section < 0:
        raise ValueError(f"cross_section must be a number of cm2/g, zero or more, got {cross_section!r}")
    return "CDM" if cross_section == 0 else f"SIDM{float(cross_section):.12g}"


def cross_section_of(label):
    """Return the cross-section that a label names, the inverse of :func:`label_of`.

    Parameters
    ----------
    label : str
        ``"CDM"`` or ``"SIDM"`` followed by a number.

    Returns
    -------
    float
        Self-interaction cross-section per unit mass, cm2/g.

    Raises
    ------
    ValueError
        If `label` names no cross-section.

    Examples
    --------
    >>> from darkcnn import cross_section_of
    >>> cross_section_of("CDM"), cross_section_of("SIDM0.3")
    (0.0, 0.3)
    """
    if label == "CDM":
        return 0.0
    if re.fullmatch(r"SIDM\d+(\.\d+)?(e-?\d+)?", str(label)):
        return float(label[4:])
    raise ValueError(f"label must be 'CDM' or 'SIDM' and a number, such as 'SIDM0.1', got {label!r}")

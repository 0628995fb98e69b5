"""Checks of the arguments of the inference."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length

from darkcnn.records import check_groups

_TOLERANCE = 1e-3  # allows for rounding and single precision


def check_probabilities(probabilities, n_classes):
    """Check class probabilities of one network or several.

    Parameters
    ----------
    probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
        Class probabilities.
    n_classes : int
        Expected number of classes.

    Returns
    -------
    ndarray of float64 of shape (n_networks, n_maps, n_classes)
        Checked probabilities.

    Raises
    ------
    ValueError
        If the shape is wrong, or the values are not probabilities.
    """
    checked = np.asarray(probabilities, dtype=float)
    if checked.ndim == 2:
        checked = checked[np.newaxis]
    if checked.ndim != 3 or checked.shape[2] != n_classes or 0 in checked.shape:
        raise ValueError(
            "probabilities must have shape (n_maps, n_classes) or (n_networks, n_maps, n_classes) with "
            f"n_classes={n_classes}, got {np.shape(probabilities)}"
        )
    # NaN also fails these comparisons.
    if not (checked >= 0).all() or not (np.abs(checked.sum(axis=2) - 1) < _TOLERANCE).all():
        raise ValueError("probabilities must be finite, zero or more, and sum to one in every row")
    return checked


def number_clusters(groups, n_maps):
    """Return consecutive numbers of the clusters.

    Parameters
    ----------
    groups : array-like of shape (n_maps,) or None
        Cluster of each map; None if all differ.
    n_maps : int
        Number of maps.

    Returns
    -------
    ndarray of int of shape (n_maps,)
        Number of the cluster of each map.
    """
    if groups is None:
        return np.arange(n_maps)
    check_consistent_length(groups, np.empty(n_maps))
    return np.unique(check_groups(groups), return_inverse=True)[1]


def check_level(level, argument="level"):
    """Check the probability of an interval or a limit."""
    if not isinstance(level, Real) or not 0 < level < 1:
        raise ValueError(f"{argument} must be a probability between 0 and 1, got {level!r}")


def check_prior(prior, n_classes, argument):
    """Check a prior of the classes and return it normalised, shape (n_classes,); None for uniform."""
    if prior is None:
        return np.full(n_classes, 1 / n_classes)
    checked = np.asarray(prior, dtype=float)
    if checked.shape != (n_classes,) or not (np.isfinite(checked) & (checked > 0)).all():
        raise ValueError(
            f"{argument} must have {n_classes} positive numbers, one for each class, got {prior!r}"
        )
    return checked / checked.sum()

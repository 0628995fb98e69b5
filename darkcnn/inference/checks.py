"""Checks of what the inference is given."""

import numpy as np
from sklearn.utils import check_consistent_length

from darkcnn.records import check_groups

_TOLERANCE = 1e-3  # probabilities that were rounded, or summed in single precision, are good enough


def check_probabilities(probabilities, n_classes):
    """Check class probabilities of one network or several.

    Parameters
    ----------
    probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
        Class probabilities.
    n_classes : int
        Number of classes that there must be.

    Returns
    -------
    ndarray of float64 of shape (n_networks, n_maps, n_classes)
        The probabilities.

    Raises
    ------
    ValueError
        If the shape is another, or the values are not probabilities.
    """
    checked = np.asarray(probabilities, dtype=float)
    if checked.ndim == 2:
        checked = checked[np.newaxis]
    if checked.ndim != 3 or checked.shape[2] != n_classes or 0 in checked.shape:
        raise ValueError(
            "probabilities must have shape (n_maps, n_classes) or (n_networks, n_maps, n_classes) with "
            f"n_classes={n_classes}, got {np.shape(probabilities)}"
        )
    # NaN fails these comparisons too.
    if not (checked >= 0).all() or not (np.abs(checked.sum(axis=2) - 1) < _TOLERANCE).all():
        raise ValueError("probabilities must be finite, zero or more, and sum to one in every row")
    return checked


def number_clusters(groups, n_maps):
    """Assign every cluster a number, from 0.

    Parameters
    ----------
    groups : array-like of shape (n_maps,) or None
        Cluster of each map; None if every map is of another cluster.
    n_maps : int
        Number of maps.

    Returns
    -------
    ndarray of int of shape (n_maps,)
        Numbers of the clusters.
    """
    if groups is None:
        return np.arange(n_maps)
    check_consistent_length(groups, np.empty(n_maps))
    return np.unique(check_groups(groups), return_inverse=True)[1]


def check_prior(prior, n_classes, argument):
    """Check a prior over classes, return it normalised, shape (n_classes,); None means uniform."""
    if prior is None:
        return np.full(n_classes, 1 / n_classes)
    checked = np.asarray(prior, dtype=float)
    if checked.shape != (n_classes,) or not (np.isfinite(checked) & (checked > 0)).all():
        raise ValueError(f"{argument} must hold {n_classes} numbers above zero, one a class, got {prior!r}")
    return checked / checked.sum()

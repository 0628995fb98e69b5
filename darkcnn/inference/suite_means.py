"""Mean features of a simulation, and conditioning on the own simulation of a sample."""

import numpy as np
from scipy.interpolate import PchipInterpolator

_MIN_SUITES = 5
_MIN_CLUSTERS = 5
"""Minimum number of clusters of every suite at every cross-section."""

_MIN_OWN = 3
"""Minimum number of clusters of the own simulation at each cross-section."""

_TRIMMED_FRACTION = 0.1
"""Fraction of clusters, farthest from the median, that means exclude."""


def check_counts(counts, names, cross_sections):
    """Check the number of suites, and that of clusters of each suite at each cross-section."""
    if len(names) < _MIN_SUITES:
        raise ValueError(f"suites must be {_MIN_SUITES} or more, got {len(names)}")
    if counts.min() < _MIN_CLUSTERS:
        row, column = np.argwhere(counts < _MIN_CLUSTERS)[0]
        raise ValueError(
            f"suites must each have {_MIN_CLUSTERS} clusters or more at every cross-section, but suite "
            f"{names[row]} has {counts[row, column]} at {cross_sections[column]:g} cm2/g"
        )


def own_response(features, cross_sections, groups, weights):
    """Return the response of the own simulation of a sample along a direction.

    Parameters
    ----------
    features : ndarray of shape (n_maps, n_features)
        Whitened features.
    cross_sections, groups : ndarray of shape (n_maps,)
        Cross-sections, cm2/g, and clusters.
    weights : ndarray of shape (n_features,)
        Direction.

    Returns
    -------
    values, means, variances : ndarray of shape (n_own,)
        Cross-sections, and the mean and variance of the scores of clusters.
    shared : ndarray of shape (n_own, n_own)
        Fraction of the covariance of a cluster that each two means share.
    """
    zeros = np.zeros(len(groups))
    features, truths, _, clusters = average_by_cluster(features, cross_sections, zeros, groups)
    values = np.unique(truths)
    members = [clusters[truths == value] for value in values]
    if len(values) < 2 or min(map(len, members)) < _MIN_OWN:
        raise ValueError(
            f"own clusters must be {_MIN_OWN} or more at each of two cross-sections or more, got "
            f"{dict(zip(values.tolist(), map(len, members), strict=True))}"
        )
    shared = [
        [len(np.intersect1d(one, other)) / len(one) / len(other) for other in members] for one in members
    ]
    cells = [features[truths == value] for value in values]
    means = [trimmed_mean(cell) @ weights for cell in cells]
    variances = [(cell @ weights).var(ddof=1) for cell in cells]
    return values, np.array(means), np.array(variances), np.array(shared)


def condition_response(curve, covariance, nodes, own_nodes, values, noise):
    """Condition a Gaussian process at the nodes on noisy values elsewhere; return mean and variance."""
    to_own = PchipInterpolator(nodes, np.eye(len(nodes)))(own_nodes)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(eigenvalues, 0)) @ vectors.T
    cross = covariance @ to_own.T
    total = to_own @ cross + noise
    gain = np.linalg.solve(total + 1e-9 * np.trace(total) * np.eye(len(total)), cross.T).T
    return curve + gain @ (values - to_own @ curve), np.diag(covariance - gain @ cross.T)


def average_by_cluster(features, cross_sections, suites, groups):
    """Average the maps of each cluster at each cross-section; return all four arguments by cluster."""
    keys = np.array([suites, groups, cross_sections], dtype=float)
    (suites, groups, cross_sections), rows = np.unique(keys, axis=1, return_inverse=True)
    sums = np.zeros((len(suites), features.shape[1]))
    np.add.at(sums, rows, features)
    return sums / np.bincount(rows)[:, np.newaxis], cross_sections, suites, groups


def sample_mean(features, groups):
    """Return the trimmed mean of the clusters of a sample, and their number."""
    zeros = np.zeros(len(groups))
    clusters = average_by_cluster(features, zeros, zeros, groups)[0]
    return trimmed_mean(clusters), len(clusters)


def trimmed_mean(features):
    """Return the trimmed mean of whitened features, without those farthest from the median."""
    n_left_out = int(_TRIMMED_FRACTION * len(features))
    distance = ((features - np.median(features, axis=0)) ** 2).sum(axis=1)
    return features[np.argsort(distance, kind="stable")[: len(features) - n_left_out]].mean(axis=0)


def covariance_within(scores, columns, suites, groups):
    """Return the covariance of the scores of a cluster between cross-sections, within suites.

    Parameters
    ----------
    scores : ndarray of shape (n_clusters, n_scores)
        Scores.
    columns, suites, groups : ndarray of int of shape (n_clusters,)
        Number of the cross-section, suite and cluster. Clusters of equal `groups` are the same halo.

    Returns
    -------
    ndarray of shape (n_scores, n_cross_sections, n_cross_sections)
        Mean covariance over suites; zero between cross-sections that share no halos.
    """
    found = []
    for suite in np.unique(suites):
        rows = suites == suite
        halos, halo = np.unique(groups[rows], return_inverse=True)
        table = np.full((scores.shape[1], len(halos), columns.max() + 1), np.nan)
        table[:, halo, columns[rows]] = scores[rows].T
        known = np.isfinite(table[0]).astype(float)
        table = np.nan_to_num(table - np.nanmean(table, axis=1, keepdims=True))
        found.append(np.swapaxes(table, 1, 2) @ table / np.maximum(known.T @ known - 1, 1))
    return np.mean(found, axis=0)

"""Mean features of a simulation, and conditioning on the own simulation of a sample."""

import numpy as np
from scipy.interpolate import PchipInterpolator

_MIN_OWN = 3
"""Minimum number of clusters of the own simulation at each cross-section."""

_TRIMMED_FRACTION = 0.1
"""Fraction of clusters, farthest from the median, that means exclude."""


def own_means(features, cross_sections, groups):
    """Return cross-sections, means and the fraction of noise that each two of them share."""
    features, truths, clusters = average_by_cluster(features, cross_sections, groups, np.zeros(len(groups)))
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
    return values, np.array([trimmed_mean(features[truths == value]) for value in values]), np.array(shared)


def condition_response(curve, covariance, within, nodes, own_nodes, own, shared):
    """Condition a Gaussian process at the nodes on noisy values elsewhere; return mean and variance.

    The same clusters at two cross-sections are assumed to have the same noise.
    """
    to_own = PchipInterpolator(nodes, np.eye(len(nodes)))(own_nodes)
    deviations = np.sqrt(to_own @ within)
    noise = np.outer(deviations, deviations) * shared
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(values, 0)) @ vectors.T
    cross = covariance @ to_own.T
    total = to_own @ cross + noise
    gain = np.linalg.solve(total + 1e-9 * np.trace(total) * np.eye(len(total)), cross.T).T
    return curve + gain @ (own - to_own @ curve), np.diag(covariance - gain @ cross.T)


def average_by_cluster(features, cross_sections, suites, groups):
    """Average the maps of each cluster at each cross-section."""
    keys = np.array([suites, groups, cross_sections], dtype=float)
    (suites, _, cross_sections), rows = np.unique(keys, axis=1, return_inverse=True)
    sums = np.zeros((len(suites), features.shape[1]))
    np.add.at(sums, rows, features)
    return sums / np.bincount(rows)[:, np.newaxis], cross_sections, suites


def trimmed_mean(features):
    """Return the trimmed mean of whitened features, without those farthest from the median."""
    n_left_out = int(_TRIMMED_FRACTION * len(features))
    distance = ((features - np.median(features, axis=0)) ** 2).sum(axis=1)
    return features[np.argsort(distance, kind="stable")[: len(features) - n_left_out]].mean(axis=0)

"""Population of suites: mean response, covariance between suites, and distance of a sample from it."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import chi2
from sklearn.covariance import ledoit_wolf_shrinkage

_N_STEPS = 48
"""Number of steps along the response on which distances are minimised."""

_MIN_BETWEEN = 1e-3
"""Smallest variance between suites, over the variance of their means within them."""


@dataclass(frozen=True)
class Population:
    """Mean response of suites, and the covariance between them.

    Attributes
    ----------
    target : ndarray of shape (n_cross_sections,)
        Coordinates of the cross-sections.
    curve : ndarray of shape (n_cross_sections, n_features)
        Mean over suites of whitened mean features.
    values : ndarray of shape (n_features,)
        Variances between suites, along the columns of `vectors`.
    vectors : ndarray of shape (n_features, n_features)
        Eigenvectors of the covariance between suites.
    n_within : float
        Number of clusters in a mean.
    n_suites : int
        Number of suites.
    """

    target: np.ndarray
    curve: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    n_within: float
    n_suites: int

    @classmethod
    def fit(cls, means, target, n_within):
        """Fit to whitened mean features of shape (n_suites, n_cross_sections, n_features).

        The covariance of the means is shrunk as by Ledoit and Wolf (2004, J. Multivar. Anal. 88, 365); then
        that of the clusters within suites is subtracted.
        """
        curve = means.mean(axis=0)
        residuals = means - curve
        covariance = np.einsum("ksi,ksj->ij", residuals, residuals) / ((len(means) - 1) * len(target))
        values, vectors = np.linalg.eigh(covariance)
        shrinkage = ledoit_wolf_shrinkage(residuals.mean(axis=1), assume_centered=True)
        values = (1 - shrinkage) * values + shrinkage * values.mean()
        values = np.maximum(values - 1 / n_within, _MIN_BETWEEN / n_within)
        return cls(target, curve, values, vectors, n_within, len(means))

    def direction(self, n_clusters):
        """Return weights and constant of the linear estimate of the coordinate from a mean of clusters."""
        centred, target = self.curve - self.curve.mean(axis=0), self.target - self.target.mean()
        noise = (self.vectors * (self.values + 1 / n_clusters)) @ self.vectors.T
        variance = noise + centred.T @ centred / len(target)
        weights = np.linalg.solve(variance, centred.T @ target / len(target))
        return weights, self.target.mean() - self.curve.mean(axis=0) @ weights

    def distances(self, points, n_clusters):
        """Return squared distances of mean features from the nearest cross-section.

        Directions count by their share of variance between suites, which is most sensitive to a larger
        scatter. The expectation is the same for means of more clusters than those of the suites.
        """
        noise, share = self._shares(n_clusters)
        steps = np.linspace(self.target[0], self.target[-1], _N_STEPS + 1)
        curve = PchipInterpolator(self.target, self.curve)(steps)
        residuals = (points[:, np.newaxis] - curve) @ self.vectors
        squares = (residuals**2 + noise - 1 / n_clusters) * (1 - share) / noise
        return (squares * share).sum(axis=2).min(axis=1)

    def share_of_suites(self, n_clusters):
        """Return the fraction of the expected squared distance that is due to the variance between suites."""
        _, share = self._shares(n_clusters)
        return float(np.average(share, weights=share))

    def _shares(self, n_clusters):
        noise = 1 / min(n_clusters, self.n_within)
        between = self.values * (1 + 1 / self.n_suites)
        return noise, between / (between + noise)


def log_evidence_of_scales(distance, distances, scales, share):
    """Return the log-evidence of scales of the covariance between suites.

    Squared distances are assumed to be a multiple of chi-squared, with the mean and the variance of those of
    held-out suites.

    Parameters
    ----------
    distance : float
        Squared distance of a sample.
    distances : ndarray
        Squared distances of held-out suites.
    scales : ndarray of shape (n_scales,)
        Scales.
    share : float
        Fraction of the expected distance that is proportional to the scale.

    Returns
    -------
    ndarray of shape (n_scales,)
        Log-evidence, up to a constant.
    """
    freedom = 2 * distances.mean() ** 2 / distances.var()
    units = distances.mean() * (1 + (scales - 1) * share) / freedom
    return chi2.logpdf(max(distance, distances.min()) / units, freedom) - np.log(units)

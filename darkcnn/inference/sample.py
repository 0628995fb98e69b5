"""Posterior of a sample from the likelihoods of its maps."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import beta
from sklearn.utils import gen_batches

_N_FRACTIONS = 6
_CHUNK = 4096  # maps whose likelihoods are in memory at a time


@dataclass(frozen=True)
class OutlierMixture:
    r"""Mixture likelihood :math:`(1 - \epsilon) r + \epsilon q` of a map, for several :math:`\epsilon`.

    Like :math:`r`, :math:`q` is relative to all classes together. There may be several outlier components of
    equal prior probability, one of which applies to all outliers of a sample.

    Parameters
    ----------
    mean : float
        Mean of the prior of :math:`\epsilon`, Beta(1, 1 / mean - 1).
    """

    mean: float

    @cached_property
    def fractions(self):
        """Outlier fractions, logarithmically spaced."""
        return np.geomspace(self.mean / 20, 0.5, _N_FRACTIONS)

    @cached_property
    def log_prior(self):
        """Logarithms of their prior probabilities."""
        # The spacing is proportional to the fraction, hence the second factor.
        weights = beta.pdf(self.fractions, 1, 1 / self.mean - 1) * self.fractions
        return np.log(weights / weights.sum())

    def log_likelihood(self, ratios, outliers):
        """Return the log-likelihood of each map.

        Parameters
        ----------
        ratios, outliers : ndarray
            Likelihood ratios of the maps and of the outlier components, broadcast together.

        Returns
        -------
        ndarray of float32 of shape (n_fractions, ...)
            Log-likelihoods; single precision is faster and sufficient.
        """
        fractions = self.fractions.astype(np.float32)
        ratios, outliers = ratios.astype(np.float32), outliers.astype(np.float32)
        # An underflow must not exclude the class: another outlier component may explain the map.
        tiny = np.finfo(np.float32).tiny
        return np.stack(
            [np.log(np.maximum((1 - each) * ratios + each * outliers, tiny)) for each in fractions]
        )

    def log_likelihood_of_sample(self, maps, weights, ratios_of):
        """Sum over maps in chunks: from (n_maps, n_classes) to (n_fractions, 1, n_grid)."""
        return sum(
            np.einsum("i,fig->fg", weights[rows], self.log_likelihood(ratios_of(maps[rows]), np.ones(1)))
            for rows in gen_batches(len(maps), _CHUNK)
        )[:, np.newaxis]

    def marginalise(self, log_likelihood):
        """Marginalise over outlier components and fractions.

        Parameters
        ----------
        log_likelihood : ndarray of shape (n_fractions, n_components, ...)
            Log-likelihoods of a sample.

        Returns
        -------
        log_likelihood : ndarray of shape (...)
            Marginalised log-likelihoods.
        outlier_fraction : ndarray of shape (...)
            Expected outlier fraction.
        """
        n_fractions, n_components, *shape = log_likelihood.shape
        by_fraction = logsumexp(log_likelihood, axis=1).reshape(n_fractions, -1).astype(float)
        by_fraction += self.log_prior[:, np.newaxis] - np.log(n_components)
        log_sum = logsumexp(by_fraction, axis=0)
        expected = self.fractions @ np.exp(by_fraction - log_sum)
        return log_sum.reshape(shape), expected.reshape(shape)


@dataclass(frozen=True)
class PooledPosterior:
    """Posterior of a sample, averaged over networks and replicates of the calibration.

    Each posterior is normalised before averaging, so that confident ones have no higher weight.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n_replicates, n_grid)
        Log-likelihoods of the replicates of all networks.
    outlier_fractions : ndarray of shape (n_replicates, n_grid)
        Expected outlier fractions.
    grid_prior : ndarray of shape (n_grid,)
        Prior probabilities of the grid points.
    """

    log_likelihood: np.ndarray
    outlier_fractions: np.ndarray
    grid_prior: np.ndarray

    @cached_property
    def _masses(self):
        """Posterior probabilities of each replicate, shape (n_replicates, n_grid)."""
        return softmax(self.log_likelihood + np.log(self.grid_prior), axis=1)

    @property
    def mass(self):
        """Posterior probabilities of the grid points, shape (n_grid,)."""
        return self._masses.mean(axis=0)

    @property
    def outlier_fraction(self):
        """Posterior mean of the outlier fraction."""
        return float((self._masses * self.outlier_fractions).sum(axis=1).mean())

    def between(self, position):
        """Return the fraction of the variance of a coordinate that is between replicates."""
        means = self._masses @ position
        total = self.mass @ (position - self.mass @ position) ** 2
        return float(means.var() / total) if total > 0 else 0.0

    def log_classes(self, rows, prior):
        """Return the log posterior of the classes, at these grid indices, shape (n_classes,)."""
        log_posterior = self.log_likelihood[:, rows] + np.log(prior)
        log_posterior -= logsumexp(log_posterior, axis=1, keepdims=True)
        return logsumexp(log_posterior, axis=0) - np.log(len(log_posterior))

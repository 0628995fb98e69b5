"""Response of many suites to the cross-section, with suites as a random effect."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp, softmax
from scipy.stats import t as student

from darkcnn.inference.population import Population, log_evidence_of_scales
from darkcnn.inference.suite_means import (
    average_by_cluster,
    check_counts,
    condition_response,
    covariance_within,
    own_response,
    sample_mean,
    trimmed_mean,
)

_N_FOLDS = 5
"""Number of folds of suites: the scatter is measured on suites that did not determine the direction."""

_TARGET_SCALE = 0.1
"""Directions estimate log(1 + cross-section / scale), cm2/g."""

_SIZES = np.array([1, 4, 16, 64, 256])
"""Numbers of clusters for which there are directions; a sample uses the nearest."""

_SCALES = np.array([1, 2, 4, 8, 16])
"""Scales of the covariance between suites: 1 for a sample like them, more for one that is farther."""

_MIN_VARIANCE = 1e-5


class SuiteResponse:
    r"""Mean features of clusters as a function of the cross-section, with suites as a random effect.

    Features are whitened by their covariance within suites. The mean of suite :math:`k` is
    :math:`z_k(\sigma)`; over suites it has the mean :math:`\mu(\sigma)`, a monotone cubic through the
    simulated cross-sections, and the covariance :math:`S`. The mean of a sample of :math:`N` clusters from a
    new simulation is

    .. math:: z \sim \mathcal N(\mu(\sigma),\ s S + I / N).

    The cross-section is estimated along one direction, with the highest ratio of the response to the variance
    for :math:`s = 1`. Along it, the posterior is a Student distribution with one degree of freedom less than
    the number of suites; its variance is the sum of those of the sample, of the calibration, between suites,
    measured on suites that did not determine the direction, and of the *discrepancy*, for :math:`s > 1`. The
    posterior is averaged over :math:`s`, which is 1 with a prior probability of one half. The evidence of
    :math:`s` is that of the distance of :math:`z` from :math:`\mu` in all directions, compared with the
    distances of held-out suites. With a single feature, the distance is degenerate with the cross-section,
    and :math:`s = 1`.

    Means are trimmed: they exclude the tenth of the clusters that are farthest from the median.

    Parameters
    ----------
    features : ndarray of shape (n_maps, n_features)
        Features of held-out maps.
    cross_sections : ndarray of shape (n_maps,)
        True cross-sections, cm2/g.
    suites : ndarray of shape (n_maps,)
        Suite of each map.
    groups : ndarray of int of shape (n_maps,)
        Cluster of each map.

    Attributes
    ----------
    cross_sections : ndarray of shape (n_cross_sections,)
        Simulated cross-sections, ascending, cm2/g.
    n_suites : int
        Number of suites.

    Raises
    ------
    ValueError
        If there are fewer than five suites, or one has fewer than five clusters of a cross-section.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference import SuiteResponse
    >>> rng = np.random.default_rng(0)
    >>> suites, truth = np.repeat(np.arange(20), 60), np.tile(np.repeat([0.0, 0.1, 1.0], 20), 20)
    >>> scores = truth + 0.2 * rng.normal(size=20)[suites] + rng.normal(size=1200)
    >>> response = SuiteResponse(scores[:, np.newaxis], truth, suites, np.arange(1200))
    >>> response.n_suites, response.cross_sections.tolist()
    (20, [0.0, 0.1, 1.0])
    """

    def __init__(self, features, cross_sections, suites, groups):
        names, suites = np.unique(suites, return_inverse=True)
        features, cross_sections, suites, groups = average_by_cluster(
            features, cross_sections, suites, groups
        )
        suites = suites.astype(int)
        self.cross_sections, columns = np.unique(cross_sections, return_inverse=True)
        self.n_suites = len(names)
        cells = [
            [features[(suites == suite) & (columns == column)] for column in range(len(self.cross_sections))]
            for suite in range(self.n_suites)
        ]
        counts = np.array([[len(cell) for cell in row] for row in cells])
        check_counts(counts, names, self.cross_sections)
        within = np.mean([np.cov(cell.T, ddof=1) for row in cells for cell in row], axis=0)
        within = within.reshape(features.shape[1], features.shape[1])
        within += 1e-6 * np.trace(within) / len(within) * np.eye(len(within))
        whiten = np.linalg.inv(np.linalg.cholesky(within)).T
        means = np.array([[trimmed_mean(cell @ whiten) for cell in row] for row in cells])
        n_within = 1 / np.mean(1 / counts)  # effective number of clusters in a mean
        population = Population.fit(means, self._target, n_within)
        self._whiten, means = whiten @ population.vectors, means @ population.vectors  # diagonal in both
        self._set_population(means.mean(axis=0), population.values, n_within)
        folds = np.arange(self.n_suites) % _N_FOLDS
        self._held_out = np.empty((len(_SIZES), *means.shape[:2]))
        self._distances = np.empty(means.shape[:2])
        lengths = []
        for fold in range(_N_FOLDS):
            own = folds == fold
            others = Population.fit(means[~own], self._target, n_within)
            directions = [others.direction(size) for size in _SIZES]
            for held_out, (weights, constant) in zip(self._held_out, directions, strict=True):
                held_out[own] = means[own] @ weights + constant
            lengths.append([weights @ weights for weights, _ in directions])
            points = means[own].reshape(-1, means.shape[2])
            self._distances[own] = others.distances(points, n_within).reshape(-1, means.shape[1])
        weights = np.array([weights for weights, _ in self._directions])
        self._within = covariance_within(features @ self._whiten @ weights.T, columns, suites, groups)
        shrunk = np.mean(lengths, axis=0) / (weights**2).sum(axis=1) / n_within
        self._noise = shrunk[:, np.newaxis, np.newaxis] * self._within

    @property
    def _target(self):
        return np.log1p(self.cross_sections / _TARGET_SCALE)

    def _set_population(self, curve, values, n_within):
        """Set the population of all suites, whose covariance is diagonal in the whitened features."""
        self._population = Population(
            self._target, curve, values, np.eye(len(values)), n_within, self.n_suites
        )
        self._directions = [self._population.direction(size) for size in _SIZES]

    def to_arrays(self):
        """Return the fitted response as arrays, to write to a file.

        Returns
        -------
        dict of ndarray
            Arrays by name, mostly in single precision.
        """
        population = self._population
        single = {
            "whiten": self._whiten,
            "curve": population.curve,
            "values": population.values,
            "held_out": self._held_out,
            "distances": self._distances,
            "within": self._within,
            "noise": self._noise,
        }
        return {
            "cross_sections": self.cross_sections,
            "n_within": np.float64(population.n_within),
            **{name: each.astype(np.float32) for name, each in single.items()},
        }

    @classmethod
    def from_arrays(cls, arrays):
        """Restore a response from arrays.

        Parameters
        ----------
        arrays : dict of ndarray
            Result of :meth:`to_arrays`.

        Returns
        -------
        SuiteResponse
            Restored response.
        """
        response = cls.__new__(cls)
        response.cross_sections = arrays["cross_sections"]
        for name in ("whiten", "held_out", "distances", "within", "noise"):
            setattr(response, f"_{name}", arrays[name].astype(float))
        response.n_suites = len(response._distances)
        response._set_population(
            arrays["curve"].astype(float), arrays["values"].astype(float), float(arrays["n_within"])
        )
        return response

    def infer(self, features, groups, axis, grid_prior, own=None):
        """Infer the cross-section of a sample.

        Parameters
        ----------
        features : ndarray of shape (n_maps, n_features)
            Features of the maps.
        groups : ndarray of int of shape (n_maps,)
            Clusters of the maps.
        axis : CrossSectionAxis
            Axis of the posterior.
        grid_prior : ndarray of shape (n_grid,)
            Prior probabilities of the grid points.
        own : tuple or None, default=None
            Features, cross-sections and clusters of labelled maps from the simulation of the sample. They
            condition the response, which is a Gaussian process in the cross-section with the covariance
            between suites.

        Returns
        -------
        log_likelihood : ndarray of shape (n_grid,)
            Log-likelihood, up to a constant.
        variances : dict of str to float
            Contributions to the variance along the direction at the posterior mean: ``"sample"``,
            ``"calibration"``, ``"suites"`` and ``"discrepancy"``.
        """
        mean, n_clusters = sample_mean(features @ self._whiten, groups)
        scales = _SCALES if len(mean) > 1 else _SCALES[:1]
        size = np.abs(np.log(_SIZES / n_clusters)).argmin()
        weights, constant = self._directions[size]
        curves, between = self._along_direction(size, scales, axis, own)
        within = np.diag(self._within[size])
        error = (self._held_out[size].var(axis=0, ddof=1) if own is None else between[0]) / self.n_suites
        nodes, position = axis.position(self.cross_sections), axis.position(axis.grid)
        curves, between, within, error = (
            PchipInterpolator(nodes, each, axis=-1)(position) for each in (curves, between, within, error)
        )
        variance = within / n_clusters + error + between
        deviation = (mean @ weights + constant - curves) / np.sqrt(variance)
        log_likelihood = student.logpdf(deviation, self.n_suites - 1) - 0.5 * np.log(variance)
        # Normalised, because the distance already determines the weights of the scales.
        log_likelihood -= logsumexp(log_likelihood, axis=1, b=grid_prior, keepdims=True)
        shares = self._shares(mean, n_clusters, scales)
        log_likelihood = logsumexp(log_likelihood, axis=0, b=shares[:, np.newaxis])
        posterior = softmax(log_likelihood + np.log(grid_prior))
        parts = within / n_clusters, error, between[0], shares @ between - between[0]
        names = "sample", "calibration", "suites", "discrepancy"
        return log_likelihood, {
            name: float(posterior @ part) for name, part in zip(names, parts, strict=True)
        }

    def _along_direction(self, size, scales, axis, own):
        """Return the response and the variance between suites at the cross-sections, for each scale."""
        held_out = self._held_out[size]
        weights, constant = self._directions[size]
        smallest = _MIN_VARIANCE * (weights @ weights)
        covariance, curve = np.cov(held_out.T) - self._noise[size], held_out.mean(axis=0)
        if own is None:
            variance = np.maximum(np.diag(covariance), smallest)
            return np.broadcast_to(curve, (len(scales), len(curve))), scales[:, np.newaxis] * variance
        cross_sections, means, variances, shared = own_response(own[0] @ self._whiten, *own[1:], weights)
        nodes, own_nodes = axis.position(self.cross_sections), axis.position(cross_sections)
        to_own = PchipInterpolator(nodes, np.eye(len(nodes)))(own_nodes)
        within = to_own @ self._within[size] @ to_own.T
        excess = max(1, np.mean(variances / np.diag(within)))  # clusters may differ more than in the suites
        conditioned = [
            condition_response(
                curve, scale * covariance, nodes, own_nodes, means + constant, excess * within * shared
            )
            for scale in scales
        ]
        curves, variances = map(np.array, zip(*conditioned, strict=True))
        return curves, np.maximum(variances, smallest)

    def _shares(self, mean, n_clusters, scales):
        """Return the posterior probabilities of the scales."""
        if len(scales) == 1:
            return np.ones(1)
        prior = np.where(scales == 1, 1, 1 / (len(scales) - 1))
        (distance,) = self._population.distances(mean[np.newaxis], n_clusters)
        share = self._population.share_of_suites(n_clusters)
        log_evidence = log_evidence_of_scales(distance, self._distances, scales, share)
        return softmax(log_evidence + np.log(prior))

    def pvalue(self, features, groups):
        """Return the p-value of a sample: the fraction of suites at least as far from the others.

        Distances are those from the nearest cross-section.

        Parameters
        ----------
        features : ndarray of shape (n_maps, n_features)
            Features of the sample.
        groups : ndarray of int of shape (n_maps,)
            Clusters of the maps.

        Returns
        -------
        float
            P-value; near 0 for a sample unlike all suites. At least 1 / (number of suites + 1).
        """
        mean, n_clusters = sample_mean(features @ self._whiten, groups)
        farther = self._distances >= self._population.distances(mean[np.newaxis], n_clusters)
        return float((1 + farther.mean(axis=1).sum()) / (1 + self.n_suites))

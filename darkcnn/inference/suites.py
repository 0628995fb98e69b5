"""Response of many suites to the cross-section, with suites as a random effect."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp, softmax
from scipy.stats import t as student

from darkcnn.inference.suite_means import average_by_cluster, condition_response, own_means, trimmed_mean

_MIN_SUITES = 5
_MIN_CLUSTERS = 5
"""Minimum number of clusters of every suite at every cross-section."""

_N_FOLDS = 5
"""Number of folds of suites: the scatter is measured on suites that did not determine the direction."""

_DISCREPANCIES = np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28])
"""Variance of the discrepancy of the sample from all suites, over the variance of one cluster."""

_MIN_VARIANCE = 1e-5


class SuiteResponse:
    r"""Mean features of clusters as a function of the cross-section, with suites as a random effect.

    Features are whitened by their covariance within suites. The mean of suite :math:`k` is
    :math:`z_k(\sigma)`; over suites it has the mean :math:`\mu(\sigma)`, a monotone cubic through the
    simulated cross-sections, and the covariance :math:`S`. The mean of a sample of :math:`N` clusters from a
    new simulation is

    .. math:: z \sim \mathcal N(\mu(\sigma),\ S + (1 / N + \kappa) I),

    where :math:`\kappa` is a discrepancy from all suites, in units of the variance of one cluster. The
    cross-section is estimated along one direction, with the highest ratio of the response to the variance.
    Along it, the posterior is a Student distribution with one degree of freedom less than the number of
    suites; its variance is the sum of those of the sample, of the calibration, between suites and of the
    discrepancy. It is averaged over :math:`\kappa`, weighted by the evidence of :math:`z` in all directions.
    With a single feature, the discrepancy is degenerate with the cross-section and set to zero.

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
    n_directions : int or None, default=None
        Number of directions to keep: those in which suites and cross-sections differ most. None for all.

    Attributes
    ----------
    cross_sections : ndarray of shape (n_cross_sections,)
        Simulated cross-sections, ascending, cm2/g.
    means : ndarray of shape (n_suites, n_cross_sections, n_directions)
        Whitened mean features.

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
    >>> response.means.shape
    (20, 3, 1)
    """

    def __init__(self, features, cross_sections, suites, groups, *, n_directions=None):
        names, suites = np.unique(suites, return_inverse=True)
        features, cross_sections, suites = average_by_cluster(features, cross_sections, suites, groups)
        self.cross_sections = np.unique(cross_sections)
        cells = [
            [features[(suites == suite) & (cross_sections == each)] for each in self.cross_sections]
            for suite in range(len(names))
        ]
        counts = np.array([[len(cell) for cell in row] for row in cells])
        if len(names) < _MIN_SUITES:
            raise ValueError(f"suites must be {_MIN_SUITES} or more, got {len(names)}")
        if counts.min() < _MIN_CLUSTERS:
            row, column = np.argwhere(counts < _MIN_CLUSTERS)[0]
            raise ValueError(
                f"suites must each have {_MIN_CLUSTERS} clusters or more at every cross-section, but suite "
                f"{names[row]} has {counts[row, column]} at {self.cross_sections[column]:g} cm2/g"
            )
        within = np.array(
            [np.mean([np.cov(row[i].T, ddof=1) for row in cells], axis=0) for i in range(counts.shape[1])]
        ).reshape(len(self.cross_sections), features.shape[1], features.shape[1])
        total = within.mean(axis=0)
        total += 1e-6 * np.trace(total) / len(total) * np.eye(len(total))
        self._whiten = np.linalg.inv(np.linalg.cholesky(total)).T
        self._n_within = 1 / np.mean(1 / counts)  # effective number of clusters in a mean
        self.means = self._means(cells)
        if n_directions is not None and n_directions < self.means.shape[2]:
            spread = self._between(self.means) + np.cov(self.means.mean(axis=0).T)
            self._whiten = self._whiten @ np.linalg.eigh(spread)[1][:, -n_directions:]
            self.means = self._means(cells)
        self._within = np.einsum("ji,sjk,kl->sil", self._whiten, within, self._whiten)

    def _means(self, cells):
        return np.array([[trimmed_mean(cell @ self._whiten) for cell in row] for row in cells])

    def to_arrays(self):
        """Return the fitted response as arrays, to write to a file.

        Returns
        -------
        dict of ndarray
            Arrays by name, mostly in single precision.
        """
        arrays = {"cross_sections": self.cross_sections, "n_within": np.float64(self._n_within)}
        for name, each in (("whiten", self._whiten), ("means", self.means), ("within", self._within)):
            arrays[name] = each.astype(np.float32)
        return arrays

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
        response.cross_sections, response._n_within = arrays["cross_sections"], float(arrays["n_within"])
        for name in ("whiten", "within"):
            setattr(response, f"_{name}", arrays[name].astype(float))
        response.means = arrays["means"].astype(float)
        return response

    def check_axis(self, axis):
        """Check that the axis is within the simulated cross-sections.

        Parameters
        ----------
        axis : CrossSectionAxis
            Axis of a posterior.

        Raises
        ------
        ValueError
            If an end is outside the simulated range.
        """
        low, high = self.cross_sections[[0, -1]]
        if low > axis.grid[0] or high < axis.grid[-1]:
            raise ValueError(
                "the calibration must have clusters at or beyond the lowest and the highest class, "
                f"{axis.grid[0]:g} and {axis.grid[-1]:g} cm2/g, got {low:g} to {high:g} cm2/g"
            )

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
        features = average_by_cluster(features, np.zeros(len(groups)), np.zeros(len(groups)), groups)[0]
        n_clusters = len(features)
        mean = trimmed_mean(features @ self._whiten)
        position, nodes = axis.position(axis.grid), axis.position(self.cross_sections)
        levels = _DISCREPANCIES if self.means.shape[2] > 1 else np.zeros(1)
        folds = np.arange(len(self.means)) % _N_FOLDS
        # Of all suites, then without those of each fold; independent of the discrepancy.
        parts_of_suites = [self.means, *(self.means[folds != fold] for fold in range(_N_FOLDS))]
        suites = [(means, self._between(means)) for means in parts_of_suites]
        own = None if own is None else own_means(own[0] @ self._whiten, *own[1:])
        likelihoods, parts = [], []
        for level in levels:
            likelihood, variances = self._along_direction(
                mean,
                n_clusters,
                level,
                suites,
                folds,
                nodes,
                position,
                own and (axis.position(own[0]), *own[1:]),
            )
            likelihoods.append(likelihood)
            parts.append(variances)
        weights = softmax(self._evidence(mean, n_clusters, levels, nodes, position, grid_prior))
        likelihoods = np.array(likelihoods)
        # Normalised, because the weights already contain the evidence from all directions.
        likelihoods -= logsumexp(likelihoods, axis=1, b=grid_prior, keepdims=True)
        log_likelihood = logsumexp(likelihoods, axis=0, b=weights[:, np.newaxis])
        posterior = softmax(log_likelihood + np.log(grid_prior))
        variances = np.einsum("k,kvg,g->v", weights, np.array(parts), posterior)
        names = "sample", "calibration", "suites", "discrepancy"
        return log_likelihood, dict(zip(names, variances.tolist(), strict=True))

    def pvalue(self, features, groups, axis):
        """Return the p-value of a sample: the fraction of suites at least as far from all others.

        Distances are those from the nearest cross-section.

        Parameters
        ----------
        features : ndarray of shape (n_maps, n_features)
            Features of the sample.
        groups : ndarray of int of shape (n_maps,)
            Clusters of the maps.
        axis : CrossSectionAxis
            Axis of the posterior.

        Returns
        -------
        float
            P-value; near 0 for a sample unlike all suites. At least 1 / (number of suites + 1).
        """
        features = average_by_cluster(features, np.zeros(len(groups)), np.zeros(len(groups)), groups)[0]
        nodes, position = axis.position(self.cross_sections), axis.position(axis.grid)
        mean = trimmed_mean(features @ self._whiten)[np.newaxis]
        own = self._distances(mean, len(features), self.means, nodes, position)[0]
        suites = range(len(self.means))
        others = [
            self._distances(self.means[k], self._n_within, np.delete(self.means, k, axis=0), nodes, position)
            for k in suites
        ]
        farther = (np.array(others) >= own).mean(axis=1)  # over the cross-sections of each suite
        return float((1 + farther.sum()) / (1 + len(suites)))

    def _distances(self, points, n_clusters, means, nodes, position):
        """Return squared distances from the nearest cross-section, in units of the scatter."""
        residuals, variance = self._residuals(points, n_clusters, means, nodes, position)
        return (residuals**2 / variance).sum(axis=2).min(axis=1)

    def _residuals(self, points, n_clusters, means, nodes, position):
        """Return deviations from the response, (n_points, n_grid, n_directions), and their variances.

        Directions are the eigenvectors of the covariance between suites.
        """
        values, vectors = np.linalg.eigh(self._between(means))
        curve = PchipInterpolator(nodes, means.mean(axis=0))(position)
        variance = np.maximum(values, 0) * (1 + 1 / len(means)) + 1 / n_clusters
        return (points[:, np.newaxis] - curve) @ vectors, variance

    def _between(self, means):
        """Return the covariance between suites, averaged over cross-sections."""
        residual = (means - means.mean(axis=0)).reshape(-1, means.shape[2])
        covariance = residual.T @ residual / ((len(means) - 1) * means.shape[1])
        values, vectors = np.linalg.eigh(covariance - np.eye(len(covariance)) / self._n_within)
        return (vectors * np.maximum(values, 0)) @ vectors.T

    @staticmethod
    def _direction(means, between, n_clusters, level, nodes):
        """Return the weights and the constant of the linear estimate of the axis coordinate."""
        curve = means.mean(axis=0)
        centred, nodes_centred = curve - curve.mean(axis=0), nodes - nodes.mean()
        noise = (1 / n_clusters + level) * np.eye(means.shape[2])
        variance = between + noise + centred.T @ centred / len(nodes)
        weights = np.linalg.solve(variance, centred.T @ nodes_centred / len(nodes))
        return weights, nodes.mean() - curve.mean(axis=0) @ weights

    def _along_direction(self, mean, n_clusters, level, suites, folds, nodes, position, own):
        """Return the log-likelihood on the grid and the variance contributions for one discrepancy."""
        weights, constant = self._direction(*suites[0], n_clusters, level, nodes)
        held_out, lengths = np.empty(self.means.shape[:2]), []
        for fold, others in enumerate(suites[1:]):
            without, shift = self._direction(*others, n_clusters, level, nodes)
            held_out[folds == fold] = self.means[folds == fold] @ without + shift
            lengths.append(without @ without)
        length = weights @ weights
        within = np.einsum("i,sij,j->s", weights, self._within, weights)
        shrunk = np.mean(lengths) / length / self._n_within
        scatter = np.maximum(held_out.var(axis=0, ddof=1) - shrunk * within, _MIN_VARIANCE * length)
        curve, error = held_out.mean(axis=0), held_out.var(axis=0, ddof=1) / len(self.means)
        if own is not None:
            deviations = np.sqrt(within)
            covariance = np.cov(held_out.T) - shrunk * np.outer(deviations, deviations)
            curve, scatter = condition_response(
                curve, covariance, within, nodes, own[0], own[1] @ weights + constant, own[2]
            )
            scatter = np.maximum(scatter, _MIN_VARIANCE * length)
            error = scatter / len(self.means)
        curve, within, between, error = (
            PchipInterpolator(nodes, each)(position) for each in (curve, within, scatter, error)
        )
        parts = np.array([within / n_clusters, error, between, np.full(len(position), level * length)])
        variance = parts.sum(axis=0)
        deviation = (mean @ weights + constant - curve) / np.sqrt(variance)
        return student.logpdf(deviation, len(self.means) - 1) - 0.5 * np.log(variance), parts

    def _evidence(self, mean, n_clusters, levels, nodes, position, grid_prior):
        """Return the log-evidence of each discrepancy from all directions."""
        (residual,), variance = self._residuals(mean[np.newaxis], n_clusters, self.means, nodes, position)
        variance = variance + levels[:, np.newaxis]
        log_density = -0.5 * (
            (residual**2 / variance[:, np.newaxis]).sum(axis=2) + np.log(variance).sum(axis=1)[:, np.newaxis]
        )
        return logsumexp(log_density, axis=1, b=grid_prior)

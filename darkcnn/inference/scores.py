"""Distribution of scores as a function of the cross-section, fitted to held-out clusters."""

import warnings

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import map_coordinates
from scipy.stats import f_oneway, norm

_N_REPLICATES = 100

_N_ITERATIONS = 30
_MIN_SPREAD = 0.1
_POINTS = np.linspace(-6, 6, 1201)

_MAX_PVALUE = 0.01
"""P-value above which differences between classes are not significant."""

_OUTLIER_SPREAD = 2
"""Standard deviation of the normal scores of outliers unlike any class; that of all classes together is 1."""

_BINS = np.linspace(-3.45, 3.45, 47)
"""Bin centres of normal scores, 0.15 apart, far less than the spread of a class."""

_N_MEANS, _N_SPREADS = 101, 11
"""Numbers of means and spreads in the table of likelihoods; ends of intervals are accurate to 1 % of their
lengths for up to 1,000 clusters."""


class ScoreDistribution:
    r"""Distribution of the scores of a network as a function of the cross-section.

    As in the binormal model of ROC curves [1]_, some increasing function of the score, :math:`t =
    G^{-1}(F(s))`, is normal within every class, where :math:`F` is the distribution of all held-out scores
    with equal class weights, and :math:`G` the mixture of the normal distributions of the classes. It is
    found by iteration: :math:`t` gives the moments of the classes, and these give :math:`G`. Only ranks
    matter, so the result is invariant under increasing functions of the scores, such as over-confidence.
    "Classes" are here all cross-sections of held-out clusters. The mean of a class and the logarithm of its
    standard deviation are interpolated between them by a monotone cubic function (PCHIP) on the axis.

    For the finite number of held-out clusters, the moments are drawn 100 times with random weights of the
    clusters (Bayesian bootstrap [2]_). Every replicate also draws the bend of the response in each gap: the
    interpolation at a fraction :math:`u` of the gap is evaluated at :math:`u + a u (1 - u)`. Between
    neighbouring classes of the network, :math:`a` is uniform between -1 and 1, which covers all monotonic
    quadratic functions if there are two classes. If held-out clusters divide this gap, the cubic follows the
    bend that they measure. What it misses is of third order in the length of a gap, two orders above the
    slope, so that the range of :math:`a` decreases with the square of the length.

    The likelihood of a sample depends only on one mean and one spread. It is tabulated, and every replicate
    is a path through the table.

    Parameters
    ----------
    axis : CrossSectionAxis
        Axis of the classes of the network, on whose grid the distribution is found.
    cross_sections : ndarray of shape (n_cross_sections,)
        Cross-sections of the held-out clusters, ascending, cm2/g.
    scores : ndarray of shape (n_maps,)
        Scores of the held-out maps.
    target : ndarray of int of shape (n_maps,)
        Cross-sections of the maps, as indices of `cross_sections`.
    groups : ndarray of int of shape (n_maps,)
        Clusters of the maps, numbered from 0.
    rng : RandomState
        Random generator.

    References
    ----------
    .. [1] D. D. Dorfman and E. Alf, Journal of Mathematical Psychology 6, 487 (1969).
    .. [2] D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 130 (1981).

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference.axis import CrossSectionAxis
    >>> from darkcnn.inference.scores import ScoreDistribution
    >>> target = np.arange(200) % 2
    >>> scores = 2 * target + np.random.default_rng(0).normal(size=200)
    >>> nodes = np.array([0.0, 1.0])
    >>> axis, rng = CrossSectionAxis(nodes), np.random.RandomState(0)
    >>> found = ScoreDistribution(axis, nodes, scores, target, np.arange(200), rng)
    >>> bool((np.diff(found.normal_scores([-1, 1, 3])) > 0).all())
    True
    """

    def __init__(self, axis, cross_sections, scores, target, groups, rng):
        n_classes = len(cross_sections)
        weights = 1 / (n_classes * np.bincount(target, minlength=n_classes)[target])
        order = np.argsort(scores)
        self._sorted = scores[order]
        self._cumulative = np.append(0, np.cumsum(weights[order]))
        self._levels = norm.cdf(_POINTS)
        ranks = self._ranks(scores)
        for _ in range(_N_ITERATIONS):
            normal = np.interp(ranks, self._levels, _POINTS)
            mean, square = (np.bincount(target, weights * normal**power) * n_classes for power in (1, 2))
            spread = np.sqrt(np.maximum(square - mean**2, _MIN_SPREAD**2))
            # All classes together keep mean 0 and variance 1.
            scale = np.sqrt((mean**2 + spread**2).mean() - mean.mean() ** 2)
            mean, spread = (mean - mean.mean()) / scale, spread / scale
            self._levels = norm.cdf(_POINTS[:, np.newaxis], mean, spread).mean(axis=1)
        self._classes = mean, spread
        normal = self.normal_scores(scores)
        # Sums of t^0, t^1 and t^2 in each cluster and class, before weighting by cluster.
        n_groups = groups.max() + 1
        cell = groups * n_classes + target
        sums = [
            np.bincount(cell, normal**power, minlength=n_groups * n_classes).reshape(n_groups, n_classes)
            for power in range(3)
        ]
        draws = rng.exponential(size=(_N_REPLICATES, n_groups))
        total, first, second = (draws @ part for part in sums)
        mean = first / total
        spread = np.sqrt(np.maximum(second / total - mean**2, _MIN_SPREAD**2))
        self._path = _interpolate(axis, cross_sections, np.stack([mean, np.log(spread)], axis=-1), rng)
        count, sum_, _ = sums
        by_class = [sum_[seen, row] / count[seen, row] for row, seen in enumerate(count.T > 0)]
        if np.ptp(normal) == 0 or f_oneway(*by_class).pvalue > _MAX_PVALUE:
            warnings.warn(
                "held-out probabilities do not separate the classes: the posterior will equal the prior",
                UserWarning,
                stacklevel=4,
            )
            self._path[:] = 0
        self._box = [
            np.linspace(values.min() - 1e-3, values.max() + 1e-3, number)
            for values, number in zip(self._path, (_N_MEANS, _N_SPREADS), strict=True)
        ]
        self._table = None

    def normal_scores(self, scores):
        """Transform scores to be normal within every class.

        Parameters
        ----------
        scores : array-like
            Scores of the network.

        Returns
        -------
        ndarray
            Transformed scores of the same shape.
        """
        return np.interp(self._ranks(scores), self._levels, _POINTS)

    def _ranks(self, scores):
        """Return the fraction of lower held-out scores; ties have their mean rank."""
        below, upto = (
            self._cumulative[np.searchsorted(self._sorted, scores, side)] for side in ("left", "right")
        )
        margin = 0.5 / len(self._sorted)
        return np.clip((below + upto) / 2, margin, 1 - margin)

    def log_likelihood(self, scores, weights, mixture):
        """Return the log-likelihoods of a sample.

        Parameters
        ----------
        scores, weights : ndarray of shape (n_maps,)
            Scores and weights of the maps.
        mixture : OutlierMixture
            Outlier fractions.

        Returns
        -------
        log_likelihood : ndarray of shape (n_replicates, n_grid)
            Log-likelihoods, marginalised over outliers.
        outlier_fraction : ndarray of shape (n_replicates, n_grid)
            Expected outlier fraction.
        """
        bins = np.rint((self.normal_scores(scores) - _BINS[0]) / (_BINS[1] - _BINS[0]))
        bins = np.clip(bins, 0, len(_BINS) - 1).astype(int)
        counts = np.bincount(bins, weights, minlength=len(_BINS)).astype(np.float32)
        if self._table is None or self._table[0] != mixture:  # shared by many samples
            self._table = mixture, self._tabulate(mixture)
        table = self._table[1]
        tabulated = mixture.marginalise((counts @ table.reshape(len(counts), -1)).reshape(table.shape[1:]))
        place = [
            (values - points[0]) / (points[1] - points[0])
            for values, points in zip(self._path, self._box, strict=True)
        ]
        return tuple(
            map_coordinates(values, place, order=order, mode="nearest")
            for values, order in zip(tabulated, (3, 1), strict=True)
        )

    def _tabulate(self, mixture):
        """Tabulate log-likelihoods by bin, (n_bins, n_fractions, n_components, n_means, n_spreads)."""
        means, log_spreads = self._box
        bins = _BINS[:, np.newaxis]
        classes = norm.pdf(bins, *self._classes)
        together = classes.mean(axis=1, keepdims=True)
        outliers = np.hstack([together, classes, norm.pdf(bins, scale=_OUTLIER_SPREAD)]) / together
        ratios = norm.pdf(bins[..., np.newaxis], means[:, np.newaxis], np.exp(log_spreads))
        ratios /= together[..., np.newaxis]
        table = mixture.log_likelihood(ratios[:, np.newaxis], outliers[..., np.newaxis, np.newaxis])
        return np.ascontiguousarray(np.moveaxis(table, 0, 1))


def _interpolate(axis, cross_sections, moments, rng):
    """Interpolate moments, (n_replicates, n_cross_sections, 2), to (2, n_replicates, n_grid)."""
    grid, nodes, classes = map(axis.position, (axis.grid, cross_sections, axis.nodes))
    between = np.searchsorted(classes, (nodes[1:] + nodes[:-1]) / 2) - 1  # classes of the network
    largest = (np.diff(nodes) / np.diff(classes)[between]) ** 2
    # A Latin hypercube, which is smoother than independent draws.
    shape = _N_REPLICATES, len(nodes) - 1
    curvature = 2 * (rng.uniform(size=shape).argsort(axis=0) + rng.uniform(size=shape)) / _N_REPLICATES - 1
    gap = np.clip(np.searchsorted(nodes, grid, side="right") - 1, 0, len(nodes) - 2)
    fraction = (grid - nodes[gap]) / np.diff(nodes)[gap]
    shift = (np.diff(nodes) * largest * curvature)[:, gap] * fraction * (1 - fraction)
    paths = [PchipInterpolator(nodes, each)(bent) for each, bent in zip(moments, grid + shift, strict=True)]
    return np.moveaxis(np.array(paths), -1, 0)

"""How the scores of clusters are distributed in each model, learned from held-out clusters."""

import warnings

import numpy as np
from scipy.stats import f_oneway, norm

_N_REPLICATES = 20

_N_ITERATIONS = 30
_MIN_SPREAD = 0.1
_POINTS = np.linspace(-6, 6, 1201)

_CHANCE = 0.01
"""Probability of differences by chance above which those between classes are taken for chance."""

BIN_CENTRES = np.linspace(-3.45, 3.45, 47)
"""Normal scores are counted in bins of 0.15, far narrower than the spread of a class."""


class ScoreDistribution:
    r"""The distribution of a network's scores, as a function of the cross-section.

    As in the binormal model of ROC curves [1]_, there is some increasing function of the score that is normal
    within every class, :math:`t = G^{-1}(F(s))` with :math:`F` the distribution of all held-out scores, each
    class counting alike, and :math:`G` the mixture of the classes' normal distributions. It is found by
    iteration: :math:`t` gives the moments of the classes, and they give :math:`G`. Only ranks matter, so
    neither over-confidence nor any other increasing function of the scores does. The mean of a class and the
    logarithm of its standard deviation are interpolated between classes.

    Held-out clusters are finite in number: the moments are drawn 20 times, clusters having random
    weights (the Bayesian bootstrap [2]_). Every replicate also draws how scores move between neighbouring
    classes, which no held-out cluster tells: at a fraction :math:`u` of the gap on the axis they have moved
    by :math:`u + a u (1 - u)` of the difference, with :math:`a` uniform between -1 and 1: all that is
    quadratic and never turns back.

    Parameters
    ----------
    axis : CrossSectionAxis
        Classes.
    scores : ndarray of shape (n_maps,)
        Scores of the held-out maps.
    target : ndarray of int of shape (n_maps,)
        Their classes, as positions in ``axis.nodes``.
    groups : ndarray of int of shape (n_maps,)
        Their clusters, counted from 0.
    rng : RandomState
        Source of the draws.

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
    >>> axis = CrossSectionAxis(np.array([0.0, 1.0]))
    >>> found = ScoreDistribution(axis, scores, target, np.arange(200), np.random.RandomState(0))
    >>> bool((np.diff(found.normal_scores([-1, 1, 3])) > 0).all())
    True
    """

    def __init__(self, axis, scores, target, groups, rng):
        self._axis = axis
        n_classes = len(axis.nodes)
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
        normal = self.normal_scores(scores)
        # Sums of t^0, t^1 and t^2 in each cluster and class, to be weighted by cluster.
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
        bends = rng.uniform(-1, 1, (_N_REPLICATES, n_classes - 1))
        self.mean, log_spread = (
            np.array([axis.interpolate(row, bend) for row, bend in zip(values, bends, strict=True)])
            for values in (mean, np.log(spread))
        )
        self.spread = np.exp(log_spread)
        count, sum_, _ = sums
        by_class = [sum_[seen, row] / count[seen, row] for row, seen in enumerate(count.T > 0)]
        if np.ptp(normal) == 0 or f_oneway(*by_class).pvalue > _CHANCE:
            warnings.warn(
                "held-out probabilities do not tell the classes apart: every posterior will be the prior",
                UserWarning,
                stacklevel=4,
            )
            self.mean[:], self.spread[:] = 0, 1
        self._table = None

    def normal_scores(self, scores):
        """Turn scores into those that are normal within every class.

        Parameters
        ----------
        scores : array-like
            Scores of the network.

        Returns
        -------
        ndarray
            Scores of the same shape.
        """
        return np.interp(self._ranks(scores), self._levels, _POINTS)

    def _ranks(self, scores):
        """Return the fraction of held-out scores that are lower; ties share the middle of their ranks."""
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
            Scores of the maps, and how much each counts.
        mixture : OutlierMixture
            Outlier fractions.

        Returns
        -------
        ndarray of shape (n_replicates, n_kinds, n_fractions, n_grid)
            Log-likelihoods, relative to that under all classes together.
        """
        step = BIN_CENTRES[1] - BIN_CENTRES[0]
        bins = np.rint((self.normal_scores(scores) - BIN_CENTRES[0]) / step)
        bins = np.clip(bins, 0, len(BIN_CENTRES) - 1).astype(int)
        counts = np.bincount(bins, weights, minlength=len(BIN_CENTRES)).astype(np.float32)
        if self._table is None or self._table[0] != mixture:  # a tenth of a second, so once for many samples
            self._table = mixture, self._tabulate(mixture)
        return (counts @ self._table[1].reshape(len(counts), -1)).reshape(self._table[1].shape[1:])

    def _tabulate(self, mixture):
        """Return log-likelihoods in each bin, (n_bins, n_replicates, n_kinds, n_fractions, n_grid)."""
        centres = BIN_CENTRES[:, np.newaxis]
        density = norm.pdf(centres, self.mean[:, np.newaxis], self.spread[:, np.newaxis])
        ratios = density / density[..., self._axis.node_rows].mean(axis=-1, keepdims=True)
        like_a_class = np.moveaxis(ratios[..., self._axis.node_rows], -1, 0)
        outliers = np.concatenate([np.ones_like(like_a_class[:1]), like_a_class])
        table = mixture.log_likelihood(ratios, outliers[..., np.newaxis])
        return np.ascontiguousarray(table.transpose(3, 2, 1, 0, 4))

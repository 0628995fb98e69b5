"""Coverage of credible intervals, checked with held-out clusters of known cross-section."""

import copy
import warnings
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import check_array, check_consistent_length, check_random_state

from darkcnn._common.sklearn_private import Interval, validate_parameter_constraints
from darkcnn.inference.checks import check_level, check_probabilities, number_clusters
from darkcnn.inference.posterior import CrossSectionPosterior
from darkcnn.records import check_groups

_CONSTRAINTS = {
    "posterior": [CrossSectionPosterior],
    "n_clusters": [Interval(Integral, 1, None, closed="left")],
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "levels": ["array-like"],
    "random_state": ["random_state"],
}


@dataclass(frozen=True)
class Coverage:
    """Results of :func:`~darkcnn.inference.coverage_check`, with one row for each sample.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        Probabilities of the intervals.
    cross_sections : ndarray of shape (n_samples,)
        True cross-sections, cm2/g.
    suites : ndarray of shape (n_samples,)
        Suite of each sample.
    ranks : ndarray of shape (n_samples,)
        Posterior probability below the truth. Ranks are uniform where truths are drawn from the prior; at the
        ends of the axis they are 0 or 1.
    intervals : ndarray of shape (n_samples, n_levels, 2)
        Credible intervals, cm2/g.
    """

    levels: np.ndarray
    cross_sections: np.ndarray
    suites: np.ndarray
    ranks: np.ndarray
    intervals: np.ndarray

    @property
    def contained(self):
        """Whether each interval contains the truth, bool ndarray of shape (n_samples, n_levels)."""
        truth = self.cross_sections[:, np.newaxis]
        return (self.intervals[..., 0] <= truth) & (truth <= self.intervals[..., 1])

    def fraction(self, cross_section=None):
        """Return the fraction of intervals that contain the truth.

        Parameters
        ----------
        cross_section : float or None, default=None
            True cross-section, cm2/g; None for all, each with the same weight.

        Returns
        -------
        fractions, errors : ndarray of shape (n_levels,)
            Mean over suites and its standard error. With a single suite the error is NaN, because its samples
            are not independent.

        Raises
        ------
        ValueError
            If no sample has this cross-section.
        """
        rows = (
            np.ones(len(self.suites), bool) if cross_section is None else self.cross_sections == cross_section
        )
        if not rows.any():
            known = np.unique(self.cross_sections).tolist()
            raise ValueError(f"cross_section must be one of {known} cm2/g, got {cross_section!r}")
        contained, suites = self.contained[rows], self.suites[rows]
        by_suite = np.array([contained[suites == suite].mean(axis=0) for suite in np.unique(suites)])
        n_suites = len(by_suite)
        errors = by_suite.std(axis=0, ddof=1) / np.sqrt(n_suites) if n_suites > 1 else by_suite[0] * np.nan
        return by_suite.mean(axis=0), errors


def coverage_check(
    posterior,
    probabilities,
    target,
    groups=None,
    *,
    suites=None,
    embedding=None,
    n_clusters=30,
    n_samples=20,
    levels=(0.68, 0.95),
    random_state=None,
):
    """Measure how often credible intervals contain the truth.

    Samples are drawn from held-out clusters, of one suite and one cross-section each, and inferred.

    Parameters
    ----------
    posterior : CrossSectionPosterior
        Calibrated posterior, or one that shall be used uncalibrated. It is not changed.
    probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
        Class probabilities of maps that neither the network was trained on nor the posterior calibrated with.
    target : array-like of shape (n_maps,)
        True labels. They may name cross-sections that are no class.
    groups : array-like of shape (n_maps,) or None, default=None
        Cluster of each map, in any dark-matter model; None if all differ.
    suites : array-like of shape (n_maps,) or None, default=None
        Simulation of each map; None if there is one.
    embedding : array-like of shape (n_maps, n_features) or None, default=None
        Features of the maps, if the posterior was calibrated with some.
    n_clusters : int, default=30
        Number of clusters of a sample.
    n_samples : int, default=20
        Number of samples of each cross-section in each suite. Samples share clusters, but a cluster is
        only once in a sample.
    levels : sequence of float, default=(0.68, 0.95)
        Probabilities of the intervals.
    random_state : int, RandomState instance or None, default=None
        Seed of the samples.

    Returns
    -------
    Coverage
        Intervals and ranks of all samples.

    Raises
    ------
    ValueError
        If lengths disagree, an argument is out of range, a row has no suite, or a suite has too few clusters
        of a cross-section.

    See Also
    --------
    darkcnn.CrossSectionPosterior.calibrate : Calibration, which the check is a check of.

    Notes
    -----
    The ranks are those of simulation-based calibration [1]_. The check is valid for simulations that resemble
    the given suites.

    References
    ----------
    .. [1] S. Talts et al., arXiv:1804.06788 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import softmax
    >>> from darkcnn import CrossSectionPosterior
    >>> from darkcnn.inference import coverage_check
    >>> rng, truth = np.random.default_rng(0), np.repeat([0, 1], 200)
    >>> scores = truth[:, np.newaxis] + rng.normal(size=(400, 1))
    >>> probabilities = softmax(np.hstack([0.5 - scores, scores - 0.5]), axis=1)
    >>> labels = np.where(truth, "SIDM1", "CDM")
    >>> held_out = np.arange(400) % 2 == 0
    >>> posterior = CrossSectionPosterior(["CDM", "SIDM1"], random_state=0)
    >>> posterior = posterior.calibrate(probabilities[held_out], labels[held_out])
    >>> check = coverage_check(
    ...     posterior, probabilities[~held_out], labels[~held_out], n_samples=10, random_state=0
    ... )
    >>> check.intervals.shape
    (20, 2, 2)
    """
    given = (posterior, n_clusters, n_samples, levels, random_state)
    validate_parameter_constraints(
        _CONSTRAINTS, dict(zip(_CONSTRAINTS, given, strict=True)), "coverage_check"
    )
    if not len(levels):
        raise ValueError("levels must contain a probability, got none")
    for level in levels:
        check_level(level, "levels")
    probabilities = check_probabilities(probabilities, len(posterior.classes))
    n_maps = probabilities.shape[1]
    groups = number_clusters(groups, n_maps)
    suites = np.zeros(n_maps, int) if suites is None else check_groups(suites, "suites", "suite")
    embedding = None if embedding is None else check_array(embedding, input_name="embedding")
    check_consistent_length(groups, target, suites, *([] if embedding is None else [embedding]))
    posterior = copy.copy(posterior)  # whose attributes a fit replaces
    posterior._set_up()
    truths = posterior._classes.cross_sections_of(target)
    rng = check_random_state(random_state)
    rows_of_samples = [
        rows
        for suite in np.unique(suites)
        for truth in np.unique(truths[suites == suite])
        for rows in _draw(
            np.flatnonzero((suites == suite) & (truths == truth)), groups, n_clusters, n_samples, rng
        )
    ]
    ranks, intervals = [], []
    for rows in rows_of_samples:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of single samples, which are not looked at
            posterior.fit(
                probabilities[:, rows], groups[rows], embedding=None if embedding is None else embedding[rows]
            )
        ranks.append(posterior.probability_below(truths[rows[0]]))
        intervals.append([posterior.interval(level) for level in levels])
    first = [rows[0] for rows in rows_of_samples]
    return Coverage(np.array(levels), truths[first], suites[first], np.array(ranks), np.array(intervals))


def _draw(rows, groups, n_clusters, n_samples, rng):
    """Yield the rows of samples of whole clusters."""
    clusters = np.unique(groups[rows])
    if len(clusters) < n_clusters:
        raise ValueError(
            f"n_clusters must be at most {len(clusters)}, the number of clusters of a cross-section in a "
            f"suite, got {n_clusters}"
        )
    for _ in range(n_samples):
        yield rows[np.isin(groups[rows], rng.choice(clusters, n_clusters, replace=False))]

"""Posterior of the cross-section from the class probabilities of a sample of clusters."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, _fit_context
from darkcnn.inference.by_suites import CalibrationBySuites
from darkcnn.inference.checks import check_probabilities, number_clusters
from darkcnn.inference.classes import Classes
from darkcnn.inference.density import Density
from darkcnn.inference.intervals import CredibleIntervals
from darkcnn.inference.sample import OutlierMixture, PooledPosterior
from darkcnn.inference.scores import ScoreDistribution
from darkcnn.records import split_labels


class CrossSectionPosterior(CalibrationBySuites, CredibleIntervals, DocumentationLink, BaseEstimator):
    r"""Posterior of the dark-matter cross-section from class probabilities of a sample of clusters.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        Labels such as ``["CDM", "SIDM0.1", "SIDM1"]``, in the order of the columns of the probabilities;
        ``classifier.classes_``.
    prior : array-like of shape (n_classes,) or None, default=None
        Prior of the classes, interpolated between them on the axis of the Notes. None for uniform.
    training_prior : array-like of shape (n_classes,) or None, default=None
        Class fractions of the training set, by which probabilities are divided. None for uniform.
    outlier_fraction : float, default=0.05
        Prior mean of the outlier fraction: maps that are unlike the true model of the sample.
    velocity : float or None, default=None
        Velocity in km/s at which cross-sections are evaluated, such as the mean circular velocity of the
        sample; needed for velocity-dependent classes such as ``"vdSIDM3.04w560"``. 0 for the low-velocity
        limit.
    random_state : int, RandomState instance or None, default=None
        Seed of the bootstrap replicates of the calibration.

    Attributes
    ----------
    cross_sections_ : ndarray of shape (n_classes,)
        Cross-sections of `classes`, cm2/g.
    posterior_ : ndarray of shape (n_classes,)
        Posterior probabilities of the classes, assuming that one of them is true, in the order of `classes`.
    grid_ : ndarray of shape (n_grid,)
        Cross-sections from the lowest to the highest class, cm2/g.
    density_ : ndarray of shape (n_grid,)
        Posterior density of the cross-section at `grid_`, g/cm2.
    mean_, median_ : float
        Mean and median of this density, cm2/g.
    outlier_fraction_ : float
        Posterior mean of the outlier fraction; NaN after a calibration with suites, which removes the tenth
        of the clusters that are farthest from the others.
    systematic_fraction_ : float
        Systematic fraction of the variance on the axis, between networks and replicates of the calibration,
        which more clusters do not reduce.
    variances_ : dict of str to float, or None
        After a calibration with suites: contributions to the variance, of the ``"sample"`` (which more
        clusters reduce), of the ``"calibration"``, between ``"suites"``, and of the ``"discrepancy"`` between
        the sample and all suites. None otherwise.
    n_clusters_ : int
        Number of clusters (distinct groups).

    See Also
    --------
    darkcnn.inference.published_estimate : Published estimator, for comparison.

    Notes
    -----
    **Maps.** A map with probabilities :math:`p_c` has the likelihood ratio :math:`r_c \propto p_c / \pi_c`,
    normalised to mean 1, where :math:`\pi` is the training prior (Bayes' theorem). Without calibration,
    :math:`r` is interpolated linearly between classes. After :meth:`calibrate`, the probabilities of a map
    are reduced to a score, the mean of the axis coordinate, and :math:`r` is the density ratio of this score
    among held-out clusters, see :class:`~darkcnn.inference.scores.ScoreDistribution`.

    **Axis.** The axis is :math:`\log(1 + \sigma/\sigma_0)`, where :math:`\sigma_0` is the lowest positive
    class; a uniform prior is uniform on it. The axis ends at the highest class: a sample that is consistent
    with it has only a lower limit.

    **Samples.** The likelihood of a sample is :math:`\prod_i [(1 - \epsilon) r_i + \epsilon q_i]`, where
    :math:`\epsilon` is the outlier fraction. It has a Beta prior and is marginalised, as is the distribution
    of outliers: that of all classes, :math:`q = 1`, or, after calibration, that of one class, or one of twice
    the scatter of all classes, like pure noise. A single map lowers the likelihood of a class at most by
    about the factor :math:`\epsilon`. The log-likelihoods of several maps of one cluster are averaged, which
    is exact for copies and conservative otherwise.

    **Systematics.** The result is the mean of the posteriors of all networks and replicates of the
    calibration. Its variance is their mean variance plus the variance between them, which more clusters do
    not reduce. Likewise for feedback in the calibration: all clusters of a sample have the same one, so
    averaging each likelihood over feedback would be over-confident. Suites in the calibration are draws from
    a population; their scatter widens the posterior for a sample that is unlike all of them.

    **Validity.** The result is valid for clusters that are, apart from outliers, like the held-out ones: same
    simulation, selection and noise; after a calibration with suites, for a simulation from the same
    population. A shift along the response to the cross-section is degenerate with a change of the
    cross-section. Without calibration, the result is as over-confident as the network. Intervals are credible
    intervals: averaged over the prior, they contain the truth as often as stated, and more often if
    `systematic_fraction_` is large and the calibration has no cross-sections between the classes. For a given
    truth, the coverage may differ while the prior dominates, and near the ends of the axis, where intervals
    are one-sided (:doc:`/benchmarks/coverage`). :meth:`fit` warns when `systematic_fraction_` exceeds 0.25
    without suites.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference import CrossSectionPosterior
    >>> probabilities = np.tile([[0.2, 0.6, 0.2], [0.1, 0.5, 0.4]], (10, 1))
    >>> posterior = CrossSectionPosterior(["CDM", "SIDM0.1", "SIDM1"]).fit(probabilities)
    >>> posterior.posterior_.round(2).tolist()
    [0.0, 1.0, 0.0]
    """

    _parameter_constraints = {
        "classes": ["array-like"],
        "prior": ["array-like", None],
        "training_prior": ["array-like", None],
        "outlier_fraction": [Interval(Real, 0, 0.5, closed="neither")],
        "velocity": [Interval(Real, 0, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        classes,
        *,
        prior=None,
        training_prior=None,
        outlier_fraction=0.05,
        velocity=None,
        random_state=None,
    ):
        self.classes = classes
        self.prior = prior
        self.training_prior = training_prior
        self.outlier_fraction = outlier_fraction
        self.velocity = velocity
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def calibrate(self, probabilities, target, groups=None, feedback=None, *, suites=None, embedding=None):
        """Calibrate with held-out clusters.

        Later calls of :meth:`fit` use the calibration. Without `suites`, the sample must be from the same
        simulation as the held-out clusters. With `suites`, each suite is a draw from a population of
        simulations, and the sample another one, see :class:`~darkcnn.inference.SuiteResponse`.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of held-out maps, such as from
            :func:`sklearn.model_selection.cross_val_predict`. Several networks are calibrated separately; the
            calibration of one network applies to all networks at :meth:`fit`.
        target : array-like of shape (n_maps,)
            True labels. They may include cross-sections between the classes, such as ``"SIDM0.06"``, which
            improve the interpolation.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in any dark-matter model; None if all differ.
        feedback : array-like of shape (n_maps,) or None, default=None
            Feedback of each map, such as ``bunch.feedback``; None for the feedback in the labels, by default
            fiducial. All clusters of a sample are assumed to have the same, unknown feedback.
        suites : array-like of shape (n_maps,) or None, default=None
            Suite of each map, such as ``bunch.suite``; at least five suites with five clusters each at every
            cross-section.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Embedding of the maps, such as ``pipeline[:-1].transform(X)``, used instead of the probabilities;
            needs `suites`. It separates the directions in which suites differ from the response to the
            cross-section, and measures how far the sample is from all suites.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator.

        Raises
        ------
        ValueError
            If shapes differ, there are too few clusters of a cross-section (ten for each feedback; five for
            each suite), or clusters of the lowest or highest class are missing.
        """
        self._set_up()
        probabilities = check_probabilities(probabilities, len(self.classes))
        n_maps = probabilities.shape[1]
        groups = number_clusters(groups, n_maps)
        if suites is not None:
            return self._calibrate_suites(probabilities, target, groups, suites, embedding)
        if embedding is not None:
            raise ValueError("embedding needs suites, the simulation of each map, got suites=None")
        feedback = split_labels(target)[1] if feedback is None else np.asarray(feedback)
        check_consistent_length(np.empty(n_maps), target, feedback)
        nodes, target = self._classes.calibrated(target)
        variants = [feedback == variant for variant in np.unique(feedback)]
        n_clusters = [
            min(len(np.unique(groups[rows & (target == row)])) for rows in variants)
            for row in range(len(nodes))
        ]
        if min(n_clusters) < 10:
            raise ValueError(
                "target must have at least ten clusters of every class, with each feedback, got "
                f"{dict(zip((f'{each:g} cm2/g' for each in nodes), n_clusters, strict=True))}"
            )
        rng = check_random_state(self.random_state)
        self._responses = None
        self._distributions = [
            [
                ScoreDistribution(self._axis, nodes, scores[rows], target[rows], groups[rows], rng)
                for rows in variants
            ]
            for scores in self._classes.scores(probabilities)
        ]
        self._calibrated_for = self._classes.meaning
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, probabilities, groups=None, *, embedding=None):
        """Fit the posterior to a sample of clusters.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of the maps from one or several networks.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, such as ``bunch.groups``; None if all differ.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Embedding of the maps, if :meth:`calibrate` was given one.

        Returns
        -------
        CrossSectionPosterior
            The fitted estimator.

        Raises
        ------
        ValueError
            If shapes differ, or rows are not probabilities.

        Warns
        -----
        UserWarning
            If more than a quarter of the maps are outliers, if the cross-section has only a lower limit, or
            if more than a quarter of the variance is systematic.
        """
        self._set_up()
        probabilities = check_probabilities(probabilities, len(self.classes))
        groups = number_clusters(groups, probabilities.shape[1])
        sizes = np.bincount(groups)
        self.n_clusters_ = len(sizes)
        weights = 1 / sizes[groups]  # maps of one cluster count as one
        self.variances_ = None
        if embedding is not None and getattr(self, "_responses", None) is None:
            raise ValueError("embedding must be left out: calibrate had none")
        if getattr(self, "_responses", None) is not None:
            by_network = self._by_suites(probabilities, groups, embedding)
        elif hasattr(self, "_distributions"):
            by_network = self._calibrated(probabilities, weights)
        else:
            by_network = self._plain(probabilities, weights)
        classes = self._classes
        pooled = PooledPosterior(*map(np.concatenate, zip(*by_network, strict=True)), classes.grid_prior)
        by_cross_section = pooled.log_classes(self._axis.node_rows, classes.prior[classes.order])
        self._log_posterior = by_cross_section[np.argsort(classes.order)]
        self.posterior_ = np.exp(self._log_posterior)
        self.outlier_fraction_ = pooled.outlier_fraction
        mass = pooled.mass
        self._density = Density(self._axis.position(self.grid_), mass / self._axis.cells)
        self.density_ = self._density.values / (self._axis.scale + self.grid_)  # derivative of the coordinate
        self.mean_ = float(mass @ self.grid_)
        self.median_ = self._quantile(0.5)
        self.systematic_fraction_ = pooled.between(self._density.position)
        if self.variances_ is not None:
            self.systematic_fraction_ = 1 - self.variances_["sample"] / sum(self.variances_.values())
        for message in self._messages():
            warnings.warn(message, UserWarning, stacklevel=3)  # above the decorator
        return self

    def log_evidence_ratio(self, numerator, denominator="CDM"):
        """Return the natural logarithm of the Bayes factor of two classes, independent of the prior.

        It compares classes for one calibration. Likelihoods are normalised for each calibration, network and
        feedback, so results of different calibrations or features are not comparable and must not be added.

        Parameters
        ----------
        numerator, denominator : str
            Labels in `classes`. Positive values favour `numerator`.

        Returns
        -------
        float
            Logarithm of the evidence ratio.
        """
        check_is_fitted(self)
        labels = self._classes.dark_matter.tolist()
        log_evidence = dict(zip(labels, self._log_posterior - np.log(self._classes.prior), strict=True))
        (above, below), _ = split_labels([numerator, denominator])
        for argument, label in (("numerator", above), ("denominator", below)):
            if label not in log_evidence:
                raise ValueError(f"{argument} must be one of classes {labels}, got {label!r}")
        return float(log_evidence[above] - log_evidence[below])

    def _set_up(self):
        """Initialise classes and axis."""
        self._classes = Classes(self.classes, self.prior, self.training_prior, self.velocity)
        self.cross_sections_ = self._classes.cross_sections
        self._axis = self._classes.axis
        self.grid_ = self._axis.grid
        self._mixture = OutlierMixture(self.outlier_fraction)

    def _plain(self, probabilities, weights):
        """Return log-likelihoods and outlier fractions of each network from uncalibrated probabilities."""
        for network in probabilities:
            log_likelihood = self._mixture.log_likelihood_of_sample(
                network, weights, lambda maps: self._axis.interpolate(self._classes.ratios(maps))
            )
            yield self._mixture.marginalise(log_likelihood[..., np.newaxis, :])

    def _check_meaning(self):
        if self._classes.meaning != self._calibrated_for:
            raise ValueError("classes, training_prior or velocity changed after calibrate: call it again")

    def _calibrated(self, probabilities, weights):
        """Return log-likelihoods and outlier fractions of each replicate from calibrated scores."""
        self._check_meaning()
        distributions, n_networks = self._distributions, len(probabilities)
        if len(distributions) not in (1, n_networks):
            raise ValueError(
                f"probabilities must be of the {len(distributions)} networks calibrated, got {n_networks}"
            )
        pairs = zip(
            distributions if len(distributions) > 1 else distributions * n_networks,
            self._classes.scores(probabilities),
            strict=True,
        )
        return [
            each.log_likelihood(scores, weights, self._mixture)
            for variants, scores in pairs
            for each in variants
        ]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_density")  # not set by `calibrate`

"""The posterior of the cross-section, given the class probabilities of a sample of clusters."""

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
    r"""Infer the cross-section of dark matter from the class probabilities of a sample of clusters.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        Labels such as ``["CDM", "SIDM0.1", "SIDM1"]``, in the order of the columns of the probabilities;
        ``classifier.classes_``.
    prior : array-like of shape (n_classes,) or None, default=None
        Prior of the classes; between them, its density on the axis of Notes is interpolated. None is uniform.
    training_prior : array-like of shape (n_classes,) or None, default=None
        Fractions of the classes in the training set, which the probabilities still contain. None is uniform.
    outlier_fraction : float, default=0.05
        Mean of the prior of the fraction of maps that are not like the sample's true model.
    velocity : float or None, default=None
        Velocity in km/s at which cross-sections are taken, such as the mean circular velocity of the sample;
        needed if classes such as ``"vdSIDM3.04w560"`` depend on it. 0 is the limit of low velocity.
    random_state : int, RandomState instance or None, default=None
        Seed of the replicates of the calibration.

    Attributes
    ----------
    cross_sections_ : ndarray of shape (n_classes,)
        Cross-sections of `classes`, cm2/g.
    posterior_ : ndarray of shape (n_classes,)
        Posterior of the classes if one of them is true, in the order of `classes`.
    grid_ : ndarray of shape (n_grid,)
        Cross-sections from the lowest to the highest class, cm2/g.
    density_ : ndarray of shape (n_grid,)
        Posterior density of the cross-section at `grid_`, g/cm2.
    mean_, median_ : float
        Of that density, cm2/g.
    outlier_fraction_ : float
        Posterior mean of the outlier fraction; NaN after a calibration with suites, which leaves out the
        tenth of the clusters that are farthest from the others.
    systematic_fraction_ : float
        Part of the variance, on the axis, that is between networks and replicates of the calibration: no
        number of clusters reduces it.
    variances_ : dict of str to float, or None
        After a calibration with suites: parts of the variance of what is measured, of the ``"sample"``, which
        more clusters reduce, of the ``"calibration"``, between ``"suites"``, and of the ``"discrepancy"``
        between the sample and all suites. None otherwise.
    n_clusters_ : int
        Number of clusters: of distinct groups.

    See Also
    --------
    darkcnn.inference.published_estimate : The published estimator, for comparison.

    Notes
    -----
    **Maps.** A map with probabilities :math:`p_c` has the likelihood ratio :math:`r_c \propto p_c / \pi_c`,
    of mean 1, :math:`\pi` being the training prior: its likelihood under class :math:`c` over that under all
    classes together (Bayes' theorem). Without calibration, :math:`r` is interpolated linearly between
    classes, a mixture. After :meth:`calibrate` a map is reduced to a score, the mean of the axis' coordinate
    under its probabilities, and :math:`r` is the ratio of the densities of this score among held-out
    clusters, see :class:`~darkcnn.inference.scores.ScoreDistribution`.

    **Axis.** :math:`\log(1 + \sigma/\sigma_0)`, :math:`\sigma_0` being the lowest class above zero; a
    uniform prior is uniform on it. The axis ends at the highest class: a sample that is consistent with it
    has a lower limit only.

    **Samples.** The likelihood of a sample is :math:`\prod_i [(1 - \epsilon) r_i + \epsilon q_i]`, a
    fraction :math:`\epsilon` of its maps being outliers. The fraction has a Beta prior and is marginalised,
    and so is the distribution of outliers: that of all classes together, :math:`q = 1`, or, once calibrated,
    that of one class. A single map lowers the likelihood of a class by no more than about the factor
    :math:`\epsilon`. Maps of one cluster share one vote: their log-likelihoods are averaged, which is exact
    for copies and conservative for maps that differ.

    **Systematics.** Each network, and each replicate of the calibration, has a posterior, and the result is
    their mean. Its variance is their mean variance plus the variance between them, which more clusters do not
    reduce. Likewise each feedback in the calibration: all clusters of a sample share the true one, and a
    product of likelihoods averaged over feedback would be over-confident. Suites in the calibration are draws
    from a population instead: their scatter widens the posterior, for a world that is like none of them.

    **Validity.** The result holds for clusters that are, outliers aside, like the held-out ones: same
    simulation, selection and noise; after a calibration with suites, for a world that might have been one of
    them. A shift along the response to the cross-section cannot be told from a change of the cross-section.
    Without calibration the result is as over-confident as the network. Intervals are credible: averaged over
    the prior they contain the truth as often as stated while `systematic_fraction_` is small, and more often
    otherwise; :meth:`fit` warns when it exceeds 0.25 without suites. For one given truth the coverage may
    differ while the prior dominates, and near the ends of the axis, where intervals are one-sided, they
    contain the truth more often.

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
        """Learn the distribution of the scores from clusters held out of the training.

        Later calls of :meth:`fit` use it. With `suites`, each suite of simulations is one draw from a
        population, of which the sample's world is another, see
        :class:`~darkcnn.inference.SuiteResponse`; without, the sample must be of the simulation of the
        held-out clusters.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of held-out maps, such as those of
            :func:`sklearn.model_selection.cross_val_predict`. Several networks are calibrated one by one;
            the calibration of one network applies to all networks fitted later.
        target : array-like of shape (n_maps,)
            True labels. They may name cross-sections between the lowest and the highest class that are no
            class, such as ``"SIDM0.06"``: the more there are, the better the response between classes is
            known.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in any dark-matter model; None if all differ.
        feedback : array-like of shape (n_maps,) or None, default=None
            Feedback of each map, such as ``bunch.feedback``; None for that of the labels, which is fiducial
            unless they name another. All clusters of a sample are taken to have the same feedback, whichever
            it is.
        suites : array-like of shape (n_maps,) or None, default=None
            Simulation of each map, such as ``bunch.suite``, of five or more. Every suite needs five clusters
            or more at every cross-section.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Features of the maps, such as ``pipeline[:-1].transform(X)``, that take the place of the
            probabilities; needs `suites`. Directions in which suites differ are then told from those in which
            cross-sections do, and the sample shows how far it is from all suites.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator.

        Raises
        ------
        ValueError
            If shapes disagree, there are too few clusters of a cross-section (ten with any feedback; five in
            any suite), or the lowest or the highest class is not among them.
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
        axis, target, labels = self._classes.refined(target)
        variants = [feedback == variant for variant in np.unique(feedback)]
        n_clusters = [
            min(len(np.unique(groups[rows & (target == row)])) for rows in variants)
            for row in range(len(labels))
        ]
        if min(n_clusters) < 10:
            raise ValueError(
                f"target must have at least ten clusters of every class to calibrate, with any feedback, got "
                f"{dict(zip(labels.tolist(), n_clusters, strict=True))}"
            )
        rng = check_random_state(self.random_state)
        self._responses = None
        self._distributions = [
            [
                ScoreDistribution(axis, scores[rows], target[rows], groups[rows], rng, onto=self._axis)
                for rows in variants
            ]
            for scores in self._classes.scores(probabilities)
        ]
        self._calibrated_for = self._classes.meaning
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, probabilities, groups=None, *, embedding=None):
        """Combine a sample of clusters.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of the maps by one network or several.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, such as ``bunch.groups``; None if all differ.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Features of the maps, if those of suites were given to :meth:`calibrate`.

        Returns
        -------
        CrossSectionPosterior
            The fitted estimator.

        Raises
        ------
        ValueError
            If shapes disagree, or rows are not probabilities.

        Warns
        -----
        UserWarning
            If more than a quarter of the maps are outliers, if the cross-section has a lower limit only, or
            if more than a quarter of the variance is systematic.
        """
        self._set_up()
        probabilities = check_probabilities(probabilities, len(self.classes))
        groups = number_clusters(groups, probabilities.shape[1])
        sizes = np.bincount(groups)
        self.n_clusters_ = len(sizes)
        weights = 1 / sizes[groups]  # maps of a cluster share one vote
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
        self.density_ = self._density.values / (self._axis.scale + self.grid_)  # times the coordinate's slope
        self.mean_ = float(mass @ self.grid_)
        self.median_ = self._quantile(0.5)
        self.systematic_fraction_ = pooled.between(self._density.position)
        if self.variances_ is not None:
            self.systematic_fraction_ = 1 - self.variances_["sample"] / sum(self.variances_.values())
        for message in self._messages():
            warnings.warn(message, UserWarning, stacklevel=3)  # beyond the decorator
        return self

    def log_evidence_ratio(self, numerator, denominator="CDM"):
        """Return the natural logarithm of the Bayes factor of two classes; the prior does not matter.

        Parameters
        ----------
        numerator, denominator : str
            Labels in `classes`. Above 0, the data favour `numerator`.

        Returns
        -------
        float
            Logarithm of the ratio of their evidences.
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
        """Lay out classes and axis."""
        self._classes = Classes(self.classes, self.prior, self.training_prior, self.velocity)
        self.cross_sections_ = self._classes.cross_sections
        self._axis = self._classes.axis
        self.grid_ = self._axis.grid
        self._mixture = OutlierMixture(self.outlier_fraction)

    def _plain(self, probabilities, weights):
        """Use probabilities uncalibrated; return log-likelihoods and outlier fractions of each network."""
        for network in probabilities:
            log_likelihood = self._mixture.log_likelihood_of_sample(
                network, weights, lambda maps: self._axis.interpolate(self._classes.ratios(maps))
            )
            yield self._mixture.marginalise(log_likelihood[..., np.newaxis, :])

    def _check_meaning(self):
        if self._classes.meaning != self._calibrated_for:
            raise ValueError("classes, training_prior or velocity changed after calibrate: call it again")

    def _calibrated(self, probabilities, weights):
        """Use them as scores; return the same, for each replicate."""
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
        return hasattr(self, "_density")  # which `calibrate` alone does not make

"""The posterior of the cross-section, given the class probabilities of a sample of clusters."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, _fit_context
from darkcnn.inference.axis import CrossSectionAxis
from darkcnn.inference.checks import check_groups, check_prior, check_probabilities
from darkcnn.inference.density import Density
from darkcnn.inference.sample import OutlierMixture, PooledPosterior
from darkcnn.inference.scores import ScoreDistribution
from darkcnn.records import cross_section_of

_MANY_OUTLIERS = 0.25
"""Fitted outlier fraction above which a sample is no sample of what the network knows."""

_LARGELY_SYSTEMATIC = 0.25
"""Part of the variance, from networks and calibration, above which intervals are known to be too wide."""


class CrossSectionPosterior(DocumentationLink, BaseEstimator):
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
        Posterior mean of the outlier fraction.
    systematic_fraction_ : float
        Part of the variance, on the axis, that is between networks and replicates of the calibration: no
        number of clusters reduces it.
    n_clusters_ : int
        Number of clusters: of distinct groups.

    See Also
    --------
    darkcnn.inference.published_estimate : What the published method would say.

    Notes
    -----
    **A map** with probabilities :math:`p_c` speaks for class :math:`c` with the ratio
    :math:`r_c \propto p_c / \pi_c`, of mean 1, :math:`\pi` being the training prior: by Bayes' theorem its
    likelihood under that class over that under all classes together. Probabilities alone are taken at their
    word, and between classes :math:`r` is interpolated linearly, a mixture. After :meth:`calibrate` a map is
    reduced to a score, the mean of the axis' coordinate under its probabilities, and :math:`r` is the ratio
    of the densities that this score has among held-out clusters, see
    :class:`~darkcnn.inference.scores.ScoreDistribution`.

    **The axis** is :math:`\log(1 + \sigma/\sigma_0)`, :math:`\sigma_0` being the lowest class above zero; a
    uniform prior is uniform on it. It ends at the highest class: nothing is known beyond, and what reaches
    this end is a lower limit.

    **A sample** has the likelihood :math:`\prod_i [(1 - \epsilon) r_i + \epsilon q_i]`, a part
    :math:`\epsilon` of its maps being outliers. Their fraction has a Beta prior and is marginalised, as is
    what they are like: the maps of all classes together, :math:`q = 1`, or, once calibrated, those of one
    class. One map, however sure, lowers the likelihood of a class by no more than about the factor
    :math:`\epsilon`. Maps of one cluster share one vote: their log-likelihoods are averaged, which is right
    for copies and cautious for maps that differ.

    **Networks**, and replicates of the calibration, each have a posterior, and the result is their mean. Its
    variance is their mean variance plus the variance between them, which no number of clusters reduces. So
    does every feedback that is told apart in the calibration: all clusters of a sample share the one that is
    true, and a product over clusters of what is averaged over feedback would be too sure.

    **It holds** for clusters that are, outliers aside, like the held-out ones: same simulation, selection and
    noise. Without calibration it is as over-confident as the network. Intervals are credible: averaged over
    the prior they contain the truth as often as they say while `systematic_fraction_` is small, and more
    often otherwise, for between classes the calibration only knows that scores do not turn back; from a
    quarter on, :meth:`fit` warns. For one given truth they need not before the sample decides more than the
    prior, and near the ends of the axis, where intervals are one-sided, they contain it more often.

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
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        classes,
        *,
        prior=None,
        training_prior=None,
        outlier_fraction=0.05,
        random_state=None,
    ):
        self.classes = classes
        self.prior = prior
        self.training_prior = training_prior
        self.outlier_fraction = outlier_fraction
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def calibrate(self, probabilities, target, groups=None, feedback=None):
        """Learn what the probabilities of each class look like, from clusters held out of the training.

        Every later :meth:`fit` uses it.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of held-out maps, such as those of
            :func:`sklearn.model_selection.cross_val_predict`. Of several networks, each is calibrated by
            itself; of one, whatever is fitted later.
        target : array-like of shape (n_maps,)
            True labels.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in whatever model; None if all differ.
        feedback : array-like of shape (n_maps,) or None, default=None
            Feedback of each map, such as ``bunch.feedback``. All clusters of a sample are then taken to have
            the same, whichever it is; None if there is one only.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator.

        Raises
        ------
        ValueError
            If shapes disagree, or a class has fewer than ten clusters with any feedback.
        """
        self._set_up()
        probabilities = check_probabilities(probabilities, len(self.classes))
        n_maps = probabilities.shape[1]
        feedback = np.zeros(n_maps) if feedback is None else np.asarray(feedback)
        check_consistent_length(np.empty(n_maps), target, feedback)
        groups = check_groups(groups, n_maps)
        unknown = np.setdiff1d(target, self.classes)
        if len(unknown):
            raise ValueError(f"target has labels {unknown.tolist()} that are not in classes {self.classes!r}")
        labels = np.asarray(self.classes)[self._order]
        target = (np.asarray(target)[:, np.newaxis] == labels).argmax(axis=1)
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
        self._distributions = [
            [
                ScoreDistribution(self._axis, scores[rows], target[rows], groups[rows], rng)
                for rows in variants
            ]
            for scores in self._scores(probabilities)
        ]
        self._calibrated_for = self._meaning()
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, probabilities, groups=None):
        """Combine a sample of clusters.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of the maps by one network or several.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, such as ``bunch.groups``; None if all differ.

        Returns
        -------
        CrossSectionPosterior
            The fitted estimator.

        Raises
        ------
        ValueError
            If shapes disagree, or the probabilities are none.

        Warns
        -----
        UserWarning
            If more than a quarter of the maps seem to be outliers, if the sample is at the upper end of the
            axis, so that there is a lower limit only, or if a quarter of the variance or more is systematic.
        """
        self._set_up()
        probabilities = check_probabilities(probabilities, len(self.classes))
        groups = check_groups(groups, probabilities.shape[1])
        sizes = np.bincount(groups)
        self.n_clusters_ = len(sizes)
        weights = 1 / sizes[groups]  # maps of a cluster share one vote
        if hasattr(self, "_distributions"):
            by_network = self._calibrated(probabilities, weights)
        else:
            by_network = self._plain(probabilities, weights)
        pooled = PooledPosterior(*map(np.concatenate, zip(*by_network, strict=True)), self._grid_prior)
        prior = self._class_prior[self._order]
        self._log_posterior = pooled.log_classes(self._axis.node_rows, prior)[np.argsort(self._order)]
        self.posterior_ = np.exp(self._log_posterior)
        self.outlier_fraction_ = pooled.outlier_fraction
        mass = pooled.mass
        self._density = Density(self._axis.position(self.grid_), mass / self._axis.cells)
        self.density_ = self._density.values / (self._axis.scale + self.grid_)  # times the coordinate's slope
        self.mean_ = float(mass @ self.grid_)
        self.median_ = self._quantile(0.5)
        self.systematic_fraction_ = pooled.between(self._density.position)
        for message in self._doubts():
            warnings.warn(message, UserWarning, stacklevel=3)  # beyond the decorator
        return self

    def interval(self, level=0.68):
        """Return the credible interval: where the posterior density on the axis is highest.

        Parameters
        ----------
        level : float, default=0.68
            Probability within.

        Returns
        -------
        low, high : float
            Ends in cm2/g; `high` is infinite if the highest class is within.
        """
        check_is_fitted(self)
        low, high = self._axis.cross_section(np.array(self._density.interval(level)))
        return float(low), float(high) if high < self.grid_[-1] * (1 - 1e-9) else float("inf")

    def upper_limit(self, level=0.95):
        """Return what the cross-section is below with a probability.

        Parameters
        ----------
        level : float, default=0.95
            Probability.

        Returns
        -------
        float
            Limit, cm2/g. Infinite if the data do not exclude the highest class: its density is above
            exp(-z^2 / 2) of the peak where `level` of a normal distribution is below z.
        """
        check_is_fitted(self)
        return float("inf") if self._density.reaches(-1, level) else self._quantile(level)

    def lower_limit(self, level=0.95):
        """Return what the cross-section is above with a probability.

        Parameters
        ----------
        level : float, default=0.95
            Probability.

        Returns
        -------
        float
            Limit, cm2/g: the lowest class itself if the data do not exclude it, in the sense of
            :meth:`upper_limit`.
        """
        check_is_fitted(self)
        return float(self.grid_[0]) if self._density.reaches(0, level) else self._quantile(1 - level)

    def log_evidence_ratio(self, numerator, denominator="CDM"):
        """Return the natural logarithm of the Bayes factor of two classes, whatever the prior.

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
        labels = list(self.classes)
        for argument, label in (("numerator", numerator), ("denominator", denominator)):
            if label not in labels:
                raise ValueError(f"{argument} must be one of classes {labels}, got {label!r}")
        log_evidence = self._log_posterior - np.log(self._class_prior)
        return float(log_evidence[labels.index(numerator)] - log_evidence[labels.index(denominator)])

    def summary(self):
        """Say the result in a line.

        Returns
        -------
        str
            A value with its 68 % interval, or a limit at 95 %.
        """
        check_is_fitted(self)
        lower, upper = self.lower_limit(), self.upper_limit()
        sample = "1 cluster" if self.n_clusters_ == 1 else f"{self.n_clusters_} clusters"
        if lower == self.grid_[0] and np.isinf(upper):
            return f"no limit on the cross-section from {sample}"
        if lower == self.grid_[0]:
            return f"cross-section < {upper:.2g} cm2/g (95 %, {sample})"
        if np.isinf(upper):
            return f"cross-section > {lower:.2g} cm2/g (95 %, {sample})"
        low, high = self.interval()
        return f"cross-section = {self.median_:.2g} cm2/g, {low:.2g} to {high:.2g} (68 %, {sample})"

    def _doubts(self):
        """Say what the user has to know before quoting the result."""
        if self.outlier_fraction_ > _MANY_OUTLIERS:
            yield (
                f"{self.outlier_fraction_:.0%} of the maps are outliers: this sample is unlike what the "
                "network was trained on, and its cross-section may mean nothing"
            )
        if np.isinf(self.upper_limit()) and self.lower_limit() > self.grid_[0]:
            yield (
                f"the sample is like the highest class, {self.grid_[-1]:g} cm2/g, beyond which nothing is "
                "known: its cross-section has a lower limit only"
            )
        elif self.systematic_fraction_ > _LARGELY_SYSTEMATIC:
            yield (
                f"{self.systematic_fraction_:.0%} of the variance comes from calibration and networks: more "
                "clusters will not shrink this part, more held-out clusters or classes may; intervals are "
                "wider than need be"
            )

    def _set_up(self):
        """Sort the classes by cross-section and lay out the axis and the priors."""
        self.cross_sections_ = np.array([cross_section_of(label) for label in self.classes])
        if len(np.unique(self.cross_sections_)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError(f"classes must be two or more different cross-sections, got {self.classes!r}")
        self._order = np.argsort(self.cross_sections_)
        self._axis = CrossSectionAxis(self.cross_sections_[self._order])
        self.grid_ = self._axis.grid
        self._training_prior = check_prior(self.training_prior, len(self.classes), "training_prior")
        self._class_prior = check_prior(self.prior, len(self.classes), "prior")
        mass = self._axis.interpolate(self._class_prior[self._order]) * self._axis.cells
        self._grid_prior = mass / mass.sum()
        self._mixture = OutlierMixture(self.outlier_fraction)

    def _class_ratios(self, probabilities):
        """Divide the training prior out; return likelihoods over their mean, classes by cross-section."""
        likelihoods = (probabilities / self._training_prior)[..., self._order]
        return likelihoods / likelihoods.mean(axis=-1, keepdims=True)

    def _scores(self, probabilities):
        """Return the mean coordinate of each map under a uniform prior, shape (n_networks, n_maps)."""
        return self._class_ratios(probabilities) @ self._axis.position(self._axis.nodes) / len(self.classes)

    def _plain(self, probabilities, weights):
        """Take probabilities at their word; return log-likelihoods and outlier fractions of each network."""
        for network in probabilities:
            log_likelihood = self._mixture.log_likelihood_of_sample(
                network, weights, lambda maps: self._axis.interpolate(self._class_ratios(maps))
            )
            yield self._mixture.marginalise(log_likelihood[..., np.newaxis, :])

    def _calibrated(self, probabilities, weights):
        """Take them for scores; return the same, for each replicate."""
        if self._meaning() != self._calibrated_for:
            raise ValueError("classes or training_prior is not what it was at calibrate: call it again")
        distributions, n_networks = self._distributions, len(probabilities)
        if len(distributions) not in (1, n_networks):
            raise ValueError(
                f"probabilities must be of the {len(distributions)} networks calibrated, got {n_networks}"
            )
        pairs = zip(
            distributions if len(distributions) > 1 else distributions * n_networks,
            self._scores(probabilities),
            strict=True,
        )
        return [
            each.log_likelihood(scores, weights, self._mixture)
            for variants, scores in pairs
            for each in variants
        ]

    def _meaning(self):
        """Return all that the meaning of a score depends on."""
        return list(self.classes), self._training_prior.tolist()

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_density")  # which `calibrate` alone does not make

    def _quantile(self, level):
        return float(self._axis.cross_section(self._density.quantile(level)))

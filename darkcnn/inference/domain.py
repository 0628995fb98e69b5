"""Out-of-distribution test of clusters."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import _fit_context
from darkcnn.inference.checks import number_clusters
from darkcnn.records import canonical_labels

_N_DRAWS = 500
"""Number of reference samples drawn for each class."""

_N_COMPONENTS = 40
"""Largest number of principal components of the scatter within classes."""

_LIMIT = 3.0
"""Scaled features are clipped at plus and minus this value."""


class DomainTest(DocumentationLink, BaseEstimator):
    r"""Out-of-distribution test of clusters, by features such as radial profiles.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the split of the held-out clusters and of the samples drawn from them.

    Attributes
    ----------
    n_reference_ : int
        Number of held-out clusters in the reference.

    See Also
    --------
    darkcnn.RadialProfiles : Features that respond to most changes of the maps.

    Notes
    -----
    **Features.** The test responds only to what the features contain. For samples, radial profiles of the
    maps that the network gets, with the same noise, are more sensitive to gas, galaxies, feedback and
    centres than the embedding of a network, and less to mass and blur (:doc:`/benchmarks/out_of_domain`). The
    median is subtracted, the result is divided by half of the range from 16 to 84 % and clipped at ±3, so
    that a few peculiar clusters do not dominate. Up to 40 principal components of the scatter within classes
    are scaled to unit variance. The directions along which classes differ are removed, so that a sample is
    not rejected for its cross-section; if no others are left, all p-values are 1. All of this is fitted to
    half of the held-out clusters; the other half is the reference.

    **Maps.** The statistic of a map is the length of the remaining components. Its p-value is the rank in the
    reference (conformal [1]_): 5 % of in-distribution maps have p < 0.05.

    **Samples.** The statistic of a sample is the distance of its mean from that of all held-out clusters. Its
    p-value is the rank among samples of the same number of reference clusters of one class, drawn with
    replacement, whose mean is subtracted (bootstrap), as is the error of the mean of the held-out clusters.
    The highest p-value of all classes is returned, which makes the test slightly conservative. A shift that
    is not significant for single clusters may be significant for the mean of many.

    A high p-value does not show that the cross-section is right. No test of features can detect a shift along
    the response to the cross-section.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", Springer (2005).

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference import DomainTest
    >>> rng = np.random.default_rng(0)
    >>> test = DomainTest(random_state=0).fit(rng.normal(size=(400, 5)), ["CDM", "SIDM1"] * 200)
    >>> bool(test.sample_pvalue(rng.normal(size=(50, 5)) + [0, 0, 0, 0, 2]) < 0.01)
    True
    """

    _parameter_constraints = {"random_state": ["random_state"]}

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, features, target, groups=None):
        """Fit the distribution of held-out clusters.

        Parameters
        ----------
        features : array-like of shape (n_maps, n_features)
            Features of held-out clusters, such as of :class:`~darkcnn.RadialProfiles`.
        target : array-like of shape (n_maps,)
            Their labels.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in any dark-matter model; None if all differ.

        Returns
        -------
        DomainTest
            The fitted test.

        Raises
        ------
        ValueError
            If lengths differ, or a class has too few clusters to split.
        """
        features = check_array(features, input_name="features")
        check_consistent_length(features, target)
        target, groups = canonical_labels(target), number_clusters(groups, len(features))
        rng = check_random_state(self.random_state)
        shuffled = rng.permutation(groups.max() + 1)
        is_train = np.isin(groups, shuffled[: len(shuffled) // 2])
        classes, target = np.unique(target, return_inverse=True)
        rows_of_classes = [target == row for row in range(len(classes))]
        numbers = [
            [len(np.unique(groups[half & rows])) for half in (is_train, ~is_train)]
            for rows in rows_of_classes
        ]
        if np.min(numbers) < 10:
            raise ValueError(
                "target must have at least about twenty clusters of every class, half for fitting, got "
                f"{dict(zip(classes.tolist(), np.sum(numbers, axis=1).tolist(), strict=True))}"
            )
        self._fit_components(features[is_train], target[is_train])
        components = self._components(features)
        self._centre = np.mean(
            [_Clusters(components[rows], groups[rows]).means.mean(axis=0) for rows in rows_of_classes], axis=0
        )
        reference, numbered = components[~is_train], np.unique(groups[~is_train], return_inverse=True)[1]
        self._reference = [
            _Clusters(reference[rows], numbered[rows])
            for rows in (each[~is_train] for each in rows_of_classes)
        ]
        self._lengths = np.sort((reference**2).sum(axis=1))
        self.n_reference_ = numbered.max() + 1
        # Errors of the centre, by a Bayesian bootstrap, for as many clusters as the centre has.
        weights = rng.exponential(size=(_N_DRAWS, self.n_reference_))
        errors = [each.weighted_mean(weights) - each.means.mean(axis=0) for each in self._reference]
        self._centre_errors = np.mean(errors, axis=0) * np.sqrt(self.n_reference_ / len(shuffled))
        self._seed = int(rng.randint(np.iinfo(np.int32).max))
        return self

    def pvalues(self, features):
        """Return the p-value of each map.

        Parameters
        ----------
        features : array-like of shape (n_maps, n_features)
            Features of the maps.

        Returns
        -------
        ndarray of shape (n_maps,)
            P-values; low for out-of-distribution maps.
        """
        lengths = (self._checked(features) ** 2).sum(axis=1)
        n_more_extreme = len(self._lengths) - np.searchsorted(self._lengths, lengths)
        return (1 + n_more_extreme) / (1 + len(self._lengths))

    def sample_pvalue(self, features, groups=None):
        """Return the p-value of a sample.

        Parameters
        ----------
        features : array-like of shape (n_maps, n_features)
            Features of the maps of the sample.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map; None if all differ. The maps of a cluster are averaged.

        Returns
        -------
        float
            P-value; low for a sample unlike samples of the same number of held-out clusters of any class,
            each with the same number of maps. It is conservative if held-out clusters have fewer maps than
            those of the sample.
        """
        sample = _Clusters(components := self._checked(features), number_clusters(groups, len(components)))
        distance = ((sample.means.mean(axis=0) - self._centre) ** 2).sum()
        rng = np.random.default_rng(self._seed)
        pvalues = []
        for reference in self._reference:
            draws = reference.draw_means(_N_DRAWS, sample.sizes, rng)
            number = len(reference.sizes)
            deviations = (draws - reference.means.mean(axis=0)) * np.sqrt(number / (number - 1))
            distances = ((deviations - self._centre_errors) ** 2).sum(axis=1)
            pvalues.append((1 + (distances >= distance).sum()) / (1 + _N_DRAWS))
        return float(max(pvalues))

    def _fit_components(self, features, target):
        """Fit the scaling, the principal components within classes and the directions between classes."""
        low, self._median, high = np.quantile(features, [0.16, 0.5, 0.84], axis=0)
        self._scale = np.where(high > low, (high - low) / 2, 1)
        scaled = self._scaled(features)
        means = np.array([scaled[target == row].mean(axis=0) for row in range(target.max() + 1)])
        within = scaled - means[target]
        variances, vectors = np.linalg.eigh(within.T @ within / len(within))
        n_components = min(_N_COMPONENTS, len(within) // 2, (variances > 1e-6 * variances[-1]).sum())
        kept = slice(len(variances) - n_components, None)
        whiten = vectors[:, kept] / np.sqrt(variances[kept])
        self._mean = means.mean(axis=0)
        _, _, directions = np.linalg.svd((means - self._mean) @ whiten)
        self._basis = whiten @ directions[len(means) - 1 :].T  # orthogonal to the differences of classes

    def _scaled(self, features):
        return np.clip((features - self._median) / self._scale, -_LIMIT, _LIMIT)

    def _components(self, features):
        """Return the components of unit variance, without the directions along which classes differ."""
        return (self._scaled(features) - self._mean) @ self._basis

    def _checked(self, features):
        check_is_fitted(self)
        features = check_array(features, input_name="features")
        if features.shape[1] != len(self._median):
            raise ValueError(
                f"features must have {len(self._median)} columns as at fit, got {features.shape[1]}"
            )
        return self._components(features)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_seed")


class _Clusters:
    """Maps of clusters, for drawing whole clusters with given numbers of maps."""

    def __init__(self, components, groups):
        self.names, self.cluster, self.sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self.components = components
        self.by_cluster = np.argsort(self.cluster, kind="stable")
        self.first = np.cumsum(self.sizes) - self.sizes
        #: Mean of the maps of each cluster, shape (n_clusters, n_components).
        self.means = np.zeros((len(self.sizes), components.shape[1]))
        np.add.at(self.means, self.cluster, components / self.sizes[self.cluster, np.newaxis])

    def weighted_mean(self, weights):
        """Return means of the clusters with weights of all numbered clusters, (n_draws, n_numbered)."""
        own = weights[:, self.names]
        return own @ self.means / own.sum(axis=1, keepdims=True)

    def draw_means(self, n_draws, sizes, rng):
        """Draw clusters of these numbers of maps, or of all that they have; return the means of all draws.

        With replacement: without, samples as large as the reference would all be the same.
        """
        clusters = rng.integers(len(self.sizes), size=n_draws * len(sizes))
        n_maps = self.sizes[clusters]
        draw = np.repeat(np.arange(len(clusters)), n_maps)
        place = np.arange(len(draw)) - np.repeat(np.cumsum(n_maps) - n_maps, n_maps)
        rows = self.by_cluster[np.repeat(self.first[clusters], n_maps) + place]
        wanted = np.minimum(np.tile(sizes, n_draws), n_maps)
        chosen = place < wanted[draw]
        rows = rows[np.lexsort((rng.random(len(draw)), draw))][chosen]
        weights = np.repeat(1 / (len(sizes) * wanted), wanted)
        samples = draw[chosen] // len(sizes)
        return csr_array((weights, (samples, rows)), shape=(n_draws, len(self.cluster))) @ self.components

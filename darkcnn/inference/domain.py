"""Out-of-distribution test of clusters."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.covariance import LedoitWolf
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import _fit_context
from darkcnn.inference.checks import number_clusters
from darkcnn.records import canonical_labels

_N_DRAWS = 500
"""Number of reference samples drawn for each class."""


class DomainTest(DocumentationLink, BaseEstimator):
    r"""Out-of-distribution test of clusters, by the embedding of a network.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the split of the held-out clusters and of the samples drawn from them.

    Attributes
    ----------
    n_reference_ : int
        Number of held-out clusters in the reference.

    Notes
    -----
    The embedding is the input of the last layer of a network, ``pipeline.transform``. Half of the held-out
    clusters give its mean, the class means and the covariance within classes (shrunk [1]_). The embedding is
    whitened within classes, and the directions along which classes differ are removed, so that a sample is
    not rejected for its cross-section. The other half is the reference.

    The statistic of a *map* is the length of its remaining embedding; its p-value is the rank in the
    reference (conformal [2]_): 5 % of in-distribution maps have p < 0.05. The statistic of a *sample* is the
    distance of its mean from that of the first half; its p-value is the rank among samples of the same number
    of reference clusters of one class, drawn with replacement, which makes it conservative. The highest
    p-value of all classes is returned. A shift that is not significant for single clusters may be significant
    for the mean of many.

    A high p-value is no proof: the embedding may not respond to the difference.

    References
    ----------
    .. [1] O. Ledoit and M. Wolf, Journal of Multivariate Analysis 88, 365 (2004).
    .. [2] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", Springer (2005).

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
    def fit(self, embeddings, target, groups=None):
        """Fit the distribution of held-out clusters.

        Parameters
        ----------
        embeddings : array-like of shape (n_maps, n_features)
            Embeddings of held-out clusters.
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
        embeddings = check_array(embeddings, input_name="embeddings")
        check_consistent_length(embeddings, target)
        target, groups = canonical_labels(target), number_clusters(groups, len(embeddings))
        rng = check_random_state(self.random_state)
        shuffled = rng.permutation(groups.max() + 1)
        is_train = np.isin(groups, shuffled[: len(shuffled) // 2])
        classes = np.unique(target)
        numbers = [
            [len(np.unique(groups[half & (target == name)])) for half in (is_train, ~is_train)]
            for name in classes
        ]
        if np.min(numbers) < 10:
            raise ValueError(
                "target must have at least about twenty clusters of every class, half for fitting, got "
                f"{dict(zip(classes.tolist(), np.sum(numbers, axis=1).tolist(), strict=True))}"
            )
        means = np.array([embeddings[is_train & (target == name)].mean(axis=0) for name in classes])
        within = embeddings[is_train] - means[np.searchsorted(classes, target[is_train])]
        # The Cholesky factor of the precision whitens the scatter within classes.
        self._whiten = np.linalg.cholesky(LedoitWolf().fit(within).precision_)
        self._mean = means.mean(axis=0)
        _, _, directions = np.linalg.svd((means - self._mean) @ self._whiten, full_matrices=False)
        self._between = directions[: len(classes) - 1]
        self._centre = self._remainder(embeddings[is_train]).mean(axis=0)
        reference = self._remainder(embeddings[~is_train])
        self._reference = [
            _Clusters(reference[rows], groups[~is_train][rows])
            for rows in (target[~is_train] == name for name in classes)
        ]
        self._lengths = np.sort((reference**2).sum(axis=1))
        self.n_reference_ = len(np.unique(groups[~is_train]))
        self._seed = int(rng.randint(np.iinfo(np.int32).max))
        return self

    def pvalues(self, embeddings):
        """Return the p-value of each map.

        Parameters
        ----------
        embeddings : array-like of shape (n_maps, n_features)
            Embeddings of the maps.

        Returns
        -------
        ndarray of shape (n_maps,)
            P-values; low for out-of-distribution maps.
        """
        lengths = (self._checked(embeddings) ** 2).sum(axis=1)
        n_more_extreme = len(self._lengths) - np.searchsorted(self._lengths, lengths)
        return (1 + n_more_extreme) / (1 + len(self._lengths))

    def sample_pvalue(self, embeddings, groups=None):
        """Return the p-value of a sample.

        Parameters
        ----------
        embeddings : array-like of shape (n_maps, n_features)
            Embeddings of the maps of the sample.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map; None if all differ. The maps of a cluster are averaged.

        Returns
        -------
        float
            P-value; low for a sample unlike samples of the same number of held-out clusters of any class,
            each with the same number of maps. It is conservative, more so if held-out clusters have fewer
            maps than those of the sample.
        """
        sample = _Clusters(remainder := self._checked(embeddings), number_clusters(groups, len(remainder)))
        distance = ((sample.means.mean(axis=0) - self._centre) ** 2).sum()
        rng = np.random.default_rng(self._seed)
        pvalues = []
        for reference in self._reference:
            draws = [reference.draw_mean(sample.sizes, rng) for _ in range(_N_DRAWS)]
            distances = ((np.array(draws) - self._centre) ** 2).sum(axis=1)
            pvalues.append((1 + (distances >= distance).sum()) / (1 + _N_DRAWS))
        return float(max(pvalues))

    def _remainder(self, embeddings):
        """Remove the directions along which classes differ, after whitening within classes."""
        white = (embeddings - self._mean) @ self._whiten
        return white - white @ self._between.T @ self._between

    def _checked(self, embeddings):
        check_is_fitted(self)
        embeddings = check_array(embeddings, input_name="embeddings")
        if embeddings.shape[1] != len(self._mean):
            raise ValueError(
                f"embeddings must have {len(self._mean)} features as at fit, got {embeddings.shape[1]}"
            )
        return self._remainder(embeddings)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_mean")


class _Clusters:
    """Maps of clusters, for drawing whole clusters with given numbers of maps."""

    def __init__(self, embeddings, groups):
        _, self.cluster, self.sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self.embeddings = embeddings
        self.by_cluster = np.argsort(self.cluster, kind="stable")
        self.first = np.cumsum(self.sizes) - self.sizes

    @property
    def means(self):
        """Mean of the maps of each cluster, shape (n_clusters, n_features)."""
        sums = np.zeros((len(self.sizes), self.embeddings.shape[1]))
        np.add.at(sums, self.cluster, self.embeddings)
        return sums / self.sizes[:, np.newaxis]

    def draw_mean(self, sizes, rng):
        """Draw clusters of these numbers of maps, or of all that they have, and average their means.

        With replacement: without, samples as large as the reference would all be the same.
        """
        clusters = rng.integers(len(self.sizes), size=len(sizes))
        n_maps = self.sizes[clusters]
        draw = np.repeat(np.arange(len(clusters)), n_maps)
        place = np.arange(len(draw)) - np.repeat(np.cumsum(n_maps) - n_maps, n_maps)
        rows = self.by_cluster[np.repeat(self.first[clusters], n_maps) + place]
        wanted = np.minimum(sizes, n_maps)
        shuffled = rows[np.lexsort((rng.random(len(draw)), draw))]
        return np.repeat(1 / (len(sizes) * wanted), wanted) @ self.embeddings[shuffled[place < wanted[draw]]]

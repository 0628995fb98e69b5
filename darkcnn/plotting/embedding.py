"""Embedding of clusters, projected to two dimensions."""

from sklearn.decomposition import PCA
from sklearn.utils import check_consistent_length

from darkcnn.plotting.canvas import class_styles, plain, single
from darkcnn.records import canonical_labels, sort_labels


class EmbeddingDisplay:
    """Embedding of clusters in its first two principal components.

    Parameters
    ----------
    projection : ndarray of shape (n_samples, 2)
        First two principal components of the features.
    target : ndarray of shape (n_samples,)
        Labels.
    explained_variance_ratio : ndarray of shape (2,)
        Fractions of the variance explained by the components.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    See Also
    --------
    sklearn.decomposition.PCA : Principal component analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.plotting import EmbeddingDisplay
    >>> features = np.random.default_rng(0).normal(size=(20, 8)) * [3, 2, 1, 1, 1, 1, 1, 1]
    >>> EmbeddingDisplay.from_features(features, ["CDM", "SIDM1"] * 10).projection.shape
    (20, 2)
    """

    figsize = 4.6, 4.0
    """Suitable width and height, inches."""

    def __init__(self, projection, target, explained_variance_ratio):
        self.projection = projection
        self.target = target
        self.explained_variance_ratio = explained_variance_ratio

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, **options):
        """Draw the embedding of clusters, which is the input of the last layer of a network.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier with ``transform``, such as :class:`~darkcnn.DarkCNNClassifier`, or a pipeline
            that ends in one.
        X : array-like of shape (n_samples, ...)
            Clusters.
        y : array-like of shape (n_samples,)
            Labels.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        EmbeddingDisplay
            The display.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(f"estimator must have transform, got {type(estimator).__name__} without")
        return cls.from_features(estimator.transform(X), y, ax=ax, **options)

    @classmethod
    def from_features(cls, features, y, *, ax=None, **options):
        """Draw given features of clusters.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            Features, in comparable units.
        y : array-like of shape (n_samples,)
            Labels.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        EmbeddingDisplay
            The display.
        """
        check_consistent_length(features, y)
        pca = PCA(2, svd_solver="full")
        display = cls(pca.fit_transform(features), canonical_labels(y), pca.explained_variance_ratio_)
        return display.plot(ax=ax, **options)

    def plot(self, *, ax=None, **options):
        """Draw a point for each cluster, in the colour of its class.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            Options of ``Axes.scatter``, such as ``s``.

        Returns
        -------
        EmbeddingDisplay
            The display itself.
        """
        ax = single(ax, self.figsize)
        for label, style in class_styles(sort_labels(self.target)).items():
            points = self.projection[self.target == label]
            style = {"s": 14, "alpha": 0.7, "linewidth": 0, **style, **options}
            ax.scatter(*points.T, label=plain(label), **style)
        first, second = self.explained_variance_ratio
        ax.set_xlabel(f"Principal component 1 ({first:.0%} of the variance)")
        ax.set_ylabel(f"Principal component 2 ({second:.0%})")
        ax.legend(fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

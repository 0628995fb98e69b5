"""Ensembles of networks with held-out predictions."""

from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.parallel import scatter_arrays
from darkcnn._common.sklearn_private import HasMethods, Interval, _fit_context
from darkcnn.model_selection.folds import check_rows, run_fold
from darkcnn.model_selection.splits import split_by_cluster
from darkcnn.preprocessing import Maps
from darkcnn.records import is_records


class DarkCNNEnsemble(DocumentationLink, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Ensemble of classifiers from a cross-validation, with held-out predictions.

    Each classifier is trained with its own seed on all but one fold of the clusters. The mean prediction is
    more accurate than a single one, and the scatter is a measure of uncertainty. For every cluster of the
    training set, there is a held-out prediction by the classifier that was not trained on it, for
    calibration.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Classifier or pipeline to train. It is cloned, and every `random_state` in the clone is set. None for
        ``default_pipeline("polar")``.
    n_networks : int, default=5
        Number of networks, at least 2.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and the networks.
    n_jobs : int or None, default=None
        Number of networks trained in parallel; -1 for all cores. The result does not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    estimators_ : list of estimator
        Fitted networks.
    held_out_probabilities_ : ndarray of shape (n_samples, n_classes)
        Held-out prediction for each row of the training set.
    scores_ : ndarray of shape (n_networks,)
        Balanced accuracy of each network on its held-out clusters. For the standard error of the mean, see
        :func:`darkcnn.model_selection.corrected_standard_error`.

    See Also
    --------
    CrossSectionPosterior : Posterior of the cross-section, calibrated with held-out predictions.
    sklearn.ensemble.VotingClassifier : Ensemble of different estimators, trained on the same clusters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from darkcnn import DarkCNNEnsemble
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), ["CDM", "SIDM1"] * 10
    >>> ensemble = DarkCNNEnsemble(LogisticRegression(), n_networks=3, random_state=0).fit(X, y)
    >>> ensemble.network_proba(X).shape, ensemble.held_out_probabilities_.shape
    ((3, 20, 2), (20, 2))
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "n_networks": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    # With metadata routing, groups are passed as to splitters, without set_fit_request.
    __metadata_request__fit = {"groups": True}

    def __init__(self, estimator=None, n_networks=5, *, random_state=None, n_jobs=None, verbose=0):
        self.estimator = estimator
        self.n_networks = n_networks
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, sample_weight=None):
        """Train the networks.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array-like of shape (n_samples, ...)
            Cluster records, or any input of `estimator`.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row. Default: the clusters of records or of maps from records; otherwise, all rows
            are different clusters. If `fit` of `estimator` accepts groups, it gets those of its training
            rows, so that early stopping splits by cluster.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each row in the training of all networks. `scores_` are not weighted.

        Returns
        -------
        DarkCNNEnsemble
            The fitted ensemble.

        Raises
        ------
        ValueError
            If lengths differ, there are too few clusters, or `estimator` does not support `sample_weight`.
        """
        template = self._template()
        groups = _own_groups(X) if groups is None else groups
        X, y, metadata = check_rows([template], X, y, groups, sample_weight)
        clusters = np.arange(len(y)) if metadata["groups"] is None else metadata["groups"]
        rng = check_random_state(self.random_state)
        folds = split_by_cluster(y, clusters, n_splits=self.n_networks, random_state=rng)
        seeds = rng.randint(np.iinfo(np.int32).max, size=self.n_networks).tolist()
        with scatter_arrays(X, y):
            fits = Parallel(n_jobs=self.n_jobs, return_as="generator")(
                delayed(run_fold)(template, X, y, train, test, seed=seed, **metadata)
                for seed, (train, test) in zip(seeds, folds, strict=True)
            )
            fits = list(
                tqdm(fits, total=len(folds), desc="Training", unit="network", disable=not self.verbose)
            )
        classes = np.unique(y)
        held_out = np.empty((len(y), len(classes)))
        for (_, test), fit in zip(folds, fits, strict=True):
            held_out[test] = fit.result
        predicted = classes[held_out.argmax(axis=1)]
        self.classes_, self.held_out_probabilities_ = classes, held_out
        self.estimators_ = [fit.estimator for fit in fits]
        self.scores_ = np.array([balanced_accuracy_score(y[test], predicted[test]) for _, test in folds])
        return self

    def network_proba(self, X):
        """Predict class probabilities with each network.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array-like of shape (n_samples, ...)
            Cluster records, or any input of `estimator`.

        Returns
        -------
        ndarray of shape (n_networks, n_samples, n_classes)
            Probabilities, in the order of `classes_`. The scatter along the first axis measures the
            disagreement of the networks.
        """
        check_is_fitted(self)
        return np.stack([network.predict_proba(X) for network in self.estimators_])

    def predict_proba(self, X):
        """Predict class probabilities, averaged over the networks.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array-like of shape (n_samples, ...)
            Cluster records, or any input of `estimator`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return self.network_proba(X).mean(axis=0)

    def predict_log_proba(self, X):
        """Predict log-probabilities of the classes.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array-like of shape (n_samples, ...)
            Cluster records, or any input of `estimator`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of `predict_proba`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,), or array-like of shape (n_samples, ...)
            Cluster records, or any input of `estimator`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _template(self):
        if self.estimator is not None:
            return self.estimator
        from darkcnn.pipeline import default_pipeline  # imports keras, which takes seconds

        return default_pipeline("polar")

    @property
    def n_features_in_(self):
        """Number of features seen at fit, if `estimator` has this attribute."""
        return self.estimators_[0].n_features_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._template()).input_tags
        return tags


def _own_groups(X):
    """Return the clusters of rows if known, or None."""
    if is_records(X):
        return X["cluster_id"]
    maps = getattr(X, "maps", X)  # of views
    return maps.groups if isinstance(maps, Maps) else None

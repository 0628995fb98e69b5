"""Cross-validation by cluster, with standard errors."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from tqdm import tqdm

from darkcnn._common.parallel import scatter_arrays
from darkcnn.model_selection.folds import check_rows, run_fold
from darkcnn.model_selection.splits import compare_sizes, split_by_cluster


@dataclass(frozen=True)
class CrossValidation:
    """Scores and predictions of several estimators on the same splits.

    Attributes
    ----------
    target : ndarray of shape (n_samples,)
        True labels.
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    splits : list of (ndarray, ndarray)
        Rows of the training and test set of each split.
    test_over_train : float
        Number of clusters in a test set over that in its training set, averaged over splits.
    scores : dict of str to ndarray of shape (n_splits,)
        Balanced accuracy (mean of the recall over classes) of each estimator in each split.
    probabilities : dict of str to list of ndarray of shape (n_test, n_classes)
        Predictions of each estimator for the test set of each split.
    estimators : dict of str to list of estimator, or None
        Fitted estimators of each split, if requested.
    """

    target: np.ndarray
    classes: np.ndarray
    splits: list
    test_over_train: float
    scores: dict
    probabilities: dict
    estimators: dict | None = None

    def standard_error(self, name):
        """Return the standard error of the mean score of an estimator.

        Parameters
        ----------
        name : str
            Name of the estimator.

        Returns
        -------
        float
            Standard error, see :func:`corrected_standard_error`.
        """
        return corrected_standard_error(self.scores[name], self.test_over_train)

    def difference(self, name, other):
        """Return the mean difference between the scores of two estimators on the same splits.

        Parameters
        ----------
        name, other : str
            Names of the estimators.

        Returns
        -------
        difference, standard_error : float
            Mean score of `name` minus that of `other`, and its standard error, which is smaller than that of
            independent means, because the splits are the same.
        """
        differences = self.scores[name] - self.scores[other]
        return float(differences.mean()), corrected_standard_error(differences, self.test_over_train)

    def confusion(self, name, labels=None):
        """Return the confusion matrix over the test sets of all splits.

        Parameters
        ----------
        name : str
            Name of the estimator.
        labels : array-like of shape (n_classes,) or None, default=None
            Order of the classes; None for `classes`.

        Returns
        -------
        ndarray of shape (n_classes, n_classes)
            Numbers of maps; rows are true classes, columns are predicted classes.
        """
        true = np.concatenate([self.target[test] for _, test in self.splits])
        predicted = self.classes[np.concatenate(self.probabilities[name]).argmax(axis=1)]
        return confusion_matrix(true, predicted, labels=self.classes if labels is None else labels)


def cross_validate_by_cluster(
    estimators,
    X,
    y,
    groups,
    *,
    n_splits=5,
    n_repeats=1,
    train_size=None,
    random_state=None,
    sample_weight=None,
    return_estimator=False,
    n_jobs=None,
    verbose=0,
):
    """Cross-validate estimators by cluster, all on the same splits.

    Parameters
    ----------
    estimators : dict of str to estimator
        Classifiers with ``predict_proba``, by name; they are cloned.
    X : array-like of shape (n_samples, ...)
        Records or maps of clusters.
    y : array-like of shape (n_samples,)
        Labels.
    groups : array-like of shape (n_samples,)
        Cluster of each row, such as ``bunch.groups``. If `fit` of an estimator, or of the last step of a
        pipeline, accepts groups, it gets those of its training rows, so that early stopping splits by
        cluster.
    n_splits, n_repeats, train_size, random_state
        See :func:`split_by_cluster`.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weight of each row in the training of all estimators. Scores are not weighted.
    return_estimator : bool, default=False
        Whether to keep the fitted estimators.
    n_jobs : int or None, default=None
        Number of parallel fits; -1 for all cores. The results do not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    CrossValidation
        Scores and predictions.

    Raises
    ------
    ValueError
        As in :func:`split_by_cluster`; or if an estimator does not support `sample_weight`.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> example = load_example()
    >>> validation = cross_validate_by_cluster(
    ...     {"majority": DummyClassifier()}, example.data, example.target, example.groups, random_state=0
    ... )
    >>> validation.scores["majority"]
    array([0.25, 0.25, 0.25, 0.25, 0.25])
    """
    X, y, metadata = check_rows(estimators.values(), X, y, groups, sample_weight)
    groups = metadata["groups"]
    splits = split_by_cluster(
        y, groups, n_splits=n_splits, n_repeats=n_repeats, train_size=train_size, random_state=random_state
    )
    tasks = [(name, train, test) for train, test in splits for name in estimators]
    classes = np.unique(y)
    scores = {name: [] for name in estimators}
    probabilities = {name: [] for name in estimators}
    fitted = {name: [] for name in estimators}
    with scatter_arrays(X, y):
        fits = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_fit_and_predict)(estimators[name], X, y, train, test, return_estimator, **metadata)
            for name, train, test in tasks
        )
        progress = tqdm(fits, total=len(tasks), desc="Cross-validation", unit="fit", disable=not verbose)
        for (name, _, test), (predicted, estimator) in zip(tasks, progress, strict=True):
            scores[name].append(balanced_accuracy_score(y[test], classes[predicted.argmax(axis=1)]))
            probabilities[name].append(predicted)
            fitted[name].append(estimator)
    return CrossValidation(
        target=y,
        classes=classes,
        splits=splits,
        test_over_train=compare_sizes(splits, groups),
        scores={name: np.array(values) for name, values in scores.items()},
        probabilities=probabilities,
        estimators=fitted if return_estimator else None,
    )


def _fit_and_predict(estimator, X, y, train, test, return_estimator, **metadata):
    fold = run_fold(estimator, X, y, train, test, **metadata)
    return fold.result, fold.estimator if return_estimator else None


def corrected_standard_error(scores, test_over_train):
    r"""Return the standard error of the mean score over splits, corrected for overlapping training sets.

    The naive :math:`S / \sqrt{J}` of :math:`J` scores with standard deviation :math:`S` assumes independence,
    and becomes arbitrarily small with more splits. With :math:`n_2` clusters in a test set and :math:`n_1` in
    a training set, the corrected error is :math:`S \sqrt{1/J + n_2/n_1}` (corrected resampled :math:`t`
    statistic [1]_; for repeated folds see [2]_).

    Parameters
    ----------
    scores : array-like of shape (n_splits,)
        Score, or difference of scores, of each split.
    test_over_train : float
        Ratio :math:`n_2 / n_1`.

    Returns
    -------
    float
        Standard error of the mean; NaN for a single score, or if a score is not finite.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 239 (2003).
    .. [2] R. R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for comparing
       learning algorithms", PAKDD 2004, LNCS 3056, 3.

    Examples
    --------
    >>> from darkcnn.model_selection import corrected_standard_error
    >>> round(corrected_standard_error([0.5, 0.6, 0.7, 0.6], test_over_train=0.25), 4)
    0.0577
    """
    n_scores = len(scores)
    if n_scores < 2 or not np.isfinite(scores).all():
        return float("nan")
    # Nadeau & Bengio 2003: sqrt((1/J + n2/n1) S^2)
    return float(np.std(scores, ddof=1) * np.sqrt(1 / n_scores + test_over_train))

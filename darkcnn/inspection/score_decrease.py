"""Decrease of a score after a change of the data, with its standard error."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_consistent_length
from tqdm import tqdm

from darkcnn.records import canonical_labels

_N_BLOCKS = 20
"""Number of blocks of clusters for the jackknife."""


class _CachedPredictions(ClassifierMixin, BaseEstimator):
    """Classifier that returns stored predictions, so that any scorer can be applied to any rows."""

    def __init__(self, classes, probabilities):
        self.classes = self.classes_ = classes
        self.probabilities = probabilities

    def predict_proba(self, rows):
        return self.probabilities[rows]

    def predict(self, rows):
        return self.classes_[self.probabilities[rows].argmax(axis=1)]


def score_decrease(estimator, permutation, y, changes, *, scoring, donors, verbose):
    """Measure the decrease of the score by each change.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with ``predict_proba``.
    permutation : Permutation
        Clusters and possible donors.
    y : array-like of shape (n_samples,)
        Labels.
    changes : list of callable
        See :meth:`~darkcnn.inspection.permutation.Permutation.predict`.
    scoring : str or callable
        Scorer.
    donors : list of ndarray
        Donors of each repeat.
    verbose : int
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        ``importances`` of shape (n_changes, n_repeats); ``importances_mean``, ``importances_std`` and
        ``importances_error`` of shape (n_changes,); ``scoring``.
    """
    y = canonical_labels(y)
    check_consistent_length(permutation.X, y)
    classes = canonical_labels(estimator.classes_)
    order = np.argsort(classes)  # the order that scorers expect
    # The delete-a-group jackknife: without the clusters of each block in turn.
    block = np.unique(permutation.groups, return_inverse=True)[1] % _N_BLOCKS
    everything = np.arange(len(y))
    samples = [everything, *(np.flatnonzero(block != left_out) for left_out in np.unique(block))]
    n_blocks = len(samples) - 1
    if n_blocks < 2:
        raise ValueError("groups must contain at least two clusters, got one")

    scorer = check_scoring(estimator, scoring)

    def scores(probabilities):
        predictions = _CachedPredictions(classes[order], probabilities[:, order])
        return np.array([scorer(predictions, rows, y[rows]) for rows in samples])

    unchanged = scores(permutation.predict(estimator))
    decrease = np.empty((len(changes), len(donors), len(samples)))
    with tqdm(total=decrease[..., 0].size, desc="Importance", unit="run", disable=not verbose) as progress:
        for row, change in enumerate(changes):
            for repeat, rows in enumerate(donors):
                decrease[row, repeat] = unchanged - scores(permutation.predict(estimator, change, rows))
                progress.update()
    without = decrease[..., 1:].mean(axis=1)
    spread = without - without.mean(axis=1, keepdims=True)
    return Bunch(
        importances=decrease[..., 0],
        importances_mean=decrease[..., 0].mean(axis=1),
        importances_std=decrease[..., 0].std(axis=1),
        importances_error=np.sqrt((n_blocks - 1) / n_blocks * (spread**2).sum(axis=1)),
        scoring=scoring if isinstance(scoring, str) else "score",
    )

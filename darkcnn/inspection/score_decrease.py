"""Loss of a score by a change of the data, and its standard error."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_consistent_length
from tqdm import tqdm

from darkcnn.records import canonical_labels

_N_BLOCKS = 20
"""Parts of the clusters that the jackknife leaves out, one after the other."""


class _CachedPredictions(ClassifierMixin, BaseEstimator):
    """Predictions in the place of a classifier, so that any scorer can score any of the rows."""

    def __init__(self, classes, probabilities):
        self.classes = self.classes_ = classes
        self.probabilities = probabilities

    def predict_proba(self, rows):
        return self.probabilities[rows]

    def predict(self, rows):
        return self.classes_[self.probabilities[rows].argmax(axis=1)]


def score_decrease(estimator, permutation, y, changes, *, scoring, donors, verbose):
    """Measure what the score loses by each change.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with ``predict_proba``.
    permutation : Permutation
        Clusters.
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
    order = np.argsort(classes)  # as scorers expect them
    # Without its clusters of each block in turn: the delete-a-group jackknife.
    block = np.unique(permutation.groups, return_inverse=True)[1] % _N_BLOCKS
    everything = np.arange(len(y))
    samples = [everything, *(np.flatnonzero(block != left_out) for left_out in np.unique(block))]
    n_blocks = len(samples) - 1
    if n_blocks < 2:
        raise ValueError("groups must hold at least two clusters, got one")

    scorer = check_scoring(estimator, scoring)

    def scores(probabilities):
        answers = _CachedPredictions(classes[order], probabilities[:, order])
        return np.array([scorer(answers, rows, y[rows]) for rows in samples])

    unchanged = scores(permutation.predict(estimator))
    lost = np.empty((len(changes), len(donors), len(samples)))
    with tqdm(total=lost[..., 0].size, desc="Importance", unit="run", disable=not verbose) as progress:
        for row, change in enumerate(changes):
            for repeat, rows in enumerate(donors):
                lost[row, repeat] = unchanged - scores(permutation.predict(estimator, change, rows))
                progress.update()
    without = lost[..., 1:].mean(axis=1)
    spread = without - without.mean(axis=1, keepdims=True)
    return Bunch(
        importances=lost[..., 0],
        importances_mean=lost[..., 0].mean(axis=1),
        importances_std=lost[..., 0].std(axis=1),
        importances_error=np.sqrt((n_blocks - 1) / n_blocks * (spread**2).sum(axis=1)),
        scoring=scoring if isinstance(scoring, str) else "score",
    )

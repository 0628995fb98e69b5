"""Validation split of the training set for early stopping."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state


@dataclass
class ValidationSplit:
    """Train/validation split by cluster, with every class on both sides.

    A scikit-learn splitter with a single split. All rows of a cluster stay together, and the split is
    stratified by the classes of clusters.

    Parameters
    ----------
    fraction : float, default=0.1
        Fraction of clusters for validation, between 0 and 1. It can be larger if classes are rare, because
        each class needs a cluster on both sides.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Examples
    --------
    >>> from darkcnn.training import ValidationSplit
    >>> y, groups = ["CDM", "SIDM1"] * 5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    >>> [(train, validation)] = ValidationSplit(0.4, random_state=0).split(y, y, groups)
    >>> validation.tolist()
    [4, 5, 8, 9]
    """

    fraction: float = 0.1
    random_state: object = None

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            1.
        """
        return 1

    def split(self, X, y, groups=None):
        """Return the rows of the training and validation set.

        Parameters
        ----------
        X : object
            Ignored.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row; None if every row is a different cluster.

        Yields
        ------
        train, validation : ndarray of int
            Row indices.

        Raises
        ------
        ValueError
            If there are fewer clusters than 1 / `fraction`, or too few clusters of a class.
        """
        y = np.asarray(y)
        names, of_row = np.unique(np.arange(len(y)) if groups is None else groups, return_inverse=True)
        if len(names) * self.fraction < 1:
            needed = int(np.ceil(1 / self.fraction))
            raise ValueError(
                f"validation_fraction={self.fraction} needs at least {needed} clusters, got {len(names)}"
            )
        classes = [set() for _ in names]
        for cluster, label in zip(of_row, y.tolist(), strict=True):
            classes[cluster].add(label)
        is_validation = np.zeros(len(names), bool)
        is_validation[self._draw([frozenset(each) for each in classes])] = True
        yield np.flatnonzero(~is_validation[of_row]), np.flatnonzero(is_validation[of_row])

    def _draw(self, classes):
        """Select validation clusters, given the set of classes of each cluster."""
        shuffled = check_random_state(self.random_state).permutation(len(classes)).tolist()
        left = Counter(label for each in classes for label in each)  # clusters to train on, by class
        held, n_held, held_classes = [], Counter(), set()

        def can_hold_out(labels):
            return all(left[label] > 1 for label in labels)

        def hold(cluster):
            labels = classes[cluster]
            held.append(cluster)
            n_held[labels] += 1
            held_classes.update(labels)
            left.subtract(labels)

        for label, n_clusters in sorted(left.items(), key=lambda item: (item[1], str(item[0]))):
            if label in held_classes:
                continue
            candidates = [c for c in shuffled if label in classes[c] and can_hold_out(classes[c])]
            if not candidates:
                raise ValueError(
                    f"validation_fraction={self.fraction} must leave clusters of every class on both sides "
                    f"of the split, but class {label!r} has {n_clusters}: add clusters of it, or set "
                    "early_stopping=False"
                )
            hold(candidates[0])
        sizes, taken = Counter(classes), set(held)
        waiting = {
            labels: [c for c in shuffled if classes[c] == labels and c not in taken] for labels in sizes
        }
        while len(held) < round(self.fraction * len(classes)):
            candidates = [labels for labels, clusters in waiting.items() if clusters and can_hold_out(labels)]
            if not candidates:
                break
            # Next: the class combination with the largest shortfall.
            labels = max(candidates, key=lambda labels: self.fraction * sizes[labels] - n_held[labels])
            hold(waiting[labels].pop())
        return held

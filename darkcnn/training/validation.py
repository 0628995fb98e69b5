"""The clusters that a training holds back, to find out when to stop."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state


@dataclass
class ValidationSplit:
    """Hold a fraction of the clusters back, with every class on both sides.

    A splitter of scikit-learn with a single split. All rows of a cluster stay together, and clusters with the
    same classes are held back in the same proportion.

    Parameters
    ----------
    fraction : float, default=0.1
        Fraction of the clusters to hold back, between 0 and 1, rounded to a whole number of clusters. Rare
        classes may make it larger: each needs a cluster on both sides.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Examples
    --------
    >>> from darkcnn.training import ValidationSplit
    >>> y, groups = ["CDM", "SIDM1"] * 5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    >>> [(train, held_back)] = ValidationSplit(0.4, random_state=0).split(y, y, groups)
    >>> held_back.tolist()
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
        """Divide the rows.

        Parameters
        ----------
        X : object
            Ignored.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row; None if every row is a cluster of its own.

        Yields
        ------
        train, held_back : ndarray of int
            Rows.

        Raises
        ------
        ValueError
            If there are fewer clusters than 1 / `fraction`, or the clusters of a class are too few.
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
        is_held = np.zeros(len(names), bool)
        is_held[self._draw([frozenset(each) for each in classes])] = True
        yield np.flatnonzero(~is_held[of_row]), np.flatnonzero(is_held[of_row])

    def _draw(self, classes):
        """Choose clusters, of which the classes are given, to hold back."""
        shuffled = check_random_state(self.random_state).permutation(len(classes)).tolist()
        left = Counter(label for each in classes for label in each)  # clusters to train on, by class
        held, held_of, held_classes = [], Counter(), set()

        def may_go(kind):
            return all(left[label] > 1 for label in kind)

        def hold(cluster):
            kind = classes[cluster]
            held.append(cluster)
            held_of[kind] += 1
            held_classes.update(kind)
            left.subtract(kind)

        for label, n_clusters in sorted(left.items(), key=lambda item: (item[1], str(item[0]))):
            if label in held_classes:
                continue
            candidates = [c for c in shuffled if label in classes[c] and may_go(classes[c])]
            if not candidates:
                raise ValueError(
                    f"validation_fraction={self.fraction} must leave every class on both sides of the split, "
                    f"which the clusters do not allow: class {label!r} has {n_clusters}. Add clusters of it, "
                    "or train without early_stopping"
                )
            hold(candidates[0])
        sizes, taken = Counter(classes), set(held)
        waiting = {kind: [c for c in shuffled if classes[c] == kind and c not in taken] for kind in sizes}
        while len(held) < round(self.fraction * len(classes)):
            kinds = [kind for kind, clusters in waiting.items() if clusters and may_go(kind)]
            if not kinds:
                break
            # Next is the kind of cluster of which the largest number is still due.
            kind = max(kinds, key=lambda kind: self.fraction * sizes[kind] - held_of[kind])
            hold(waiting[kind].pop())
        return held

"""Training and test sets without common clusters."""

from numbers import Real

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold
from sklearn.utils import check_consistent_length, check_random_state

from darkcnn.records import check_groups


def split_by_cluster(y, groups, *, n_splits=5, n_repeats=1, train_size=None, random_state=None):
    """Split rows into training and test sets by cluster, stratified by class.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; folds preserve their proportions as far as the clusters allow.
    groups : array-like of shape (n_samples,)
        Cluster of each row.
    n_splits : int, default=5
        Number of folds, each of which is the test set once.
    n_repeats : int, default=1
        Number of repetitions with different folds.
    train_size : float or None, default=None
        Fraction of the clusters for training, drawn once for each repetition instead of folds.
    random_state : int, RandomState instance or None, default=None
        Seed of the splits.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows of the training and test set of each split: `n_splits` × `n_repeats` splits, or `n_repeats` with
        `train_size`.

    Raises
    ------
    ValueError
        If there are too few clusters, a row has no cluster, `train_size` is not a fraction, or a training or
        test set lacks a class.

    Examples
    --------
    >>> from darkcnn.model_selection import split_by_cluster
    >>> y, groups = ["CDM", "SIDM1"] * 4, [0, 0, 1, 1, 2, 2, 3, 3]
    >>> [test.tolist() for _, test in split_by_cluster(y, groups, n_splits=2, random_state=0)]
    [[2, 3, 4, 5], [0, 1, 6, 7]]
    """
    y, groups = np.asarray(y), check_groups(groups)
    check_consistent_length(y, groups)
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats}")
    n_clusters = len(np.unique(groups))
    rng = check_random_state(random_state)
    if train_size is not None:
        if not isinstance(train_size, Real) or not 0 < train_size < 1:
            raise ValueError(f"train_size must be a fraction between 0 and 1, got {train_size!r}")
        if n_clusters < 2:
            raise ValueError(f"groups must contain at least two clusters to split, got {n_clusters}")
        splitters = [GroupShuffleSplit(n_repeats, train_size=train_size, random_state=rng)]
    else:
        if not 2 <= n_splits <= n_clusters:
            raise ValueError(
                f"n_splits must be from 2 to the number of clusters, {n_clusters}, got {n_splits}"
            )
        splitters = [
            StratifiedGroupKFold(n_splits, shuffle=True, random_state=rng.randint(np.iinfo(np.int32).max))
            for _ in range(n_repeats)
        ]
    splits = [split for splitter in splitters for split in splitter.split(np.empty(len(y)), y, groups)]
    for train, test in splits:
        for part, rows in (("training", train), ("test", test)):
            missing = np.setdiff1d(y, y[rows])
            if len(missing):
                raise ValueError(
                    f"{n_clusters} clusters are too few for these splits: "
                    f"a {part} set has none of class {missing.tolist()}"
                )
    return splits


def compare_sizes(splits, groups):
    """Return the ratio of the numbers of clusters in test and training set, averaged over splits.

    Raises a ValueError if a split has a cluster in both.
    """
    ratios = []
    for split, (train, test) in enumerate(splits):
        trained, tested = np.unique(groups[train]), np.unique(groups[test])
        both = np.intersect1d(trained, tested)
        if len(both):
            raise ValueError(
                f"cv must keep the rows of a cluster together, but split {split} puts {both[0]} into both "
                "training and test set; use a group splitter such as StratifiedGroupKFold"
            )
        ratios.append(len(tested) / len(trained))
    return float(np.mean(ratios))

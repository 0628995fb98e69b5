"""Occlusion: decrease in probability without each square of a map."""

import numpy as np
from sklearn.utils import Bunch, check_consistent_length, check_random_state
from tqdm import tqdm

from darkcnn.inspection.permutation import Permutation
from darkcnn.records import canonical_labels


def occlusion(estimator, X, y=None, *, background=None, size=5, n_repeats=5, random_state=None, verbose=0):
    """Occlusion maps: decrease in probability when a square of a map is replaced by another cluster's.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with ``predict_proba``.
    X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
        Clusters to explain.
    y : array-like of shape (n_samples,) or None, default=None
        Class to explain for each cluster; None for the predicted one.
    background : array like `X`, or None, default=None
        Clusters from which replacements are drawn; None for those of `X`.
    size : int, default=5
        Side of the squares, pixels.
    n_repeats : int, default=5
        Number of permutations.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        ``importances_mean`` of shape (n_samples, n_channels, n_rows, n_columns): decrease in probability;
        ``importances_error``: standard error over repeats; ``names`` of the channels; ``unit``.

    See Also
    --------
    darkcnn.plotting.ImportanceMapsDisplay : Plots it.
    annulus_importance : Importance of annuli; its notes describe the replacements.

    Notes
    -----
    Occlusion [1]_ with squares from clusters of similar mass instead of grey ones, which are out of
    distribution.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.inspection import occlusion
    >>> X, y = load_example(return_X_y=True)
    >>> found = occlusion(DummyClassifier().fit(X, y), X[:2], background=X, size=25, random_state=0)
    >>> found.importances_mean.shape
    (2, 3, 2, 2)
    """
    permutation = Permutation(X, pool=background)
    height, width, n_channels = permutation.map_shape
    if not 1 <= size <= min(height, width) or n_repeats < 1:
        raise ValueError(
            f"size must be from 1 to {min(height, width)} pixels and n_repeats at least 1, "
            f"got {size} and {n_repeats}"
        )
    unchanged = permutation.predict(estimator)
    column = unchanged.argmax(axis=1)
    if y is not None:
        check_consistent_length(X, y)
        classes, y = canonical_labels(estimator.classes_), canonical_labels(y)
        unknown = np.setdiff1d(y, classes)
        if len(unknown):
            raise ValueError(
                f"y must contain classes of estimator, {classes.tolist()}, got {unknown.tolist()}"
            )
        column = (y[:, np.newaxis] == classes).argmax(axis=1)
    rows = np.arange(len(unchanged))
    rng = check_random_state(random_state)
    donors = [permutation.donors(rng) for _ in range(n_repeats)]
    n_rows, n_columns = -(-height // size), -(-width // size)
    lost = np.empty((n_repeats, len(rows), n_channels, n_rows, n_columns))
    places = list(np.ndindex(n_channels, n_rows, n_columns))
    for channel, row, col in tqdm(places, desc="Occlusion", unit="square", disable=not verbose):
        mask = np.zeros((height, width), bool)
        mask[row * size : (row + 1) * size, col * size : (col + 1) * size] = True
        for repeat, drawn in enumerate(donors):
            changed = permutation.predict(estimator, permutation.region(channel, mask), drawn)
            lost[repeat, :, channel, row, col] = (unchanged - changed)[rows, column]
    error = (
        lost.std(axis=0, ddof=1) / np.sqrt(n_repeats) if n_repeats > 1 else np.full(lost.shape[1:], np.nan)
    )
    return Bunch(
        importances_mean=lost.mean(axis=0),
        importances_error=error,
        names=permutation.channels,
        unit="decrease in probability",
    )

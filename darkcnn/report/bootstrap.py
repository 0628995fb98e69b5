"""Scores of predictions with bootstrap errors over halos."""

import numpy as np

_N_BOOTSTRAP = 1000


def balanced_accuracies(target, predicted, groups):
    """Compute balanced accuracies of several predictions, with errors from a common bootstrap over halos.

    Parameters
    ----------
    target : ndarray of shape (n_samples,)
        True labels.
    predicted : dict of str to ndarray of shape (n_samples,)
        Predicted labels of each method.
    groups : ndarray of shape (n_samples,)
        Halo of each map.

    Returns
    -------
    scores : dict of str to (float, float)
        Balanced accuracy and its standard error (NaN for a single halo).
    differences : dict of str to (float, float)
        Score of the last method minus that of each other, and its standard error.
    """
    classes, row = np.unique(target, return_inverse=True)
    halos, halo = np.unique(groups, return_inverse=True)
    total = np.zeros((len(halos), len(classes)))
    np.add.at(total, (halo, row), 1)
    rng = np.random.default_rng(0)
    times = rng.multinomial(len(halos), np.full(len(halos), 1 / len(halos)), size=_N_BOOTSTRAP)
    values, draws = {}, {}
    for name, labels in predicted.items():
        right = np.zeros_like(total)
        np.add.at(right, (halo, row), labels == target)
        values[name] = float((right.sum(axis=0) / total.sum(axis=0)).mean())
        with np.errstate(invalid="ignore"):  # a class may be missing in a draw
            draws[name] = np.nanmean((times @ right) / (times @ total), axis=1)

    def error(draws):
        return float(draws.std(ddof=1)) if len(halos) > 1 else float("nan")

    *others, last = values
    return (
        {name: (values[name], error(draws[name])) for name in values},
        {name: (values[last] - values[name], error(draws[last] - draws[name])) for name in others},
    )

"""Results of a study in the form of scikit-learn's searches."""

import numpy as np
from scipy.stats import rankdata

from darkcnn.model_selection.validation import corrected_standard_error


def tabulate(candidates, rows, test_over_train):
    """Collect the fits of a study in columns.

    Parameters
    ----------
    candidates : list of dict
        Parameters of each candidate.
    rows : list of list of dict
        Fits of each candidate, one for each split: ``scores`` by name, ``fit_time`` and ``score_time``.
    test_over_train : float
        Number of clusters in a test set over that in its training set.

    Returns
    -------
    dict of str to ndarray
        Columns, see :func:`darkcnn.run_study`.
    """
    results = {"params": candidates}
    for name in sorted({name for params in candidates for name in params}):
        values = np.empty(len(candidates), dtype=object)
        for row, params in enumerate(candidates):
            values[row] = params.get(name)
        results[f"param_{name}"] = np.ma.array(values, mask=[name not in params for params in candidates])
    for name in ("fit_time", "score_time"):
        seconds = np.array([[fit[name] for fit in fits] for fits in rows])
        results |= {f"mean_{name}": seconds.mean(axis=1), f"std_{name}": seconds.std(axis=1)}
    for name in rows[0][0]["scores"]:
        scores = np.array([[fit["scores"][name] for fit in fits] for fits in rows])
        results |= {f"split{split}_test_{name}": column for split, column in enumerate(scores.T)}
        with np.errstate(invalid="ignore"):  # infinite scores have an infinite mean or a NaN deviation
            mean, deviation = scores.mean(axis=1), scores.std(axis=1)
        results[f"mean_test_{name}"] = mean
        results[f"std_test_{name}"] = deviation
        results[f"standard_error_test_{name}"] = np.array(
            [corrected_standard_error(row, test_over_train) for row in scores]
        )
        results[f"rank_test_{name}"] = rankdata(-np.nan_to_num(mean, nan=-np.inf), method="min").astype(int)
    return results

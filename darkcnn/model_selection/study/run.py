"""Fits of a study: every candidate on every split, each done once."""

import time

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, check_cv
from tqdm import tqdm

from darkcnn._common.identity import describe
from darkcnn._common.parallel import sharing
from darkcnn.model_selection.folds import check_rows, run_fold
from darkcnn.model_selection.splits import compare_sizes
from darkcnn.model_selection.study.identity import identify
from darkcnn.model_selection.study.store import Store, key_of
from darkcnn.model_selection.study.table import tabulate

_POLL_INTERVAL = 1.0  # seconds until fits that another process has begun are looked for again


def run_study(
    pipeline,
    X,
    y,
    *,
    groups,
    cv,
    folder,
    param_grid=None,
    scoring=None,
    sample_weight=None,
    n_jobs=None,
    verbose=0,
):
    """Score every candidate on every split, and keep each fit on disk as soon as it has finished.

    A study that was interrupted or killed continues when it is started again with the same arguments: no
    finished fit is repeated, and the results are those of an uninterrupted study. Several processes, on one
    machine or on many that share the folder, may run the same study at a time; each fit is done by one of
    them.

    Parameters
    ----------
    pipeline : estimator
        Classifier or pipeline that ends in one. It is cloned, so never changed. Give every step an integer
        `random_state`; without it, results are not reproducible.
    X : array-like of shape (n_samples, ...)
        Records or maps of clusters, memory-mapped or not.
    y : array-like of shape (n_samples,)
        Labels.
    groups : array-like of shape (n_samples,)
        Cluster of each row, such as ``bunch.groups``. Candidates whose `fit` takes groups get those of their
        training rows, so that early stopping holds back whole clusters; in a pipeline, the last step does.
    cv : cross-validation generator or iterable of (train, test)
        Splits that keep the rows of a cluster together, such as
        ``StratifiedGroupKFold(5, shuffle=True, random_state=0)``.
    folder : path-like
        Where to keep the study; made if it is not there. One folder, one study.
    param_grid : dict or list of dict or None, default=None
        Values to try of each parameter, as for :class:`sklearn.model_selection.GridSearchCV`; None for the
        pipeline as it is. A larger grid may go on in the same folder.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for :class:`sklearn.model_selection.GridSearchCV`; None for the estimator's own ``score``.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weight of each row in the training. Scores are not weighted.
    n_jobs : int or None, default=None
        Number of fits at a time, -1 for as many as cores. The scores do not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar with the time left.

    Returns
    -------
    dict of str to ndarray
        Like ``GridSearchCV.cv_results_``: a row for each candidate, with ``params``, ``param_*``,
        ``split*_test_score``, ``mean_test_score``, ``std_test_score`` and ``rank_test_score`` (with the names
        of several scores in place of ``score``), mean and standard deviation of ``fit_time`` and
        ``score_time`` in seconds. In addition ``standard_error_test_score``, the error of the mean, see
        :func:`darkcnn.model_selection.corrected_standard_error`; ``std_test_score`` is not that.
        ``pandas.DataFrame`` takes it.

    Raises
    ------
    ValueError
        If the folder holds a study of another pipeline, of other data, splits or scores, or with other
        versions of the libraries (the error names what differs); if `cv` puts a cluster into both training
        and test set; if a parameter is unknown; or if a file of the folder is damaged.
    OSError
        If the folder cannot be written, as on a full disk. What has finished stays.

    See Also
    --------
    darkcnn.model_selection.study_status : How far a study has come.
    darkcnn.model_selection.cross_validate_by_cluster : For what takes minutes.

    Notes
    -----
    An interrupted fit starts again. For networks that train for hours, set ``cnn__checkpoint`` as well: the
    fit then continues after its last epoch.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.model_selection import StratifiedGroupKFold
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.preprocessing import profile_baseline
    >>> from darkcnn.model_selection import run_study
    >>> example = load_example()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = run_study(
    ...         profile_baseline(),
    ...         example.data,
    ...         example.target,
    ...         groups=example.groups,
    ...         cv=StratifiedGroupKFold(2, shuffle=True, random_state=0),
    ...         folder=folder,
    ...     )
    >>> results["params"], results["split0_test_score"].shape
    ([{}], (1,))
    """
    candidates = list(ParameterGrid({} if param_grid is None else param_grid))
    estimators = [clone(pipeline).set_params(**clone(params, safe=False)) for params in candidates]
    X, y, metadata = check_rows(estimators, X, y, groups, sample_weight)
    groups = metadata["groups"]
    cv = check_cv(cv, y, classifier=is_classifier(pipeline))
    splits = [tuple(map(np.asarray, split)) for split in cv.split(np.empty(len(y)), y, groups)]
    test_over_train = compare_sizes(splits, groups)
    scorer = check_scoring(pipeline, scoring)
    described = [describe(params) for params in candidates]
    keys = [key_of(description) for description in described]
    store = Store(folder)
    store.enter(
        identify(pipeline, {"X": X, "y": y, **metadata}, splits, scoring),
        dict(zip(keys, described, strict=True)),
        n_splits=len(splits),
        test_over_train=test_over_train,
    )
    tasks = [(candidate, split) for candidate in range(len(candidates)) for split in range(len(splits))]
    fits = {(c, s): store.read(keys[c], s) for c, s in tasks}
    left = [task for task in tasks if fits[task] is None]
    with (
        tqdm(
            total=len(tasks), initial=len(tasks) - len(left), desc="Study", unit="fit", disable=not verbose
        ) as progress,
        sharing(X, y),
    ):
        while left:
            finished = Parallel(n_jobs=n_jobs, return_as="generator")(
                delayed(_fit)(store, keys[c], s, estimators[c], X, y, *splits[s], scorer, **metadata)
                for c, s in left
            )
            for task, fit in zip(left, finished, strict=True):
                fits[task] = fit
                progress.update(fit is not None)
            left = [task for task in left if fits[task] is None]
            if left:
                time.sleep(_POLL_INTERVAL)
    rows = [[fits[c, s] for s in range(len(splits))] for c in range(len(candidates))]
    return tabulate(candidates, rows, test_over_train)


def _fit(store, key, split, estimator, X, y, train, test, judge, **metadata):
    """Fit and score one candidate on one split; return None if another process is at it."""
    with store.claim(key, split) as is_ours:
        if not is_ours:
            return None
        fit = store.read(key, split)
        if fit is None:
            try:
                fold = run_fold(estimator, X, y, train, test, judge, **metadata)
            except Exception as error:
                error.add_note(f"in split {split} of {estimator}")
                raise
            fit = {
                "scores": _numbers(fold.result if isinstance(fold.result, dict) else {"score": fold.result}),
                "fit_time": fold.fit_time,
                "score_time": fold.judge_time,
            }
            store.write(key, split, fit)
        return fit


def _numbers(scores):
    """Return scores as numbers of Python."""
    try:
        return {name: float(np.asarray(score).item()) for name, score in scores.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"scoring must give numbers, got {scores!r}") from error

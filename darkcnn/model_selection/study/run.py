"""Running a study: every candidate on every split, each fit once."""

import time

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, check_cv
from tqdm import tqdm

from darkcnn._common.identity import describe
from darkcnn._common.parallel import scatter_arrays
from darkcnn.model_selection.folds import check_rows, run_fold
from darkcnn.model_selection.splits import compare_sizes
from darkcnn.model_selection.study.identity import identify
from darkcnn.model_selection.study.store import Store, candidate_key
from darkcnn.model_selection.study.table import tabulate

_POLL_INTERVAL = 1.0  # seconds between checks for fits that another process has started


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
    """Run a grid search that stores every finished fit and can be resumed.

    Every candidate is scored on every split. An interrupted study is resumed by the same call: finished fits
    are not repeated, and the results are those of an uninterrupted study. Several processes, also on
    different machines with a shared folder, can run the same study; each fit is done by one of them.

    Parameters
    ----------
    pipeline : estimator
        Classifier, or pipeline that ends in one; it is cloned. Set an integer `random_state` in every step
        for reproducible results.
    X : array-like of shape (n_samples, ...)
        Records or maps of clusters, memory-mapped or not.
    y : array-like of shape (n_samples,)
        Labels.
    groups : array-like of shape (n_samples,)
        Cluster of each row, such as ``bunch.groups``. If `fit` of a candidate, or of the last step of a
        pipeline, accepts groups, it gets those of its training rows, so that early stopping splits by
        cluster.
    cv : cross-validation generator or iterable of (train, test)
        Splits by cluster, such as
        ``StratifiedGroupKFold(5, shuffle=True, random_state=0)``.
    folder : path-like
        Folder of the study, created if missing. Each study needs its own folder.
    param_grid : dict or list of dict or None, default=None
        Parameter grid, see :class:`sklearn.model_selection.GridSearchCV`; None for the pipeline as given. The
        grid can be extended later in the same folder.
    scoring : str, callable, list, tuple, dict or None, default=None
        See :class:`sklearn.model_selection.GridSearchCV`; None for the ``score`` method of the estimator.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weight of each row in the training. Scores are not weighted.
    n_jobs : int or None, default=None
        Number of parallel fits; -1 for all cores. The scores do not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    dict of str to ndarray
        Like ``GridSearchCV.cv_results_``, with one row for each candidate: ``params``, ``param_*``,
        ``split*_test_score``, ``mean_test_score``, ``std_test_score`` and ``rank_test_score`` (with several
        scores, their names instead of ``score``), and mean and standard deviation of ``fit_time`` and
        ``score_time`` in seconds. In addition, ``standard_error_test_score`` is the standard error of the
        mean, see :func:`darkcnn.model_selection.corrected_standard_error`. Suitable for ``pandas.DataFrame``.

    Raises
    ------
    ValueError
        If the folder contains a study of another pipeline, of other data, splits or scores, or with other
        versions of the libraries (the error lists the differences); if `cv` has a cluster in both training
        and test set; if a parameter is unknown; or if a file in the folder is damaged.
    OSError
        If the folder cannot be written, as on a full disk. Finished fits are kept.

    See Also
    --------
    darkcnn.model_selection.study_status : Progress of a study.
    darkcnn.model_selection.cross_validate_by_cluster : Cross-validation that takes minutes.

    Notes
    -----
    An interrupted fit starts again. For long trainings, also set ``cnn__checkpoint``, so that a fit resumes
    after its last epoch.

    Candidates that differ in learning rate, its schedule, weight decay, label smoothing or dropout share one
    traced network. TensorFlow keeps some 10 MB of every other traced network until its process ends. With two
    jobs or more and psutil installed, joblib replaces a worker once it has grown by 300 MB.

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
    keys = [candidate_key(description) for description in described]
    store = Store(folder)
    store.open_study(
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
        scatter_arrays(X, y),
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


def _fit(store, key, split, estimator, X, y, train, test, scorer, **metadata):
    """Fit and score one candidate on one split; return None if another process is doing it."""
    with store.lock(key, split) as is_ours:
        if not is_ours:
            return None
        fit = store.read(key, split)
        if fit is None:
            try:
                fold = run_fold(estimator, X, y, train, test, scorer, **metadata)
            except Exception as error:
                error.add_note(f"in split {split} of {estimator}")
                raise
            fit = {
                "scores": _numbers(fold.result if isinstance(fold.result, dict) else {"score": fold.result}),
                "fit_time": fold.fit_time,
                "score_time": fold.evaluation_time,
            }
            store.write(key, split, fit)
        return fit


def _numbers(scores):
    """Convert scores to Python floats."""
    try:
        return {name: float(np.asarray(score).item()) for name, score in scores.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"scoring must return numbers, got {scores!r}") from error

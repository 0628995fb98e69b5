"""Training and evaluation on one fold, shared by cross-validations, ensembles and studies."""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, has_fit_parameter

from darkcnn._common.sklearn_private import _check_sample_weight, _safe_indexing
from darkcnn.records import check_groups


def check_rows(estimators, X, y, groups, sample_weight):
    """Check labels, groups and weights, and that `estimators` support weights if given.

    Returns `X` (rows on disk stay there), `y` as an array, and a dict of groups and weights.
    """
    for name, values in {"y": y, "sample_weight": sample_weight}.items():
        if np.ma.is_masked(values):
            row = int(np.argmax(np.ma.getmaskarray(values)))
            raise ValueError(f"{name} must be known for every row, got a masked value in row {row}")
    X = X if hasattr(X, "shape") else np.asanyarray(X)
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    metadata = {
        "groups": None if groups is None else check_groups(groups),
        "sample_weight": None if sample_weight is None else _check_sample_weight(sample_weight, X),
    }
    X, y, *_ = indexable(X, y, *metadata.values())
    for estimator in estimators:
        _fit_arguments(estimator, metadata)
    return X, y, metadata


class Fold(NamedTuple):
    """Fitted estimator, result of the evaluation, and the time of both, in seconds."""

    estimator: Any
    result: Any
    fit_time: float
    evaluation_time: float


def predict_test_rows(estimator, X, y):
    """Predict probabilities: the default evaluation of :func:`run_fold`."""
    return estimator.predict_proba(X)


def run_fold(
    estimator, X, y, train, test, evaluate=predict_test_rows, *, groups=None, sample_weight=None, seed=None
):
    """Train a clone of an estimator on some rows and evaluate it on others.

    Parameters
    ----------
    estimator : estimator
        Classifier or pipeline; it is cloned.
    X : array-like of shape (n_samples, ...)
        Records or maps of clusters.
    y : ndarray of shape (n_samples,)
        Labels.
    train, test : ndarray of int
        Rows of the training and test set.
    evaluate : callable, default=predict_test_rows
        Function of the fitted estimator and of `X` and `y` of the test rows, such as a scikit-learn scorer.
    groups : ndarray of shape (n_samples,) or None, default=None
        Cluster of each row. If `fit` accepts groups, it gets those of the training rows, for example to split
        by cluster for early stopping.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weight of each row in the training.
    seed : int or None, default=None
        Seed for every `random_state` of the clone; None to keep them.

    Returns
    -------
    Fold
        Fitted estimator, result of `evaluate`, and times.

    Raises
    ------
    ValueError
        If the estimator does not support `sample_weight`.

    Notes
    -----
    Without metadata routing, groups and weights are passed to the last step of a pipeline and to the
    estimator in a search such as ``GridSearchCV``. With it, they are passed where they are requested.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.model_selection.folds import run_fold
    >>> X, y = np.zeros((4, 1)), np.array(["CDM", "CDM", "SIDM1", "SIDM1"])
    >>> run_fold(DummyClassifier(), X, y, train=np.array([0, 1, 2]), test=np.array([3])).result.round(2)
    array([[0.67, 0.33]])
    """
    fitted = clone(estimator)
    if seed is not None:
        names = [name for name in fitted.get_params() if name.split("__")[-1] == "random_state"]
        fitted.set_params(**dict.fromkeys(names, seed))
    arguments = _fit_arguments(fitted, {"groups": groups, "sample_weight": sample_weight})
    arguments = {argument: values[train] for argument, values in arguments.items()}
    start = perf_counter()
    fitted.fit(_safe_indexing(X, train), y[train], **arguments)
    trained = perf_counter()
    result = evaluate(fitted, _safe_indexing(X, test), y[test])
    return Fold(fitted, result, trained - start, perf_counter() - trained)


def _fit_arguments(estimator, metadata):
    """Return groups and weights as arguments of `fit`, if it accepts them."""
    given = {name: values for name, values in metadata.items() if values is not None}
    if get_config()["enable_metadata_routing"]:
        return _routed(estimator, given)
    names = {argument: name for argument, name in _arguments(estimator).items() if name in given}
    if "sample_weight" in given and "sample_weight" not in names.values():
        last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
        raise ValueError(
            f"sample_weight must be None for {type(last).__name__}, whose fit takes no weights, got an array"
        )
    return {argument: given[name] for argument, name in names.items()}


def _routed(estimator, given):
    """Return arguments of `fit` by metadata routing; groups only if requested."""
    router = MetadataRouter(owner="run_fold").add(
        estimator=estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit")
    )
    if not router.consumes("fit", ["groups"]):
        given = {name: values for name, values in given.items() if name != "groups"}
    router.validate_metadata(method="fit", params=given)
    return router.route_params(caller="fit", params=given)["estimator"]["fit"]


def _arguments(estimator):
    """Map arguments of `fit` to "groups" or "sample_weight"."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return {f"{step}__{argument}": name for argument, name in _arguments(last).items()}
    if isinstance(estimator, GridSearchCV | RandomizedSearchCV):  # uses groups for its own splits
        return _arguments(estimator.estimator) | {"groups": "groups"}
    return {name: name for name in ("groups", "sample_weight") if has_fit_parameter(estimator, name)}

"""Predictions that may be scored: of clusters whose haloes the network that made them had not seen."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.persistence import is_training_set, kept_validation, rows_of_new_haloes
from darkcnn.preprocessing import MapSelector, profile_baseline
from darkcnn.report.bootstrap import balanced_accuracies
from darkcnn.report.importance import measure_importance

MAJORITY, BOOSTED = "majority", "boosted profiles"
"""Names of the baselines: guessing, and boosted trees on radial profiles."""


@dataclass(frozen=True)
class Evidence:
    """What a network said of clusters whose haloes were not in its training set.

    Attributes
    ----------
    how : str
        How the predictions came about, in words.
    classes : ndarray of shape (n_classes,)
        Labels, in the order of the columns of the probabilities.
    rows : ndarray of shape (n_predictions,)
        Clusters that were predicted; a row comes up again if the haloes were dealt into folds anew.
    probabilities : ndarray of shape (n_predictions, n_classes)
        By the network.
    scores : dict of str to (float, float)
        Balanced accuracy of the network and of its baselines, and its standard error (NaN if unknown).
    difference : (float, float) or None
        How much better than the boosted profiles the network is on the same haloes, and the standard error.
    importance : dict or None
        What the network looks at, see :func:`measure_importance`.
    """

    how: str
    classes: np.ndarray
    rows: np.ndarray
    probabilities: np.ndarray
    scores: dict = field(default_factory=dict)
    difference: tuple | None = None
    importance: dict | None = None


def baselines(pipeline, random_state=None):
    """Return what a network has to beat, on the same maps and attributes.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Pipeline with a :class:`~darkcnn.MapSelector`, which the baselines share with all steps before it.
    random_state : int, RandomState instance or None, default=None
        Seed of the trees.

    Returns
    -------
    dict of str to estimator
        Guessing, and boosted trees on radial profiles.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.report import baselines
    >>> list(baselines(default_pipeline(), random_state=0))
    ['majority', 'boosted profiles']
    """
    last = [isinstance(step, MapSelector) for _, step in pipeline.steps].index(True)
    shared = [(name, clone(step)) for name, step in pipeline.steps[: last + 1]]
    return {
        MAJORITY: DummyClassifier(),
        BOOSTED: Pipeline([*shared, *profile_baseline().steps]),
    }


def find_evidence(
    model, clusters, training=None, *, training_set=None, new_haloes=False, n_jobs=None, verbose=0
):
    """Find or make predictions for clusters by networks that have not seen their haloes.

    If some haloes are new to the model, those are predicted by the model itself. Otherwise it is the
    cross-validation that was kept with the model, if these are its training set; and if not, the model is
    trained anew on parts of the clusters and predicts the rest.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Fitted pipeline.
    clusters : sklearn.utils.Bunch
        Clusters to predict.
    training : dict or None, default=None
        What the model was trained on, see :func:`darkcnn.persistence.describe_training`.
    training_set : sklearn.utils.Bunch or None, default=None
        The clusters that it was trained on, from which boosted trees then learn as well. Without them, the
        trees that new haloes are compared with learn from the others of those.
    new_haloes : bool, default=False
        Take haloes for new even if their ids occur in the training set, or it is not known.
    n_jobs, verbose
        See :func:`darkcnn.model_selection.cross_validate_by_cluster`.

    Returns
    -------
    Evidence
        Predictions and their scores.

    Raises
    ------
    ValueError
        If the clusters have labels that the model does not know, or `training_set` is another one.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.report import find_evidence
    >>> from darkcnn.persistence import describe_training
    >>> options = {"cross_sections": (0, 1), "redshifts": (0,), "n_pixels": 20}
    >>> known, new = (make_clusters(n, **options, random_state=n) for n in (4, 5))
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(known.data, known.target)
    >>> training = describe_training(known)
    >>> evidence = find_evidence(model, new, training, training_set=known, new_haloes=True)
    >>> list(evidence.scores)
    ['majority', 'boosted profiles', 'simple']
    """
    unknown = np.setdiff1d(clusters.target, model.classes_)
    if len(unknown):
        raise ValueError(
            f"the clusters have labels {unknown.tolist()}, but the model knows {model.classes_.tolist()}"
        )
    if training_set is not None and (training is None or not is_training_set(training, training_set)):
        raise ValueError(
            "training_set must hold the clusters that the model was trained on, in their order, got others "
            f"({len(training_set.data)})"
        )
    rows = np.arange(len(clusters.data)) if new_haloes else np.array([], int)
    if training is not None:
        rows = rows_of_new_haloes(training, clusters, compare_ids=not new_haloes)
    if len(rows):
        return _of_new_haloes(model, clusters, training, rows, training_set, n_jobs=n_jobs, verbose=verbose)
    validation = None if training is None else kept_validation(training, clusters)
    if validation is not None:
        return from_validation(
            validation, "The cross-validation that was kept with the model", training.get("importance")
        )
    name, seed = _name(model), _seed(model)
    validation = cross_validate_by_cluster(
        {**baselines(model, seed), name: clone(model)},
        clusters.data,
        clusters.target,
        clusters.groups,
        random_state=seed,
        return_estimator=True,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return from_validation(
        validation,
        "A cross-validation made for this report",
        importance_in_validation(validation, clusters, verbose=verbose),
    )


def importance_in_validation(validation, clusters, *, verbose=0):
    """Measure what the networks of a cross-validation look at, each on the haloes that it was not trained on.

    Parameters
    ----------
    validation : CrossValidation
        Of the baselines and, last, the network, with its estimators.
    clusters : sklearn.utils.Bunch
        Clusters that it is of.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    dict or None
        As of :func:`measure_importance`.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> from darkcnn.report import importance_in_validation
    >>> clusters = make_clusters(6, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=0)
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0)
    >>> validation = cross_validate_by_cluster(
    ...     {"simple": model},
    ...     clusters.data,
    ...     clusters.target,
    ...     clusters.groups,
    ...     n_splits=2,
    ...     random_state=0,
    ...     return_estimator=True,
    ... )
    >>> importance_in_validation(validation, clusters)["n_haloes"]
    6
    """
    *_, networks = validation.estimators.values()
    tests = [test for _, test in validation.splits]
    return measure_importance(
        list(zip(networks, tests, strict=True)),
        clusters,
        test_over_train=validation.test_over_train,
        verbose=verbose,
    )


def from_validation(validation, how="A cross-validation", importance=None):
    """Take the predictions for the test sets of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        Of the baselines and, last, the network.
    how : str
        Which cross-validation it is.
    importance : dict or None, default=None
        What its networks look at, see :func:`importance_in_validation`.

    Returns
    -------
    Evidence
        Predictions and their scores.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> from darkcnn.report import from_validation
    >>> clusters = make_clusters(6, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=0)
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0)
    >>> validation = cross_validate_by_cluster(
    ...     {"simple": model},
    ...     clusters.data,
    ...     clusters.target,
    ...     clusters.groups,
    ...     n_splits=2,
    ...     random_state=0,
    ... )
    >>> from_validation(validation).rows.shape
    (12,)
    """
    *_, name = validation.scores
    return Evidence(
        how=f"{how}, in {len(validation.splits)} splits: every prediction is by a network like the model "
        "that was trained without the halo in question. The model itself learned from all of them.",
        classes=validation.classes,
        rows=np.concatenate([test for _, test in validation.splits]),
        probabilities=np.concatenate(validation.probabilities[name]),
        scores={
            each: (float(scores.mean()), validation.standard_error(each))
            for each, scores in validation.scores.items()
        },
        difference=validation.difference(name, BOOSTED) if BOOSTED in validation.scores else None,
        importance=importance,
    )


def _of_new_haloes(model, clusters, training, rows, training_set, *, n_jobs, verbose):
    target, groups = clusters.target[rows], clusters.groups[rows]
    how = "The model itself, on haloes that are not in its training set."
    n_left_out = len(clusters.data) - len(rows)
    if n_left_out:
        how += f" {n_left_out} clusters of haloes that it was trained on are left out."
    probabilities = model.predict_proba(clusters.data[rows])
    network = _name(model)
    predicted = {network: model.classes_[probabilities.argmax(axis=1)]}
    if training is not None:
        counts = training["clusters_of_class"]
        predicted[MAJORITY] = np.full(len(rows), max(counts, key=counts.get))
    trees = baselines(model, _seed(model))[BOOSTED]
    if training_set is not None:
        predicted[BOOSTED] = trees.fit(training_set.data, training_set.target).predict(clusters.data[rows])
        how += " The boosted trees learned from the same training set."
    else:
        name = f"{BOOSTED}, of these haloes"
        try:
            predicted[name] = _cross_validated(trees, clusters, rows, n_jobs=n_jobs, verbose=verbose)
        except ValueError as error:  # as of `split_by_cluster`
            how += f" There is neither the training set for boosted trees to learn from, nor these: {error}."
        else:
            how += (
                " The training set is not at hand: the boosted trees learned from four fifths of these "
                "haloes to predict the rest. They know this simulation, but another number of haloes: no "
                "fair rival."
            )
    order = [name for name in predicted if name != network] + [network]
    scores, differences = balanced_accuracies(target, {name: predicted[name] for name in order}, groups)
    difference = differences.get(BOOSTED)
    importance = measure_importance([(model, rows)], clusters, verbose=verbose)
    return Evidence(how, model.classes_, rows, probabilities, scores, difference, importance)


def _cross_validated(estimator, clusters, rows, *, n_jobs, verbose):
    """Predict each of the rows by an estimator that learned from other haloes of them."""
    validation = cross_validate_by_cluster(
        {BOOSTED: estimator},
        clusters.data[rows],
        clusters.target[rows],
        clusters.groups[rows],
        random_state=0,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    predicted = np.empty_like(clusters.target[rows])
    for (_, test), probabilities in zip(validation.splits, validation.probabilities[BOOSTED], strict=True):
        predicted[test] = validation.classes[probabilities.argmax(axis=1)]
    return predicted


def _seed(model):
    return model[-1].random_state if isinstance(model[-1].random_state, int) else 0


def _name(model):
    architecture = model[-1].architecture
    return architecture if isinstance(architecture, str) else architecture.__name__

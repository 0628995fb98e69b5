"""Predictions that may be scored: of clusters whose haloes the network that made them had not seen."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from darkcnn.evaluation import cross_validate_by_cluster
from darkcnn.preprocessing import MapSelector
from darkcnn.profiles import profile_baseline
from darkcnn.training_notes import kept_validation, rows_of_new_haloes

MAJORITY, BOOSTED = "majority", "boosted profiles"
"""Names of the baselines: guessing, and boosted trees on radial profiles."""

_N_BOOTSTRAP = 1000


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
    """

    how: str
    classes: np.ndarray
    rows: np.ndarray
    probabilities: np.ndarray
    scores: dict = field(default_factory=dict)
    difference: tuple | None = None


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
    """
    last = [isinstance(step, MapSelector) for _, step in pipeline.steps].index(True)
    shared = [(name, clone(step)) for name, step in pipeline.steps[: last + 1]]
    return {
        MAJORITY: DummyClassifier(),
        BOOSTED: Pipeline([*shared, *profile_baseline(random_state=random_state).steps]),
    }


def find_evidence(model, clusters, training=None, *, new_haloes=False, n_jobs=None, verbose=0):
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
        What the model was trained on, see :func:`darkcnn.training_notes.describe_training`.
    new_haloes : bool, default=False
        Take haloes for new even if their ids occur in the training set, or it is not known.
    n_jobs, verbose
        See :func:`darkcnn.evaluation.cross_validate_by_cluster`.

    Returns
    -------
    Evidence
        Predictions and their scores.

    Raises
    ------
    ValueError
        If the clusters have labels that the model does not know.
    """
    unknown = np.setdiff1d(clusters.target, model.classes_)
    if len(unknown):
        raise ValueError(
            f"the clusters have labels {unknown.tolist()}, but the model knows {model.classes_.tolist()}"
        )
    rows = np.arange(len(clusters.data)) if new_haloes else np.array([], int)
    if training is not None:
        rows = rows_of_new_haloes(training, clusters, compare_ids=not new_haloes)
    if len(rows):
        return _of_new_haloes(model, clusters, training, rows)
    validation = None if training is None else kept_validation(training, clusters)
    if validation is not None:
        return from_validation(validation, "The cross-validation that was kept with the model")
    seed = model[-1].random_state if isinstance(model[-1].random_state, int) else 0
    name = _name(model)
    validation = cross_validate_by_cluster(
        {**baselines(model, seed), name: clone(model)},
        clusters.data,
        clusters.target,
        clusters.groups,
        random_state=seed,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return from_validation(validation, "A cross-validation made for this report")


def from_validation(validation, how="A cross-validation"):
    """Take the predictions for the test sets of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        Of the baselines and, last, the network.
    how : str
        Which cross-validation it is.

    Returns
    -------
    Evidence
        Predictions and their scores.
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
    )


def _of_new_haloes(model, clusters, training, rows):
    probabilities = model.predict_proba(clusters.data[rows])
    target, groups = clusters.target[rows], clusters.groups[rows]
    n_left_out = len(clusters.data) - len(rows)
    how = "The model itself, on haloes that are not in its training set. "
    if n_left_out:
        how += f"{n_left_out} clusters of haloes that it was trained on are left out. "
    how += "There are no boosted trees to compare with: they would have to learn from the training set."
    predicted = model.classes_[probabilities.argmax(axis=1)]
    scores = {}
    if training is not None:
        counts = training["clusters_of_class"]
        scores[MAJORITY] = _balanced_accuracy(target, np.full(len(rows), max(counts, key=counts.get)), groups)
    scores[_name(model)] = _balanced_accuracy(target, predicted, groups)
    return Evidence(how, model.classes_, rows, probabilities, scores)


def _balanced_accuracy(target, predicted, groups):
    """Return the mean over classes of the fraction recognised, and its error: a bootstrap over haloes."""
    classes, row = np.unique(target, return_inverse=True)
    haloes, halo = np.unique(groups, return_inverse=True)
    total = np.zeros((len(haloes), len(classes)))
    right = np.zeros_like(total)
    np.add.at(total, (halo, row), 1)
    np.add.at(right, (halo, row), predicted == target)
    score = float((right.sum(axis=0) / total.sum(axis=0)).mean())
    if len(haloes) < 2:
        return score, float("nan")
    rng = np.random.default_rng(0)
    times = rng.multinomial(len(haloes), np.full(len(haloes), 1 / len(haloes)), size=_N_BOOTSTRAP)
    with np.errstate(invalid="ignore"):  # a class may be absent from a draw
        draws = np.nanmean((times @ right) / (times @ total), axis=1)
    return score, float(draws.std(ddof=1))


def _name(model):
    architecture = model[-1].architecture
    return architecture if isinstance(architecture, str) else architecture.__name__

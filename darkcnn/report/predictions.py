"""Held-out predictions: of clusters whose halos the network was not trained on."""

from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from darkcnn.inference import marginalize_feedback
from darkcnn.records import sort_labels, split_labels
from darkcnn.report.baselines import PROFILES, has_feedback
from darkcnn.report.importance import measure_importance


@dataclass(frozen=True)
class HeldOutPredictions:
    """Predictions of a network for clusters whose halos were not in its training set.

    Attributes
    ----------
    how : str
        How the predictions were made, in words.
    classes : ndarray of shape (n_classes,)
        Labels of dark-matter models, in the order of the columns of the probabilities. Classes of a network
        that differ in feedback only are added up.
    rows : ndarray of shape (n_predictions,)
        Clusters that were predicted; a row occurs once per repetition of the cross-validation.
    probabilities : ndarray of shape (n_predictions, n_classes)
        By the network.
    scores : dict of str to (float, float)
        Balanced accuracy of the network and of its baselines, and its standard error (NaN if unknown).
    difference : (float, float) or None
        Score of the network minus that of the radial profiles on the same halos, and its standard error.
    importance : dict or None
        Importance of maps, annuli and attributes, see :func:`measure_importance`.
    """

    how: str
    classes: np.ndarray
    rows: np.ndarray
    probabilities: np.ndarray
    scores: dict = field(default_factory=dict)
    difference: tuple | None = None
    importance: dict | None = None


def importance_in_validation(validation, clusters, *, verbose=0):
    """Measure the importance of the data to the networks of a cross-validation, each on its held-out halos.

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
    >>> importance_in_validation(validation, clusters)["n_halos"]
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
    """Take the held-out predictions of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        Of the baselines and, last, the network.
    how : str
        Which cross-validation it is.
    importance : dict or None, default=None
        Importance to its networks, see :func:`importance_in_validation`.

    Returns
    -------
    HeldOutPredictions
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
    if has_feedback(validation.classes):
        validation = _of_dark_matter(validation)
    probabilities, classes = marginalize_feedback(
        np.concatenate(validation.probabilities[name]), validation.classes
    )
    return HeldOutPredictions(
        how=f"{how}, in {len(validation.splits)} splits: every prediction is by a network like the model "
        "that was trained without the halo in question. The model itself was trained on all of them.",
        classes=classes,
        rows=np.concatenate([test for _, test in validation.splits]),
        probabilities=probabilities,
        scores={
            each: (float(scores.mean()), validation.standard_error(each))
            for each, scores in validation.scores.items()
        },
        difference=validation.difference(name, PROFILES) if PROFILES in validation.scores else None,
        importance=importance,
    )


def _of_dark_matter(validation):
    """Score a cross-validation by dark matter alone: confused feedback is no mistake."""
    target, _ = split_labels(validation.target)
    probabilities, scores = {}, {}
    for name, splits in validation.probabilities.items():
        probabilities[name] = [marginalize_feedback(each, validation.classes)[0] for each in splits]
        classes = np.array(sort_labels(split_labels(validation.classes)[0]))
        scores[name] = np.array([
            balanced_accuracy_score(target[test], classes[each.argmax(axis=1)])
            for (_, test), each in zip(validation.splits, probabilities[name], strict=True)
        ])  # fmt: skip
    return replace(validation, target=target, classes=classes, probabilities=probabilities, scores=scores)

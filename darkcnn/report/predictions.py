"""Held-out predictions and their scores."""

from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from darkcnn.inference import marginalize_feedback
from darkcnn.records import sort_labels, split_labels
from darkcnn.report.baselines import PROFILES, has_feedback
from darkcnn.report.importance import measure_importance


@dataclass(frozen=True)
class HeldOutPredictions:
    """Held-out predictions: for clusters of halos that were not in the training set.

    Attributes
    ----------
    description : str
        Description of how the predictions were made.
    classes : ndarray of shape (n_classes,)
        Labels of dark-matter models, in the order of the columns of the probabilities, summed over feedback.
    rows : ndarray of shape (n_predictions,)
        Rows of the predicted clusters; a row occurs once for each repetition of the cross-validation.
    probabilities : ndarray of shape (n_predictions, n_classes)
        Predicted probabilities.
    scores : dict of str to (float, float)
        Balanced accuracy of the network and its baselines, with standard error (NaN if unknown).
    difference : (float, float) or None
        Score of the network minus that of radial profiles on the same halos, with standard error.
    importance : dict or None
        Importance of maps, annuli and attributes, see :func:`measure_importance`.
    """

    description: str
    classes: np.ndarray
    rows: np.ndarray
    probabilities: np.ndarray
    scores: dict = field(default_factory=dict)
    difference: tuple | None = None
    importance: dict | None = None


def importance_in_validation(validation, clusters, *, verbose=0):
    """Measure importance with the networks of a cross-validation, each on its held-out halos.

    Parameters
    ----------
    validation : CrossValidation
        Cross-validation of the baselines and, last, the network, with estimators.
    clusters : sklearn.utils.Bunch
        Clusters of the cross-validation.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    dict or None
        See :func:`measure_importance`.

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


def from_validation(validation, description="A cross-validation", importance=None):
    """Return the held-out predictions of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        Cross-validation of the baselines and, last, the network.
    description : str
        Description of the cross-validation.
    importance : dict or None, default=None
        Importance for its networks, see :func:`importance_in_validation`.

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
        description=f"{description}, with {len(validation.splits)} splits: every prediction is by a network "
        "like the model that was trained without this halo. The model itself was trained on all halos.",
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
    """Score a cross-validation by dark matter only, so that a wrong feedback is not a mistake."""
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

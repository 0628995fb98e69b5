"""Held-out predictions for a report, by the model or from a cross-validation."""

import numpy as np

from darkcnn.inference import marginalize_feedback
from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.persistence import check_training, is_training_set, rows_of_new_halos, stored_validation
from darkcnn.records import sort_labels, split_labels
from darkcnn.report.baselines import MAJORITY, PROFILES, architecture_name, baselines, compare_with_baselines
from darkcnn.report.bootstrap import balanced_accuracies
from darkcnn.report.importance import measure_importance
from darkcnn.report.predictions import HeldOutPredictions, from_validation, importance_in_validation


def predict_held_out(
    model, clusters, training=None, *, training_set=None, new_halos=False, n_jobs=None, verbose=0
):
    """Predict clusters by networks that were not trained on their halos.

    The model predicts halos that are not in its training set. If there are none, and these clusters are its
    training set, the cross-validation stored with the model is used; otherwise, the model is cross-validated.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Fitted pipeline.
    clusters : sklearn.utils.Bunch
        Labelled clusters to predict.
    training : dict or None, default=None
        Training set of the model, see :func:`darkcnn.persistence.describe_training`.
    training_set : sklearn.utils.Bunch or None, default=None
        Training set of the model, to train the baseline on it as well. Without it, the baseline is
        cross-validated on the new halos.
    new_halos : bool, default=False
        Whether to treat all halos as new, even if their ids occur in the training set or it is unknown.
    n_jobs, verbose
        See :func:`darkcnn.model_selection.cross_validate_by_cluster`.

    Returns
    -------
    HeldOutPredictions
        Predictions and their scores.

    Raises
    ------
    ValueError
        If the clusters have no labels or labels that the model does not have, or `training_set` is not the
        training set.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.report import predict_held_out
    >>> from darkcnn.persistence import describe_training
    >>> options = {"cross_sections": (0, 1), "redshifts": (0,), "n_pixels": 20}
    >>> known, new = (make_clusters(n, **options, random_state=n) for n in (4, 5))
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(known.data, known.target)
    >>> training = describe_training(known)
    >>> predictions = predict_held_out(model, new, training, training_set=known, new_halos=True)
    >>> list(predictions.scores)
    ['majority', 'radial profiles', 'simple']
    """
    if clusters.target is None:
        raise ValueError("clusters must have labels to be scored, got none")
    classes, _ = split_labels(model.classes_)
    unknown = np.setdiff1d(split_labels(clusters.target)[0], classes)
    if len(unknown):
        raise ValueError(
            f"clusters have labels {unknown.tolist()}, but the model was trained on {sort_labels(classes)}"
        )
    if training is not None:
        check_training(training)
    if training_set is not None and (training is None or not is_training_set(training, training_set)):
        raise ValueError(
            "training_set must contain the clusters that the model was trained on, in their order, got "
            f"others ({len(training_set.data)})"
        )
    rows = np.arange(len(clusters.data)) if new_halos else np.array([], int)
    if training is not None:
        rows = rows_of_new_halos(training, clusters, compare_ids=not new_halos)
    if len(rows):
        return _of_new_halos(model, clusters, training, rows, training_set, n_jobs=n_jobs, verbose=verbose)
    validation = None if training is None else stored_validation(training, clusters)
    if validation is not None:
        return from_validation(
            validation, "The cross-validation stored with the model", training.get("importance")
        )
    validation = compare_with_baselines(
        model, clusters, random_state=_seed(model), return_estimator=True, n_jobs=n_jobs, verbose=verbose
    )
    return from_validation(
        validation,
        "A cross-validation for this report",
        importance_in_validation(validation, clusters, verbose=verbose),
    )


def _of_new_halos(model, clusters, training, rows, training_set, *, n_jobs, verbose):
    target, _ = split_labels(clusters.target[rows])
    description = "The model itself, on halos that are not in its training set."
    n_left_out = len(clusters.data) - len(rows)
    if n_left_out:
        description += f" {n_left_out} clusters of halos of the training set are left out."
    probabilities, classes = marginalize_feedback(model.predict_proba(clusters.data[rows]), model.classes_)
    network = architecture_name(model)
    predicted = {network: classes[probabilities.argmax(axis=1)]}
    if training is not None:
        counts = np.array([list(training["clusters_of_class"].values())])
        counts, names = marginalize_feedback(counts, list(training["clusters_of_class"]))
        predicted[MAJORITY] = np.full(len(rows), names[counts.argmax()])
    baseline = baselines(model)[PROFILES]
    if training_set is not None:
        baseline.fit(training_set.data, split_labels(training_set.target)[0])
        predicted[PROFILES] = baseline.predict(clusters.data[rows])
        description += " The baseline of radial profiles was trained on the same training set."
    else:
        try:
            validation = cross_validate_by_cluster(
                {PROFILES: baseline},
                clusters.data[rows],
                target,
                clusters.groups[rows],
                random_state=0,
                n_jobs=n_jobs,
                verbose=verbose,
            )
        except ValueError as error:  # from `split_by_cluster`
            description += (
                " The baseline of radial profiles was skipped: no training set was given, and it cannot be "
                f"cross-validated on these halos: {error}."
            )
        else:
            labels = np.empty_like(target)
            for (_, test), each in zip(validation.splits, validation.probabilities[PROFILES], strict=True):
                labels[test] = validation.classes[each.argmax(axis=1)]
            predicted[f"{PROFILES}, of these halos"] = labels
            description += (
                " No training set was given: the baseline of radial profiles was cross-validated on these "
                "halos. It was trained on the simulation that it is scored on, and on other halos than the "
                "network, so the comparison is not fair."
            )
    order = [name for name in predicted if name != network] + [network]
    scores, differences = balanced_accuracies(
        target, {name: predicted[name] for name in order}, clusters.groups[rows]
    )
    difference = differences.get(PROFILES)
    importance = measure_importance([(model, rows)], clusters, verbose=verbose)
    return HeldOutPredictions(description, classes, rows, probabilities, scores, difference, importance)


def _seed(model):
    seed = getattr(model[-1], "random_state", None)
    return seed if isinstance(seed, int) else 0

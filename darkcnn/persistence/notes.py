"""Notes on the training set of a model, which identify its clusters."""

import hashlib
from pathlib import Path

import numpy as np

from darkcnn._common.versions import versions
from darkcnn.model_selection import CrossValidation
from darkcnn.persistence.fingerprints import fingerprint_clusters

_DIGITS = 6  # of probabilities

_TRAINING = {
    "database": str,
    "description": str,
    "n_clusters": int,
    "n_halos": int,
    "clusters_of_class": dict,
    "halo_ids": list,
    "fingerprints": list,
}
"""Required notes on a training set and their types; others may be None."""


def describe_clusters(clusters, path=None):
    """Describe clusters, so that they can be identified.

    Parameters
    ----------
    clusters : sklearn.utils.Bunch
        Clusters from a loader.
    path : path-like or None, default=None
        File of the clusters; None for the packaged example.

    Returns
    -------
    dict
        File, SHA-256, description, pixel size and blur of the maps in kpc (None if unknown), and numbers of
        clusters, of halos, and of clusters of each class (``"clusters_of_class"``: the class prior of a model
        trained on them).

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.persistence import describe_clusters
    >>> found = describe_clusters(load_example())
    >>> found["database"], found["n_halos"], found["clusters_of_class"]["CDM"]
    ('packaged example', 108, 108)
    """
    checksum = None
    if path is not None:
        with open(path, "rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "database": "packaged example" if path is None else str(Path(path).resolve()),
        "sha256": checksum,
        "description": clusters.DESCR,
        "pixel_scale": clusters.pixel_scale,
        "blur": clusters.get("blur"),
        "n_clusters": len(clusters.data),
        "n_halos": len(np.unique(clusters.groups)),
        "clusters_of_class": {name: int((clusters.target == name).sum()) for name in clusters.target_names},
    }


def describe_training(clusters, path=None, validation=None, importance=None):
    """Describe the training set of a model, for the `notes` of :func:`darkcnn.save_model`.

    Parameters
    ----------
    clusters : sklearn.utils.Bunch
        Training set from a loader.
    path : path-like or None, default=None
        File of the clusters; None for the packaged example.
    validation : CrossValidation or None, default=None
        Cross-validation on the same clusters, by :func:`darkcnn.model_selection.cross_validate_by_cluster`.
    importance : dict or None, default=None
        Importance of maps, rings and attributes, by :func:`darkcnn.report.measure_importance`.

    Returns
    -------
    dict
        Result of :func:`describe_clusters`, package versions, halo ids, a fingerprint of each cluster, the
        held-out predictions of the cross-validation, and the importance.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.persistence import describe_training
    >>> notes = describe_training(load_example())
    >>> notes["n_halos"], len(notes["fingerprints"])
    (108, 432)
    """
    notes = {
        **describe_clusters(clusters, path),
        "versions": versions(),
        "halo_ids": np.unique(clusters.groups).tolist(),
        "fingerprints": fingerprint_clusters(clusters.data),
        "validation": None,
        "importance": importance,
    }
    if validation is not None:
        notes["validation"] = {
            "classes": validation.classes.tolist(),
            "test_rows": [test.tolist() for _, test in validation.splits],
            "test_over_train": validation.test_over_train,
            "scores": {name: scores.tolist() for name, scores in validation.scores.items()},
            "probabilities": {
                name: [predicted.astype(float).round(_DIGITS).tolist() for predicted in splits]
                for name, splits in validation.probabilities.items()
            },
        }
    return notes


def check_training(training):
    """Check notes on a training set from an untrusted file.

    Parameters
    ----------
    training : object
        Content of a model file under ``"training"``.

    Raises
    ------
    ValueError
        If they do not have the form of :func:`describe_training`.

    Examples
    --------
    >>> from darkcnn.persistence import check_training
    >>> check_training({"n_clusters": 432})
    Traceback (most recent call last):
    ...
    ValueError: notes on the training set must be those of describe_training, but 'database' is missing
    """
    if not isinstance(training, dict):
        raise ValueError(f"notes on the training set must be a dict, got {type(training).__name__}")
    for name, kind in _TRAINING.items():
        if not isinstance(training.get(name), kind):
            fault = f"{training[name]!r:.50}" if name in training else "missing"
            raise ValueError(
                f"notes on the training set must be those of describe_training, but {name!r} is {fault}"
            )
    if not all(isinstance(number, int) and number >= 0 for number in training["clusters_of_class"].values()):
        raise ValueError(
            "notes on the training set must have numbers of clusters_of_class, got "
            f"{training['clusters_of_class']!r:.100}"
        )


def rows_of_new_halos(training, clusters, *, compare_ids=True):
    """Find clusters with halos that are not in a training set.

    Parameters
    ----------
    training : dict
        Result of :func:`describe_training`.
    clusters : sklearn.utils.Bunch
        Clusters to check.
    compare_ids : bool, default=True
        Whether halos with the same id are the same. Two simulations may use the same ids for different halos;
        with False, only maps are compared, and a halo is known if one of its maps is.

    Returns
    -------
    ndarray of shape (n_new,)
        Rows of `clusters`.

    Raises
    ------
    ValueError
        See :func:`check_training`.

    Examples
    --------
    >>> from darkcnn.datasets import load_example, make_bunch
    >>> from darkcnn.persistence import describe_training, rows_of_new_halos
    >>> example = load_example()
    >>> known = make_bunch(example.data[:400], example.target[:400])
    >>> rows_of_new_halos(describe_training(known), example).tolist() == list(range(400, 432))
    True
    """
    check_training(training)
    known = {fingerprint for fingerprint in training["fingerprints"] if isinstance(fingerprint, str)}
    found = fingerprint_clusters(clusters.data)
    seen = set(clusters.groups[[fingerprint in known for fingerprint in found]].tolist())
    if compare_ids:
        seen.update(halo for halo in training["halo_ids"] if isinstance(halo, int | str))
    return np.flatnonzero([halo not in seen for halo in clusters.groups.tolist()])


def is_training_set(training, clusters):
    """Return whether clusters are the training set of a model, in the same order.

    Parameters
    ----------
    training : dict
        Result of :func:`describe_training`.
    clusters : sklearn.utils.Bunch
        Clusters to check.

    Returns
    -------
    bool
        True if they are the training set.

    Raises
    ------
    ValueError
        See :func:`check_training`.

    Examples
    --------
    >>> from darkcnn.datasets import load_example, make_bunch
    >>> from darkcnn.persistence import describe_training, is_training_set
    >>> example = load_example()
    >>> known = make_bunch(example.data[:400], example.target[:400])
    >>> is_training_set(describe_training(known), known), is_training_set(describe_training(known), example)
    (True, False)
    """
    check_training(training)
    known = training["fingerprints"]
    return len(clusters.data) == len(known) and fingerprint_clusters(clusters.data) == known


def stored_validation(training, clusters):
    """Return the cross-validation stored with a model.

    Parameters
    ----------
    training : dict
        Result of :func:`describe_training`.
    clusters : sklearn.utils.Bunch
        Clusters of the predictions.

    Returns
    -------
    CrossValidation or None
        Cross-validation; None if there is none, or `clusters` are not the training set in its order.

    Raises
    ------
    ValueError
        See :func:`check_training`; also if the cross-validation is damaged.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> from darkcnn.persistence import describe_training, stored_validation
    >>> example = load_example()
    >>> validation = cross_validate_by_cluster(
    ...     {"majority": DummyClassifier()}, example.data, example.target, example.groups, random_state=0
    ... )
    >>> stored_validation(describe_training(example, validation=validation), example).scores["majority"]
    array([0.25, 0.25, 0.25, 0.25, 0.25])
    """
    check_training(training)
    kept = training.get("validation")
    if kept is None or not is_training_set(training, clusters):
        return None
    everything = np.arange(len(clusters.data))
    try:
        classes, tests = np.array(kept["classes"], dtype=str), [np.array(rows) for rows in kept["test_rows"]]
        shapes = [(len(rows), len(classes)) for rows in tests]
        validation = CrossValidation(
            target=clusters.target,
            classes=classes,
            splits=[(np.setdiff1d(everything, everything[test]), everything[test]) for test in tests],
            test_over_train=float(kept["test_over_train"]),
            scores={name: np.array(scores, float) for name, scores in kept["scores"].items()},
            probabilities={
                name: [
                    np.array(rows, float).reshape(shape) for rows, shape in zip(splits, shapes, strict=True)
                ]
                for name, splits in kept["probabilities"].items()
            },
        )
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"the validation in the notes is damaged ({error!r})") from error
    return validation

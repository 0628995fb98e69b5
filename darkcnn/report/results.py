"""Results of a cross-validation as table, JSON and figures."""

import json
from pathlib import Path

from darkcnn._common.writing import atomic_write
from darkcnn.persistence import save_model
from darkcnn.plotting import CrossSectionConfusionDisplay, TrainingDisplay, as_figure
from darkcnn.records import sort_labels
from darkcnn.report.baselines import PROFILES


def score_table(validation):
    """Format the scores of a cross-validation as a table.

    Parameters
    ----------
    validation : CrossValidation
        Result of :func:`compare_with_baselines`.

    Returns
    -------
    str
        Table with one row for each split and one column for each estimator, and means with standard errors.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> from darkcnn.report import score_table
    >>> X, y = load_example(return_X_y=True)
    >>> validation = cross_validate_by_cluster(
    ...     {"majority": DummyClassifier()}, X, y, X["cluster_id"], n_splits=2, random_state=0
    ... )
    >>> print(score_table(validation))
    split  majority
        1     0.250
        2     0.250
     mean     0.250
        ±     0.000
    """
    rows = [["split", *validation.scores]]
    for split, scores in enumerate(zip(*validation.scores.values(), strict=True), start=1):
        rows.append([str(split), *(f"{score:.3f}" for score in scores)])
    rows.append(["mean", *(f"{scores.mean():.3f}" for scores in validation.scores.values())])
    if len(validation.splits) > 1:
        rows.append(["±", *(f"{validation.standard_error(name):.3f}" for name in validation.scores)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def summarise(validation):
    """Summarise the scores of a cross-validation for JSON.

    Parameters
    ----------
    validation : CrossValidation
        Result of :func:`compare_with_baselines`.

    Returns
    -------
    dict
        ``scores``: for each estimator, balanced accuracies of the splits, their mean and standard error (None
        for a single split), and the confusion matrix, ordered by cross-section, with true classes in rows.
        ``difference``: mean and standard error of the score of the last estimator minus that of radial
        profiles; None without radial profiles.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.model_selection import cross_validate_by_cluster
    >>> from darkcnn.report import summarise
    >>> X, y = load_example(return_X_y=True)
    >>> validation = cross_validate_by_cluster(
    ...     {"majority": DummyClassifier()}, X, y, X["cluster_id"], n_splits=2, random_state=0
    ... )
    >>> summarise(validation)["scores"]["majority"]["balanced_accuracy"]
    [0.25, 0.25]
    """
    labels = sort_labels(validation.classes)
    single = len(validation.splits) == 1
    *_, name = validation.scores
    difference = None
    if PROFILES in validation.scores:
        mean, error = validation.difference(name, PROFILES)
        difference = {"from": PROFILES, "mean": mean, "standard_error": None if single else error}
    return {
        "scores": {
            name: {
                "balanced_accuracy": scores.tolist(),
                "mean": scores.mean(),
                "standard_error": None if single else validation.standard_error(name),
                "confusion": {"labels": labels, "counts": validation.confusion(name, labels).tolist()},
            }
            for name, scores in validation.scores.items()
        },
        "difference": difference,
    }


def write_results(folder, *, model, validation, name, metrics, notes):
    """Write model, metrics and figures to a folder; existing files are overwritten.

    Parameters
    ----------
    folder : path-like
        Existing folder.
    model : sklearn.pipeline.Pipeline
        Pipeline fitted on all clusters, such as from :func:`darkcnn.default_pipeline`.
    validation : CrossValidation
        Cross-validation of the model, from :func:`compare_with_baselines`.
    name : str
        Name of the model in `validation`.
    metrics : dict
        Content of ``metrics.json``.
    notes : dict
        Notes of the model file, see :func:`darkcnn.save_model`.

    Returns
    -------
    list of Path
        Paths of the files, including a learning curve if the model has one.
    """
    folder = Path(folder)
    paths = [folder / file for file in ("model.keras", "metrics.json", "confusion_matrix.png")]
    save_model(model, paths[0], notes=notes)
    with atomic_write(paths[1]) as temporary:
        temporary.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    labels = sort_labels(validation.classes)
    confusion = CrossSectionConfusionDisplay(
        validation.confusion(name, labels), labels, estimator_name=f"{name}, held-out halos"
    )
    displays = [confusion]
    if hasattr(model[-1], "history_"):
        paths.append(folder / "learning_curve.png")
        single = len(validation.splits) == 1
        training = TrainingDisplay(
            model[-1].history_,
            n_classes=len(labels),
            held_out=validation.scores[name].mean(),
            held_out_error=None if single else validation.standard_error(name),
        )
        displays.append(training)
    for path, display in zip(paths[2:], displays, strict=True):
        with atomic_write(path) as temporary:
            as_figure(display).savefig(temporary, dpi=150)
    return paths

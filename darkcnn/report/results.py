"""Tell what a cross-validation found: a table to read, numbers to keep and figures to look at."""

import json
from pathlib import Path

from darkcnn._common.writing import replacing
from darkcnn.persistence import save_model
from darkcnn.plotting import CrossSectionConfusionDisplay, TrainingDisplay, as_figure
from darkcnn.records import sort_labels


def score_table(validation):
    """Lay out the scores of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        As of :func:`darkcnn.model_selection.cross_validate_by_cluster`.

    Returns
    -------
    str
        A row for each split, a column for each estimator, and their means with standard errors.
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
    """Collect the scores of a cross-validation in a form that JSON can hold.

    Parameters
    ----------
    validation : CrossValidation
        As of :func:`darkcnn.model_selection.cross_validate_by_cluster`.

    Returns
    -------
    dict
        For each estimator: balanced accuracies of the splits, their mean and its standard error (None of a
        single split), and the confusion matrix in order of cross-section, rows being the truth.
    """
    labels = sort_labels(validation.classes)
    single = len(validation.splits) == 1
    return {
        name: {
            "balanced_accuracy": scores.tolist(),
            "mean": scores.mean(),
            "standard_error": None if single else validation.standard_error(name),
            "confusion": {"labels": labels, "counts": validation.confusion(name, labels).tolist()},
        }
        for name, scores in validation.scores.items()
    }


def write_results(folder, *, model, validation, name, metrics, notes):
    """Write model, numbers and figures into a folder, over those of an earlier run.

    Parameters
    ----------
    folder : path-like
        Folder that exists.
    model : sklearn.pipeline.Pipeline
        Pipeline fitted on all clusters, as of :func:`darkcnn.default_pipeline`.
    validation : CrossValidation
        Its scores, and those of others, on clusters that were not trained on.
    name : str
        Name of the model in `validation`.
    metrics : dict
        What to keep as ``metrics.json``.
    notes : dict
        What to keep with the model, see :func:`darkcnn.save_model`.

    Returns
    -------
    list of Path
        The files.
    """
    folder = Path(folder)
    paths = [
        folder / file
        for file in ("model.keras", "metrics.json", "confusion_matrix.png", "learning_curve.png")
    ]
    save_model(model, paths[0], notes=notes)
    with replacing(paths[1]) as temporary:
        temporary.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    labels = sort_labels(validation.classes)
    confusion = CrossSectionConfusionDisplay(
        validation.confusion(name, labels), labels, estimator_name=f"{name}, clusters not trained on"
    )
    single = len(validation.splits) == 1
    training = TrainingDisplay(
        model[-1].history_,
        n_classes=len(labels),
        held_out=validation.scores[name].mean(),
        held_out_error=None if single else validation.standard_error(name),
    )
    for path, display in ((paths[2], confusion), (paths[3], training)):
        with replacing(path) as temporary:
            as_figure(display).savefig(temporary, dpi=150)
    return paths

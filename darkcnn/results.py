"""Tell what a cross-validation found: a table to read, numbers to keep and figures to look at."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

from darkcnn.records import sort_labels
from darkcnn.saving import save_model
from darkcnn.writing import replacing

_PACKAGES = ("darkcnn", "numpy", "scikit-learn", "scikeras", "keras", "tensorflow")


def score_table(validation):
    """Lay out the scores of a cross-validation.

    Parameters
    ----------
    validation : CrossValidation
        As of :func:`darkcnn.evaluation.cross_validate_by_cluster`.

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
        As of :func:`darkcnn.evaluation.cross_validate_by_cluster`.

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


def versions():
    """Return the versions of Python and of the packages that decide the results."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


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
    for path, figure in (
        (paths[2], draw_confusion(validation, name)),
        (paths[3], draw_learning_curve(model[-1].history_, validation, name)),
    ):
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=150)
    return paths


def draw_confusion(validation, name):
    """Draw how often each model of dark matter was taken for each other.

    Parameters
    ----------
    validation : CrossValidation
        As of :func:`darkcnn.evaluation.cross_validate_by_cluster`.
    name : str
        Name of the estimator.

    Returns
    -------
    matplotlib.figure.Figure
        Confusion matrix in order of cross-section; the rates of each row add up to 1.
    """
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    labels = sort_labels(validation.classes)
    counts = validation.confusion(name, labels)
    figure = Figure(figsize=(5, 4.5), layout="constrained")
    display = ConfusionMatrixDisplay(counts / counts.sum(axis=1, keepdims=True), display_labels=labels)
    display.plot(ax=figure.add_subplot(), cmap="Blues", values_format=".2f", im_kw={"vmin": 0, "vmax": 1})
    display.ax_.set(title=f"{name}, clusters not trained on", xlabel="Predicted", ylabel="True")
    return figure


def draw_learning_curve(history, validation, name):
    """Draw how the last training went, beside what the same network reaches on clusters it has not seen.

    Parameters
    ----------
    history : dict of list of float
        ``"loss"`` and ``"accuracy"`` of each epoch, as of ``DarkCNNClassifier.history_``.
    validation : CrossValidation
        As of :func:`darkcnn.evaluation.cross_validate_by_cluster`.
    name : str
        Name of the network in `validation`.

    Returns
    -------
    matplotlib.figure.Figure
        Loss above, accuracy below.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5, 5), layout="constrained")
    loss, accuracy = figure.subplots(2, sharex=True)
    epochs = range(1, len(history["loss"]) + 1)
    loss.plot(epochs, history["loss"], marker=".", color="C0")
    loss.set(title=f"{name}, final fit on all clusters", ylabel="Loss")
    accuracy.plot(epochs, history["accuracy"], marker=".", color="C0", label="training")
    held_out = validation.scores[name].mean()
    accuracy.axhline(held_out, color="C1", label="held-out clusters, at the end (cross-validated)")
    accuracy.axhline(1 / len(validation.classes), color="0.6", linestyle=":", label="chance")
    accuracy.set(xlabel="Epoch", ylabel="Accuracy", ylim=(0, 1))
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    accuracy.legend(loc="lower right", fontsize="small")
    return figure

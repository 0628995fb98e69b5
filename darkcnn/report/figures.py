"""The figures of a report, as images that stand in the page itself."""

import base64
import io
import warnings

import numpy as np
from sklearn.utils import Bunch

from darkcnn.inference import CrossSectionPosterior
from darkcnn.plotting import (
    ImportanceDisplay,
    PosteriorDisplay,
    RecordsDisplay,
    ReliabilityDisplay,
    as_figure,
)
from darkcnn.plotting.confusion import CrossSectionConfusionDisplay
from darkcnn.plotting.training import TrainingDisplay
from darkcnn.records import cross_section_of, sort_labels

_MIN_CLUSTERS = 10  # of every class, to calibrate with and to infer from


def confusion(target, predicted, labels):
    """Draw the confusion matrix."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(target, predicted, labels=labels)
    return data_uri(as_figure(CrossSectionConfusionDisplay(counts, labels)))


def reliability(target, probabilities, classes, groups):
    """Draw accuracy against confidence, and return the calibration error with it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=ReliabilityDisplay.figsize, layout="constrained")
    display = ReliabilityDisplay.from_predictions(
        target, probabilities, classes, groups=groups, ax=figure.add_subplot()
    )
    return data_uri(figure), display.calibration_error


def learning_curve(history, n_classes):
    """Draw how the training went."""
    return data_uri(as_figure(TrainingDisplay(history, n_classes=n_classes)))


def importance(found):
    """Draw what a network looks at: `found` holds names, means, errors, and edges of annuli."""
    bunch = Bunch(
        importances_mean=np.array(found["mean"]),
        importances_error=np.array(found["error"]),
        names=found["names"],
        edges=np.array(found["edges"]) if "edges" in found else None,
        scoring="neg_log_loss",
    )
    return data_uri(as_figure(ImportanceDisplay(bunch)))


def maps(record):
    """Draw the maps of one cluster."""
    return data_uri(as_figure(RecordsDisplay(np.atleast_1d(record))), "png")


def posteriors(target, probabilities, classes, groups):
    """Infer each class as if it were the truth, from haloes that the calibration did not see.

    Returns
    -------
    list of dict
        Truth, summary, doubts and figure of each class; empty if there are too few clusters.
    """
    haloes = np.random.default_rng(0).permutation(np.unique(groups))
    is_calibration = np.isin(groups, haloes[::2])
    for part in (is_calibration, ~is_calibration):
        if any(len(np.unique(groups[part & (target == name)])) < _MIN_CLUSTERS for name in classes):
            return []
    posterior = CrossSectionPosterior(classes.tolist(), random_state=0)
    posterior.calibrate(probabilities[is_calibration], target[is_calibration], groups[is_calibration])
    found = []
    for name in sort_labels(classes):
        rows = ~is_calibration & (target == name)
        with warnings.catch_warnings(record=True) as doubts:  # for the reader of the page
            warnings.simplefilter("always", UserWarning)
            posterior.fit(probabilities[rows], groups[rows])
        display = PosteriorDisplay(
            posterior.grid_,
            posterior.density_,
            posterior.cross_sections_,
            intervals={level: posterior.interval(level) for level in (0.68, 0.95)},
            median=posterior.median_,
            truth=cross_section_of(name),
        )
        found.append(
            {
                "truth": name,
                "summary": posterior.summary(),
                "doubts": [str(doubt.message) for doubt in doubts],
                "image": data_uri(as_figure(display)),
            }
        )
    return found


def data_uri(figure, kind="svg"):
    """Encode a figure as an address that holds the image; the same figure gives the same bits."""
    import matplotlib

    file = io.BytesIO()
    options = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": 110}
    with matplotlib.rc_context({"svg.hashsalt": "darkcnn"}):
        figure.savefig(file, format=kind, **options)
    mime = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{mime};base64,{base64.b64encode(file.getvalue()).decode()}"

"""Figures of a report, as embedded images."""

import base64
import io
import warnings
from contextlib import contextmanager

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
from darkcnn.records import DarkMatter

_MIN_CLUSTERS = 10  # of every class, both for calibration and inference


def confusion(target, predicted, labels):
    """Draw the confusion matrix."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(target, predicted, labels=labels)
    return data_uri(as_figure(CrossSectionConfusionDisplay(counts, labels)))


def reliability(target, probabilities, classes, groups):
    """Draw the reliability diagram, and return the calibration error with it."""
    figure = _blank(ReliabilityDisplay)
    display = ReliabilityDisplay.from_predictions(target, probabilities, classes, groups=groups, ax=figure)
    return data_uri(figure), display.calibration_error


def learning_curve(classifier, n_classes):
    """Draw the learning curve of a network; None for a classifier without one."""
    if not hasattr(classifier, "history_"):
        return None
    return data_uri(as_figure(TrainingDisplay(classifier.history_, n_classes=n_classes)))


def importance(found):
    """Draw the importance; `found` has names, means, errors, and edges of annuli."""
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


def posteriors(target, probabilities, classes, groups, velocity=None):
    """Infer the cross-section of the clusters of each class, calibrated with other halos.

    Returns
    -------
    found : list of dict
        Truth, summary, warnings and figure of each class; empty if inference is impossible.
    reason : str or None
        Reason, if impossible.
    """
    if velocity is None and any(DarkMatter.parse(name).depends_on_velocity for name in classes):
        return [], (
            "Cross-sections of these classes depend on velocity. State the velocity of the sample in km/s "
            "with darkcnn report --velocity."
        )
    halos = np.random.default_rng(0).permutation(np.unique(groups))
    is_calibration = np.isin(groups, halos[::2])
    for part in (is_calibration, ~is_calibration):
        if any(len(np.unique(groups[part & (target == name)])) < _MIN_CLUSTERS for name in classes):
            return [], (
                f"There are too few halos: {_MIN_CLUSTERS} of every class are needed for the calibration, "
                f"and {_MIN_CLUSTERS} more for the inference."
            )
    posterior = CrossSectionPosterior(classes.tolist(), velocity=velocity, random_state=0)
    with _caught() as of_calibration:
        posterior.calibrate(probabilities[is_calibration], target[is_calibration], groups[is_calibration])
    found = []
    for truth, name in sorted(zip(posterior.cross_sections_.tolist(), classes.tolist(), strict=True)):
        rows = ~is_calibration & (target == name)
        with _caught() as of_fit:
            posterior.fit(probabilities[rows], groups[rows])
        figure = _blank(PosteriorDisplay)
        PosteriorDisplay.from_estimator(posterior, truth=truth, ax=figure)
        found.append(
            {
                "truth": name,
                "summary": posterior.summary(),
                "warnings": [str(each.message) for each in (*of_calibration, *of_fit)],
                "image": data_uri(figure),
            }
        )
    return found, None


@contextmanager
def _caught():
    """Record warnings, to show them on the page."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield caught


def _blank(display):
    """Return an empty figure of a suitable size that is not managed by pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=display.figsize, layout="compressed")


def data_uri(figure, kind="svg"):
    """Encode a figure as a data URI; the same figure gives identical bytes."""
    import matplotlib

    file = io.BytesIO()
    options = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": 110}
    with matplotlib.rc_context({"svg.hashsalt": "darkcnn"}):
        figure.savefig(file, format=kind, **options)
    mime = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{mime};base64,{base64.b64encode(file.getvalue()).decode()}"

"""Assembly of the HTML report."""

import base64
import hashlib
import json
from importlib.resources import files

import numpy as np

from darkcnn._common.versions import versions
from darkcnn._common.writing import atomic_write
from darkcnn.records import sort_labels, split_labels
from darkcnn.report import figures

_N_MISTAKES = 12
_MAX_PREDICTIONS = 10_000  # in the JSON download; `darkcnn predict` has no limit


def write_report(path, model, clusters, predictions, *, model_name, data, training=None, velocity=None):
    """Write a report on a model to a self-contained HTML file.

    Parameters
    ----------
    path : path-like
        File to write.
    model : sklearn.pipeline.Pipeline
        Fitted pipeline.
    clusters : sklearn.utils.Bunch
        Clusters of the predictions.
    predictions : HeldOutPredictions
        Held-out predictions, see :func:`predict_held_out`.
    model_name : str
        Name of the model.
    data : dict
        Description of the clusters, from :func:`darkcnn.persistence.describe_clusters`.
    training : dict or None, default=None
        Description of the training set, from :func:`darkcnn.persistence.describe_training`.
    velocity : float or None, default=None
        Velocity in km/s for velocity-dependent cross-sections, see :class:`~darkcnn.CrossSectionPosterior`;
        without it, the report has no posteriors of these.

    Raises
    ------
    ImportError
        If matplotlib or Jinja2 is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.report import predict_held_out, write_report
    >>> from darkcnn.persistence import describe_clusters, describe_training
    >>> options = {"cross_sections": (0, 1), "redshifts": (0,), "n_pixels": 10}
    >>> known, new = (make_clusters(n, **options, random_state=n) for n in (4, 5))
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(known.data, known.target)
    >>> training = describe_training(known)
    >>> predictions = predict_held_out(model, new, training, new_halos=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "report.html"
    ...     write_report(
    ...         path, model, new, predictions, model_name="m", data=describe_clusters(new), training=training
    ...     )
    ...     path.read_text()[:15]
    '<!doctype html>'
    """
    content = describe(
        model, clusters, predictions, model_name=model_name, data=data, training=training, velocity=velocity
    )
    html = render(content)
    with atomic_write(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def describe(model, clusters, predictions, *, model_name, data, training, velocity):
    """Collect the content of the page."""
    rows, probabilities, classes = predictions.rows, predictions.probabilities, predictions.classes
    target, groups = split_labels(clusters.target[rows])[0], clusters.groups[rows]
    labels = sort_labels(classes)
    predicted = classes[probabilities.argmax(axis=1)]
    reliability, calibration_error = figures.reliability(target, probabilities, classes, groups)
    scores = [
        {"name": name, "score": score, "error": None if np.isnan(error) else error}
        for name, (score, error) in predictions.scores.items()
    ]
    numbers = {
        "model": model_name,
        "data": data,
        "training": None if training is None else _brief(training),
        "description": predictions.description,
        "scores": scores,
        "calibration_error": calibration_error,
        "importance": predictions.importance,
        "labels": labels,
        "versions": versions(),
        "parameters": {name: repr(value) for name, value in _parameters(model).items()},
        "predictions": None,
    }
    if len(rows) <= _MAX_PREDICTIONS:
        numbers["predictions"] = [
            {
                "cluster_id": int(group),
                "redshift": round(float(redshift), 6),
                "label": str(label),
                "probabilities": {
                    str(name): round(float(value), 6) for name, value in zip(classes, row, strict=True)
                },
            }
            for group, redshift, label, row in zip(
                groups, clusters.data["redshift"][rows], target, probabilities, strict=True
            )
        ]
    is_wrong = predicted != target
    by_confidence = np.argsort(-probabilities.max(axis=1), kind="stable")
    worst = [row for row in by_confidence if is_wrong[row]][:_N_MISTAKES]
    posteriors, no_posteriors = figures.posteriors(target, probabilities, classes, groups, velocity)
    return {
        **numbers,
        "numbers": numbers,
        "n_scored": len(np.unique(rows)),
        "n_halos": len(np.unique(groups)),
        "difference": predictions.difference,
        "confusion": figures.confusion(target, predicted, labels),
        "reliability": reliability,
        "learning_curve": figures.learning_curve(model[-1], len(classes)),
        "importance_figures": None
        if predictions.importance is None
        else {kind: figures.importance(predictions.importance[kind]) for kind in ("parts", "annuli")},
        "n_wrong": int(is_wrong.sum()),
        "mistakes": [
            {
                "cluster_id": groups[row],
                "redshift": float(clusters.data["redshift"][rows[row]]),
                "log_mass": float(clusters.data["log_mass"][rows[row]]),
                "label": target[row],
                "predicted": predicted[row],
                "confidence": float(probabilities[row].max()),
                "image": figures.maps(clusters.data[rows[row]]),
            }
            for row in worst
        ],
        "posteriors": posteriors,
        "no_posteriors": no_posteriors,
    }


def render(content):
    """Render the content as HTML; all strings are escaped."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ImportError('the report needs Jinja2: run pip install "darkcnn[plot]"') from error

    parts = files("darkcnn.report") / "template"
    style, script = ((parts / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    page = environment.from_string((parts / "page.html").read_text(encoding="utf-8"))
    numbers = json.dumps(content["numbers"], indent=1, allow_nan=False)
    # The content security policy allows only this script, and no requests.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page.render(
        **content,
        style=style,
        script=script,
        digest=digest,
        download=f"data:application/json;base64,{base64.b64encode(numbers.encode()).decode()}",
    )


def _brief(training):
    return {
        name: value
        for name, value in training.items()
        if name not in ("halo_ids", "fingerprints", "validation", "importance")
    }


def _parameters(model):
    """Return the parameters of all steps."""
    return {name: value for name, value in model.get_params().items() if "__" in name}

"""Model files: fitted pipelines on disk, without executable code."""

import json
import re
import zipfile

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.versions import __version__
from darkcnn._common.writing import atomic_write
from darkcnn.networks import name_of
from darkcnn.noise import Miscentring, WeakLensingNoise, XrayNoise
from darkcnn.persistence.archive import (
    DESCRIPTION,
    FORMAT,
    NOTES,
    check_suffix,
    open_archive,
    read_json,
    weight_sizes,
)
from darkcnn.persistence.encoding import decode, encode
from darkcnn.persistence.limit import check_network
from darkcnn.persistence.packaged import check_packaged, uses_packaged_network
from darkcnn.preprocessing import MapScaler, MapSelector, RotationFlipAugmenter
from darkcnn.pretrained import FineTuned, PretrainedEmbedding
from darkcnn.training import DarkCNNClassifier

_STEPS = {
    step.__name__: step
    for step in (
        Miscentring,
        WeakLensingNoise,
        XrayNoise,
        MapSelector,
        MapScaler,
        RotationFlipAugmenter,
        DarkCNNClassifier,
        PretrainedEmbedding,
        LogisticRegression,
    )
}
_UNSAVED_PARAMETERS = {"callbacks", "checkpoint", "verbose"}
"""Parameters without effect on predictions."""

_FITTED = re.compile(r"[a-z]\w*_|_seed|_settings|_n_features_out")
"""Names of fitted attributes; weights and optimiser state are stored separately or not at all."""


def save_model(model, path, *, notes=None):
    """Save a fitted classifier or pipeline to a file.

    The file is a keras archive, readable by ``keras.models.load_model``, with an additional member that
    describes the scikit-learn part. For a pipeline with a packaged network, it contains the name and hash of
    the network and the other steps, and keras cannot read it. The file is written atomically.

    Parameters
    ----------
    model : DarkCNNClassifier or sklearn.pipeline.Pipeline
        Fitted classifier; pipeline of darkcnn steps that ends in one, with a network that has a name; or
        pipeline of a :class:`~darkcnn.pretrained.PretrainedEmbedding` and a
        :class:`~sklearn.linear_model.LogisticRegression`.
    path : path-like
        File to write, ending in ``.keras``.
    notes : dict or None, default=None
        Additional information in JSON types. The command ``darkcnn`` stores notes on the training set, see
        :func:`darkcnn.persistence.describe_training`.

    Raises
    ------
    TypeError
        If a step, a parameter or a fitted attribute cannot be stored without code; use joblib for such a
        model.
    ValueError
        If the suffix of `path` is not ``.keras``.

    See Also
    --------
    load_model : Load the file.

    Notes
    -----
    Predictions of the loaded model are bit-identical. Parameters without effect on them are not stored and
    have default values after loading: `callbacks`, `checkpoint` and `verbose` of the classifier, `memory` and
    `verbose` of the pipeline, the position of a ``RandomState``, and the optimiser state. Training can
    continue after loading, with a new optimiser.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn import default_pipeline, load_model, save_model
    >>> X, y = np.random.default_rng(0).random((4, 8, 8, 3)), ["CDM", "SIDM1"] * 2
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.keras")
    ...     loaded = load_model(f"{folder}/model.keras")
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    path = check_suffix(path)
    steps = model.steps if isinstance(model, Pipeline) else [(None, model)]
    classifier = steps[-1][1]
    if type(classifier) is not DarkCNNClassifier and not uses_packaged_network(step for _, step in steps):
        end = " that ends in one" if isinstance(model, Pipeline) else ", or a pipeline that ends in one"
        raise TypeError(
            f"model must be a DarkCNNClassifier{end}, got {type(classifier).__name__}: save the classifiers "
            "of an ensemble or a search one by one, and anything else with joblib.dump"
        )
    check_is_fitted(model)
    description = {
        "format": FORMAT,
        "darkcnn": __version__,
        "steps": [{"name": name, **_describe(name, step)} for name, step in steps],
    }
    with atomic_write(path) as temporary:
        if type(classifier) is DarkCNNClassifier:
            classifier.model_.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(DESCRIPTION, json.dumps(description))
            if notes is not None:
                archive.writestr(NOTES, json.dumps(notes, allow_nan=False), zipfile.ZIP_DEFLATED)


def load_model(path):
    """Load a fitted classifier or pipeline that was saved by `save_model`.

    Parameters
    ----------
    path : path-like
        Model file, ending in ``.keras``.

    Returns
    -------
    DarkCNNClassifier or sklearn.pipeline.Pipeline
        Fitted model.

    Raises
    ------
    ValueError
        If the file is damaged, is not a model file, or has a newer format.

    Notes
    -----
    No code in the file is executed: networks are built by name, steps by this package, and only the weights
    of the keras archive are read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn import DarkCNNClassifier, load_model, save_model
    >>> X, y = np.random.default_rng(0).random((4, 8, 8, 3)), ["CDM", "SIDM1"] * 2
    >>> model = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.keras")
    ...     again = load_model(f"{folder}/model.keras")
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    path = check_suffix(path)
    with open_archive(path) as archive:
        description = read_json(archive, DESCRIPTION)
        if description.get("format") != FORMAT:
            raise ValueError(
                f"it is of format {description.get('format')!r}, written by darkcnn "
                f"{description.get('darkcnn')}; this is darkcnn {__version__}, which reads format {FORMAT}"
            )
        steps = [
            (_part(step, "name", str | None), _rebuild(step)) for step in _part(description, "steps", list)
        ]
        if uses_packaged_network(step for _, step in steps):
            check_packaged([step for _, step in steps])
        elif not steps or not isinstance(steps[-1][1], DarkCNNClassifier):
            raise ValueError("its last step must be a DarkCNNClassifier")
        else:
            _fill(steps[-1][1], path, weight_sizes(archive))
    return steps[0][1] if steps[0][0] is None else Pipeline(steps)


def _describe(name, step):
    """Return class, parameters and fitted attributes of a step in JSON types."""
    if step is None or isinstance(step, str):
        return {"class": "passthrough"}
    if type(step) not in _STEPS.values():
        raise TypeError(f"model must consist of {list(_STEPS)}, got {type(step).__name__}; use joblib.dump")
    parameters = {key: value for key, value in step.get_params().items() if key not in _UNSAVED_PARAMETERS}
    if not type(step).__module__.startswith("darkcnn."):  # other versions may have other parameters
        defaults = type(step)().get_params()
        parameters = {key: value for key, value in parameters.items() if value != defaults[key]}
    if isinstance(parameters.get("random_state"), np.random.RandomState):
        parameters["random_state"] = None
    if "architecture" in parameters:
        parameters["architecture"] = architecture = name_of(parameters["architecture"])
        if not isinstance(architecture, str | FineTuned):
            raise TypeError(f"architecture must be a name to be saved, got {architecture!r}; use joblib.dump")
    fitted = {key: value for key, value in vars(step).items() if _FITTED.fullmatch(key) and key != "weights_"}
    described = {"class": type(step).__name__}
    for part, values in {"parameters": parameters, "fitted": fitted}.items():
        described[part] = {"dict": [[key, _encode(name, step, key, value)] for key, value in values.items()]}
    return described


def _encode(name, step, key, value):
    try:
        return encode(value)
    except TypeError as error:
        raise TypeError(
            f"{key} must be numbers, text, or arrays, lists or dicts of them for "
            f"{name or type(step).__name__} to be saved, {error}; change it, or use joblib.dump"
        ) from error


def _part(mapping, name, wanted):
    """Return a part of the description after a check of its type."""
    if not isinstance(mapping, dict) or not isinstance(mapping.get(name), wanted):
        raise ValueError(f"its description must have {name!r}, got {str(mapping)[:100]}")
    return mapping.get(name)


def _rebuild(step):
    """Rebuild a step from its description."""
    kind = _part(step, "class", str)
    if kind == "passthrough":
        return kind
    if kind not in _STEPS:
        raise ValueError(f"its step {kind!r} is unknown")
    parameters, fitted = decode(step.get("parameters")), decode(step.get("fitted"))
    if not isinstance(parameters, dict) or not isinstance(fitted, dict):
        raise ValueError(f"its step {kind!r} must have parameters and fitted attributes by name")
    rebuilt = _STEPS[kind]()
    if not parameters.keys() <= rebuilt.get_params().keys():
        raise ValueError(f"its step {kind!r} has parameters {list(parameters)}, of which some are unknown")
    rebuilt.set_params(**parameters)
    for name, value in fitted.items():
        if not _FITTED.fullmatch(str(name)) or hasattr(_STEPS[kind], name):
            raise ValueError(f"its step {kind!r} has an unknown attribute {name!r}")
        setattr(rebuilt, name, value)
    return rebuilt


def _fill(classifier, path, sizes):
    """Load the network weights of a rebuilt classifier."""
    state = vars(classifier)
    settings = _part(state, "_settings", dict)
    options, architecture = dict(_part(settings, "options", dict)), settings.get("architecture")
    if isinstance(architecture, FineTuned):
        options |= architecture.options
        settings = {**settings, "architecture": architecture.architecture}
    if _part(state, "n_attributes_", int):
        options["n_attributes"] = classifier.n_attributes_
    try:
        check_network(
            _part(settings, "architecture", str),
            _part(state, "map_shape_", tuple),
            len(_part(state, "classes_", np.ndarray)),
            options,
            sizes,
        )
        with classifier._network() as network:
            # Weights that keras does not find in the file stay NaN.
            network.model.set_weights([np.full_like(w, np.nan) for w in network.model.get_weights()])
            network.load_weights(path)
            classifier.weights_ = network.model.get_weights()
    except (ArithmeticError, LookupError, TypeError) as error:  # invalid network options
        raise ValueError(f"its network cannot be built: {type(error).__name__}: {error}") from error
    if not all(np.isfinite(weight).all() for weight in classifier.weights_):
        raise ValueError("its weights must be complete and finite")

"""Model files: fitted pipelines on disk, in a form that runs no code when it is read."""

import json
import re
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from astropy.cosmology import FlatLambdaCDM
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from darkcnn._common.versions import __version__
from darkcnn._common.writing import replacing
from darkcnn.networks import NETWORKS
from darkcnn.noise import Miscentring, WeakLensingNoise, XrayNoise
from darkcnn.persistence.limit import limited_weights
from darkcnn.preprocessing import MapScaler, MapSelector, RotationFlipAugmenter
from darkcnn.training import DarkCNNClassifier

_FORMAT = 2
_DESCRIPTION = "darkcnn.json"
_WEIGHTS = "model.weights.h5"
_NOTES = "notes.json"
_MAX_DESCRIPTION = 50_000_000  # bytes; the longest part is the history of the training
_MAX_NUMBER = 10_000  # pixels of a side, rings, blocks, …
_MAX_LABEL = 4000  # bytes of a text, 4 a character: numpy gives as many to every text of an array
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
    )
}
_FITTED = re.compile(r"[a-z]\w*_|_seed|_settings|_n_features_out")
"""Names of what a fit leaves behind; the weights and the optimiser's past are no part of the description."""


def save_model(model, path, *, notes=None):
    """Write a fitted classifier or pipeline to a file.

    The file is a keras archive, which ``keras.models.load_model`` reads, with one more member that
    describes the scikit-learn side. It appears when it is complete.

    Parameters
    ----------
    model : DarkCNNClassifier or sklearn.pipeline.Pipeline
        Fitted model, of this package's steps only, with a network that has a name.
    path : path-like
        File to write, ending in ``.keras``.
    notes : dict or None, default=None
        What else to keep, as JSON can hold it: the command ``darkcnn`` notes what the model was trained on,
        see :func:`darkcnn.persistence.describe_training`.

    Raises
    ------
    TypeError
        If a step or a parameter cannot be described without code: save such a model with joblib.
    ValueError
        If `path` ends in something else.

    See Also
    --------
    load_model : Read the file.

    Notes
    -----
    What the optimiser remembers is not written: training may go on after loading, but from a fresh start of
    the optimiser.

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
    path = _check_suffix(path)
    check_is_fitted(model)
    steps = model.steps if isinstance(model, Pipeline) else [(None, model)]
    description = {
        "format": _FORMAT,
        "darkcnn": __version__,
        "steps": [
            {"name": name, "class": "passthrough"}
            if isinstance(step, str)
            else {"name": name, "class": type(step).__name__, **_describe(step)}
            for name, step in steps
        ],
    }
    network = steps[-1][1].model_
    with replacing(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_DESCRIPTION, json.dumps(description))
            if notes is not None:
                archive.writestr(_NOTES, json.dumps(notes, allow_nan=False), zipfile.ZIP_DEFLATED)


def load_model(path):
    """Read a fitted classifier or pipeline from a file that `save_model` wrote.

    Parameters
    ----------
    path : path-like
        File to read, ending in ``.keras``.

    Returns
    -------
    DarkCNNClassifier or sklearn.pipeline.Pipeline
        The fitted model.

    Raises
    ------
    ValueError
        If the file is damaged, is not of this kind, or is of a newer format.

    Notes
    -----
    Nothing in the file is run: networks are built by name, steps are built by this package, and of the
    keras archive only the weights are read.

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
    path = _check_suffix(path)
    with _explained(path):
        return _load(path)


def load_notes(path):
    """Read the notes that `save_model` kept with a model.

    Parameters
    ----------
    path : path-like
        File to read, ending in ``.keras``.

    Returns
    -------
    dict or None
        The notes; None if there are none.

    Raises
    ------
    ValueError
        If the file is damaged or is not of this kind.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn import DarkCNNClassifier, load_notes, save_model
    >>> X, y = np.random.default_rng(0).random((4, 8, 8, 3)), ["CDM", "SIDM1"] * 2
    >>> model = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.keras", notes={"for": "a first look"})
    ...     load_notes(f"{folder}/model.keras")
    {'for': 'a first look'}
    """
    path = _check_suffix(path)
    with _explained(path), _opened(path) as archive:
        return json.loads(_text(archive, _NOTES)) if _NOTES in archive.namelist() else None


def _check_suffix(path):
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"path must end in '.keras', got {path.name!r}")
    return path


@contextmanager
def _explained(path):
    """Say of which file it is that something is wrong."""
    with open(path, "rb"):
        pass  # a file that is missing or may not be read raises its own error
    try:
        yield
    except Exception as error:  # a damaged archive makes its readers raise anything
        reason = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"cannot load {path}: {reason}") from error


def _opened(path):
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no model of darkcnn: not a keras archive")
    return zipfile.ZipFile(path)


def _text(archive, part):
    """Read a part of the archive that is no weights, if it has a sensible size."""
    n_bytes = archive.getinfo(part).file_size
    if n_bytes > _MAX_DESCRIPTION:
        raise ValueError(f"its part {part!r} has {n_bytes} bytes, too many")
    return archive.read(part)


def _load(path):
    with _opened(path) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        for part in (_DESCRIPTION, _WEIGHTS):
            if part not in sizes:
                raise ValueError(f"its part {part!r} is missing")
        if sizes[_WEIGHTS] > path.stat().st_size:  # they are random numbers, which nobody compresses
            raise ValueError(f"its weights claim {sizes[_WEIGHTS]} bytes, more than the file has")
        with archive.open(_WEIGHTS) as weights:
            while weights.read(2**20):
                pass  # to the end, where the checksum is: a damaged weight is a number like any other
        description = json.loads(_text(archive, _DESCRIPTION))
    if description["format"] != _FORMAT:
        raise ValueError(
            f"it is of format {description['format']!r}, written by darkcnn {description['darkcnn']}; "
            f"this is darkcnn {__version__}, which reads format {_FORMAT}"
        )
    steps = [(step["name"], _rebuild(step)) for step in description["steps"]]
    classifier = steps[-1][1]
    if not isinstance(classifier, DarkCNNClassifier):
        raise ValueError("its last step is no DarkCNNClassifier")
    architecture = classifier._settings["architecture"]
    if architecture not in NETWORKS:
        raise ValueError(f"its network {architecture!r} is unknown")
    _check_numbers(classifier)
    with limited_weights(sizes[_WEIGHTS]), classifier._network() as network:
        n_bytes = 4 * network.model.count_params()
        if sizes[_WEIGHTS] > 2 * n_bytes + 10_000_000:
            raise ValueError(f"its weights have {sizes[_WEIGHTS]} bytes, but the network holds {n_bytes}")
        # Whatever keras does not find in the file it leaves as it is.
        network.model.set_weights([np.full_like(w, np.nan) for w in network.model.get_weights()])
        network.model.load_weights(path)
        classifier.weights_ = network.model.get_weights()
    if not all(np.isfinite(weight).all() for weight in classifier.weights_):
        raise ValueError("its weights are not all there, or not all finite")
    return classifier if steps[0][0] is None else Pipeline(steps)


def _check_numbers(classifier):
    """Refuse maps, and numbers of whatever else a network has, that are absurdly large."""
    for name, value in {**classifier._settings["options"], "map_shape": classifier.map_shape_}.items():
        numbers = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(number, int | float) and not number <= _MAX_NUMBER for number in numbers):
            raise ValueError(f"its network has {name}={value!r}, more than {_MAX_NUMBER}")


def _describe(step):
    """Return parameters and fitted state of a step, as JSON can hold them."""
    if type(step) not in _STEPS.values():
        raise TypeError(f"model must consist of {list(_STEPS)}, got {type(step).__name__}; use joblib.dump")
    parameters = step.get_params()
    if isinstance(parameters.get("random_state"), np.random.RandomState):
        parameters["random_state"] = None  # its position in the stream is of no use later
    fitted = {name: value for name, value in vars(step).items() if _FITTED.fullmatch(name)}
    fitted.pop("weights_", None)
    if callable(parameters.get("architecture")):
        raise TypeError(
            f"architecture must be a name to be saved, got {parameters['architecture']!r}; use joblib.dump"
        )
    return {part: _encode(part, values) for part, values in (("parameters", parameters), ("fitted", fitted))}


def _rebuild(step):
    """Make a step from its description."""
    if step["class"] == "passthrough":
        return "passthrough"
    if step["class"] not in _STEPS:
        raise ValueError(f"its step {step['class']!r} is unknown")
    rebuilt = _STEPS[step["class"]](**_decode(step["parameters"]))
    for name, value in _decode(step["fitted"]).items():
        if not _FITTED.fullmatch(name):
            raise ValueError(f"its step {step['class']!r} has an unknown attribute {name!r}")
        setattr(rebuilt, name, value)
    return rebuilt


def _encode(name, value):
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            value = value.astype(str)
        return {"ndarray": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {"dict": [[_encode(name, key), _encode(key, item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_encode(name, item) for item in value]}
    if isinstance(value, list):
        return [_encode(name, item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) is FlatLambdaCDM:
        numbers = {key: np.asarray(getattr(each, "value", each)) for key, each in value.parameters.items()}
        return {"FlatLambdaCDM": {key: each.tolist() for key, each in numbers.items()}, "name": value.name}
    raise TypeError(f"{name} must be numbers or names to be saved, got {value!r}; use joblib.dump")


def _decode(value):
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "ndarray" in value:
        dtype = np.dtype(value["dtype"])
        if dtype.kind not in "biufU" or dtype.itemsize > _MAX_LABEL:
            raise ValueError(f"it holds an array of type {dtype}")
        return np.array(value["ndarray"], dtype=dtype)
    if "FlatLambdaCDM" in value:
        return FlatLambdaCDM(**value["FlatLambdaCDM"], name=value["name"])
    if "tuple" in value:
        return tuple(_decode(value["tuple"]))
    return {_decode(key): _decode(item) for key, item in value["dict"]}

"""What decides the results of a study, in a form that JSON can hold and people can read."""

import hashlib
import inspect

import joblib
import numpy as np

from darkcnn._common.versions import versions

_NO_MATTER = {"checkpoint", "memory", "n_jobs", "verbose"}
"""Parameters of estimators that do not change what they learn."""

_BLOCK = 1024  # rows hashed at a time, so that a memory-mapped database is never held whole


def identify(pipeline, X, y, groups, splits, scoring):
    """Describe all that decides the result of a fit, except for the candidate's own parameters.

    Parameters
    ----------
    pipeline, X, y, groups
        See :func:`darkcnn.run_study`.
    splits : list of (ndarray, ndarray)
        Rows of the training and of the test set of each split.
    scoring : str, callable, list, tuple, dict or None
        See :func:`darkcnn.run_study`.

    Returns
    -------
    dict
        Nested dicts and lists of words and numbers.
    """
    return {
        "pipeline": describe(pipeline),
        "scoring": describe(scoring),
        "X": fingerprint(X),
        "y": fingerprint(y),
        "groups": fingerprint(groups),
        "splits": f"{len(splits)} of checksum {joblib.hash(splits)}",
        "versions": versions(),
    }


def describe(value):
    """Describe a parameter: estimators by their parameters, functions by their source.

    Parameters
    ----------
    value : object
        Anything that can be a parameter of an estimator.

    Returns
    -------
    dict, list, str, int, float, bool or None
        What JSON can hold; the same for equal values in every process.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {str(key): describe(item) for key, item in value.items()}
    if hasattr(value, "get_params") and not isinstance(value, type):
        parameters = {n: p for n, p in value.get_params(deep=False).items() if n not in _NO_MATTER}
        return {"class": _name(type(value)), **describe(parameters)}
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    if inspect.isroutine(value) or isinstance(value, type):
        try:
            source = inspect.getsource(value)
        except (OSError, TypeError):  # of compiled functions there is none
            return _name(value)
        return f"{_name(value)} of checksum {joblib.hash(source)}"
    return f"{_name(type(value))} of checksum {joblib.hash(value)}"


def _name(function):
    return f"{function.__module__}.{function.__qualname__}"


def fingerprint(array):
    """Describe an array by its shape and a checksum of its values, read in blocks.

    Parameters
    ----------
    array : array-like of shape (n_samples, ...)
        Anything that numpy takes, memory-mapped or not; tables of other kinds as a whole.

    Returns
    -------
    str
        Shape and checksum.
    """
    dtype = getattr(array, "dtype", None)
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        return f"{type(array).__name__} of checksum {joblib.hash(array)}"
    digest = hashlib.sha256(str(dtype).encode())
    for start in range(0, len(array), _BLOCK):
        digest.update(np.asarray(array[start : start + _BLOCK]).tobytes())
    return f"shape {tuple(array.shape)} of checksum {digest.hexdigest()}"


def differences(before, now, name=""):
    """List where two descriptions differ.

    Parameters
    ----------
    before, now : dict, list, str, int, float, bool or None
        Descriptions.
    name : str, default=""
        Where in the whole they stand.

    Returns
    -------
    list of str
        A line for each difference.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        absent = "absent"
        parts = [(f"{name}.{key}", before.get(key, absent), now.get(key, absent)) for key in before | now]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        parts = [(f"{name}[{place}]", *pair) for place, pair in enumerate(zip(before, now, strict=True))]
    else:
        return [] if before == now else [f"{name.lstrip('.')}: {before} before, {now} now"]
    return [line for part, *pair in parts for line in differences(*pair, part)]

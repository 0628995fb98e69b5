"""Descriptions of everything that determines a result, in readable JSON types."""

import dis
import functools
import hashlib
import inspect
import sys
import sysconfig
from types import CodeType, FunctionType

import joblib
import numpy as np

IRRELEVANT = {"checkpoint", "memory", "n_jobs", "verbose"}
"""Parameters of estimators that do not affect the fit."""

_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})

_BLOCK = 1024  # rows hashed at a time, so that a memory-mapped database is never read as a whole


def describe(value, within=()):
    """Describe a parameter in JSON types: estimators by parameters, functions and classes by source.

    Parameters
    ----------
    value : object
        Any parameter of an estimator.
    within : tuple of int, default=()
        Ids of the objects that contain `value`, for circular references.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Description; the same for equal values in every process.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from darkcnn._common.identity import describe
    >>> describe({"alpha": [0.1, float("inf")], "verbose": None})
    {'alpha': [0.1, 'inf'], 'verbose': None}
    >>> describe(Ridge())["alpha"]
    1.0
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if id(value) in within:
        return "itself"
    within = (*within, id(value))
    if isinstance(value, list | tuple):
        return [describe(item, within) for item in value]
    if isinstance(value, dict):
        return {str(key): describe(item, within) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    if inspect.isroutine(value) or isinstance(value, type):
        return _describe_code(value, within)
    parts = _parts(value)
    if parts is None:
        return f"{_name(type(value))} of checksum {joblib.hash(value)}"
    return {"class": _source(type(value)), **describe(parts, within)}


def _parts(value):
    """Return all parts of an object by name, or None if only a pickle contains them."""
    if isinstance(value, functools.partial):
        return {"func": value.func, "args": value.args, "keywords": value.keywords}
    if hasattr(value, "get_params"):
        parameters = value.get_params(deep=False)
        return {name: part for name, part in parameters.items() if name not in IRRELEVANT}
    if hasattr(value, "get_weights") and hasattr(value, "get_config"):  # keras layer or model
        return {"config": value.get_config(), "weights": value.get_weights()}
    if hasattr(value, "to_format"):  # astropy cosmology, which caches other attributes
        return value.to_format("mapping")
    cls = type(value)
    is_plain = cls.__reduce_ex__ is object.__reduce_ex__ and cls.__reduce__ is object.__reduce__
    if is_plain and cls.__getstate__ is object.__getstate__:
        return getattr(value, "__dict__", None)  # scorers, callbacks and others that may contain functions
    return None


def _describe_code(function, within):
    """Describe a function or class by its source and the values that it refers to, if any."""
    owner = getattr(function, "__self__", None)
    function = inspect.unwrap(getattr(function, "__func__", function))
    held = {
        "defaults": getattr(function, "__defaults__", None),
        "keywords": getattr(function, "__kwdefaults__", None),
        "enclosed": [_content(cell) for cell in getattr(function, "__closure__", None) or ()],
        "owner": None if inspect.ismodule(owner) else owner,
        "globals": _globals(function),
    }
    held = {name: describe(part, within) for name, part in held.items() if part}
    return {"function": _source(function), **held} if held else _source(function)


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _globals(function):
    """Return the functions, classes and plain values of its module that a user function refers to."""
    module = str(getattr(function, "__module__", None))
    file = str(getattr(sys.modules.get(module), "__file__", ""))
    is_versioned = module.startswith("darkcnn.") or file.startswith(_INSTALLED)
    if is_versioned or not isinstance(function, FunctionType):
        return {}
    names = sorted(_global_names(function.__code__) & function.__globals__.keys())
    values = {name: function.__globals__[name] for name in names}
    plain = (type, FunctionType, bool, int, float, str, list, tuple, dict, np.ndarray)
    return {name: value for name, value in values.items() if isinstance(value, plain)}


def _global_names(code):
    """Return the global names in a function and in nested functions."""
    names = {
        each.argval for each in dis.get_instructions(code) if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    return names.union(*(_global_names(each) for each in code.co_consts if isinstance(each, CodeType)))


@functools.lru_cache
def _source(value):
    """Return the name of a function or class with a checksum of its source or its byte code."""
    try:
        source = inspect.getsource(value)
    except (OSError, TypeError):  # compiled, or defined in an interpreter
        if not isinstance(value, FunctionType):
            return _name(value)
        source = _instructions(value.__code__)
    return f"{_name(value)} of checksum {joblib.hash(source)}"


def _instructions(code):
    """Return byte code, names and constants of a function as plain values."""
    constants = [_instructions(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return [code.co_code, code.co_names, code.co_varnames, constants]


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"


def fingerprint(array):
    """Describe an array by its shape and a checksum, read in blocks; other tables by a checksum.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn._common.identity import fingerprint
    >>> fingerprint(np.zeros((2, 3)))[:32]
    'shape (2, 3) of checksum cfc3665'
    """
    dtype = getattr(array, "dtype", None)
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        return f"{type(array).__name__} of checksum {joblib.hash(array)}"
    if isinstance(array, np.ma.MaskedArray):
        return f"{fingerprint(array.filled(0))}, mask of {fingerprint(np.ma.getmaskarray(array))}"
    unit = f" in {array.unit}" if hasattr(array, "unit") else ""
    digest = hashlib.sha256(str(dtype).encode())
    if not array.shape:
        return f"{array.item()!r}{unit}"
    for start in range(0, len(array), _BLOCK):
        digest.update(np.asarray(array[start : start + _BLOCK]).tobytes())
    return f"shape {tuple(array.shape)}{unit} of checksum {digest.hexdigest()}"

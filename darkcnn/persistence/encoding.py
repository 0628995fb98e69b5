"""Encoding of parameters and fitted attributes as JSON, which executes no code when read."""

import numpy as np
from astropy.cosmology import FlatLambdaCDM

from darkcnn.pretrained import FineTuned

MAX_LABEL = 4000
"""Maximum size of a text in bytes, 4 for each character; all texts of an array have the same size."""


def encode(value):
    """Encode a value for JSON; raise a TypeError if it is not supported.

    Supported are numbers, text, None, arrays of these, flat cosmologies of astropy, packaged networks, and
    lists, tuples and dicts of these.

    Examples
    --------
    >>> from darkcnn.persistence.encoding import decode, encode
    >>> encode((1, {"width": 0.5}))
    {'tuple': [1, {'dict': [['width', 0.5]]}]}
    >>> decode(_)
    (1, {'width': 0.5})
    """
    if isinstance(value, np.generic) and not isinstance(value, np.void):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if type(value) is FlatLambdaCDM:
        numbers = {key: np.asarray(getattr(each, "value", each)) for key, each in value.parameters.items()}
        return {"FlatLambdaCDM": {key: each.tolist() for key, each in numbers.items()}, "name": value.name}
    if type(value) is FineTuned:
        return {"FineTuned": value.name}
    raise TypeError(f"got {value!r}")


def _encode_array(array):
    """Encode an array of numbers or text, or of objects that are all numbers or all text."""
    if array.dtype.hasobject and len({type(item) for item in array.ravel().tolist()}) == 1:
        array = np.array(array.tolist())
    if array.dtype.kind not in "biufU" or type(array) not in (np.ndarray, np.memmap):
        raise TypeError(f"got {type(array).__name__} of {array.dtype}")
    return {"ndarray": array.tolist(), "dtype": array.dtype.str}


def decode(value):
    """Decode the result of `encode` from an untrusted file; raise a ValueError if it is invalid."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    try:
        return _decode(value)
    except (KeyError, OverflowError, TypeError) as error:
        raise ValueError(
            f"its description contains {str(value)[:100]}, which is not a valid value ({error!r})"
        ) from error


def _decode(value):
    if "ndarray" in value:
        dtype = np.dtype(value["dtype"])
        if dtype.kind not in "biufU" or dtype.itemsize > MAX_LABEL:
            raise ValueError(f"it must not contain an array of type {dtype}")
        return np.array(value["ndarray"], dtype=dtype)
    if "tuple" in value:
        return tuple(decode(list(value["tuple"])))
    if "FlatLambdaCDM" in value:
        return FlatLambdaCDM(**value["FlatLambdaCDM"], name=value["name"])
    if "FineTuned" in value:
        return FineTuned(value["FineTuned"])
    return {decode(key): decode(item) for key, item in value["dict"]}

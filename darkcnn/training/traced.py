"""Pool of traced networks, reused by later fits.

Building and tracing a large network takes longer than an epoch on a few hundred clusters. A traced network
therefore stays in memory, and later fits of the same architecture reinitialise it from their own seed.
Estimators keep only plain arrays of weights.
"""

import gc
import random
from collections import OrderedDict
from contextlib import contextmanager
from threading import Lock, RLock

import joblib
import keras
import numpy as np

from darkcnn._common.keras_settings import check_data_format, check_precision, check_process
from darkcnn.training.network import CompiledNetwork

_IDLE = OrderedDict()  # key -> network that is not in use, least recently used first
_IDLE_LOCK = Lock()
_MAX_IDLE = 4  # a large Inception holds 160 MB with its optimiser
_PYTHON_GENERATOR = RLock()  # a network may hold another, which is built meanwhile


@contextmanager
def borrow_network(architecture, map_shape, n_attributes, n_classes, *, seed=None, options):
    """Borrow a CompiledNetwork for exclusive use: an idle one from the pool, or a new one.

    With a seed, its weights are initialised for training; without, they are arbitrary and must be set.
    Dropout rates of a built-in architecture share one network.
    """
    check_process()
    check_data_format()
    rate = {}
    if isinstance(architecture, str) and "dropout" in options:
        options = dict(options)
        rate["rate"] = options.pop("dropout")
    key = (
        _content([architecture, tuple(map_shape), n_attributes, n_classes, options]),
        (keras.backend.backend(), keras.config.floatx(), check_precision()),
    )
    with _IDLE_LOCK:
        network = _IDLE.pop(key, None)
    if network is None or (seed is not None and not network.can_restart):
        with _python_seed(seed):  # keras asks Python for the seeds of a new network
            network = CompiledNetwork(architecture, map_shape, n_attributes, n_classes, options=options)
    if seed is not None and network.can_restart:
        network.restart(seed)
    try:
        network.set_dropout(**rate)
        yield network
    finally:
        with _IDLE_LOCK:
            _IDLE[key] = network
            dropped = [_IDLE.popitem(last=False) for _ in range(len(_IDLE) - _MAX_IDLE)]
        if dropped:
            del dropped, network
            gc.collect()  # models contain reference cycles


class _Identity:
    """Wrapper that compares objects by identity."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self):
        return id(self.value)


def _content(value):
    """Return a hashable key of a value: its content, or its identity for other objects."""
    if isinstance(value, dict):
        return dict, tuple((_content(key), _content(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(_content(item) for item in value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return np.ndarray, joblib.hash(value)
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return type(value), repr(value)
    return _Identity(value)


def same_content(one, other):
    """Return whether two values have the same content or are the same object."""
    return _content(one) == _content(other)


@contextmanager
def _python_seed(seed):
    """Seed Python's global random generator temporarily (0 for None)."""
    with _PYTHON_GENERATOR:
        state = random.getstate()
        random.seed(seed or 0)
        try:
            yield
        finally:
            random.setstate(state)

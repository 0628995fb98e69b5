"""A limit for networks that strangers name: building one that is absurdly large would use up the memory."""

from contextlib import contextmanager
from math import prod
from threading import Lock, get_ident

import keras

MAX_WEIGHT_ARRAYS = 20_000
"""Most arrays of weights in a network; the deepest of ours has under a thousand."""

_LOCK = Lock()


@contextmanager
def limited_weights(n_bytes):
    """Refuse to build networks, within this block and thread, whose weights are larger than a limit.

    Each weight is counted before there is memory for it.

    Parameters
    ----------
    n_bytes : int
        Size of the largest network, in bytes.

    Raises
    ------
    ValueError
        When a layer asks for a weight beyond the limit, or for the one beyond `MAX_WEIGHT_ARRAYS`.

    Examples
    --------
    >>> from darkcnn.networks import get_network
    >>> from darkcnn.persistence.limit import limited_weights
    >>> with limited_weights(100_000):
    ...     get_network("simple")((50, 50, 3), n_classes=4, width=1000)
    Traceback (most recent call last):
    ...
    ValueError: its network has weights of over 100000 bytes
    """
    add_weight, thread = keras.layers.Layer.add_weight, get_ident()
    n_asked = n_arrays = 0

    def counted(layer, *arguments, shape=None, **keywords):
        nonlocal n_asked, n_arrays
        if get_ident() == thread:
            n_asked += 4 * prod(shape or ())
            n_arrays += 1
            if n_asked > n_bytes:
                raise ValueError(f"its network has weights of over {n_bytes} bytes")
            if n_arrays > MAX_WEIGHT_ARRAYS:
                raise ValueError(f"its network has over {MAX_WEIGHT_ARRAYS} arrays of weights")
        return add_weight(layer, *arguments, shape=shape, **keywords)

    with _LOCK:
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight

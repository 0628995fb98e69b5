"""Maps of few distinct values, such as images of eight bits."""

import numpy as np

_LEVELS = 256

_N_SAMPLED = 65_536
"""Pixels that are looked at."""


def is_quantised(image):
    """Return whether a map of many pixels has no more values than eight bits can tell.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records.quantised import is_quantised
    >>> panel = np.random.default_rng(0).random((50, 50))
    >>> is_quantised(panel), is_quantised((255 * panel).astype(np.uint8))
    (False, True)
    """
    some = image.ravel()[:: max(image.size // _N_SAMPLED, 1)]
    return some.size > 4 * _LEVELS and len(np.unique(some)) <= _LEVELS

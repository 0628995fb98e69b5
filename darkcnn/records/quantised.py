"""Detection of quantised maps, such as 8-bit images."""

import numpy as np

_LEVELS = 256

_N_SAMPLED = 65_536
"""Number of pixels that are checked."""


def is_quantised(image):
    """Return whether a map has no more than 256 distinct values in many pixels.

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

"""Standardisation of network inputs: mean and standard deviation in the training set."""

import numpy as np

from darkcnn.records import chunks

_ROWS = 4096
"""Maximum number of rows, evenly spaced, for the mean and standard deviation of maps."""

_BLOCK = 2**18
"""Number of values processed at a time, which fit into the processor cache."""

_LIMIT = 1e37  # the largest float32 is 3.4e38, and the smallest of full precision 1.2e-38


def standardise(network, views):
    """Set the input scaling of a CompiledNetwork from its training maps and attributes."""
    rows = np.unique(np.linspace(0, len(views) - 1, min(len(views), _ROWS)).astype(int))
    maps = (views.maps.draw(rows[some]) for some in chunks(len(rows)))
    network.standardise("maps", *_moments(maps, "channel {} of X"))
    if views.maps.attributes is not None:
        network.standardise("attributes", *_moments([views.maps.attributes], "attribute {}"))


def _moments(parts, name):
    """Return mean and standard deviation over the last axis of arrays; the latter is 1 for constants."""
    n, total, squares, origin = 0, 0.0, 0.0, None
    for part in parts:
        n_last = part.shape[-1]
        rows = part.reshape(len(part), -1)
        for some in chunks(len(rows), max(1, _BLOCK // rows.shape[1])):
            values = rows[some].astype(np.float64)
            origin = values[0, :n_last].copy() if origin is None else origin
            values -= np.tile(
                origin, rows.shape[1] // n_last
            )  # near which the squares are not lost to rounding
            # Down the rows first: NumPy is slow at loops over few channels.
            total = total + values.sum(axis=0).reshape(-1, n_last).sum(axis=0)
            squares = squares + np.einsum("ij,ij->j", values, values).reshape(-1, n_last).sum(axis=0)
            n += values.size // n_last
    mean = total / n
    deviation = np.sqrt(np.maximum(squares / n - mean**2, 0))
    mean = mean + origin
    deviation[deviation <= np.finfo(np.float32).eps * np.abs(mean)] = 0  # rounding of a constant
    for index in np.flatnonzero(deviation):
        if not 1 / _LIMIT < deviation[index] < _LIMIT:
            raise ValueError(
                f"{name.format(index)} must have a standard deviation between {1 / _LIMIT:.0e} and "
                f"{_LIMIT:.0e}, the range of float32, got {deviation[index]:.2g}: change the unit"
            )
    return mean, np.where(deviation > 0, deviation, 1)

"""Crop maps and average them over larger pixels, by area: mass is conserved, nothing is interpolated."""

import math

import numpy as np

from darkcnn.records.fields import FIELD_SIZE

_INTEGER_TOLERANCE = 0.1
"""Pixels by which a map may drift over its side where a ratio of pixels is taken for a whole number."""

_MIN_OVERSAMPLING = 2
"""Pixels within a larger one, from which dividing those at its edges does not blur the map much."""


def shares(n_pixels, first, ratio, n_out):
    """Return the share of each of the larger pixels that each pixel of an axis covers.

    Parameters
    ----------
    n_pixels : int
        Number of pixels of the axis.
    first : float
        Edge at which the first larger pixel begins, in pixels; the axis begins at 0.
    ratio : float
        Side of a larger pixel, in pixels.
    n_out : int
        Number of larger pixels.

    Returns
    -------
    ndarray of shape (n_out, n_pixels)
        Shares: rows add up to 1, less where a larger pixel reaches beyond the axis.
    """
    edges = first + ratio * np.arange(n_out + 1)
    left = np.arange(n_pixels)
    overlap = np.minimum(edges[1:, np.newaxis], left + 1) - np.maximum(edges[:-1, np.newaxis], left)
    return np.maximum(overlap, 0) / ratio


class Grid:
    """The pixels of a record over those of an image.

    Where a whole number of pixels makes a larger one, the centre is moved by half a pixel at most, so that
    none is divided between two. Where it is not a whole number, pixels at the edges are divided by area.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    pixel : float
        Side of its pixels, kpc.
    center : (float, float)
        Row and column of the centre; (0, 0) is the middle of the first pixel.
    side : float
        Side of the record's maps, kpc.
    n_pixels : int
        Number of pixels along it.
    """

    def __init__(self, shape, pixel, center, side, n_pixels):
        self.shape, self.n_pixels = shape, n_pixels
        self.ratio = side / n_pixels / pixel
        whole = round(self.ratio)
        self.is_whole = whole >= 1 and abs(self.ratio - whole) * n_pixels < _INTEGER_TOLERANCE
        if self.is_whole:
            self.ratio = whole
        first = [position + 0.5 - self.ratio * n_pixels / 2 for position in center]
        # Half of a pixel is moved to the lower row and column, whatever the rounding.
        self.first = [math.ceil(edge - 0.5 - 1e-6) if self.is_whole else edge for edge in first]

    def mean(self, image):
        """Return the mean of an image over each larger pixel; what lies outside counts as 0."""
        parts, factors = [], []
        for n_pixels, first in zip(self.shape, self.first, strict=True):
            last = first + self.ratio * self.n_pixels
            part = slice(min(max(math.floor(first), 0), n_pixels), max(min(math.ceil(last), n_pixels), 0))
            parts.append(part)
            length = max(part.stop - part.start, 0)
            factors.append(shares(length, first - part.start, self.ratio, self.n_pixels))
        return factors[0] @ image[tuple(parts)].astype(float) @ factors[1].T


def check_resolution(name, grid, pixel, allow_coarse):
    """Refuse maps of larger pixels than asked for; return the blur that dividing pixels by area causes.

    Parameters
    ----------
    name : str
        Map, for the message.
    grid : Grid
        Pixels of the record over its pixels.
    pixel : float
        Side of its pixels, kpc.
    allow_coarse : bool
        Whether to take larger pixels.

    Returns
    -------
    float
        Standard deviation of the blur along each axis, kpc; 0 where it is small.
    """
    if grid.is_whole or grid.ratio >= _MIN_OVERSAMPLING:
        return 0.0
    if grid.ratio < 1 and not allow_coarse:
        raise ValueError(
            f"pixels of {name!r} are {pixel:.4g} kpc wide, those of the records {grid.ratio * pixel:.4g} "
            "kpc: ask "
            f"for n_pixels={max(int(FIELD_SIZE / pixel), 1)} or fewer, or keep the blur with "
            "allow_coarse=True"
        )
    # A pixel at an edge is spread over its width; one of `ratio` is at an edge.
    return pixel / math.sqrt(12 * max(grid.ratio, 1))

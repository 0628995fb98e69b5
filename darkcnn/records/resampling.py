"""Cropping and rebinning of maps by area, which conserves mass; nothing is interpolated."""

import math

import numpy as np

from darkcnn.records.fields import FIELD_SIZE

_INTEGER_TOLERANCE = 0.1
"""Largest drift over the side of a map, in pixels, for which a ratio of pixels is rounded to an integer."""

_MIN_OVERSAMPLING = 2
"""Ratio of pixels above which dividing edge pixels blurs the map only slightly."""


def shares(n_pixels, first, ratio, n_out):
    """Return the fraction of each output pixel that each input pixel of an axis covers.

    Parameters
    ----------
    n_pixels : int
        Number of input pixels.
    first : float
        Edge of the first output pixel, in input pixels; the axis starts at 0.
    ratio : float
        Side of an output pixel, in input pixels.
    n_out : int
        Number of output pixels.

    Returns
    -------
    ndarray of shape (n_out, n_pixels)
        Fractions; rows sum to 1, or less for output pixels beyond the axis.
    """
    edges = first + ratio * np.arange(n_out + 1)
    left = np.arange(n_pixels)
    overlap = np.minimum(edges[1:, np.newaxis], left + 1) - np.maximum(edges[:-1, np.newaxis], left)
    return np.maximum(overlap, 0) / ratio


class Grid:
    """Grid of record pixels over the pixels of an image.

    If the ratio of pixels is an integer, the centre is shifted by up to half a pixel, so that no pixel is
    divided. Otherwise, pixels at the edges are divided by area.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    pixel : float
        Side of a pixel of the image, kpc.
    center : (float, float)
        Row and column of the centre; the centre of the first pixel is (0, 0).
    side : float
        Side of the maps in the record, kpc.
    n_pixels : int
        Number of pixels of the record along each side.
    """

    def __init__(self, shape, pixel, center, side, n_pixels):
        self.shape, self.n_pixels = shape, n_pixels
        self.ratio = side / n_pixels / pixel
        whole = round(self.ratio)
        self.is_whole = whole >= 1 and abs(self.ratio - whole) * n_pixels < _INTEGER_TOLERANCE
        if self.is_whole:
            self.ratio = whole
        first = [position + 0.5 - self.ratio * n_pixels / 2 for position in center]
        # Half a pixel is always moved to the lower row and column.
        self.first = [math.ceil(edge - 0.5 - 1e-6) if self.is_whole else edge for edge in first]

    def mean(self, image):
        """Return the mean of an image over each pixel of the record; outside the image counts as 0."""
        parts, factors = [], []
        for n_pixels, first in zip(self.shape, self.first, strict=True):
            last = first + self.ratio * self.n_pixels
            part = slice(min(max(math.floor(first), 0), n_pixels), max(min(math.ceil(last), n_pixels), 0))
            parts.append(part)
            length = max(part.stop - part.start, 0)
            factors.append(shares(length, first - part.start, self.ratio, self.n_pixels))
        return factors[0] @ image[tuple(parts)].astype(float) @ factors[1].T


def check_resolution(name, grid, pixel, allow_coarse):
    """Check the resolution of a map; return the blur from dividing pixels by area.

    Parameters
    ----------
    name : str
        Name of the map, for the error message.
    grid : Grid
        Grid of the record pixels.
    pixel : float
        Side of a pixel of the map, kpc.
    allow_coarse : bool
        Whether to accept pixels larger than those of the record.

    Returns
    -------
    float
        Standard deviation of the blur along each axis, kpc; 0 if negligible.
    """
    if grid.is_whole or grid.ratio >= _MIN_OVERSAMPLING:
        return 0.0
    if grid.ratio < 1 and not allow_coarse:
        raise ValueError(
            f"pixels of {name!r} must not be larger than those of the records, {grid.ratio * pixel:.4g} kpc, "
            f"got {pixel:.4g} kpc: use n_pixels={max(int(FIELD_SIZE / pixel), 1)} or fewer, or accept the "
            "blur with allow_coarse=True"
        )
    # A pixel at an edge is spread over its width; one in `ratio` is at an edge.
    return pixel / math.sqrt(12 * max(grid.ratio, 1))

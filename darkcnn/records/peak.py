"""Peaks of smoothed maps, and cluster centres."""

import cv2
import numpy as np

CENTRE_SMOOTHING = 50.0
"""Standard deviation of the Gaussian smoothing before the centre is searched, in kpc."""

CENTRE_REACH = 500.0
"""Half-width of the search box for the centre about the middle of the image, in kpc."""


def smooth(image, width):
    """Smooth a map with a Gaussian, truncated at three times its width in pixels."""
    side = 2 * int(3 * width + 0.5) + 1
    return cv2.GaussianBlur(image, (side, side), width, borderType=cv2.BORDER_REPLICATE)


def middle_of(image):
    """Return row and column of the middle of an image; the centre of the first pixel is (0, 0)."""
    return (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2


def around(n_pixels, position, reach):
    """Return the slice of pixels within a distance of a position on an axis, in pixels."""
    first = max(round(position + 0.5 - reach), 0)
    return slice(first, max(min(round(position + 0.5 + reach), n_pixels), first))


def smoothed_peak(image, width, center, reach):
    """Find the brightest pixel of a smoothed map; return it and its surroundings.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Map.
    width : float
        Standard deviation of the Gaussian, in pixels.
    center : (float, float)
        Row and column about which the peak is searched.
    reach : float
        Half-width of the search box, in pixels.

    Returns
    -------
    row, column : int
        Position of the brightest pixel.
    smoothed : ndarray of shape (3, 3)
        Smoothed values of the pixel and its neighbours; the edge is repeated.
    """
    rows, columns = (around(n, c, reach) for n, c in zip(image.shape, center, strict=True))
    smoothed = smooth(np.ascontiguousarray(image[rows, columns]), width)
    row, column = np.unravel_index(smoothed.argmax(), smoothed.shape)
    neighbours = np.pad(smoothed, 1, mode="edge")[row : row + 3, column : column + 3]
    return int(row) + rows.start, int(column) + columns.start, neighbours


def find_center(image, pixel):
    """Find the centre of a cluster: the peak of its smoothed map, near the middle of the image.

    The map is smoothed by a Gaussian of 50 kpc. A parabola through the brightest pixel and its neighbours
    gives the position within the pixel.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Map, finite.
    pixel : float
        Side of a pixel, kpc.

    Returns
    -------
    row, column : float
        Position in pixels; the centre of the first pixel is (0, 0).
    """
    scaled = (image / image.max()).astype(np.float32)
    reach = CENTRE_REACH / pixel
    row, column, near = smoothed_peak(scaled, CENTRE_SMOOTHING / pixel, middle_of(image), reach)
    return row + _vertex(near[:, 1]), column + _vertex(near[1])


def _vertex(values):
    """Return the peak of the parabola through values at -1, 0 and 1, limited to half a pixel."""
    before, here, after = values.astype(float).tolist()
    curvature = before - 2 * here + after
    return 0.0 if curvature >= 0 else min(max((before - after) / (2 * curvature), -0.5), 0.5)

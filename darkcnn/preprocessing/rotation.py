"""Rotation and reflection of one map."""

import cv2
import numpy as np

# By default, OpenCV uses several threads for each small map, which slows training.
cv2.setNumThreads(1)


def rotate(image, angle, flip):
    """Rotate a map about its centre, mirrored first if `flip` is True.

    Interpolation is bilinear; the map is extended by reflection at its edges.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
        Map, float32.
    angle : float
        Angle in radians, anticlockwise when row 0 is drawn at the top.
    flip : bool
        Whether to mirror the map left to right first.

    Returns
    -------
    ndarray of shape (height, width, n_channels)
        Rotated map.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.preprocessing import rotate
    >>> image = np.arange(4, dtype=np.float32).reshape(2, 2, 1)
    >>> rotate(image, np.pi / 2, flip=False)[..., 0]
    array([[1., 3.], [0., 2.]], dtype=float32)
    """
    view = np.empty_like(image)
    warp(image, pixel_origins(angle, flip, image.shape), view)
    return view


def pixel_origins(angle, flip, map_shape):
    """Return the 2 × 3 affine matrix from each pixel (x, y) of a view to its origin in the map."""
    height, width = map_shape[:2]
    centre = np.array([width - 1, height - 1]) / 2
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if flip:
        back[0] *= -1
    back = back.round(12)  # so that rotations by 90 degrees are exact
    return np.column_stack([back, centre - back @ centre])


def warp(image, origins, view):
    """Write a rotated map into `view`, an array of the same shape and dtype."""
    drawn = cv2.warpAffine(
        image,
        origins,
        (image.shape[1], image.shape[0]),
        dst=view,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    if drawn.base is not view and drawn is not view:  # OpenCV ignores arrays of other strides or dtypes
        view[...] = drawn.reshape(view.shape)

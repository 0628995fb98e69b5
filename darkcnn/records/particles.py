"""Maps of simulation particles, smoothed by the distance to their neighbours."""

import numpy as np

from darkcnn.records.fields import FIELD_SIZE
from darkcnn.records.quantities import plain_numbers

_WIDTHS_PER_OCTAVE = 2
"""Number of kernel widths per factor of two."""

_CHUNK = 1_000_000
"""Number of particles in a query for neighbours."""


def project_particles(
    positions, masses, *, center, n_pixels=100, depth=None, axis=2, n_neighbors=32, box_size=None
):
    r"""Project simulation particles to a map of the surface density of a cluster.

    Each particle is smoothed by a Gaussian with a standard deviation of half the three-dimensional distance
    to its `n_neighbors`-th neighbour, like smoothing lengths of simulations. The map conserves mass, except
    for what is smoothed over its edges.

    Parameters
    ----------
    positions : array-like or Quantity of shape (n_particles, 3)
        Proper positions; kpc if unitless.
    masses : array-like or Quantity of shape (n_particles,)
        Masses (Msun if unitless), or X-ray luminosities in the band (erg / s).
    center : array-like or Quantity of shape (3,)
        Position of the cluster.
    n_pixels : int, default=100
        Height and width of the map, which is 2 Mpc wide.
    depth : float or None, default=None
        Length of the projection along the line of sight, kpc, centred on the cluster. None for all particles.
    axis : {0, 1, 2}, default=2
        Line of sight. The columns of the map are the next axis and its rows the one after, in cyclic order.
    n_neighbors : int, default=32
        Number of neighbours for the smoothing length.
    box_size : float or None, default=None
        Side of the periodic box, kpc. None for no periodicity.

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels)
        Surface density in Msun / Mpc2, for :func:`darkcnn.make_records`. For luminosities, in erg / s / Mpc2;
        divided by :math:`4 \pi (1 + z)^4`, it is a surface brightness per steradian.

    Raises
    ------
    ValueError
        If shapes are wrong, or no particle is in the field.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.records import project_particles
    >>> positions = np.random.default_rng(0).normal(scale=200, size=(5000, 3))  # kpc
    >>> density = project_particles(positions, np.full(5000, 1e11), center=(0, 0, 0), n_pixels=50)
    >>> print(f"{density.sum() * 0.04**2:.2g} Msun")
    5e+14 Msun
    """
    from scipy.spatial import cKDTree  # takes a second

    positions, masses, center = _in_units(positions, masses, center)
    if axis not in (0, 1, 2):
        raise ValueError(f"axis must be 0, 1 or 2, got {axis!r}")
    offsets = positions - center
    if box_size is not None:
        offsets -= box_size * np.round(offsets / box_size)
    x, y, z = (offsets[:, (axis + step) % 3] for step in (1, 2, 0))
    near = np.abs(z) <= (np.inf if depth is None else depth / 2)
    near &= np.maximum(np.abs(x), np.abs(y)) < FIELD_SIZE
    offsets, masses = offsets[near], masses[near]
    if not (np.maximum(np.abs(x), np.abs(y))[near] < FIELD_SIZE / 2).any():
        raise ValueError(
            f"particles must be within 2 Mpc about center, found none of {len(near)}: check that it is in kpc"
        )
    tree, rank = cKDTree(offsets), min(n_neighbors + 1, len(offsets))
    lengths = np.concatenate(
        [
            tree.query(offsets[start : start + _CHUNK], [rank])[0][:, 0]
            for start in range(0, len(offsets), _CHUNK)
        ]
    )
    pixel = FIELD_SIZE / n_pixels
    return _deposit(x[near], y[near], masses, lengths / 2 / pixel, pixel, n_pixels) * (1e3 / pixel) ** 2


def _in_units(positions, masses, center):
    """Return values in kpc and Msun, with checked shapes."""
    lengths = []
    for what, values in (("positions", positions), ("center", center)):
        lengths.append(values.to_value("kpc") if hasattr(values, "to_value") else plain_numbers(values, what))
    if getattr(masses, "unit", None) is not None:
        masses = masses.to_value("Msun" if masses.unit.is_equivalent("Msun") else "erg / s")
    masses = plain_numbers(masses, "masses")
    positions, center = lengths
    if (
        positions.ndim != 2
        or positions.shape[1] != 3
        or masses.shape != (len(positions),)
        or center.shape != (3,)
    ):
        raise ValueError(
            "positions must have the shape (n_particles, 3), masses (n_particles,) and center (3,), got "
            f"{positions.shape}, {masses.shape} and {center.shape}"
        )
    if not (np.isfinite(positions).all() and np.isfinite(masses).all() and np.isfinite(center).all()):
        raise ValueError("positions, masses and center must be finite, got NaN or infinity")
    return positions, masses, center


def _deposit(x, y, masses, widths, pixel, n_pixels):
    """Deposit particles of similar width on a common map, smooth each map, and sum them."""
    import cv2

    margin = n_pixels // 2
    size = n_pixels + 2 * margin
    edges = (np.arange(size + 1) - size / 2) * pixel
    steps = np.round(_WIDTHS_PER_OCTAVE * np.log2(np.clip(widths, 2**-3, n_pixels / 4))).astype(int)
    total = np.zeros((n_pixels, n_pixels))
    for step in np.unique(steps):
        here = steps == step
        image = np.histogram2d(y[here], x[here], (edges, edges), weights=masses[here])[0]
        width = 2.0 ** (step / _WIDTHS_PER_OCTAVE)
        side = 2 * int(np.ceil(4 * width)) + 1
        if width > 0.25:
            image = cv2.GaussianBlur(image, (side, side), width, borderType=cv2.BORDER_CONSTANT)
        total += image[margin : margin + n_pixels, margin : margin + n_pixels]
    return total

"""The axis that cross-sections are inferred on: about logarithmic, with zero at its end."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_STEPS = 200
"""Steps of the grid, shared among the gaps between classes in proportion to their lengths."""


@dataclass(frozen=True)
class CrossSectionAxis:
    r"""Cross-sections from the lowest class to the highest, and their coordinate.

    The coordinate :math:`\log(1 + \sigma/\sigma_0)` is linear in :math:`\sigma` well below :math:`\sigma_0`
    and logarithmic well above, so that zero is a point like any other.

    Parameters
    ----------
    nodes : ndarray of shape (n_classes,)
        Cross-sections of the classes, ascending, cm2/g.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference.axis import CrossSectionAxis
    >>> axis = CrossSectionAxis(np.array([0.0, 0.1, 1.0]))
    >>> axis.scale, axis.interpolate([0.0, 0.5, 1.0], at=[0.05, 0.1, 3.0]).round(2).tolist()
    (0.1, [0.29, 0.5, 1.0])
    """

    nodes: np.ndarray

    @property
    def scale(self):
        """Lowest cross-section of a class above zero, cm2/g; σ_0 above."""
        return float(self.nodes[self.nodes > 0][0])

    @cached_property
    def grid(self):
        """Cross-sections of the grid, cm2/g; every class is one of them."""
        ends = self.position(self.nodes)
        n_steps = np.maximum(np.round(_STEPS * np.diff(ends) / (ends[-1] - ends[0])), 4).astype(int)
        gaps = [
            np.linspace(low, high, n, endpoint=False)
            for low, high, n in zip(ends[:-1], ends[1:], n_steps, strict=True)
        ]
        grid = self.cross_section(np.concatenate([*gaps, ends[-1:]]))
        grid[np.append(0, np.cumsum(n_steps))] = self.nodes  # exact, not to rounding
        return grid

    @cached_property
    def cells(self):
        """Lengths on the axis that the points of the grid stand for, by the trapezoidal rule."""
        steps = np.diff(self.position(self.grid))
        return (np.append(steps, 0) + np.append(0, steps)) / 2

    @cached_property
    def node_rows(self):
        """Rows of the grid that the classes are."""
        return np.searchsorted(self.grid, self.nodes)

    def position(self, cross_sections, scale=None):
        """Return the coordinate of cross-sections (cm2/g), with another scale than the axis' own if given."""
        return np.log1p(np.asarray(cross_sections) / (self.scale if scale is None else scale))

    def cross_section(self, position):
        """Return the cross-sections (cm2/g) of coordinates, the inverse of :meth:`position`."""
        return self.scale * np.expm1(position)

    def interpolate(self, values, *, at=None, scale=None):
        """Interpolate linearly between classes.

        Parameters
        ----------
        values : array-like of shape (..., n_classes)
            Values at the classes; beyond them the last one holds.
        at : array-like of shape (n_points,) or None, default=None
            Cross-sections in cm2/g; None for the grid.
        scale : float or None, default=None
            What to use in place of the axis' own, cm2/g.

        Returns
        -------
        ndarray of shape (..., n_points)
            Values at these cross-sections.
        """
        at = self.grid if at is None else at
        nodes = self.position(self.nodes, scale)
        # One column for each class: what a 1 there and 0 elsewhere becomes.
        columns = [np.interp(self.position(at, scale), nodes, unit) for unit in np.eye(len(nodes))]
        return np.asarray(values) @ np.array(columns)

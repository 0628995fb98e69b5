"""Axis for the inference of cross-sections: approximately logarithmic, including zero."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_N_STEPS = 200
"""Number of grid steps, divided among the gaps between classes in proportion to their lengths."""


@dataclass(frozen=True)
class CrossSectionAxis:
    r"""Cross-section axis from the lowest class to the highest, and its coordinate.

    The coordinate :math:`\log(1 + \sigma/\sigma_0)` is linear in :math:`\sigma` well below :math:`\sigma_0`
    and logarithmic well above, so that it is finite at zero.

    Parameters
    ----------
    nodes : ndarray of shape (n_classes,)
        Cross-sections of the classes, ascending, cm2/g.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference.axis import CrossSectionAxis
    >>> axis = CrossSectionAxis(np.array([0.0, 0.1, 1.0]))
    >>> axis.scale, axis.grid[axis.node_rows].tolist()
    (0.1, [0.0, 0.1, 1.0])
    """

    nodes: np.ndarray

    @property
    def scale(self):
        """Lowest positive cross-section of a class, cm2/g; σ_0 in the formula."""
        return float(self.nodes[self.nodes > 0][0])

    @cached_property
    def grid(self):
        """Cross-sections of the grid, cm2/g, including all classes."""
        ends = self.position(self.nodes)
        n_steps = np.maximum(np.round(_N_STEPS * np.diff(ends) / (ends[-1] - ends[0])), 4).astype(int)
        gaps = [
            np.linspace(low, high, n, endpoint=False)
            for low, high, n in zip(ends[:-1], ends[1:], n_steps, strict=True)
        ]
        grid = self.cross_section(np.concatenate([*gaps, ends[-1:]]))
        grid[np.append(0, np.cumsum(n_steps))] = self.nodes  # exactly, without rounding
        return grid

    @cached_property
    def cells(self):
        """Integration weights of the grid points on the axis, by the trapezoidal rule."""
        steps = np.diff(self.position(self.grid))
        return (np.append(steps, 0) + np.append(0, steps)) / 2

    @cached_property
    def node_rows(self):
        """Grid indices of the classes."""
        return np.searchsorted(self.grid, self.nodes)

    def position(self, cross_sections):
        """Convert cross-sections (cm2/g) to coordinates."""
        return np.log1p(np.asarray(cross_sections) / self.scale)

    def cross_section(self, position):
        """Convert coordinates to cross-sections (cm2/g), the inverse of :meth:`position`."""
        return self.scale * np.expm1(position)

    def interpolate(self, values):
        """Interpolate values at the classes linearly to the grid.

        Parameters
        ----------
        values : array-like of shape (..., n_classes)
            Values at the classes.

        Returns
        -------
        ndarray of shape (..., n_grid)
            Values.
        """
        position, nodes = self.position(self.grid), self.position(self.nodes)
        # One column for each class: the interpolation of its unit vector.
        columns = [np.interp(position, nodes, unit) for unit in np.eye(len(nodes))]
        return np.asarray(values) @ np.array(columns)

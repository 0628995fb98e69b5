"""A probability density along an axis: its quantiles, its intervals and whether it ends anywhere."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

_OVERSAMPLING = 20


@dataclass(frozen=True)
class Density:
    """A probability density, linear between the points of a grid.

    Parameters
    ----------
    position : ndarray of shape (n_grid,)
        Points, ascending.
    values : ndarray of shape (n_grid,)
        Densities there.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.inference.density import Density
    >>> rising = Density(np.linspace(0, 1, 11), 2 * np.linspace(0, 1, 11))
    >>> round(float(rising.quantile(0.25)), 2), [round(float(end), 2) for end in rising.interval(0.75)]
    (0.5, [0.5, 1.0])
    """

    position: np.ndarray
    values: np.ndarray

    @cached_property
    def _fine(self):
        """Points, densities and probabilities of a finer grid."""
        coarse = np.arange(len(self.position))
        fine = np.linspace(0, coarse[-1], _OVERSAMPLING * coarse[-1] + 1)
        position = np.interp(fine, coarse, self.position)
        steps = np.diff(position)
        values = np.interp(fine, coarse, self.values)
        mass = values * (np.append(steps, 0) + np.append(0, steps)) / 2
        return position, values, mass / mass.sum()

    def quantile(self, level):
        """Return the point below which this part of the probability is."""
        position, _, mass = self._fine
        return np.interp(level, np.cumsum(mass) - mass / 2, position)

    def interval(self, level):
        """Return the first and the last point of where the density is highest and holds this probability."""
        position, values, mass = self._fine
        order = np.argsort(-values, kind="stable")
        lowest = values[order[np.searchsorted(np.cumsum(mass[order]), level)]]
        inside = position[values >= lowest * (1 - 1e-6)]  # all of a plateau, not its beginning
        return inside[0], inside[-1]

    def reaches(self, end, level):
        """Return whether the density at an end, 0 or -1, is too near that of the peak to exclude this end.

        A normal density is exp(-z^2 / 2) of its peak where `level` is on one side of it.
        """
        return self.values[end] > self.values.max() * np.exp(-(ndtri(level) ** 2) / 2)

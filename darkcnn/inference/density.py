"""Probability density on an axis: quantiles and intervals."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

_OVERSAMPLING = 20


@dataclass(frozen=True)
class Density:
    """Probability density, linear between grid points.

    Parameters
    ----------
    position : ndarray of shape (n_grid,)
        Points, ascending.
    values : ndarray of shape (n_grid,)
        Density at these points.

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
        """Points, densities and probabilities on a finer grid."""
        coarse = np.arange(len(self.position))
        fine = np.linspace(0, coarse[-1], _OVERSAMPLING * coarse[-1] + 1)
        position = np.interp(fine, coarse, self.position)
        steps = np.diff(position)
        values = np.interp(fine, coarse, self.values)
        mass = values * (np.append(steps, 0) + np.append(0, steps)) / 2
        return position, values, mass / mass.sum()

    @cached_property
    def _cumulative(self):
        """Probability below each edge between the points of the finer grid, 0 first."""
        return np.append(0, np.cumsum(self._fine[2]))

    def quantile(self, level):
        """Return the quantile of a probability."""
        position, _, mass = self._fine
        return np.interp(level, self._cumulative[1:] - mass / 2, position)

    def below(self, point):
        """Return the probability below a point."""
        position, *_ = self._fine
        edges = np.concatenate([position[:1], (position[1:] + position[:-1]) / 2, position[-1:]])
        return np.minimum(np.interp(point, edges, self._cumulative), 1)

    def interval(self, level):
        """Return the ends of the shortest interval with this probability, with plateaus included."""
        position, values, mass = self._fine
        below = self._cumulative
        first = np.flatnonzero(below[:-1] + level <= below[-1] + 1e-9)
        last = np.minimum(np.searchsorted(below, below[first] + level - 1e-9), len(mass)) - 1
        shortest = np.argmin(position[last] - position[first])
        first, last = first[shortest], last[shortest]
        lower = values < min(values[first], values[last]) * (1 - 1e-6)
        lower = np.flatnonzero(np.concatenate([[True], lower, [True]])) - 1  # beyond the ends as well
        return position[lower[lower < first][-1] + 1], position[lower[lower > last][0] - 1]

    def reaches(self, end, level):
        """Return whether the density at an end, 0 or -1, is too high to exclude this end.

        The threshold is exp(-z^2 / 2) of the peak, where `level` is the probability of a normal variable
        below z.
        """
        return self.values[end] > self.values.max() * np.exp(-(ndtri(level) ** 2) / 2)

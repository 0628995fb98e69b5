"""Redshifts of the galaxies behind clusters, as believed and in truth."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

_MAX_OUTLIER_REDSHIFT = 3.0
"""Outliers have any redshift up to this one with the same probability: a guess."""

_BIN_CENTERS = (np.arange(32) + 0.5) / 32


class Sources(NamedTuple):
    """Galaxies that are believed at one redshift; parameters as of :class:`WeakLensingNoise`."""

    redshift: float
    bias: float
    scatter: float
    outliers: float

    @property
    def true_redshift(self):
        """Redshift without scatter: the bias b is (believed - true) / (1 + true)."""
        return (1 + self.redshift) / (1 + self.bias) - 1

    def check(self, lenses, cluster_ids):
        """Refuse clusters that are not in front of the galaxies."""
        row = int(np.argmax(lenses.redshift))
        if lenses.redshift[row] >= min(self.redshift, self.true_redshift):
            raise ValueError(
                f"source_redshift={self.redshift} with photo_z_bias={self.bias} must put the galaxies behind "
                f"every cluster, got one at redshift {lenses.redshift[row]:g} (cluster_id {cluster_ids[row]})"
            )

    def critical_densities(self, lenses):
        """Return the critical surface density that is assumed, and the true one, in Msun / Mpc2."""
        assumed = lenses.efficiency(self.redshift)
        return lenses.critical_density(assumed), lenses.critical_density(self._mean_efficiency(lenses))

    def _mean_efficiency(self, lenses):
        """Return the mean efficiency of the galaxies, to which the mean of their shear is proportional.

        The reduced shear has terms in the mean squared efficiency as well (Seitz & Schneider 1997), which are
        left out.
        """
        redshift = self.true_redshift
        if not self.scatter and not self.outliers:
            return lenses.efficiency(redshift)
        scattered = np.maximum(redshift + self.scatter * (1 + redshift) * norm.ppf(_BIN_CENTERS), 1e-3)
        of_scattered, of_outliers = (
            # Along the last axis, which adds up the values of a lens alike, whatever the others.
            np.ascontiguousarray(lenses.efficiency(redshifts[:, np.newaxis]).T).mean(axis=-1)
            for redshifts in (scattered, _MAX_OUTLIER_REDSHIFT * _BIN_CENTERS)
        )
        return (1 - self.outliers) * of_scattered + self.outliers * of_outliers

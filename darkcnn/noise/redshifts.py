"""Assumed and true redshifts of source galaxies."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

_MAX_OUTLIER_REDSHIFT = 3.0
"""Outlier redshifts are uniform between 0 and this value (a guess)."""

_BIN_CENTERS = (np.arange(32) + 0.5) / 32


class Sources(NamedTuple):
    """Source galaxies at one assumed redshift; parameters as in :class:`WeakLensingNoise`."""

    redshift: float
    bias: float
    scatter: float
    outliers: float

    @property
    def true_redshift(self):
        """True redshift without scatter: the bias b is (assumed - true) / (1 + true)."""
        return (1 + self.redshift) / (1 + self.bias) - 1

    def check(self, lenses, cluster_ids):
        """Check that all clusters are in front of the sources."""
        row = int(np.argmax(lenses.redshift))
        if lenses.redshift[row] >= min(self.redshift, self.true_redshift):
            raise ValueError(
                f"source_redshift={self.redshift} with photo_z_bias={self.bias} must be behind every "
                f"cluster, got one at redshift {lenses.redshift[row]:g} (cluster_id {cluster_ids[row]})"
            )

    def critical_densities(self, lenses):
        """Return the assumed and the true critical surface density, in Msun / Mpc2."""
        assumed = lenses.efficiency(self.redshift)
        return lenses.critical_density(assumed), lenses.critical_density(self._mean_efficiency(lenses))

    def _mean_efficiency(self, lenses):
        """Return the mean lensing efficiency of the sources, which determines their mean shear.

        Terms of the reduced shear in the mean squared efficiency (Seitz & Schneider 1997) are neglected.
        """
        redshift = self.true_redshift
        if not self.scatter and not self.outliers:
            return lenses.efficiency(redshift)
        scattered = np.maximum(redshift + self.scatter * (1 + redshift) * norm.ppf(_BIN_CENTERS), 1e-3)
        of_scattered, of_outliers = (
            # Contiguous along the last axis, so that the sum for a lens does not depend on the others.
            np.ascontiguousarray(lenses.efficiency(redshifts[:, np.newaxis]).T).mean(axis=-1)
            for redshifts in (scattered, _MAX_OUTLIER_REDSHIFT * _BIN_CENTERS)
        )
        return (1 - self.outliers) * of_scattered + self.outliers * of_outliers

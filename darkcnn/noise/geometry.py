"""Distances, angles and lensing efficiencies of clusters."""

import math

import numpy as np
from astropy.constants import c
from astropy.units import km, kpc, s

from darkcnn.cosmology import BAHAMAS, GRAVITY
from darkcnn.records import FIELD_SIZE

_ARCMIN_PER_RADIAN = 180 * 60 / math.pi
_KPC2_PER_MPC2 = 1e6


_LIGHT_SPEED = c.to_value(km / s)


class Lenses:
    """Lenses at positive redshifts, with distances in kpc that are computed once.

    `comoving` are transverse comoving distances, `angular` angular diameter distances. The default cosmology
    is :data:`darkcnn.cosmology.BAHAMAS`.
    """

    def __init__(self, redshift, cosmology=None):
        self.redshift = np.asarray(redshift, dtype=float)
        self.cosmology = BAHAMAS if cosmology is None else cosmology
        self.comoving = self._comoving(self.redshift)
        self.angular = self.comoving / (1 + self.redshift)

    def _comoving(self, redshift):
        return self.cosmology.comoving_transverse_distance(redshift).to_value(kpc)

    def pixel_side(self, n_pixels):
        """Return the angular size of a pixel, in arcmin, for maps of `n_pixels`."""
        return FIELD_SIZE / n_pixels / self.angular * _ARCMIN_PER_RADIAN

    def efficiency(self, z_source):
        r"""Return the lensing efficiency :math:`D_{ls} / D_s`; 0 for sources in front of the lens.

        Computed from transverse comoving distances, also for a curved universe (Hogg 1999, astro-ph/9905116,
        eq. 19).
        """
        to_source = self._comoving(np.asarray(z_source, dtype=float))
        curvature = float(self.cosmology.Ok0) / self.cosmology.hubble_distance.to_value(kpc) ** 2
        # The factor 1 / (1 + z_source) of both distances cancels.
        behind = np.sqrt(1 + curvature * self.comoving**2)
        return np.maximum(behind - self.comoving * np.sqrt(1 / to_source**2 + curvature), 0)

    def critical_density(self, efficiency):
        """Return the critical surface density in Msun / Mpc2 for a lensing efficiency."""
        per_angle = _LIGHT_SPEED**2 / (4 * math.pi * GRAVITY)
        return per_angle / (self.angular * efficiency) * _KPC2_PER_MPC2


def critical_surface_density(z_lens, z_source, cosmology=None):
    r"""Compute the critical surface density of gravitational lensing.

    :math:`\Sigma_{crit} = \frac{c^2}{4 \pi G} \frac{D_s}{D_l D_{ls}}` with angular diameter distances
    (Bartelmann & Schneider 2001, Phys. Rep. 340, 291). The convergence is the surface density over it.

    Parameters
    ----------
    z_lens : array-like
        Redshift of the lens, above 0.
    z_source : array-like
        Redshift of the source galaxies.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology; None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray
        Critical surface density in Msun / Mpc2.

    Raises
    ------
    ValueError
        If a lens is not at positive redshift or not in front of its source.

    Examples
    --------
    >>> from darkcnn.noise import critical_surface_density
    >>> print(f"{critical_surface_density(0.3, 2.0):.3g}")
    2.33e+15
    """
    z_lens, z_source = np.asarray(z_lens, dtype=float), np.asarray(z_source, dtype=float)
    if not np.all(z_lens > 0):
        raise ValueError(f"z_lens must be above 0, got {z_lens.min()}")
    if not np.all(z_source > z_lens):
        raise ValueError(f"z_source must be above z_lens, got {z_source.min()} for a lens at {z_lens.max()}")
    lenses = Lenses(z_lens, cosmology)
    return lenses.critical_density(lenses.efficiency(z_source))

"""Distances to clusters: how large they look, and how strongly they bend light."""

import math

import numpy as np

from darkcnn.cosmology import BAHAMAS, GRAVITY
from darkcnn.records import FIELD_SIZE

SPEED_OF_LIGHT = 299792.458
"""In km/s."""

_ARCMIN_PER_RADIAN = 180 * 60 / math.pi
_KPC2_PER_MPC2 = 1e6


def comoving_distance(redshift):
    """Return the comoving distance in kpc.

    Parameters
    ----------
    redshift : array-like
        Redshifts, any shape.

    Returns
    -------
    ndarray
        Distances in kpc, of the same shape.

    Examples
    --------
    >>> from darkcnn.noise.geometry import comoving_distance
    >>> print(comoving_distance(1.0).round())
    3345421.0
    """
    return BAHAMAS.comoving_distance(redshift).to_value("kpc")


def pixel_side(redshift, n_pixels):
    """Return the angle that a pixel of a map spans, in arcmin.

    Parameters
    ----------
    redshift : array-like
        Redshifts, above 0.
    n_pixels : int
        Pixels along the side of the map.

    Returns
    -------
    ndarray
        Angles in arcmin.
    """
    redshift = np.asarray(redshift, dtype=float)
    angular_diameter_distance = comoving_distance(redshift) / (1 + redshift)
    return FIELD_SIZE / n_pixels / angular_diameter_distance * _ARCMIN_PER_RADIAN


def critical_surface_density(z_lens, z_source):
    r"""Return the surface density above which a lens bends light enough for several images.

    :math:`\Sigma_{crit} = \frac{c^2}{4 \pi G} \frac{D_s}{D_l D_{ls}}` with angular diameter distances
    (Bartelmann & Schneider 2001, eq. 3.7). A surface density over it is the convergence.

    Parameters
    ----------
    z_lens : array-like
        Redshift of the lens, above 0.
    z_source : array-like
        Redshift of the galaxies behind it.

    Returns
    -------
    ndarray
        Critical surface density in Msun / Mpc2.

    Raises
    ------
    ValueError
        If a lens is at redshift 0 or below, or not in front of its source.

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
    to_lens, to_source = comoving_distance(z_lens), comoving_distance(z_source)
    # The factors 1 + z_source of D_s and D_ls cancel; in a flat universe, comoving distances subtract.
    ratio = to_source / (to_lens / (1 + z_lens) * (to_source - to_lens))
    return SPEED_OF_LIGHT**2 / (4 * math.pi * GRAVITY) * ratio * _KPC2_PER_MPC2

"""Distances to clusters: angles and lensing strength."""

import math

import numpy as np

from darkcnn.cosmology import BAHAMAS, GRAVITY
from darkcnn.records import FIELD_SIZE

SPEED_OF_LIGHT = 299792.458
"""In km/s."""

_ARCMIN_PER_RADIAN = 180 * 60 / math.pi
_KPC2_PER_MPC2 = 1e6


def transverse_distance(redshift, cosmology=None):
    """Return the transverse comoving distance in kpc.

    Parameters
    ----------
    redshift : array-like
        Redshifts, any shape.
    cosmology : astropy.cosmology.FLRW or None, default=None
        None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray
        Distances in kpc, of the same shape.

    Examples
    --------
    >>> from darkcnn.noise.geometry import transverse_distance
    >>> print(transverse_distance(1.0).round())
    3345421.0
    """
    cosmology = BAHAMAS if cosmology is None else cosmology
    return cosmology.comoving_transverse_distance(redshift).to_value("kpc")


def pixel_side(redshift, n_pixels, cosmology=None):
    """Return the angle that a pixel of a map spans, in arcmin.

    Parameters
    ----------
    redshift : array-like
        Redshifts, above 0.
    n_pixels : int
        Pixels along the side of the map.
    cosmology : astropy.cosmology.FLRW or None, default=None
        None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray
        Angles in arcmin.
    """
    redshift = np.asarray(redshift, dtype=float)
    angular_diameter_distance = transverse_distance(redshift, cosmology) / (1 + redshift)
    return FIELD_SIZE / n_pixels / angular_diameter_distance * _ARCMIN_PER_RADIAN


def lensing_efficiency(z_lens, z_source, cosmology=None):
    r"""Return the ratio of distances :math:`D_{ls} / D_s` that the shear of a source is proportional to.

    With :math:`D_{ls}` from transverse comoving distances in a curved universe as well (Hogg 1999,
    astro-ph/9905116, eq. 19).

    Parameters
    ----------
    z_lens, z_source : array-like
        Redshifts, of shapes that broadcast.
    cosmology : astropy.cosmology.FLRW or None, default=None
        None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray
        Ratio between 0 and 1; 0 for sources that are not behind the lens.
    """
    cosmology = BAHAMAS if cosmology is None else cosmology
    to_lens, to_source = transverse_distance(z_lens, cosmology), transverse_distance(z_source, cosmology)
    curvature = float(cosmology.Ok0) / cosmology.hubble_distance.to_value("kpc") ** 2
    # The factor 1 / (1 + z_source) of both distances cancels.
    ratio = np.sqrt(1 + curvature * to_lens**2) - to_lens / to_source * np.sqrt(1 + curvature * to_source**2)
    return np.maximum(ratio, 0)


def critical_surface_density(z_lens, z_source, cosmology=None):
    r"""Return the surface density above which a lens bends light enough for several images.

    :math:`\Sigma_{crit} = \frac{c^2}{4 \pi G} \frac{D_s}{D_l D_{ls}}` with angular diameter distances
    (Bartelmann & Schneider 2001, Phys. Rep. 340, 291). A surface density over it is the convergence.

    Parameters
    ----------
    z_lens : array-like
        Redshift of the lens, above 0.
    z_source : array-like
        Redshift of the galaxies behind it.
    cosmology : astropy.cosmology.FLRW or None, default=None
        None for :data:`darkcnn.cosmology.BAHAMAS`.

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
    return critical_of_efficiency(z_lens, lensing_efficiency(z_lens, z_source, cosmology), cosmology)


def critical_of_efficiency(z_lens, efficiency, cosmology=None):
    """Return the critical surface density for a ratio of distances, see `critical_surface_density`.

    Parameters
    ----------
    z_lens : ndarray
        Redshift of the lens, above 0.
    efficiency : ndarray
        Ratio of the distances from the lens and from here to the sources, or its mean over the sources.
    cosmology : astropy.cosmology.FLRW or None, default=None
        None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ndarray
        Critical surface density in Msun / Mpc2.
    """
    to_lens = transverse_distance(z_lens, cosmology) / (1 + z_lens)
    return SPEED_OF_LIGHT**2 / (4 * math.pi * GRAVITY) / (to_lens * efficiency) * _KPC2_PER_MPC2

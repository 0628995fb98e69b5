"""Sky positions relative to a cluster, in proper kpc to the west and north."""

import numpy as np
from astropy.units import Quantity

from darkcnn.cosmology import BAHAMAS


def sky_position(position, argument):
    """Return right ascension and declination in degrees.

    Parameters
    ----------
    position : (float, float) or astropy.coordinates.SkyCoord
        Position; numbers are degrees.
    argument : str
        Name of the argument, for the error message.

    Returns
    -------
    ra, dec : float
        Right ascension and declination, degrees.
    """
    if hasattr(position, "icrs"):
        position = position.icrs.ra.deg, position.icrs.dec.deg
    ra, dec = (float(each.to_value("deg") if isinstance(each, Quantity) else each) for each in position)
    if not (-360 <= ra <= 360 and -90 < dec < 90):
        raise ValueError(f"{argument} must be right ascension and declination in degrees, got {(ra, dec)}")
    return ra, dec


def offsets_kpc(ra, dec, center, redshift, cosmology=None):
    """Project positions to the tangent plane at a cluster.

    Gnomonic projection (Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3).

    Parameters
    ----------
    ra, dec : ndarray of shape (n_positions,)
        Positions, degrees.
    center : (float, float) or astropy.coordinates.SkyCoord
        Position of the cluster, degrees.
    redshift : float
        Redshift of the cluster.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for the distance. None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    x, y : ndarray of shape (n_positions,)
        Proper kpc to the west and north; NaN on the opposite side of the sky.
    """
    ra0, dec0 = np.deg2rad(sky_position(center, "center"))
    ra, dec = np.deg2rad(np.asarray(ra, dtype=float)), np.deg2rad(np.asarray(dec, dtype=float))
    towards = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra - ra0)
    with np.errstate(divide="ignore", invalid="ignore"):
        east = np.where(towards > 0, np.cos(dec) * np.sin(ra - ra0) / towards, np.nan)
        north = np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra - ra0)
        north = np.where(towards > 0, north / towards, np.nan)
    distance = kpc_per_radian(redshift, cosmology)
    return -east * distance, north * distance


def kpc_per_radian(redshift, cosmology=None):
    """Return the angular diameter distance, kpc."""
    if not 0 < redshift < 10:
        raise ValueError(f"redshift must be above 0 and below 10, got {redshift}")
    cosmology = BAHAMAS if cosmology is None else cosmology
    return float(cosmology.angular_diameter_distance(float(redshift)).to_value("kpc"))

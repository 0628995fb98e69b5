"""Fields of a cluster record, with types and units."""

import numpy as np

from darkcnn._common.maps import MAPS

NORMS = ("lensing_norm", "xray_norm", "stellar_norm")
"""Peak of each map of `MAPS`, by which it is divided."""

NORM_UNITS = {
    "lensing_norm": "solMass Mpc-2",
    "xray_norm": "erg s-1 cm-2 arcmin-2",
    "stellar_norm": "solMass Mpc-2",
}
"""Unit of each norm, in FITS notation."""

SCALARS = {
    "lensing_norm": np.float64,
    "xray_norm": np.float64,
    "stellar_norm": np.float64,
    "redshift": np.float32,
    "log_mass": np.float32,
    "xray_concentration": np.float32,
    "bcg_stellar_concentration": np.float32,
    "bcg_e1": np.float32,
    "bcg_e2": np.float32,
    "cluster_id": np.int64,
}
"""Scalar fields of a record, with their types."""

FWHM_PER_DEVIATION = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian over its standard deviation."""

FIELD_SIZE = 2000.0
"""Side of a map, in kpc."""

GALAXY_DTYPE = np.dtype(
    [
        ("row", np.int64),
        ("x", np.float32),
        ("y", np.float32),
        ("z", np.float32),
        ("m200", np.float32),
        ("mstar_30", np.float32),
        ("mstar_100", np.float32),
    ]
)
"""Table of the member galaxies of all clusters.

``row``: index of the record of the galaxy; ``x``, ``y``: position from the left and the
bottom edge of the map, kpc; ``z``: depth, kpc; ``m200``, ``mstar_30``, ``mstar_100``: log10 of the total
mass and of the stellar mass within 30 and 100 kpc, Msun.
"""


def record_dtype(n_pixels):
    """Return the dtype of a record with maps of `n_pixels` × `n_pixels`.

    Parameters
    ----------
    n_pixels : int
        Height and width of the maps, in pixels.

    Returns
    -------
    numpy.dtype
        ``total``, ``xray``, ``stellar``: maps with peak 1, float32 (height, width).
        ``lensing_norm``: peak of ``total``, Msun / Mpc2.
        ``xray_norm``: peak of ``xray``, erg / s / cm2 / arcmin2.
        ``stellar_norm``: peak of ``stellar``, Msun / Mpc2 (NaN if unknown).
        ``redshift``: dimensionless.
        ``log_mass``: log10 of M200 in Msun.
        ``xray_concentration``: S(<100 kpc) / S(<400 kpc); above 0.2 the cluster is relaxed.
        ``bcg_stellar_concentration``: stellar mass within 30 kpc over that within 100 kpc.
        ``bcg_e1``, ``bcg_e2``: components of the ellipticity of the brightest cluster galaxy.
        ``cluster_id``: halo, shared by all its snapshots, projections and dark-matter models.

    Examples
    --------
    >>> from darkcnn.records import record_dtype
    >>> record_dtype(50)["total"].shape
    (50, 50)
    """
    maps = [(name, np.float32, (n_pixels, n_pixels)) for name in MAPS]
    return np.dtype(maps + list(SCALARS.items()))

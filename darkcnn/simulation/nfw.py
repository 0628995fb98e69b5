r"""NFW density profile of cold dark matter, :math:`\rho = \rho_s / (x (1 + x)^2)` with x = r / r_s.

Navarro, Frenk & White (1997). Radii are in units of the scale radius r_s, densities in units of rho_s.
"""

import numpy as np

LOG_RADII = np.linspace(np.log(1e-3), np.log(50.0), 300)
"""ln(R / r_s) of the tables of projected profiles."""


def density(x):
    """Return the density in units of rho_s."""
    return 1 / (x * (1 + x) ** 2)


def enclosed_mass(x):
    """Return the enclosed mass in units of 4 pi rho_s r_s^3."""
    return np.log1p(x) - x / (1 + x)


def surface_density(x):
    r"""Return the surface density in units of rho_s r_s.

    Wright & Brainerd (2000), eq. 11.

    Parameters
    ----------
    x : array-like of shape (n_radii,)
        Projected radius divided by the scale radius, positive.

    Returns
    -------
    ndarray of shape (n_radii,)
        Surface density over rho_s r_s.

    Examples
    --------
    >>> from darkcnn.simulation.nfw import surface_density
    >>> surface_density([0.5, 1.0, 2.0]).round(4)
    array([1.3885, 0.6667, 0.2636])
    """
    x = np.atleast_1d(np.asarray(x, dtype=float))
    at_scale_radius = 2 / 3
    result = np.full_like(x, at_scale_radius)
    inner, outer = x < 1 - 1e-6, x > 1 + 1e-6
    for side, arc in ((inner, np.arctanh), (outer, np.arctan)):
        y = x[side]
        root = np.sqrt(np.abs(1 - y**2))
        angle = 2 * arc(np.sqrt(np.abs(1 - y) / (1 + y))) / root
        result[side] = 2 * (1 - angle) / (y**2 - 1)
    return result


SURFACE_DENSITY = surface_density(np.exp(LOG_RADII))
"""`surface_density` at `LOG_RADII`."""

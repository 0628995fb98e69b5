"""Cosmology of the mock clusters, and the units they are computed in: kpc, Msun, km/s and Gyr."""

import math

GRAVITY = 4.30091e-6
"""Newton's constant, kpc (km/s)2 / Msun."""

KPC_PER_GYR = 1.02271
"""A speed of one km/s in kpc/Gyr."""

CM2_PER_GRAM = 2.0886e-10
"""A cross-section per mass of one cm2/g in kpc2/Msun."""

CM_PER_KPC = 3.0857e21
"""A kpc in cm."""

# WMAP9, the cosmology of the BAHAMAS simulations (McCarthy et al. 2017).
HUBBLE = 0.070
"""Hubble constant, (km/s) / kpc."""

MATTER_FRACTION = 0.2793
"""Density of all matter over the critical density today."""

BARYON_FRACTION = 0.0463 / MATTER_FRACTION
"""Share of the baryons in all matter."""


def expansion_squared(redshift):
    """Return the squared Hubble rate over today's, E(z)^2 of a flat universe."""
    return MATTER_FRACTION * (1 + redshift) ** 3 + 1 - MATTER_FRACTION


def critical_density(redshift):
    """Return the critical density 3 H(z)^2 / (8 pi G) in Msun/kpc3."""
    return 3 * HUBBLE**2 * expansion_squared(redshift) / (8 * math.pi * GRAVITY)


def matter_density(redshift):
    """Return the mean density of all matter in Msun/kpc3."""
    return critical_density(0) * MATTER_FRACTION * (1 + redshift) ** 3


def cosmic_time(redshift):
    r"""Return the age of the universe in Gyr.

    In a flat universe without radiation, :math:`H_0 t = \frac{2}{3 \sqrt{\Omega_\Lambda}}
    \sinh^{-1} \sqrt{\Omega_\Lambda / \Omega_m (1 + z)^3}` (Peebles 1993, eq. 13.20).

    Examples
    --------
    >>> from darkcnn.cosmology import cosmic_time
    >>> round(cosmic_time(0), 2)
    13.74
    """
    dark_energy = 1 - MATTER_FRACTION
    growth = math.asinh(math.sqrt(dark_energy / MATTER_FRACTION) * (1 + redshift) ** -1.5)
    return 2 * growth / (3 * math.sqrt(dark_energy) * HUBBLE * KPC_PER_GYR)


def virial_velocity(mass, redshift):
    r"""Return the circular velocity of a halo at its virial radius in km/s.

    :math:`v = \sqrt{G M / r}`, where the mean density within r is :math:`18 \pi^2 + 82 x - 39 x^2` times the
    critical, :math:`x = \Omega_m(z) - 1` (Bryan & Norman 1998, eq. 6).

    Parameters
    ----------
    mass : float or ndarray
        Mass within the virial radius, Msun.
    redshift : float or ndarray
        Redshift.

    Examples
    --------
    >>> from darkcnn.cosmology import virial_velocity
    >>> round(virial_velocity(1e15, redshift=0))
    1283
    """
    x = MATTER_FRACTION * (1 + redshift) ** 3 / expansion_squared(redshift) - 1
    density = (18 * math.pi**2 + 82 * x - 39 * x**2) * critical_density(redshift)
    radius = (3 * mass / (4 * math.pi * density)) ** (1 / 3)
    return (GRAVITY * mass / radius) ** 0.5

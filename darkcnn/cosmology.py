"""The cosmology of the mock clusters, and their units: kpc, Msun, km/s and Gyr."""

from astropy.constants import G
from astropy.cosmology import FlatLambdaCDM
from astropy.units import Unit

GRAVITY = G.to_value("kpc km2 / (s2 Msun)")
"""Newton's constant, kpc (km/s)2 / Msun."""

KPC_PER_GYR = Unit("km/s").to("kpc/Gyr")
"""A speed of one km/s in kpc/Gyr."""

CM2_PER_GRAM = Unit("cm2/g").to("kpc2/Msun")
"""A cross-section per mass of one cm2/g in kpc2/Msun."""

CM_PER_KPC = Unit("kpc").to("cm")
"""A kpc in cm."""

BAHAMAS = FlatLambdaCDM(H0=70.0, Om0=0.2793, Ob0=0.0463, name="BAHAMAS")
"""Cosmology of the BAHAMAS simulations (McCarthy et al. 2017), the default everywhere.

They took it from WMAP9, but its numbers differ from those of ``astropy.cosmology.WMAP9``.
"""

"""Default cosmology, cosmological quantities and units (kpc, Msun, km/s, Gyr)."""

from typing import NamedTuple

from astropy.constants import G
from astropy.cosmology import FlatLambdaCDM
from astropy.units import Unit

GRAVITY = G.to_value("kpc km2 / (s2 Msun)")
"""Gravitational constant, kpc (km/s)2 / Msun."""

KPC_PER_GYR = Unit("km/s").to("kpc/Gyr")
"""One km/s in kpc/Gyr."""

CM2_PER_GRAM = Unit("cm2/g").to("kpc2/Msun")
"""One cm2/g in kpc2/Msun."""

CM_PER_KPC = Unit("kpc").to("cm")
"""One kpc in cm."""

BAHAMAS = FlatLambdaCDM(H0=70.0, Om0=0.2793, Ob0=0.0463, name="BAHAMAS")
"""Default cosmology: that of the BAHAMAS simulations (McCarthy et al. 2017).

Based on WMAP9, but with other numbers than ``astropy.cosmology.WMAP9``.
"""


class Epoch(NamedTuple):
    """Cosmological quantities at one redshift, computed once because astropy is slow.

    Attributes
    ----------
    redshift : float
        Redshift.
    critical_density, matter_density : float
        Critical density and mean matter density, Msun/kpc3.
    age : float
        Age of the universe, Gyr.
    expansion : float
        Hubble parameter relative to today.
    dark_fraction : float
        Fraction of matter that is dark matter.
    """

    redshift: float
    critical_density: float
    matter_density: float
    age: float
    expansion: float
    dark_fraction: float

    @classmethod
    def at_redshift(cls, redshift, cosmology=BAHAMAS):
        """Compute the quantities at a redshift in an `astropy.cosmology.FLRW`."""
        density = cosmology.critical_density(redshift).to_value("Msun/kpc3")
        age, expansion = cosmology.age(redshift).to_value("Gyr"), cosmology.efunc(redshift)
        dark_fraction = 1 - cosmology.Ob0 / cosmology.Om0
        # Python floats: NumPy floats would make float32 maps float64.
        return cls(
            *map(float, (redshift, density, cosmology.Om(redshift) * density, age, expansion, dark_fraction))
        )

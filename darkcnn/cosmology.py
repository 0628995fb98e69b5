"""The cosmology of the mock clusters, and their units: kpc, Msun, km/s and Gyr."""

from typing import NamedTuple

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


class Epoch(NamedTuple):
    """A redshift in a cosmology: what the mock clusters need of it, computed once because astropy is slow.

    Attributes
    ----------
    redshift : float
        Redshift.
    critical_density, matter_density : float
        Critical density, and mean density of all matter, Msun/kpc3.
    age : float
        Age of the universe, Gyr.
    expansion : float
        Hubble parameter over that of today.
    dark_fraction : float
        Share of dark matter in all matter.
    """

    redshift: float
    critical_density: float
    matter_density: float
    age: float
    expansion: float
    dark_fraction: float

    @classmethod
    def at_redshift(cls, redshift, cosmology=BAHAMAS):
        """Return the epoch of a redshift in an astropy.cosmology.FLRW."""
        density = cosmology.critical_density(redshift).to_value("Msun/kpc3")
        age, expansion = cosmology.age(redshift).to_value("Gyr"), cosmology.efunc(redshift)
        dark_fraction = 1 - cosmology.Ob0 / cosmology.Om0
        # Floats of Python: those of NumPy would make maps of float32 float64.
        return cls(
            *map(float, (redshift, density, cosmology.Om(redshift) * density, age, expansion, dark_fraction))
        )

"""Cluster halos: mass, concentration and shape, shared by all dark-matter models."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from darkcnn.cosmology import GRAVITY, Epoch
from darkcnn.simulation import nfw
from darkcnn.simulation.parameters import Parameters, Scatter, parameter
from darkcnn.simulation.shape import project, random_rotation

PIVOT_MASS = 3.5e14
"""Pivot mass of the scaling relations in Msun."""


@dataclass(frozen=True)
class Halo:
    """Triaxial NFW halo of all matter, without self-interactions.

    Attributes
    ----------
    epoch : Epoch
        Redshift and cosmology of the snapshot.
    log_mass : float
        log10 of M200 in Msun, the mass within the radius of 200 times the critical density.
    concentration : float
        Concentration r200 / r_s.
    axes : ndarray of shape (3,)
        Semi-axes with product 1, major axis first.
    rotation : ndarray of shape (3, 3)
        Orientation; the third axis is the line of sight.
    disturbance : float
        Dynamical state, positive if disturbed.
    """

    epoch: Epoch
    log_mass: float
    concentration: float
    axes: np.ndarray
    rotation: np.ndarray
    disturbance: float

    @cached_property
    def mass(self):
        """M200 in Msun."""
        return 10**self.log_mass

    @property
    def relative_mass(self):
        """M200 over `PIVOT_MASS`."""
        return self.mass / PIVOT_MASS

    @cached_property
    def radius(self):
        """Radius r200 in kpc, of mean density 200 times the critical density."""
        return (self.mass / (800 / 3 * math.pi * self.epoch.critical_density)) ** (1 / 3)

    @cached_property
    def scale_radius(self):
        """Radius r_s of the NFW profile in kpc."""
        return self.radius / self.concentration

    @cached_property
    def mass_unit(self):
        """Mass 4 pi rho_s r_s^3 of the NFW profile in Msun."""
        return self.mass / float(nfw.enclosed_mass(self.concentration))

    @cached_property
    def scale_density(self):
        """Density rho_s of the NFW profile in Msun/kpc3."""
        return self.mass_unit / (4 * math.pi * self.scale_radius**3)

    @cached_property
    def scale_velocity(self):
        """Velocity r_s sqrt(4 pi G rho_s) of the NFW profile in km/s."""
        return math.sqrt(GRAVITY * self.mass_unit / self.scale_radius)

    @cached_property
    def virial_velocity(self):
        r"""Circular velocity at the virial radius in km/s, at which cross-sections are evaluated.

        The mean density within that radius is :math:`18 \pi^2 + 82 x - 39 x^2` times the critical density,
        with :math:`x = \Omega_m(z) - 1` (Bryan & Norman 1998, eq. 6). M200 is used as the virial mass.
        """
        critical = self.epoch.critical_density
        x = self.epoch.matter_density / critical - 1
        density = (18 * math.pi**2 + 82 * x - 39 * x**2) * critical
        radius = (3 * self.mass / (4 * math.pi * density)) ** (1 / 3)
        return math.sqrt(GRAVITY * self.mass / radius)

    @cached_property
    def projection(self):
        """Shape of the projected ellipses and boost of the surface density, see :func:`project`."""
        return project(self.axes, self.rotation)


@dataclass(frozen=True, kw_only=True)
class HaloPhysics(Parameters):
    """Parameters of the mass, concentration and shape of halos."""

    # fmt: off
    disturbance: Scatter = parameter(Scatter(1.0, halo=0.8, snapshot=0.6),
        "dynamical state, positive for disturbed halos", status="guess", bounds=(0, 3), spread=(0.7, 1.3))
    log_mass: float = parameter(14.43, "log10 of M200 at z = 0, before tail and scatter", unit="dex(Msun)",
        status="tuned", bounds=(13, 16), spread=(14.3, 14.9))
    log_mass_per_redshift: float = parameter(-0.48, "slope of `log_mass` with redshift", unit="dex",
        status="tuned", bounds=(-2, 1), spread=(-0.7, -0.2))
    log_mass_tail: float = parameter(0.17, "mean of the exponential tail to high masses", unit="dex",
        status="tuned", bounds=(0, 1), spread=(0.1, 0.25))
    log_mass_scatter: Scatter = parameter(Scatter(0.11, halo=1.0), "scatter of the mass", unit="dex",
        status="tuned", bounds=(0, 1), spread=(0.05, 0.2))
    log_mass_range: tuple = parameter((14.0, 15.5), "limits of log10 of M200", unit="dex(Msun)",
        status="tuned", bounds=(13, 16), spread=((13.8, 14.5), (15.3, 15.7)))
    concentration: float = parameter(5.0, "c200 of a halo of 3e14 Msun at z = 0", status="tuned",
        source="4.0 in Diemer & Joyce (2019), whose halos hold no baryons", bounds=(1, 20), spread=(3.6, 6.0))
    concentration_mass_slope: float = parameter(-0.09, "power of mass in `concentration`",
        status="literature", source="Diemer & Joyce (2019) for WMAP9", bounds=(-1, 0.5),
        spread=(-0.15, -0.03))
    concentration_redshift_slope: float = parameter(-0.18, "power of 1 + z in `concentration`",
        status="literature", source="Diemer & Joyce (2019) for WMAP9", bounds=(-2, 1), spread=(-0.5, -0.1))
    concentration_scatter: Scatter = parameter(Scatter(0.15, halo=0.8, disturbance=-0.4, snapshot=0.45),
        "scatter of `concentration`; guessed weights", unit="dex", status="literature",
        source="a third of c (Bhattacharya et al. 2013)", bounds=(0, 0.6), spread=(0.1, 0.2))
    concentration_range: tuple = parameter((1.5, 12.0), "limits of `concentration`", status="guess",
        bounds=(0.5, 40), spread=((1.2, 2.0), (10, 15)))
    axis_ratio: float = parameter(0.55, "mean of the minor over the major axis", status="unverified",
        source="Jing & Suto (2002); 0.54 at the characteristic mass in Allgood et al. (2006)",
        bounds=(0.1, 1), spread=(0.45, 0.65))
    axis_ratio_scatter: Scatter = parameter(Scatter(0.10, halo=1.0, disturbance=-0.3),
        "scatter of `axis_ratio`; guessed weights", status="literature", source="Allgood et al. (2006)",
        bounds=(0, 0.4), spread=(0.07, 0.14))
    axis_ratio_range: tuple = parameter((0.3, 0.92), "limits of `axis_ratio`", status="guess",
        bounds=(0.05, 1), spread=((0.2, 0.4), (0.85, 1.0)))
    middle_axis_shape: tuple = parameter((2.0, 2.5),
        "shape of the Beta distribution of the middle axis between minor (0) and major (1)", status="guess",
        bounds=(0.1, 50), spread=((1.5, 3.0), (1.5, 3.5)))
    # fmt: on


def draw_halo(epoch, deviates, rng, physics):
    """Draw a :class:`Halo`.

    `deviates` are those of the snapshot; `rng` draws quantities that are not normally distributed.
    """
    log_mass = float(np.clip(
        physics.log_mass
        + physics.log_mass_per_redshift * epoch.redshift
        + physics.log_mass_tail * rng.exponential()
        + deviates.scatter("log_mass", physics.log_mass_scatter),
        *physics.log_mass_range,
    ))  # fmt: skip
    concentration = (
        physics.concentration
        * (10**log_mass / 3e14) ** physics.concentration_mass_slope
        * (1 + epoch.redshift) ** physics.concentration_redshift_slope
        * 10 ** deviates.scatter("concentration", physics.concentration_scatter)
    )
    minor = np.clip(
        physics.axis_ratio + deviates.scatter("axis_ratio", physics.axis_ratio_scatter),
        *physics.axis_ratio_range,
    )
    middle = minor + (1 - minor) * rng.beta(*physics.middle_axis_shape)
    axes = np.array([1, middle, minor])
    return Halo(
        epoch=epoch,
        log_mass=log_mass,
        concentration=float(np.clip(concentration, *physics.concentration_range)),
        axes=axes / np.cbrt(axes.prod()),
        rotation=random_rotation(rng),
        disturbance=deviates.disturbance,
    )

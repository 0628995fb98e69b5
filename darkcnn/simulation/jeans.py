r"""Cores of self-interacting dark matter: the isothermal Jeans model.

Within the radius r1 where a particle has scattered about once in the age of the halo,

.. math:: \rho(r_1) \, (\sigma/m) \, \frac{4}{\sqrt{\pi}} \sigma_0 \, t = 1,

dark matter is isothermal, :math:`\rho = \rho_0 e^{-\psi}`, in hydrostatic equilibrium with its own gravity
and that of the central galaxy; outside r1 the halo is the NFW profile of cold dark matter. Density and
enclosed mass are continuous at r1 (Kaplinghat et al. 2016; tested on clusters by Robertson et al. 2021).

Units: r_s = rho_s = 4 pi G = 1, so masses are in 4 pi rho_s r_s^3 and squared speeds in 4 pi G rho_s r_s^2.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from scipy.integrate import cumulative_trapezoid, solve_ivp

from darkcnn.simulation import nfw

GALAXY_MASSES = np.array([0.0, 0.001, 0.002, 0.004, 0.008])
"""Masses of the central galaxy in the table."""

LOG_SCATTERINGS = np.linspace(np.log(0.003), np.log(50.0), 61)
"""ln of the scatterings (sigma/m) rho_s v_s t of a particle at the scale radius, in the table."""

_CORE_RADII = np.geomspace(0.004, 2.6, 60)  # r1 of the solutions that the table is made of
_GALAXY_SCALE = 0.06  # Hernquist (1990) scale of the central galaxy
_START = -6.5  # ln(r / r1) where the integration starts
_LINE_OF_SIGHT = np.polynomial.legendre.leggauss(32)


class CoreProfile(NamedTuple):
    """Core of a halo: changes of its profile relative to cold dark matter.

    Fields have one number or profile per halo; in a table they have two more axes, for `LOG_SCATTERINGS` and
    `GALAXY_MASSES`.

    Attributes
    ----------
    radius : float
        r1 / r_s.
    surface_density : ndarray of shape (n_radii,)
        Change of the surface density at `nfw.LOG_RADII`, of total mass zero.
    mass : ndarray of shape (n_radii,)
        Change of the enclosed mass.
    potential : ndarray of shape (n_radii,)
        Change of the gravitational potential, divided by the squared velocity dispersion of the core.
    """

    radius: float
    surface_density: np.ndarray
    mass: np.ndarray
    potential: np.ndarray


NO_CORE = CoreProfile(0.0, *np.zeros((3, len(nfw.LOG_RADII))))
"""Core of cold dark matter: no change."""


def core_profile(scatterings, galaxy_mass, blur):
    """Return the core of a halo, interpolated in a cached table.

    Parameters
    ----------
    scatterings : float
        (sigma/m) rho_s v_s t: cross-section per mass times scale density, scale velocity
        r_s sqrt(4 pi G rho_s) and age; dimensionless. Clipped to the table's range, 0.003 to 50.
    galaxy_mass : float
        Mass of the central galaxy divided by 4 pi rho_s r_s^3. Clipped to at most 0.008.
    blur : float
        Standard deviation in ln(scatterings) over which cores are averaged, see :func:`core_table`.

    Returns
    -------
    CoreProfile
        Changes relative to the NFW halo.

    Examples
    --------
    >>> from darkcnn.simulation.jeans import core_profile
    >>> core = core_profile(1.0, galaxy_mass=0.0, blur=1.2)
    >>> round(float(core.radius), 2)  # of the scale radius
    0.31
    """
    i, a = _cell(np.log(scatterings), LOG_SCATTERINGS)
    j, b = _cell(galaxy_mass, GALAXY_MASSES)

    def bilinear(table):
        lower, upper = table[i, j : j + 2], table[i + 1, j : j + 2]
        return (1 - b) * ((1 - a) * lower[0] + a * upper[0]) + b * ((1 - a) * lower[1] + a * upper[1])

    return CoreProfile(*map(bilinear, core_table(blur)))


def _cell(value, nodes):
    """Return the index of the interval of `nodes` around a value, and the position in it from 0 to 1."""
    position = float(np.interp(value, nodes, np.arange(len(nodes))))
    cell = min(int(position), len(nodes) - 2)
    return cell, position - cell


@lru_cache(maxsize=4)
def core_table(blur):
    """Return a table of cores over scatterings and galaxy mass, averaged over scatterings.

    Arrays have shape (n_scatterings, n_galaxy_masses, ...). Profiles are averaged with a Gaussian of width
    `blur` in ln(scatterings), because shells of a halo differ in age and heat is conducted across r1.
    Compared with the simulations of Robertson et al. (2019), a sharp r1 gives too small an effect for 0.1
    cm2/g beyond 20 kpc and too large an effect for 1 cm2/g.
    """
    radius, regular = _sharp_table()
    if blur > 0:
        weight = np.exp(-0.5 * (np.subtract.outer(LOG_SCATTERINGS, LOG_SCATTERINGS) / blur) ** 2)
        regular = np.tensordot(weight / weight.sum(axis=1, keepdims=True), regular, axes=1)
    return CoreProfile(radius, *np.moveaxis(regular, 2, 0))


@cache
def _sharp_table():
    """Return tables of the radius r1 and of :func:`_changes` over scatterings and galaxy mass."""
    core_radii, galaxy_masses = (
        nodes.ravel() for nodes in np.meshgrid(_CORE_RADII, GALAXY_MASSES, indexing="ij")
    )
    log_density, dispersion_squared, _ = solve_cores(core_radii, galaxy_masses)
    x, log_rho, mass = _isothermal(log_density, dispersion_squared, core_radii, galaxy_masses)
    changes = np.array([
        _changes(*node) for node in zip(core_radii, dispersion_squared, x.T, log_rho.T, mass.T, strict=True)
    ])  # fmt: skip
    # The definition of r1, solved for the scatterings: rho(r1) 4/sqrt(pi) sigma0 scatterings = 1.
    log_scatterings = -np.log(nfw.density(core_radii) * 4 / np.sqrt(np.pi) * np.sqrt(dispersion_squared))

    by_node = (len(_CORE_RADII), len(GALAXY_MASSES))
    log_scatterings = np.maximum.accumulate(log_scatterings.reshape(by_node), axis=0)
    changes = changes.reshape(*by_node, 3, len(nfw.LOG_RADII))
    radius = np.empty((len(LOG_SCATTERINGS), len(GALAXY_MASSES)))
    regular = np.empty((*radius.shape, *changes.shape[2:]))
    for j in range(len(GALAXY_MASSES)):
        radius[:, j] = np.interp(LOG_SCATTERINGS, log_scatterings[:, j], _CORE_RADII)
        cell = np.interp(LOG_SCATTERINGS, log_scatterings[:, j], np.arange(len(_CORE_RADII)))
        lower = np.minimum(cell.astype(int), len(_CORE_RADII) - 2)
        part = (cell - lower)[:, np.newaxis, np.newaxis]
        regular[:, j] = (1 - part) * changes[lower, j] + part * changes[lower + 1, j]
    return radius, regular


def solve_cores(core_radii, galaxy_masses):
    """Solve for the central density and velocity dispersion that match the NFW halo at r1.

    Returns ln(density), the squared one-dimensional dispersion, and the residual in ln(density, mass) at r1,
    each of shape (n_cores,).
    """
    log_density_at_r1 = np.log(nfw.density(core_radii))
    mass_at_r1 = nfw.enclosed_mass(core_radii)

    def mismatch(guess):
        _, log_rho, mass = _isothermal(guess[0], np.exp(guess[1]), core_radii, galaxy_masses, n_radii=2)
        return np.array([log_rho[-1] - log_density_at_r1, np.log(mass[-1] / mass_at_r1)])

    guess = np.array([log_density_at_r1 + 0.9, np.log(mass_at_r1 / core_radii) - 0.3])
    residual = mismatch(guess)
    for _ in range(30):  # Newton's method for all cores at once, damped because the start may be far off
        if np.abs(residual).max() < 1e-10:
            break
        step = 1e-4
        jacobian = [(mismatch(guess + step * unit) - residual) / step for unit in np.eye(2)[:, :, np.newaxis]]
        update = np.linalg.solve(np.transpose(jacobian, (2, 1, 0)), -residual.T[..., np.newaxis])[..., 0].T
        guess += update * np.minimum(1, 0.4 / np.maximum(np.linalg.norm(update, axis=0), 1e-12))
        residual = mismatch(guess)
    return guess[0], np.exp(guess[1]), np.linalg.norm(residual, axis=0)


def _isothermal(log_density, dispersion_squared, core_radii, galaxy_masses, n_radii=200):
    """Integrate isothermal spheres to r1; returns radii, ln(density) and mass, each (n_radii, n_cores)."""
    n_cores = len(core_radii)

    def galaxy(x):  # Hernquist (1990)
        return galaxy_masses * x**2 / (x + _GALAXY_SCALE) ** 2

    def slopes(log_fraction, state):
        psi, mass = state[:n_cores], state[n_cores:]
        x = core_radii * np.exp(log_fraction)
        # Hydrostatic equilibrium dpsi/dlnx = (m + m_galaxy) / (x sigma0^2), and dm/dlnx = x^3 rho.
        return np.concatenate([
            (mass + galaxy(x)) / (x * dispersion_squared),
            x**3 * np.exp(log_density - psi),
        ])  # fmt: skip

    x = core_radii * np.exp(_START)
    mass = np.exp(log_density) * x**3 / 3
    psi = (mass / (2 * x) + galaxy_masses * x / _GALAXY_SCALE**2) / dispersion_squared
    solution = solve_ivp(
        slopes,
        (_START, 0),
        np.concatenate([psi, mass]),
        method="DOP853",
        t_eval=np.linspace(_START, 0, n_radii),
        rtol=1e-8,
        atol=1e-13,
    )
    psi, mass = solution.y[:n_cores].T, solution.y[n_cores:].T
    return core_radii * np.exp(solution.t)[:, np.newaxis], log_density - psi, mass


def _changes(core_radius, dispersion_squared, x, log_rho, mass):
    """Return surface density, mass and potential of a core minus NFW, (3, n_radii), zero beyond r1."""
    changes = np.zeros((3, len(nfw.LOG_RADII)))
    radii = np.exp(nfw.LOG_RADII)
    radii = radii[radii < core_radius]
    inside = slice(len(radii))

    # Projection, with the depth z = R sinh(w): dz = r dw.
    nodes, weights = _LINE_OF_SIGHT
    depth = np.arccosh(core_radius / radii)[:, np.newaxis] / 2
    r = radii[:, np.newaxis] * np.cosh(depth * (1 + nodes))
    excess = np.exp(np.interp(np.log(r), np.log(x), log_rho)) - nfw.density(r)
    changes[0, inside] = 2 * (depth * r * excess) @ weights

    log_mass = np.interp(np.log(radii), np.log(x), np.log(mass))
    changes[1, inside] = np.exp(log_mass) - nfw.enclosed_mass(radii)

    # The potential differs by the integral of the change of force from r1 inwards.
    force = np.append(changes[1, inside] / radii**2, 0)
    work = cumulative_trapezoid(force, np.append(radii, core_radius), initial=0)
    changes[2, inside] = (work[:-1] - work[-1]) / dispersion_squared
    return changes

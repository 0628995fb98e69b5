import json
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.cosmology import FlatLambdaCDM
from scipy.integrate import quad

from darkcnn.simulation import nfw


@pytest.mark.parametrize("x", [1e-2, 0.3, 0.999, 1.0, 1.0000001, 1.001, 4.0, 30.0])
def test_surface_density_is_the_integral_along_the_line_of_sight(x):
    half, _ = quad(lambda z: nfw.density(np.hypot(x, z)), 0, np.inf, epsabs=0, epsrel=1e-10)
    assert nfw.surface_density(x)[0] == pytest.approx(2 * half, rel=1e-6)


def test_enclosed_mass_is_the_integral_over_shells():
    mass, _ = quad(lambda x: x**2 * nfw.density(x), 0, 3)
    assert nfw.enclosed_mass(3) == pytest.approx(mass)


@pytest.mark.skipif(not os.environ.get("DARKCNN_TEST_DATA"), reason="needs tables of other codes")
def test_profile_agrees_with_other_codes():
    folder = Path(os.environ["DARKCNN_TEST_DATA"], "nfw")
    config = json.loads((folder / "config.json").read_text())
    r, rho, sigma = np.loadtxt(folder / "radial_profiles.txt", usecols=(0, 1, 2), unpack=True)  # Mpc, Msun
    universe = FlatLambdaCDM(H0=config["cosmo_H0"], Om0=config["cosmo_Om0"])
    mean_density = (
        universe.Om(config["z_cluster"]) * universe.critical_density(config["z_cluster"])
    ).to_value(units.Msun / units.Mpc**3)
    mass, concentration = config["cluster_mass"], config["cluster_concentration"]
    scale_radius = (mass / (800 / 3 * np.pi * mean_density)) ** (1 / 3) / concentration
    scale_density = mass / (4 * np.pi * scale_radius**3 * nfw.enclosed_mass(concentration))

    np.testing.assert_allclose(scale_density * nfw.density(r / scale_radius), rho, rtol=1e-3)
    np.testing.assert_allclose(
        scale_density * scale_radius * nfw.surface_density(r / scale_radius), sigma, rtol=1e-3
    )

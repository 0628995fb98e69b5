import math

import pytest
from astropy.cosmology import Planck18

from darkcnn import cosmology
from darkcnn.cosmology import BAHAMAS, Epoch


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GRAVITY", 4.30092e-6),
        ("KPC_PER_GYR", 1.02271),
        ("CM2_PER_GRAM", 2.0884e-10),
        ("CM_PER_KPC", 3.08568e21),
    ],
)
def test_units(name, expected):
    assert getattr(cosmology, name) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("redshift", [0, 0.375, 2])
def test_default_agrees_with_the_formulas_of_a_flat_universe(redshift):
    """Without radiation; with the numbers of the BAHAMAS simulations."""
    matter, dark_energy = 0.2793 * (1 + redshift) ** 3, 1 - 0.2793
    critical = 3 * 0.070**2 * (matter + dark_energy) / (8 * math.pi * cosmology.GRAVITY)
    assert BAHAMAS.critical_density(redshift).to_value("Msun/kpc3") == pytest.approx(critical, rel=1e-6)
    hubble_time = 1 / (0.070 * cosmology.KPC_PER_GYR)
    age = 2 / 3 * hubble_time / math.sqrt(dark_energy) * math.asinh(math.sqrt(dark_energy / matter))
    assert BAHAMAS.age(redshift).to_value("Gyr") == pytest.approx(age, rel=1e-6)


@pytest.mark.parametrize("universe", [BAHAMAS, Planck18])
def test_an_epoch_holds_floats_of_its_cosmology(universe):
    epoch = Epoch.at_redshift(0.25, universe)
    assert {type(value) for value in epoch} == {float}  # those of NumPy would make maps float64
    density = universe.critical_density(0.25).to_value("Msun/kpc3")
    expected = 0.25, density, universe.Om(0.25) * density, universe.age(0.25).value, universe.efunc(0.25)
    assert epoch[:-1] == pytest.approx(expected)
    assert epoch.dark_fraction == pytest.approx(1 - universe.Ob0 / universe.Om0)


def test_baryons_of_bahamas():
    assert Epoch.at_redshift(0).dark_fraction == pytest.approx(1 - 0.0463 / 0.2793)

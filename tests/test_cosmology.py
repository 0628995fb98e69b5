import pytest
from astropy import units
from astropy.cosmology import FlatLambdaCDM
from astropy.modeling.physical_models import NFW

from darkcnn import cosmology


@pytest.fixture(scope="module")
def wmap9():
    return FlatLambdaCDM(H0=70, Om0=cosmology.MATTER_FRACTION)


@pytest.mark.parametrize("redshift", [0, 0.375, 2])
def test_agrees_with_astropy(wmap9, redshift):
    density = wmap9.critical_density(redshift).to_value(units.Msun / units.kpc**3)
    assert cosmology.critical_density(redshift) == pytest.approx(density, rel=1e-4)
    assert cosmology.matter_density(redshift) == pytest.approx(wmap9.Om(redshift) * density, rel=1e-4)
    assert cosmology.expansion_squared(redshift) == pytest.approx(wmap9.efunc(redshift) ** 2, rel=1e-6)
    assert cosmology.cosmic_time(redshift) == pytest.approx(wmap9.age(redshift).to_value("Gyr"), rel=1e-4)


@pytest.mark.parametrize("redshift", [0, 0.375])
def test_virial_velocity_agrees_with_astropy(wmap9, redshift):
    halo = NFW(3e14 * units.Msun, massfactor="virial", redshift=redshift, cosmo=wmap9)
    expected = halo.circular_velocity(halo.r_virial.to("kpc")).to_value("km/s")
    assert cosmology.virial_velocity(3e14, redshift) == pytest.approx(expected, rel=1e-3)


def test_units_agree_with_astropy():
    assert (units.cm**2 / units.g).to(units.kpc**2 / units.Msun) == pytest.approx(
        cosmology.CM2_PER_GRAM, rel=1e-3
    )
    assert (units.km / units.s).to(units.kpc / units.Gyr) == pytest.approx(cosmology.KPC_PER_GYR, rel=1e-4)
    assert units.kpc.to(units.cm) == pytest.approx(cosmology.CM_PER_KPC, rel=1e-4)

import numpy as np
import pytest
from scipy.optimize import brentq

from darkcnn.noise import LENSING_SURVEYS, XRAY_TELESCOPES, WeakLensingNoise, XrayNoise
from darkcnn.noise.geometry import Lenses

# Of each component, and per arcmin2. Euclid: Blanchard et al. (2020, A&A 642, A191), 30 galaxies and 0.30,
# with 0.30**2 / 30 for the power of the noise. The others are
# not verified: 0.26 is the usual number (of both components, 0.37).
PER_COMPONENT = {
    "euclid": (0.30, 30),
    "hst": (0.26, 66),
    "jwst": (0.26, 162),
    "roman": (0.26, 45),
    "superbit": (0.26, 30),
}
MEDIAN_REDSHIFTS = {"euclid": 0.9, "hst": 1.2, "jwst": 2.0, "roman": 1.1, "superbit": 0.9}


@pytest.mark.parametrize("name", LENSING_SURVEYS)
def test_surveys_have_the_noise_of_their_publications(name, blank_records, within_five_errors):
    noise, density = PER_COMPONENT[name]
    survey = WeakLensingNoise.from_survey(name, output="shear", random_state=0)
    observed = survey.fit_transform(blank_records(200))
    unit = observed["lensing_norm"] / Lenses(0.3).critical_density(
        Lenses(0.3).efficiency(survey.source_redshift)
    )
    expected = noise**2 / (density * Lenses(0.3).pixel_side(20) ** 2)
    for component in ("shear1", "shear2"):
        variance = (observed[component] ** 2).mean(axis=(1, 2)) * unit**2
        within_five_errors(variance / expected, 1)


@pytest.mark.parametrize("name", LENSING_SURVEYS)
def test_one_redshift_stands_for_all_galaxies(name):
    """n(z) is z^2 exp(-(z / z0)^1.5), for Euclid after Blanchard et al. (2020), with galaxies in front."""
    redshifts = np.linspace(0.01, 8, 4000)
    scale = MEDIAN_REDSHIFTS[name] / np.sqrt(2)
    density = redshifts**2 * np.exp(-((redshifts / scale) ** 1.5))
    lens = Lenses(0.25)
    mean = (lens.efficiency(redshifts) * density).sum() / density.sum()
    expected = brentq(lambda redshift: lens.efficiency(redshift) - mean, 0.3, 8)
    assert LENSING_SURVEYS[name].parameters["source_redshift"] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", XRAY_TELESCOPES)
def test_telescopes(name, clusters):
    telescope = XRAY_TELESCOPES[name].parameters
    counts = XrayNoise.from_telescope(name, random_state=0).fit_transform(clusters.data)["xray"]
    assert (counts == counts.round()).all()
    assert (counts.max(axis=(1, 2)) > 1).all()
    # Energy, area and background are of one band, 0.5 to 2 keV: the sky alone gives most of the background.
    assert 0.5 < telescope["energy_per_photon"] < 2
    assert "band_fraction" not in telescope
    assert 0.5 < 1.7e-6 * telescope["effective_area"] / telescope["background"] < 1


def test_what_is_not_verified_is_named():
    for instrument in (*LENSING_SURVEYS.values(), *XRAY_TELESCOPES.values()):
        assert set(instrument.unverified) <= set(instrument.parameters)
    assert not LENSING_SURVEYS["euclid"].unverified
    assert "n_gal" not in LENSING_SURVEYS["jwst"].unverified


def test_numbers_may_be_changed():
    assert WeakLensingNoise.from_survey("Euclid", n_gal=7).n_gal == 7
    assert XrayNoise.from_telescope("xmm", exposure=7).exposure == 7


def test_unknown_surveys_are_refused():
    with pytest.raises(ValueError, match=r"name must be one of \['euclid', .*got 'Lsst'"):
        WeakLensingNoise.from_survey("Lsst")


def test_defaults_are_those_of_chandra():
    assert XrayNoise().get_params() == XrayNoise.from_telescope("chandra").get_params()

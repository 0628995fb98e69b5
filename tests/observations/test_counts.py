import numpy as np
import pytest

from darkcnn import XrayNoise
from darkcnn.observations import count_photons

CENTER, REDSHIFT = (150.3, 32.1), 0.3


@pytest.mark.parametrize(
    ("pixel", "orientation"), [(10.0, {}), (13.1, {"rotation": 30}), (30.0, {"parity": -1})]
)
def test_photons_are_counted_where_they_came_from(sky, pixel, orientation):
    image, expected = sky
    rates, wcs = image((int(3000 / pixel),) * 2, pixel, **orientation)
    photons = np.random.default_rng(0).poisson(rates * (pixel / 40) ** 2)
    found = count_photons((photons, wcs), CENTER, REDSHIFT, exposure=1000, random_state=0)
    wanted = expected(50)
    assert (found.values == found.values.round()).all()
    assert found.values.sum() == pytest.approx(wanted.sum(), abs=4 * np.sqrt(wanted.sum()))
    chi2 = ((found.values - wanted) ** 2 / wanted).mean()
    assert chi2 == pytest.approx(1, abs=0.1)  # Poisson, without a pattern of the pixels
    assert ((found.values - wanted[:, ::-1]) ** 2 / wanted).mean() > 2
    assert np.isnan(found.norm)
    assert found.exposure == 1000


def test_flat_images_have_poisson_noise(sky):
    _, wcs = sky[0]((400, 400), 7.7)
    photons = np.random.default_rng(0).poisson(0.3, (400, 400))
    values = count_photons((photons, wcs), CENTER, REDSHIFT, exposure=1000, random_state=0).values
    assert values.var() == pytest.approx(values.mean(), rel=0.08)


def test_norm_is_that_of_the_simulated_observations(sky, blank_records):
    noise = XrayNoise(
        exposure=20_000, effective_area=350, energy_per_photon=1.1, band_fraction=0.5, random_state=0
    )
    records = blank_records(1, n_pixels=50, redshift=REDSHIFT)
    told = noise.fit_transform(records)["xray_norm"][0]
    values, wcs = sky[0]((300, 300), 10.0)
    found = count_photons(
        (np.round(values), wcs),
        CENTER,
        REDSHIFT,
        exposure=20_000,
        effective_area=350,
        energy_per_photon=1.1,
        band_fraction=0.5,
    )
    assert found.norm == pytest.approx(told)


def test_exposure_maps(sky):
    rates, wcs = sky[0]((300, 300), 10.0)
    exposure = np.where(np.arange(300) < 140, 1000.0, 2000.0) * np.ones((300, 1))
    exposure[:, :70] = 0
    photons = np.random.default_rng(0).poisson(rates * exposure / 2000)
    found = count_photons(
        (photons, wcs), CENTER, REDSHIFT, exposure=(exposure, wcs), random_state=0, max_gap=0.2
    )
    assert found.exposure == 2000
    assert found.mask[:, :4].all()
    assert not found.mask[:, 6:].any()
    smooth = np.add.reduceat(found.values, np.arange(0, 50, 10), axis=0)
    wanted = np.add.reduceat(16 * sky[1](50), np.arange(0, 50, 10), axis=0)
    np.testing.assert_allclose(smooth[:, 7:], wanted[:, 7:], rtol=0.25)
    with pytest.raises(ValueError, match=r"but 10\.0% of it was not observed \(max_gap=0\.05\)"):
        count_photons((photons, wcs), CENTER, REDSHIFT, exposure=(exposure, wcs), max_gap=0.05)


@pytest.mark.parametrize(
    ("change", "exposure", "message"),
    [
        (lambda photons: photons / 1000.0, 1000, "must contain photon counts, integers"),
        (lambda photons: photons - 3, 1000, "must contain photon counts, integers"),
        (lambda photons: photons, 0, "exposure must be above 0 s, got 0"),
        (lambda photons: photons[:100], 1000, "must cover the whole field of 2 Mpc"),
    ],
)
def test_what_is_no_count_is_refused(sky, change, exposure, message):
    rates, wcs = sky[0]((300, 300), 10.0)
    photons = np.random.default_rng(0).poisson(rates)
    with pytest.raises(ValueError, match=message):
        count_photons((change(photons), wcs), CENTER, REDSHIFT, exposure=exposure)

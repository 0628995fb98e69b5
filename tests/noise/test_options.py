"""Options of the observation: redshifts, members of the cluster, structure along the line of sight."""

import numpy as np
import pytest
from astropy.cosmology import Planck18

from darkcnn.noise import WeakLensingNoise, critical_surface_density
from darkcnn.noise.geometry import Lenses
from darkcnn.noise.members import density_of_members
from darkcnn.noise.redshifts import Sources
from darkcnn.noise.structure import convergence_power, draw_structure

NO_NOISE = 1e20
OPTIONS = {
    "photo_z_scatter": 0.1,
    "photo_z_outliers": 0.1,
    "dilution": 0.2,
    "obscuration": 0.3,
    "large_scale_structure": True,
}


@pytest.mark.parametrize("option", OPTIONS)
def test_options_change_the_maps_alone_and_do_not_depend_on_other_rows(clusters, option):
    plain = WeakLensingNoise(random_state=0).fit_transform(clusters.data)
    observed = WeakLensingNoise(random_state=0, **{option: OPTIONS[option]}).fit_transform(clusters.data)
    assert (observed["total"] != plain["total"]).any(axis=(1, 2)).all()
    np.testing.assert_allclose(observed["lensing_norm"], plain["lensing_norm"])
    np.testing.assert_array_equal(np.asarray(observed[[5, 2]]), np.asarray(observed)[[5, 2]])
    np.testing.assert_array_equal(np.asarray(observed[[7]]), np.asarray(observed)[[7]])


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("photo_z_scatter", -0.1, "float in the range"),
        ("photo_z_outliers", 1, "float in the range"),
        ("dilution", 1.0, "float in the range"),
        ("obscuration", np.nan, "float in the range"),
        ("large_scale_structure", 0.5, "instance of 'bool'"),
    ],
)
def test_impossible_options_are_refused(clusters, option, value, wanted):
    with pytest.raises(ValueError, match=f"'{option}' parameter of WeakLensingNoise must be an? .*{wanted}"):
        WeakLensingNoise(**{option: value}).fit(clusters.data)


def test_scatter_of_redshifts_averages_the_efficiency():
    lenses = Lenses([0.2, 0.4], Planck18)
    rng = np.random.default_rng(0)
    redshifts = 0.8 + 0.1 * 1.8 * rng.standard_normal(20_000)
    redshifts[:4000] = rng.uniform(0, 3, 4000)
    _, true = Sources(0.8, 0.0, 0.1, 0.2).critical_densities(lenses)
    expected = lenses.efficiency(np.maximum(redshifts, 1e-3)[:, np.newaxis]).mean(axis=0)
    np.testing.assert_allclose(true, lenses.critical_density(expected), rtol=0.01)
    believed, exact = Sources(0.8, 0.0, 0.0, 0.0).critical_densities(lenses)
    np.testing.assert_array_equal(believed, exact)
    assert (true > believed).all()  # a scatter about a concave efficiency, and galaxies in front


def test_outliers_lower_the_signal(blank_records):
    y, x = np.indices((40, 40)) - 19.5
    kappa = 0.01 * np.exp(-np.hypot(x, y) / 5)
    lens = blank_records(
        1, 40, total=kappa / kappa.max(), lensing_norm=0.01 * critical_surface_density(0.3, 2.0)
    )
    peaks = [
        WeakLensingNoise(NO_NOISE, photo_z_outliers=f).fit_transform(lens)["total"][0, 20, 20]
        for f in (0, 0.2)
    ]
    efficiency = Lenses(0.3).efficiency(np.linspace(0.001, 3, 3000)).mean()
    assert peaks[1] / peaks[0] == pytest.approx(
        0.8 + 0.2 * efficiency / Lenses(0.3).efficiency(2.0), abs=0.005
    )


def test_members_dilute_the_shear(blank_records):
    y, x = np.indices((40, 40)) - 19.5
    lens = blank_records(1, 40, total=np.exp(-(x**2 + y**2) / 50))
    pure, diluted = (
        WeakLensingNoise(NO_NOISE, output="tangential", dilution=f).fit_transform(lens)["shear_t"]
        for f in (0, 0.4)
    )
    # 10 pixels of 50 kpc along the diagonal are 0.71 Mpc from the centre.
    assert diluted[0, 10, 10] / pure[0, 10, 10] == pytest.approx(
        1 - 0.4 * np.exp(-9.5 * 0.05 * np.sqrt(2)), rel=1e-4
    )
    assert density_of_members(41)[20, 20] == 1


def test_members_hide_galaxies(blank_records, within_five_errors):
    observed = WeakLensingNoise(output="shear", obscuration=0.5, random_state=0).fit_transform(
        blank_records(2000)
    )
    expected = 1 / (1 - 0.5 * density_of_members(20))
    within_five_errors(observed["shear1"] ** 2, expected)
    within_five_errors(observed["shear2"] ** 2, expected)


def test_structure_has_its_power(within_five_errors):
    rng = np.random.default_rng(0)
    side = 0.2 * np.pi / (180 * 60)  # a pixel of 0.2 arcmin
    maps = np.stack([draw_structure(rng, 64, 0.2, 1.0) for _ in range(400)])
    window = np.hanning(64)[:, np.newaxis] * np.hanning(64)  # against what the edges would leak
    power = np.abs(np.fft.fft2(maps * window)) ** 2 * side**2 / (window**2).sum()
    multipole = 2 * np.pi / side * np.hypot(np.fft.fftfreq(64), np.fft.fftfreq(64)[:, np.newaxis])
    for low, high in ((3000, 6000), (6000, 15000), (15000, 40000)):
        ring = (multipole > low) & (multipole < high)
        expected = (2 * np.pi / multipole[ring] ** 2 * convergence_power(multipole[ring], 1.0)).mean()
        assert power[:, ring].mean() == pytest.approx(expected, rel=0.15)


def test_structure_has_the_size_of_cosmic_shear():
    """CAMB gives these powers per logarithm of the multipole (HMcode 2020, no baryons)."""
    table = {
        0.5: (1.68e-5, 2.68e-5, 1.83e-5),
        1.0: (5.87e-5, 1.48e-4, 1.19e-4),
        2.0: (1.56e-4, 5.19e-4, 5.13e-4),
    }
    for redshift, powers in table.items():
        np.testing.assert_allclose(
            convergence_power(np.array([1000, 8000, 32000]), redshift), powers, rtol=0.3
        )


def test_structure_adds_to_the_noise(blank_records):
    records = blank_records(100)
    seeds = {"smoothing": 300.0, "random_state": 0}
    plain = WeakLensingNoise(1000, **seeds).fit_transform(records)["total"]
    noisy = WeakLensingNoise(1000, large_scale_structure=True, **seeds).fit_transform(records)["total"]
    assert noisy.var() > 1.2 * plain.var()

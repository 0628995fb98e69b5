import pickle

import numpy as np
import pytest
from astropy.cosmology import Planck18
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from darkcnn.noise import WeakLensingNoise, critical_surface_density, reduced_shear_inverse
from darkcnn.noise.geometry import Lenses
from darkcnn.noise.inversion import field_convergence
from darkcnn.preprocessing import rotate

NO_NOISE = 1e20
"""Galaxies per arcmin2 that leave no noise to speak of."""

NOTHING_MASKED = np.zeros((20, 20), bool)
"""The mask of a field of view that ends where the map does."""


@pytest.fixture(scope="module")
def responses():
    """The map of each unit of shear, one component in one pixel of a field of 20 pixels."""
    impulses = np.zeros((2, 400, 20, 20), np.complex64)
    impulses[0, np.arange(400)] = impulses[1, np.arange(400)] = np.eye(400).reshape(400, 20, 20)
    impulses[1] *= 1j
    return np.stack([field_convergence(shear, 0.0) for shear in impulses.reshape(800, 20, 20)])


def weak(records):
    """Lenses of so little mass that their reduced shear is their shear; 5e9 galaxies stand for 50."""
    lenses = records.copy()
    lenses["lensing_norm"] /= 1e4
    return lenses


def surface_density_of(records):
    return records["total"] * records["lensing_norm"][:, np.newaxis, np.newaxis]


def test_noise_within_a_larger_field_is_white(blank_records, within_five_errors):
    realisation = WeakLensingNoise(random_state=0).fit_transform(blank_records(1000))["total"]
    within_five_errors((realisation**2).mean(axis=0), 1)
    within_five_errors(np.abs(np.fft.fft2(realisation)) ** 2 / 400, np.ones((20, 20)))


def test_noise_of_a_field_of_view_is_what_theory_says(blank_records, responses, within_five_errors):
    noise = WeakLensingNoise(mask=NOTHING_MASKED, random_state=0)
    realisation = noise.fit_transform(blank_records(1000))["total"]
    variance = (responses**2).sum(axis=0)
    within_five_errors((realisation**2 / variance).mean(axis=(1, 2)), 1)
    power = np.abs(np.fft.fft2(realisation)) ** 2
    expected = (np.abs(np.fft.fft2(responses)) ** 2).sum(axis=0)
    within_five_errors(power / expected, np.ones((20, 20)))
    # Away from the edge, a pixel has the noise that is its unit; at the edge, neighbours are missing.
    np.testing.assert_allclose(variance[5:15, 5:15], 1, atol=0.03)
    assert 0.25 < variance[0, 0] < variance[0, 10] < 0.8


@pytest.mark.filterwarnings("ignore:'lensing_norm' gives the peaks")
def test_what_is_drawn_directly_is_what_comes_by_way_of_the_shear(clusters, within_five_errors):
    """Away from the edges of the field: the same signal up to a constant, the same noise."""
    record = weak(clusters.data[:1])
    middle = (slice(None), slice(5, 15), slice(5, 15))
    realisations = {}
    for name, mask in (("direct", None), ("by shear", NOTHING_MASKED)):
        observed = WeakLensingNoise(5e9, mask=mask, random_state=0).fit_transform(record)
        realisations[name] = observed.draw(np.zeros(400, int), np.arange(400))["total"][middle]
        assert observed["lensing_norm"] == WeakLensingNoise(5e9).fit_transform(record)["lensing_norm"]
    signal = record["total"] * (record["lensing_norm"] / observed["lensing_norm"])[:, np.newaxis, np.newaxis]
    for realisation in realisations.values():
        contrast = realisation - realisation.mean(axis=(1, 2), keepdims=True)
        truth = signal[middle] - signal[middle].mean()
        within_five_errors((contrast * truth).sum(axis=(1, 2)) / (truth**2).sum(), 1)
        within_five_errors((contrast - truth).var(axis=(1, 2)), 1 - 1 / 100)
    difference = realisations["direct"] - realisations["by shear"]
    difference -= difference.mean(axis=(1, 2), keepdims=True)
    within_five_errors(difference, np.zeros((10, 10)))


def test_no_galaxies_are_measured_behind_the_mask(blank_records, clusters):
    mask = np.zeros((20, 20), bool)
    mask[:, 14:] = True
    records = clusters.data[:4]
    observed = WeakLensingNoise(mask=mask, output="shear", random_state=0).fit_transform(records)
    for name in ("shear1", "shear2"):
        assert not observed[name][:, mask].any()
        assert observed[name][:, ~mask].all()
    realisation = WeakLensingNoise(mask=mask, random_state=0).fit_transform(blank_records(200))["total"]
    assert realisation[:, 5:15, 17:].var() < 0.5 * realisation[:, 5:15, 4:10].var()


@pytest.mark.parametrize("mask", [np.zeros((20, 19), bool), np.zeros((20, 20)), [True, False]])
def test_other_masks_are_refused(clusters, mask):
    with pytest.raises(
        ValueError, match=r"mask must have dtype bool and the shape \(20, 20\) of the maps, got"
    ):
        WeakLensingNoise(mask=mask).fit(clusters.data)


def test_noise_looks_alike_from_all_sides(responses):
    covariance = np.einsum("nab,ncd->abcd", responses, responses)
    for view in (
        covariance[::-1, :, ::-1],
        covariance[:, ::-1, :, ::-1],
        covariance.transpose(1, 0, 3, 2),
    ):
        np.testing.assert_allclose(view, covariance, atol=1e-5)


@pytest.mark.filterwarnings("ignore:'lensing_norm' gives the peaks")
@pytest.mark.parametrize("mask", [None, NOTHING_MASKED])
def test_noise_does_not_depend_on_the_turn_of_the_cluster(clusters, mask):
    """So maps may turn before the noise. After it, interpolation would smooth the noise."""
    records = weak(clusters.data[:1])
    observed = [WeakLensingNoise(n_gal, mask=mask).fit(records) for n_gal in (5e9, NO_NOISE)]
    for step in observed:
        step.seed_ = 0
    noises = []
    for angle in (0.0, 0.7, np.pi / 2):

        def turned(_, image, angle=angle):
            return rotate(image[..., np.newaxis].copy(), angle, flip=False)[..., 0]

        seen, truth = (step.transform(records).draw([0], [5], turned)["total"] for step in observed)
        noises.append(seen - truth / np.sqrt(NO_NOISE / 5e9))
    np.testing.assert_allclose(noises[1], noises[0], atol=1e-4)
    np.testing.assert_allclose(noises[2], noises[0], atol=1e-4)
    interpolated = rotate(noises[0].transpose(1, 2, 0), 0.7, flip=False)
    assert interpolated.var() < 0.7 * noises[0].var()


def test_noise_free_observation_is_the_surface_density_up_to_a_constant(clusters):
    records = clusters.data
    observed = WeakLensingNoise(n_gal=NO_NOISE, random_state=0).fit_transform(records)
    lost = (surface_density_of(observed) - surface_density_of(records))[:, 5:15, 5:15]
    peak = records["lensing_norm"]
    assert (lost.std(axis=(1, 2)) < 0.01 * peak).all()
    mean = surface_density_of(records).mean(axis=(1, 2))
    np.testing.assert_allclose(-lost.mean(axis=(1, 2)), mean, rtol=0.1)


def test_units_are_those_of_the_noise(blank_records):
    redshift = np.array([0.0, 0.1, 0.125, 0.25, 0.375], np.float32)
    records = blank_records(5, redshift=redshift)
    observed = WeakLensingNoise(n_gal=40, shape_noise=0.25, random_state=0).fit_transform(records)
    redshift = np.maximum(redshift, 0.1).astype(float)
    galaxies = 40 * Lenses(redshift).pixel_side(20) ** 2
    expected = 0.25 / np.sqrt(2) / np.sqrt(galaxies) * critical_surface_density(redshift, 2.0)
    np.testing.assert_allclose(observed["lensing_norm"], expected)
    assert observed["lensing_norm"][0] == pytest.approx(observed["lensing_norm"][1])


def test_noise_level_in_numbers(blank_records):
    # 0.3 / sqrt(2 n) with n = 0.28 and 0.56 galaxies in a pixel of 20 kpc, 4.47 arcsec at redshift 0.3
    for n_gal, expected in ((50, 0.402), (100, 0.284)):
        observed = WeakLensingNoise(n_gal).fit_transform(blank_records(1, 100))
        level = observed["lensing_norm"][0] / critical_surface_density(0.3, 2.0)
        assert level == pytest.approx(expected, abs=0.002)


def test_units_are_those_of_the_cosmology(blank_records):
    records = blank_records(2, redshift=[0.2, 0.4])
    unit = WeakLensingNoise(40, shape_noise=0.25, cosmology=Planck18).fit_transform(records)["lensing_norm"]
    pixel = Planck18.arcsec_per_kpc_proper([0.2, 0.4]).value * 100 / 60
    density = critical_surface_density(np.array([0.2, 0.4]), 2.0, Planck18)
    np.testing.assert_allclose(unit, 0.25 / np.sqrt(2 * 40 * pixel**2) * density, rtol=1e-6)
    with pytest.raises(ValueError, match=r"'cosmology' parameter of WeakLensingNoise .* Got 'Planck18'"):
        WeakLensingNoise(cosmology="Planck18").fit(records)


def test_smoothing_keeps_the_unit_of_the_map(blank_records, within_five_errors):
    records = blank_records(200, 40)
    plain, smooth = (
        WeakLensingNoise(smoothing=s, random_state=0).fit_transform(records) for s in (None, 100.0)
    )
    within_five_errors((smooth["total"][:, 15:25, 15:25] ** 2).mean(axis=(1, 2)), 1)
    # 100 kpc are two pixels of 50 kpc.
    expected = plain["lensing_norm"] / (2 * np.sqrt(np.pi) * 2)
    np.testing.assert_allclose(smooth["lensing_norm"], expected, rtol=1e-3)
    by_shear = WeakLensingNoise(mask=np.zeros((40, 40), bool), smoothing=100.0).fit_transform(records)
    np.testing.assert_allclose(by_shear["lensing_norm"], expected, rtol=1e-6)


def test_biases_act_on_the_measured_shapes(clusters):
    records = clusters.data[:3]
    parameters = {"output": "shear", "random_state": 0}
    true, biased = (
        WeakLensingNoise(**parameters, **biases).fit_transform(records)
        for biases in ({}, {"multiplicative_bias": -0.1, "additive_bias": 0.05})
    )
    redshift = np.maximum(records["redshift"], 0.1)
    unit = (true["lensing_norm"] / critical_surface_density(redshift, 2.0))[:, np.newaxis, np.newaxis]
    for name in ("shear1", "shear2"):
        np.testing.assert_allclose(biased[name] * unit, 0.05 + 0.9 * true[name] * unit, rtol=1e-5, atol=1e-6)


def test_shear_and_convergence_are_one_observation(clusters):
    observed = WeakLensingNoise(output="shear", random_state=0).fit_transform(clusters.data[:2])
    level = observed["lensing_norm"] / critical_surface_density(np.maximum(observed["redshift"], 0.1), 2.0)
    for row, noise in zip(observed, level, strict=True):
        kappa = reduced_shear_inverse(noise * row["shear1"], noise * row["shear2"], noise)
        np.testing.assert_allclose(kappa / noise, row["total"], atol=1e-5)
    kappa_only = WeakLensingNoise(mask=NOTHING_MASKED, random_state=0).fit_transform(clusters.data[:2])
    np.testing.assert_array_equal(kappa_only["total"], observed["total"])
    assert kappa_only.dtype == clusters.data.dtype
    turned = WeakLensingNoise(output="tangential", random_state=0).fit_transform(clusters.data[:2])
    assert turned.dtype.names[-2:] == ("shear_t", "shear_x")
    np.testing.assert_allclose(
        np.hypot(turned["shear_t"], turned["shear_x"]),
        np.hypot(observed["shear1"], observed["shear2"]),
        rtol=1e-5,
    )


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_another_unit_of_mass_is_suspected(clusters, factor):
    records = clusters.data.copy()
    records["lensing_norm"] *= factor
    with pytest.warns(UserWarning, match=r"a convergence of \S+: check that it is in Msun / Mpc2"):
        WeakLensingNoise().fit(records)


def test_what_is_no_noise_free_map_is_refused(clusters):
    """Observed already, a logarithm, or not divided by its peak: the noise would be off by any factor."""
    noise, records = WeakLensingNoise(random_state=0), clusters.data[:2]
    with pytest.raises(
        ValueError, match=r"'total' must not be negative before noise is added \(mark real obs"
    ):
        noise.fit(noise.fit_transform(records))
    logarithms, physical = records.copy(), records.copy()
    logarithms["total"] = np.log10(records["total"])
    with pytest.raises(ValueError, match=r"'total' must not be negative"):
        noise.fit(logarithms)
    physical["total"][1] = surface_density_of(records)[1]
    with pytest.raises(ValueError, match=r"'total' must be divided by its peak.* got \d+\.0 in .* \(row 1\)"):
        noise.fit(physical)
    rebinned = records.copy()
    rebinned["total"] *= 1.2
    rebinned["lensing_norm"] /= 1.2
    noise.fit(rebinned)


@pytest.mark.filterwarnings("ignore:'lensing_norm' gives the peaks")
def test_redshifts_believed_too_large_give_too_little_mass(clusters):
    records = weak(clusters.data[clusters.data["redshift"] > 0])
    true, biased = (
        WeakLensingNoise(n_gal=NO_NOISE, photo_z_bias=bias, random_state=0).fit_transform(records)
        for bias in (0.0, 0.2)
    )
    ratio = critical_surface_density(0.25, 2.0) / critical_surface_density(0.25, 1.5)  # 3 = 1.2 × 2.5
    assert ratio < 1
    expected = ratio * surface_density_of(true)
    np.testing.assert_allclose(surface_density_of(biased), expected, atol=1e-4 * expected.max())
    np.testing.assert_array_equal(biased["lensing_norm"], true["lensing_norm"])


def test_each_row_has_a_draw_of_its_own(clusters):
    noise = WeakLensingNoise(random_state=3).fit(clusters.data)
    observed = noise.transform(clusters.data)
    order = np.random.default_rng(0).permutation(len(observed))
    np.testing.assert_array_equal(noise.transform(clusters.data[order]), observed[order])
    np.testing.assert_array_equal(noise.transform(clusters.data[5:6]), observed[5:6])
    np.testing.assert_array_equal(noise.transform(clusters.data[::-2]), observed[::-2])
    np.testing.assert_array_equal(noise.fit_transform(clusters.data), observed)
    np.testing.assert_array_equal(clone(noise).fit(clusters.data[7:]).transform(clusters.data), observed)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(noise)).transform(clusters.data), observed)


def test_a_lens_shears_along_circles(blank_records):
    x, y = np.meshgrid(np.arange(20) - 9.5, np.arange(20) - 9.5)
    lens = blank_records(1, total=np.exp(-(x**2 + y**2) / 8))
    shear = WeakLensingNoise(NO_NOISE, output="tangential").fit_transform(lens)
    ring = np.abs(np.hypot(x, y) - 6) < 2
    assert (shear["shear_t"][0, ring] > 10 * np.abs(shear["shear_x"][0, ring])).all()


def test_draws_are_independent(blank_records):
    records = blank_records(40)
    realisation = WeakLensingNoise(random_state=0).fit_transform(records)["total"].reshape(40, -1)
    other = WeakLensingNoise(random_state=1).fit_transform(records)["total"].reshape(40, -1)
    both = np.corrcoef(np.concatenate([realisation, other])) - np.eye(80)
    assert np.abs(both).max() < 6 / np.sqrt(400)  # of 3160 pairs


def test_without_a_seed_each_fit_draws_anew_but_transform_repeats(clusters):
    noise = WeakLensingNoise().fit(clusters.data)
    observed = noise.transform(clusters.data)
    np.testing.assert_array_equal(noise.transform(clusters.data), observed)
    assert (noise.fit_transform(clusters.data)["total"] != observed["total"]).any()


def test_nothing_else_changes(clusters):
    before = clusters.data.copy()
    noise = WeakLensingNoise(random_state=0)
    parameters = noise.get_params()
    observed = noise.fit_transform(clusters.data)
    np.testing.assert_array_equal(clusters.data, before)
    assert noise.get_params() == parameters
    for name in set(before.dtype.names) - {"total", "lensing_norm"}:
        np.testing.assert_array_equal(observed[name], before[name])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_gal": -3}, r"'n_gal' parameter of WeakLensingNoise must be a float in .*Got -3"),
        ({"shape_noise": 0}, "'shape_noise' parameter"),
        ({"output": "convergence"}, "'output' parameter .*Got 'convergence'"),
        ({"smoothing": 0.0}, "'smoothing' parameter"),
        ({"photo_z_bias": -1.0}, "'photo_z_bias' parameter"),
        ({"additive_bias": np.nan}, "'additive_bias' parameter"),
    ],
)
def test_impossible_parameters_are_refused(clusters, parameters, message):
    with pytest.raises(ValueError, match=message):
        WeakLensingNoise(**parameters).fit(clusters.data)


@pytest.mark.parametrize(
    "parameters", [{"source_redshift": 0.25}, {"source_redshift": 0.5, "photo_z_bias": 0.3}]
)
def test_galaxies_in_front_of_the_cluster_are_refused(clusters, parameters):
    noise = WeakLensingNoise(**parameters)
    message = r"must be behind every cluster, got one at redshift 0\.25"
    with pytest.raises(ValueError, match=message):
        noise.fit(clusters.data)
    with pytest.raises(ValueError, match=message):
        noise.fit(clusters.data[clusters.data["redshift"] == 0]).transform(clusters.data)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("total", np.nan, r"'total' must be finite, got nan in cluster_id \d \(row 2\)"),
        ("lensing_norm", 0, r"'lensing_norm' must be finite and positive, got 0\.0 in .*row 2"),
        ("redshift", -0.1, r"'redshift' must be 0 or more, got -0\.1"),
        ("redshift", np.nan, "'redshift' must be 0 or more, got nan"),
    ],
)
def test_bad_records_are_refused(clusters, name, value, message):
    bad = clusters.data.copy()
    if name == "total":
        bad["total"][2, 3, 3] = value
    else:
        bad[name][2] = value
    noise = WeakLensingNoise().fit(clusters.data)
    for call in (noise.transform, noise.fit):
        with pytest.raises(ValueError, match=message):
            call(bad)


def test_other_data_are_refused(clusters, blank_records):
    with pytest.raises(TypeError, match="must be records of clusters"):
        WeakLensingNoise().fit(np.zeros((3, 20, 20, 3)))
    with pytest.raises(NotFittedError):
        WeakLensingNoise().transform(clusters.data)
    with pytest.raises(ValueError, match=r"maps of shape \(8, 8\), but \(20, 20\) were seen at fit"):
        WeakLensingNoise().fit(clusters.data).transform(blank_records(2, 8))

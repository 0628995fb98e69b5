import numpy as np
import pytest

from darkcnn.noise import (
    WeakLensingNoise,
    critical_surface_density,
    kaiser_squires_inverse,
    reduced_shear,
    reduced_shear_inverse,
)
from darkcnn.noise.inversion import field_convergence
from darkcnn.noise.reduced_shear import reconstruct, reduce_shear

SCALE_RADIUS = 14.99  # pixels; no pixel is exactly there, where the formula is 0 / 0


def polar(n_pixels):
    """Radius and angle of the pixels about the middle of the map."""
    axis = np.arange(n_pixels) - (n_pixels - 1) / 2
    x, y = np.meshgrid(axis, axis)
    return np.hypot(x, y), np.arctan2(y, x)


def wright_brainerd(radius, amplitude):
    """Convergence and shear of an NFW lens, over 2 r_s rho_s / Sigma_c (Wright & Brainerd 2000)."""
    x = np.maximum(radius / SCALE_RADIUS, 1e-4)
    root = np.sqrt(np.abs(1 - x**2))
    arc = 2 * np.where(
        x < 1,
        np.arctanh(np.sqrt(((1 - x) / (1 + x)).clip(min=0))),
        np.arctan(np.sqrt(((x - 1) / (1 + x)).clip(min=0))),
    )
    kappa = (1 - arc / root) / (x**2 - 1)
    mean = 2 / x**2 * (np.log(x / 2) + arc / root)
    return amplitude * kappa, amplitude * (mean - kappa)


def nfw_lens(n_pixels, peak, n_fine=5):
    """An NFW lens, averaged over the pixels, with the convergence `peak` in its centre; and its amplitude."""
    fine = wright_brainerd(polar(n_pixels * n_fine)[0] / n_fine, 1.0)[0]
    kappa = fine.reshape(n_pixels, n_fine, n_pixels, n_fine).mean(axis=(1, 3))
    amplitude = peak / kappa.max()
    return amplitude * kappa, amplitude


@pytest.mark.parametrize("peak", [0.3, 0.8, 1.5])
def test_nfw_lens_distorts_as_in_theory(peak):
    kappa, amplitude = nfw_lens(100, peak)
    g1, g2 = reduced_shear(kappa)
    radius, angle = polar(100)
    measured = -((g1 + 1j * g2) * np.exp(-2j * angle))
    exact, shear = wright_brainerd(radius, amplitude)
    expected = shear / (1 - exact)
    ring = (radius > 4) & (radius < 30)
    assert (
        expected[ring].max() > (1 + peak / 3) * shear[ring].max()
    )  # of a lens for which the difference matters
    np.testing.assert_allclose(measured.real[ring], expected[ring], rtol=0.06)
    assert (measured.real / expected)[ring].mean() == pytest.approx(1, abs=0.01)
    assert np.abs(measured.imag[ring]).max() < 0.03 * expected[ring].min()


def test_within_the_critical_curve_the_inverse_is_measured():
    shear = np.array([0.2, 0.3j, -0.3, 0.5 + 0.5j, 0.4, 0.0])
    kappa = np.array([0.5, 1.5, 0.9, 1.2, 1.0, 1.0])
    measured = reduce_shear(shear, kappa)
    g = shear[:4] / (1 - kappa[:4])
    expected = np.where(np.abs(g) <= 1, g, 1 / g.conj())
    assert (np.abs(g) > 1).tolist() == [False, False, True, True]
    np.testing.assert_allclose(measured[:4], expected)
    assert measured[4:].tolist() == [0, 0]


@pytest.mark.parametrize("n_pixels", [60, 101])
@pytest.mark.parametrize("peak", [0.3, 0.8])
def test_nfw_lens_is_reconstructed(n_pixels, peak):
    kappa, _ = nfw_lens(n_pixels, peak)
    g1, g2 = reduced_shear(kappa)
    inside = polar(n_pixels)[0] < 0.3 * n_pixels
    rest = 1 - reduced_shear_inverse(g1, g2)
    # Shear determines 1 - kappa but for a factor, which the empty sky around the field sets.
    factor = np.median((rest / (1 - kappa))[inside])
    assert factor == pytest.approx(1 + kappa.mean(), abs=0.01)
    np.testing.assert_allclose(rest[inside] / factor, 1 - kappa[inside], rtol=0, atol=0.01)
    # Without the iteration, the core comes out too dense.
    linear = field_convergence(g1 + 1j * g2) - kappa
    assert (linear[inside].max() - linear[inside].min()) > (0.02 if peak == 0.3 else 0.2)


def test_a_weak_lens_needs_no_iteration():
    kappa = 1e-4 * nfw_lens(41, 1.0)[0]
    np.testing.assert_allclose(
        reduced_shear_inverse(*reduced_shear(kappa)),
        field_convergence(sum_of(*reduced_shear(kappa))),
        atol=1e-7,
    )


def sum_of(g1, g2):
    return g1 + 1j * g2


def test_iteration_has_converged():
    kappa, _ = nfw_lens(51, 0.8)
    rng = np.random.default_rng(0)
    shapes = (
        sum_of(*reduced_shear(kappa))
        + 0.3 * rng.standard_normal((51, 51, 2), np.float32).view(np.complex64)[..., 0]
    )
    found = reconstruct(shapes, 0.3)
    width = 0.3 / (2 * np.sqrt(np.pi) * 0.1)
    longer = np.zeros_like(kappa)
    for _ in range(20):
        longer = field_convergence((shapes * np.maximum(1 - longer, 0)).astype(np.complex64), width)
    longer = field_convergence((shapes * np.maximum(1 - longer, 0)).astype(np.complex64))
    assert np.abs(found - longer).max() < 0.05
    assert (found - longer).std() < 0.005


@pytest.mark.parametrize("mask", [None, np.zeros((40, 40), bool)])
def test_observations_are_of_reduced_shear(blank_records, mask):
    """Without noise, the convergence is the true one; the noise falls with 1 - kappa."""
    kappa, _ = nfw_lens(40, 0.7)
    records = blank_records(1, 40, lensing_norm=0.7 * critical_surface_density(0.3, 2.0), total=kappa / 0.7)
    truth = WeakLensingNoise(1e20, mask=mask).fit_transform(records)
    unit = truth["lensing_norm"][0] / critical_surface_density(0.3, 2.0)
    core = polar(40)[0] < 8
    error = unit * truth["total"][0][core] - kappa[core]
    rest = 1 - kappa[core]
    if mask is not None:  # a field of view determines 1 - kappa but for a factor
        error /= rest
        rest = 1 - unit * truth["total"][0][core]
    assert error.max() - error.min() < 0.03
    noisy = WeakLensingNoise(mask=mask, random_state=0).fit_transform(records)
    realisations = noisy.draw(np.zeros(300, int), np.arange(300))["total"]
    np.testing.assert_allclose(realisations.std(axis=0)[core].mean(), rest.mean(), rtol=0.05)


def test_shapes_of_a_strong_lens_are_at_most_one(blank_records):
    kappa, _ = nfw_lens(40, 2.0)
    records = blank_records(1, 40, lensing_norm=2 * critical_surface_density(0.3, 2.0), total=kappa / 2)
    shapes = WeakLensingNoise(1e20, output="shear").fit_transform(records)
    unit = shapes["lensing_norm"] / critical_surface_density(0.3, 2.0)
    modulus = unit * np.hypot(shapes["shear1"], shapes["shear2"])
    assert 0.9 < modulus.max() <= 1 + 1e-5
    assert np.isfinite(shapes["total"]).all()
    with np.errstate(all="raise"):
        periodic = kaiser_squires_inverse(shapes["shear1"][0], shapes["shear2"][0])[0]
    assert np.isfinite(periodic).all()


def test_rows_do_not_depend_on_the_others(clusters):
    """Maps are transformed together, some at a time."""
    strong = np.tile(clusters.data[clusters.data["redshift"] > 0], 20)
    strong["lensing_norm"] *= 3
    strong["cluster_id"] = np.arange(len(strong))
    for parameters in ({}, {"output": "shear"}, {"smoothing": 150.0}):
        observed = WeakLensingNoise(random_state=0, **parameters).fit_transform(strong)
        whole = np.asarray(observed)
        for rows in ([3], [7, 100, 2, 0, 55], np.arange(len(strong))[::-3]):
            np.testing.assert_array_equal(np.asarray(observed[rows]), whole[rows])

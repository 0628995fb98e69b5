import numpy as np
import pytest

from darkcnn.noise import kaiser_squires, kaiser_squires_inverse, reduced_shear, reduced_shear_inverse
from darkcnn.noise.inversion import field_convergence, field_shear, noise_after_smoothing
from darkcnn.simulation.nfw import surface_density

N_PIXELS = 100
SCALE_RADIUS = 15.0  # pixels


def polar(n_pixels, centre=0.0):
    """Radius and angle of the pixels about the middle of the map, or as far from it in x and y."""
    axis = np.arange(n_pixels) - (n_pixels - 1) / 2 - centre
    x, y = np.meshgrid(axis, axis)
    return np.hypot(x, y), np.arctan2(y, x)


def nfw_convergence(n_pixels, n_fine=5):
    """An NFW lens, averaged over the pixels: the profile is steep."""
    radius, _ = polar(n_pixels * n_fine)
    kappa = surface_density(np.maximum(radius / n_fine / SCALE_RADIUS, 1e-4).ravel())
    return kappa.reshape(n_pixels, n_fine, n_pixels, n_fine).mean(axis=(1, 3))


def nfw_tangential_shear(radius):
    """Mean convergence inside minus convergence (Wright & Brainerd 2000, eq. 14 to 16)."""
    x = radius / SCALE_RADIUS
    root = np.sqrt(np.abs(1 - x**2))
    arc = np.where(x < 1, np.arctanh(root.clip(max=1 - 1e-12)), np.arctan(root)) / root
    return 4 / x**2 * (arc + np.log(x / 2)) - surface_density(x.ravel()).reshape(x.shape)


def tangential(shear, angle):
    """Tangential and cross component."""
    turned = -shear * np.exp(-2j * angle)
    return turned.real, turned.imag


@pytest.mark.parametrize("shape", [(15, 15), (13, 21), (3, 15, 15)])
def test_there_and_back(shape):
    kappa = np.random.default_rng(0).normal(size=shape)
    kappa_E, kappa_B = kaiser_squires_inverse(*kaiser_squires(kappa))
    np.testing.assert_allclose(kappa_E, kappa - kappa.mean(axis=(-2, -1), keepdims=True), atol=1e-12)
    np.testing.assert_allclose(kappa_B, 0, atol=1e-12)


def test_there_and_back_on_an_even_map_loses_ripples_of_two_pixels_only():
    kappa = np.random.default_rng(0).normal(size=(12, 20))
    kappa_E, kappa_B = kaiser_squires_inverse(*kaiser_squires(kappa))
    lost = np.fft.fft2(kappa_E - kappa)
    kept = np.ones((12, 20), bool)
    kept[0, 0] = kept[6] = kept[:, 10] = False
    np.testing.assert_allclose(lost[kept], 0, atol=1e-12)
    np.testing.assert_allclose(kappa_B, 0, atol=1e-12)


def test_shear_turned_by_45_degrees_is_all_b_mode():
    kappa = np.random.default_rng(0).normal(size=(15, 15))
    g1, g2 = kaiser_squires(kappa)
    kappa_E, kappa_B = kaiser_squires_inverse(-g2, g1)
    np.testing.assert_allclose(kappa_E, 0, atol=1e-12)
    np.testing.assert_allclose(kappa_B, kappa - kappa.mean(), atol=1e-12)


def test_shear_of_a_plane_wave():
    # All shear of a ripple along x is g1, all of one along the diagonal g2.
    x, y = np.meshgrid(np.arange(16), np.arange(16))
    for kappa, (along_x, along_diagonal) in (
        (np.cos(np.pi * x / 4), (1, 0)),
        (np.cos(np.pi * (x + y) / 4), (0, 1)),
    ):
        g1, g2 = kaiser_squires(kappa)
        np.testing.assert_allclose(g1, along_x * kappa, atol=1e-12)
        np.testing.assert_allclose(g2, along_diagonal * kappa, atol=1e-12)


def test_float32_stays():
    g1, g2 = kaiser_squires(np.ones((4, 4), np.float32))
    assert g1.dtype == g2.dtype == kaiser_squires_inverse(g1, g2)[0].dtype == np.float32


@pytest.mark.parametrize("unknown", [np.nan, np.inf, np.ma.masked])
def test_what_is_not_known_is_refused(unknown):
    known, holed = np.zeros((5, 5)), np.ma.zeros((5, 5))
    holed[2, 3] = unknown
    for function in (kaiser_squires, reduced_shear):
        with pytest.raises(ValueError, match="kappa must be finite and unmasked"):
            function(holed)
    for function in (kaiser_squires_inverse, reduced_shear_inverse):
        with pytest.raises(ValueError, match="g1 must be finite and unmasked"):
            function(holed, known)
        with pytest.raises(ValueError, match="g2 must be finite and unmasked"):
            function(known, holed)


def test_white_shear_gives_white_convergence(within_five_errors):
    n_maps, n_pixels, sigma = 200, 25, 0.3
    g1, g2 = np.random.default_rng(0).normal(scale=sigma, size=(2, n_maps, n_pixels, n_pixels))
    kappa_E, kappa_B = kaiser_squires_inverse(g1, g2)
    k = np.hypot(np.fft.rfftfreq(n_pixels), np.fft.fftfreq(n_pixels)[:, np.newaxis])
    rings = [(k >= low) & (k < low + 0.1) & (k > 0) for low in np.arange(0, 0.7, 0.1)]
    for kappa in (kappa_E, kappa_B):
        power = np.abs(np.fft.rfft2(kappa)) ** 2 / n_pixels**2
        within_five_errors(np.stack([power[:, ring].mean(axis=1) for ring in rings], axis=1), sigma**2)


def test_nfw_lens_shears_as_in_theory():
    shear = field_shear(nfw_convergence(N_PIXELS).astype(np.float32))
    radius, angle = polar(N_PIXELS)
    shear_t, shear_x = tangential(shear, angle)
    ratio = shear_t / nfw_tangential_shear(radius)
    # Pixels smooth the centre; the mass outside the field, and the corners, are missing at the edge.
    for inner, outer, mean, scatter in ((5, 10, 0.01, 0.01), (10, 20, 0.005, 0.01), (20, 30, 0.005, 0.02)):
        ring = (radius > inner) & (radius < outer)
        assert ratio[ring].mean() == pytest.approx(1, abs=mean)
        assert ratio[ring].std() < scatter
        assert np.abs(shear_x[ring]).max() < 0.03 * shear_t[ring].min()


def test_nfw_lens_survives():
    kappa = nfw_convergence(N_PIXELS)
    radius, angle = polar(N_PIXELS)
    analytic = (-nfw_tangential_shear(radius) * np.exp(2j * angle)).astype(np.complex64)
    for shear, least in ((field_shear(kappa.astype(np.float32)), 0), (analytic, 10)):
        missing = field_convergence(shear, 0.0) - kappa
        ring = (radius >= least) & (radius < 30)
        # Within 600 kpc of the centre, the reconstruction lacks a constant: about the mean of the field.
        assert missing[ring].mean() == pytest.approx(-kappa.mean(), rel=0.05)
        assert missing[ring].std() < 0.01 * kappa[ring].max()


def test_padding_keeps_the_edges_apart():
    # A lens close to the left edge must not shear the right one from beyond it.
    radius, angle = polar(N_PIXELS, centre=-35.0)
    kappa = np.exp(-(radius**2) / 18)
    mass = kappa.sum()
    far = (radius > 50) & (radius < 90)
    expected = mass / (np.pi * radius[far] ** 2)  # outside of all its mass, a lens shears like a point
    padded = tangential(field_shear(kappa.astype(np.float32)), angle)[0][far] / expected
    g1, g2 = kaiser_squires(kappa)
    periodic = tangential(g1 + 1j * g2, angle)[0][far] / expected
    assert np.abs(padded - 1).mean() < 0.3 * np.abs(periodic - 1).mean()


@pytest.mark.parametrize("smoothing", [0.5, 2.0])
def test_smoothing_leaves_the_noise_it_should(smoothing, within_five_errors):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((100, 60, 60, 2), np.float32).view(np.complex64)[..., 0]
    centre = np.stack([field_convergence(shear, smoothing)[20:40, 20:40] for shear in noise])
    expected = noise_after_smoothing(60, smoothing)
    within_five_errors((centre**2).mean(axis=(1, 2)) / expected**2, 1)
    if smoothing == 2.0:  # a wide Gaussian leaves 1 / (2 sqrt(pi) sigma)
        assert expected == pytest.approx(1 / (2 * np.sqrt(np.pi) * 2), rel=1e-6)

"""Maps that other people made from observations."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import gaussian_filter

from darkcnn.noise import kaiser_squires_inverse, reduced_shear, reduced_shear_inverse
from darkcnn.noise.inversion import field_shear

DATA = os.environ.get("DARKCNN_TEST_DATA")

pytestmark = pytest.mark.skipif(not DATA, reason="needs DARKCNN_TEST_DATA")

KPC_PER_ARCSEC = 4.413  # at redshift 0.296 of the Bullet Cluster

# Positions, gas mass within 100 kpc (1e12 Msun, with its error) of Clowe et al. (2006), table 2.
APERTURES = {
    "main galaxy": (104.64708, -55.94897, 5.5, 0.6),
    "main gas": (104.62583, -55.94331, 6.6, 0.7),
    "small galaxy": (104.56667, -55.94308, 2.7, 0.3),
    "small gas": (104.58833, -55.94167, 5.8, 0.6),
}


def read(folder, name):
    """Map, in numpy's byte order, and its coordinates; these headers bend the standard."""
    with fits.open(Path(DATA, folder, name), ignore_missing_end=True) as hdus:
        hdus[0].verify("silentfix+ignore")
        return hdus[0].data.astype(float), hdus[0].header.copy()


def aperture(image, header, name, pixel, n_rebinned=None):
    """Pixels within 100 kpc, which are `pixel` kpc on a side; of a map rebinned, if it was."""
    ra, dec = APERTURES[name][:2]
    position = np.array(WCS(header).all_world2pix(ra, dec, 0))
    if n_rebinned is not None:
        position = (position + 0.5) * n_rebinned / header["NAXIS1"] - 0.5
        pixel = pixel * header["NAXIS1"] / n_rebinned
    y, x = np.indices(image.shape)
    return image[np.hypot(x - position[0], y - position[1]) * pixel < 100]


def test_cosmos_convergence_is_the_published_one():
    e1, e2 = (read("cosmos", f"cosmos_full_{name}_0.29arcmin360.fits")[0] for name in ("e1", "e2"))
    published, _ = read("cosmos", "ks_e_0.29arcmin360.fits")
    reconstructed = gaussian_filter(kaiser_squires_inverse(e1, e2)[0], 2)[:, ::-1]
    np.testing.assert_allclose(reconstructed, published, rtol=0, atol=1e-8)


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
@pytest.mark.parametrize("name", APERTURES)
def test_bullet_gas_fills_its_apertures(name):
    gas, header = read("bullet", "1e0657_central_gasmass_mod.fits")
    side = 1.968 * KPC_PER_ARCSEC
    mass, error = APERTURES[name][2:]
    assert 1e3 * aperture(gas, header, name, side).sum() == pytest.approx(mass, abs=0.2)  # 1e12 Msun
    n_coarse = round(len(gas) * side / 20)
    coarse = cv2.resize(gas, (n_coarse, n_coarse), interpolation=cv2.INTER_AREA) * (len(gas) / n_coarse) ** 2
    assert coarse.sum() == pytest.approx(gas.sum())
    assert 1e3 * aperture(coarse, header, name, side, n_coarse).sum() == pytest.approx(mass, abs=error)


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_bullet_convergence_at_the_main_galaxy():
    kappa, header = read("bullet", "1e0657.release1.kappa.fits")
    side = 3.5518 * KPC_PER_ARCSEC
    assert aperture(kappa, header, "main galaxy", side).mean() == pytest.approx(0.36, abs=0.01)
    n_coarse = round(len(kappa) * side / 20)
    coarse = cv2.resize(kappa, (n_coarse, n_coarse), interpolation=cv2.INTER_AREA)
    assert aperture(coarse, header, "main galaxy", side, n_coarse).mean() == pytest.approx(0.36, abs=0.02)


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_bullet_galaxies_show_the_published_mass():
    published, header = read("bullet", "1e0657.release1.kappa.fits")
    ra, dec, g1, g2, weight = np.loadtxt(
        Path(DATA, "bullet", "1e0657.release1.shear.dat"), usecols=range(5)
    ).T
    x, y = WCS(header).all_world2pix(15 * ra, dec, 0)  # right ascension is in hours
    margin, n_pixels = 120, 360  # of empty sky about the map, against wrap-around

    def grid(values):
        edges = ((-margin, n_pixels - margin),) * 2
        return gaussian_filter(np.histogram2d(y, x, n_pixels, edges, weights=values)[0], 8)

    galaxies = grid(weight)
    galaxies = np.maximum(galaxies, 1e-3 * galaxies.max())
    maps = kaiser_squires_inverse(grid(weight * g1) / galaxies, grid(weight * g2) / galaxies)
    inside = slice(margin, margin + len(published))
    correlation_E, correlation_B = (
        np.corrcoef(kappa[inside, inside].ravel(), published.ravel())[0, 1] for kappa in maps
    )
    assert correlation_E > 0.8
    assert abs(correlation_B) < 0.4


def nfw_image(n_pixels, side, radius_mpc, kappa, n_fine=5):
    """Convergence of a lens on a map of `side` Mpc, averaged over the pixels; radius and angle of these."""
    axis = (np.arange(n_pixels * n_fine) + 0.5) * side / (n_pixels * n_fine) - side / 2
    fine = np.interp(np.log(np.hypot(axis, axis[:, np.newaxis])), np.log(radius_mpc), kappa)
    image = fine.reshape(n_pixels, n_fine, n_pixels, n_fine).mean(axis=(1, 3)).astype(np.float32)
    centres = axis.reshape(n_pixels, n_fine).mean(axis=1)
    x, y = np.meshgrid(centres, centres)
    return image, np.hypot(x, y), np.arctan2(y, x)


def test_nfw_lens_shears_as_others_computed():
    table = np.loadtxt(Path(DATA, "nfw", "radial_profiles.txt"))
    radius_mpc, shear, kappa = table[:, [0, 4, 5]].T
    image, radius, angle = nfw_image(200, 10.0, radius_mpc, kappa)
    measured = -(field_shear(image) * np.exp(-2j * angle)).real
    expected = np.interp(np.log(radius), np.log(radius_mpc), shear)
    for inner, outer in ((0.3, 0.6), (0.6, 1.2), (1.2, 2.4)):
        ring = (radius > inner) & (radius < outer)
        assert (measured[ring] / expected[ring]).mean() == pytest.approx(1, abs=0.01)


def test_nfw_lens_distorts_and_is_reconstructed_as_others_computed():
    table = np.loadtxt(Path(DATA, "nfw", "radial_profiles.txt"))
    radius_mpc, kappa, reduced = table[:, [0, 5, 6]].T
    image, radius, angle = nfw_image(200, 4.0, radius_mpc, kappa)
    g1, g2 = reduced_shear(image)
    measured = -((g1 + 1j * g2) * np.exp(-2j * angle)).real
    expected = np.interp(np.log(radius), np.log(radius_mpc), reduced)
    assert expected[(radius > 0.12) & (radius < 0.14)].min() > 0.35
    for inner, outer in ((0.12, 0.2), (0.2, 0.4), (0.4, 0.8)):
        ring = (radius > inner) & (radius < outer)
        assert (measured[ring] / expected[ring]).mean() == pytest.approx(1, abs=0.01)
    rest = (1 - reduced_shear_inverse(g1, g2)) / (1 - image)  # 1 - kappa is determined but for a factor
    assert image.max() > 1  # so there is a critical curve, outside of which the lens is recovered
    assert np.ptp(rest[(image < 0.5) & (radius < 0.8)]) < 0.02

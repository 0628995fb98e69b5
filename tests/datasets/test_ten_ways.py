"""The same clusters, written in ten ways, become the same records and get the same probabilities."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from darkcnn import load_pretrained, make_records
from darkcnn.cosmology import BAHAMAS
from darkcnn.datasets import import_clusters, make_clusters
from darkcnn.observations import cut_out
from darkcnn.records import MAPS, NORMS

REDSHIFT = 0.25
ATTRIBUTES = ("xray_concentration", "bcg_stellar_concentration", "bcg_e1", "bcg_e2")


@pytest.fixture(scope="module")
def mock():
    """Ten clusters, 100 pixels of 20 kpc."""
    return make_clusters(5, cross_sections=(0, 1), redshifts=(REDSHIFT,), n_pixels=100, random_state=11)


@pytest.fixture(scope="module")
def maps(mock):
    """Maps in physical units."""
    pairs = zip(MAPS, NORMS, strict=True)
    return {name: mock.data[name].astype(float) * mock.data[norm][:, None, None] for name, norm in pairs}


@pytest.fixture(scope="module")
def expected(mock, maps):
    return make_records(**maps, **given(mock))


@pytest.fixture(scope="module")
def probabilities(expected):
    return load_pretrained().predict_proba(expected.data)


def given(mock, **changes):
    """Arguments of make_records beside the maps."""
    return {
        "redshift": REDSHIFT,
        "cluster_id": mock.groups,
        "cross_section": mock.target,
        "log_mass": mock.data["log_mass"],
        "pixel_scale": 20,
        "center": "middle",
    } | changes


def each(maps, change):
    return {name: change(images) for name, images in maps.items()}


def padded(images, margin=50):
    """Show more sky: the outermost pixels go on."""
    return np.pad(images, ((0, 0), (margin, margin), (margin, margin)), mode="edge")


def finer(images, n_pixels=256):
    """The same surface density on smaller pixels, by area."""
    ratio = 100 / n_pixels
    edges, pixels = np.arange(n_pixels + 1) * ratio, np.arange(100)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    share = np.maximum(overlap, 0) / ratio
    return share @ images @ share.T


def as_written(mock, maps, folder):
    return make_records(**maps, **given(mock))


def fine_pixels(mock, maps, folder):
    return make_records(**each(maps, finer), **given(mock, pixel_scale=7.8125))


def small_field(mock, maps, folder):
    cut = each(maps, lambda images: images[:, 12:88, 12:88])
    lowest = each(cut, lambda images: images.min())
    return make_records(**cut, **given(mock, fill_value=lowest, max_gap=0.5))


def large_field(mock, maps, folder):
    return make_records(**each(maps, padded), **given(mock, pixel_scale=None, field_size=4 * u.Mpc))


def pixels_in_arcsec(mock, maps, folder):
    scale = 20 / BAHAMAS.angular_diameter_distance(REDSHIFT).to_value("kpc") * u.rad
    return make_records(**maps, **given(mock, pixel_scale=scale.to("arcsec")))


def rotated_on_the_sky(mock, maps, folder):
    """Images with 10 kpc pixels, turned by 30 degrees; each shows the map pixel that its middle lies in."""
    degrees = np.rad2deg(1 / BAHAMAS.angular_diameter_distance(REDSHIFT).to_value("kpc"))
    turn, pixel = np.deg2rad(30), 10.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ("RA---TAN", "DEC--TAN"), (150, 0), (150.5, 150.5)
    wcs.wcs.cd = pixel * degrees * rotation @ np.diag([-1, 1])
    y, x = (np.indices((300, 300)) - 149.5) * pixel
    west, north = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    row, column = (np.clip(np.floor(axis / 20 + 100).astype(int), 0, 199) for axis in (north, west))

    def turned(images):
        cut = []
        for number, image in enumerate(padded(images)):
            fits.writeto(folder / f"{number}.fits", image[row, column], wcs.to_header(), overwrite=True)
            cut.append(cut_out(folder / f"{number}.fits", (150, 0), REDSHIFT))
        return np.stack(cut)

    attributes = {name: mock.data[name] for name in ATTRIBUTES}
    return make_records(**each(maps, turned), **given(mock, pixel_scale=40, **attributes))


def off_centre(mock, maps, folder):
    shifted = each(maps, lambda images: np.roll(padded(images), (5, -4), axis=(1, 2)))  # 100 kpc, 80 kpc
    return make_records(**shifted, **given(mock, center=(99.5 + 5, 99.5 - 4)))


def logarithms(mock, maps, folder):
    units = (u.Msun / u.Mpc**2, u.erg / u.s / u.cm**2 / u.arcmin**2, u.Msun / u.Mpc**2)
    pairs = zip(maps.items(), units, strict=True)
    logs = {name: u.Dex(np.log10(images), u.dex(unit)) for (name, images), unit in pairs}
    return make_records(**logs, **given(mock))


def quantities(mock, maps, folder):
    converted = {
        "total": maps["total"] * 0.02**2 * u.Msun,  # in each pixel
        "xray": maps["xray"] / 3600 * u.erg / u.s / u.cm**2 / u.arcsec**2,
        "stellar": maps["stellar"] / 1e12 * u.Msun / u.pc**2,
    }
    return make_records(**converted, **given(mock, pixel_scale=0.02 * u.Mpc))


def channels_first(mock, maps, folder):
    stack = np.stack(list(maps.values()), axis=1)  # (n_samples, 3, height, width)
    return make_records(total=stack[:, 0], xray=stack[:, 1], stellar=stack[:, 2], **given(mock))


def one_image_a_file(mock, maps, folder):
    table = Table({"cluster_id": mock.groups, "redshift": np.full(10, REDSHIFT), "label": mock.target})
    table["log_mass"] = mock.data["log_mass"]
    for name, images in maps.items():
        for row, image in enumerate(images):
            fits.writeto(folder / f"{name}{row}.fits", image.astype(">f4"))
        table[name] = [f"{name}{row}.fits" for row in range(10)]
    table.write(folder / "table.csv")
    made = import_clusters(folder / "table.csv", folder / "clusters.h5", pixel_scale=20, center="middle")
    made.data = np.asarray(made.data)
    return made


# The largest errors of maps over their peaks, of norms, and of probabilities; None where too much is lost.
WAYS = {
    as_written: (1e-6, 1e-6, 1e-3),
    fine_pixels: (0.06, 0.08, 0.1),  # 2.56 pixels are 20 kpc, and 5.12 are 40: pixels are divided twice
    small_field: (1e-6, 1e-6, None),  # within it
    large_field: (1e-6, 1e-6, 1e-3),
    pixels_in_arcsec: (1e-6, 1e-6, 1e-3),
    rotated_on_the_sky: (0.08, 0.08, None),  # of 10 kpc pixels over 20 kpc ones
    off_centre: (1e-6, 1e-6, 1e-3),
    logarithms: (1e-5, 1e-5, 1e-3),
    quantities: (1e-5, 1e-5, 1e-3),
    channels_first: (1e-6, 1e-6, 1e-3),
    one_image_a_file: (1e-5, 1e-5, 1e-3),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_records_and_probabilities_agree(way, mock, maps, expected, probabilities, tmp_path):
    made = way(mock, maps, tmp_path)
    of_maps, of_norms, of_probabilities = WAYS[way]
    inside = (slice(None), slice(7, 43), slice(7, 43)) if way is small_field else ...
    for name, norm in zip(MAPS, NORMS, strict=True):
        error = np.abs(made.data[name] - expected.data[name])[inside].max()
        assert error < of_maps, f"{name}: {error:.2g}"
        np.testing.assert_allclose(made.data[norm], expected.data[norm], rtol=of_norms)
    for name in ATTRIBUTES:
        np.testing.assert_allclose(made.data[name], expected.data[name], atol=0.006, err_msg=name)
    assert made.target.tolist() == expected.target.tolist()
    assert made.groups.tolist() == expected.groups.tolist()
    if of_probabilities is not None:
        difference = np.abs(load_pretrained().predict_proba(made.data) - probabilities).max()
        assert difference < of_probabilities

"""Single images of files, also damaged ones."""

import gzip

import h5py
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from darkcnn.datasets.images import read_image

IMAGE = np.random.default_rng(0).random((20, 30)).astype(np.float32)


@pytest.fixture(params=["fits", "fits.gz", "h5", "npy"])
def path(request, tmp_path):
    """A file of one image."""
    path = tmp_path / f"image.{request.param}"
    if request.param == "npy":
        np.save(path, IMAGE)
    elif request.param == "h5":
        with h5py.File(path, "w", libver=("v110", "v110")) as file:
            file["mass"] = IMAGE
            file["mass"].attrs["unit"] = "Msun"
    else:
        header = fits.Header({"BUNIT": "Msun", "CDELT1": -2.0, "CDELT2": 2.0})
        header["CUNIT1"] = header["CUNIT2"] = "arcsec"
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
        fits.writeto(path, IMAGE, header)
    return path


def test_image_and_what_its_file_tells(path):
    found = read_image(path)
    np.testing.assert_array_equal(found.values, IMAGE)
    if path.suffix != ".npy":
        assert found.unit == "Msun"
    if ".fits" in path.name:
        assert found.pixel_scale.to_value("arcsec") == pytest.approx(2)
    else:
        assert found.pixel_scale is None


def test_damaged_files_are_refused_or_read(path):
    """Whatever bytes change, there is an image or an error that names the file."""
    content, rng = path.read_bytes(), np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else content)
        for place in rng.integers(0, len(damaged), rng.integers(1, 20)):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert read_image(path).values.ndim == 2
        except ValueError as error:
            assert path.name in str(error)  # noqa: PT017 - either is right


def test_images_that_claim_to_be_huge_are_refused(tmp_path):
    path = tmp_path / "huge.fits"
    header = fits.Header({"SIMPLE": True, "BITPIX": -64, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6})
    path.write_bytes(header.tostring().encode())
    with pytest.raises(ValueError, match=r"huge\.fits"):
        read_image(path)
    with gzip.open(tmp_path / "huge.fits.gz", "w") as file:
        file.write(header.tostring().encode() + bytes(10**6))
    with pytest.raises(ValueError, match="an image must have at most 67108864 pixels"):
        read_image(tmp_path / "huge.fits.gz")


def test_pixels_must_be_square(tmp_path):
    header = fits.Header({"CDELT1": 2.0, "CDELT2": 3.0, "CUNIT1": "kpc", "CUNIT2": "kpc"})
    fits.writeto(tmp_path / "image.fits", IMAGE, header)
    with pytest.raises(ValueError, match="its pixels must be square"):
        read_image(tmp_path / "image.fits")
    header["CDELT2"] = 2.0
    fits.writeto(tmp_path / "square.fits", IMAGE, header)
    assert read_image(tmp_path / "square.fits").pixel_scale == 2 * u.kpc

"""Images from FITS, HDF5 and NumPy files."""

import warnings
from typing import NamedTuple

import h5py
import numpy as np
from astropy.io import fits
from astropy.units import Quantity, Unit
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from darkcnn.datasets.hdf5 import attribute_of, check_ordinary, check_values

_MAX_PIXELS = 2**26
"""Maximum number of pixels of an image: 8192 x 8192."""

_SIGNATURES = {b"SIMPLE  =": "FITS", b"\x89HDF\r\n\x1a\n": "HDF5", b"\x93NUMPY": "NumPy", b"\x1f\x8b": "FITS"}


class Image(NamedTuple):
    """Image with its unit and pixel scale.

    Attributes
    ----------
    values : ndarray of shape (height, width)
        Image.
    unit : str or None
        Its unit.
    pixel_scale : Quantity or None
        Side of a pixel: a length or an angle.
    """

    values: np.ndarray
    unit: str | None = None
    pixel_scale: Quantity | None = None


def read_image(path, part=None, row=None):
    """Read one image from a file.

    Parameters
    ----------
    path : path-like
        File. The format is detected from its first bytes: FITS, also gzipped, HDF5, or ``.npy``. No code in
        it is executed.
    part : str, int or None, default=None
        Extension of FITS, by name or number, or dataset of HDF5. None for the first image in FITS, or the
        only dataset.
    row : int or None, default=None
        Index of the image, if the file contains a stack along the first axis.

    Returns
    -------
    Image
        Image, unit and pixel scale.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file does not contain such an image.
    """
    with open(path, "rb") as file:
        signature = file.read(9)
    kind = next((kind for start, kind in _SIGNATURES.items() if signature.startswith(start)), None)
    if kind is None:
        raise ValueError(f"{path} must be FITS, HDF5 or .npy, but it starts with {signature!r}")
    try:
        return {"FITS": _of_fits, "HDF5": _of_hdf5, "NumPy": _of_numpy}[kind](path, part, row)
    except Exception as error:  # parsers raise any error for damaged files
        reason = error if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"cannot read {path}: {reason}") from error


def _of_fits(path, part, row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        warnings.filterwarnings("error", "File may have been truncated")
        # A file that astropy opens by path stays open if its header is damaged.
        with open(path, "rb") as file, fits.open(file, memmap=True) as hdus:
            hdu = next(_images(hdus), None) if part is None else hdus[_number(part)]
            if hdu is None or not getattr(hdu, "is_image", False) or hdu.header.get("NAXIS", 0) < 2:
                raise ValueError(
                    f"it must contain an image in extension {part!r}, found {[each.name for each in hdus]}"
                )
            index = _index(hdu.shape, row)
            values = np.asarray(hdu.data if index is None else hdu.section[index])
            return Image(values, hdu.header.get("BUNIT"), pixel_scale_of(hdu.header))


def _images(hdus):
    return (hdu for hdu in hdus if getattr(hdu, "is_image", False) and hdu.header.get("NAXIS", 0) >= 2)


def _number(part):
    return int(part) if isinstance(part, int | np.integer) or str(part).isdigit() else str(part)


def pixel_scale_of(header):
    """Return the side of a square pixel from a FITS header, or None.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of an image.

    Returns
    -------
    Quantity or None
        Angle or length.
    """
    if "CDELT1" not in header and "CD1_1" not in header:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about repaired headers
        wcs = WCS(header, naxis=2)
    sides, units = proj_plane_pixel_scales(wcs), [str(unit) for unit in wcs.wcs.cunit]
    if not np.isclose(*sides, rtol=1e-3) or units[0] != units[1]:
        raise ValueError(f"its pixels must be square, got {sides.tolist()} {units} in the header")
    unit = Unit(units[0])
    if not (unit.is_equivalent("kpc") or unit.is_equivalent("rad")) or not np.isfinite(sides).all():
        return None
    return Quantity(sides.mean(), unit)


def _of_hdf5(path, part, row):
    with h5py.File(path, "r") as file:
        dataset = _dataset(file, part)
        index = _index(check_ordinary(check_values(dataset)).shape, row)
        values = np.asarray(dataset[()] if index is None else dataset[index])
        nulls = [attribute_of(dataset, name) for name in ("_FillValue", "missing_value")]
        for null in nulls:
            if null is not None:
                values = np.where(values == null, np.nan, values)
        return Image(values, attribute_of(dataset, "unit") or attribute_of(dataset, "units"))


def _dataset(file, part):
    """Return a dataset by name, or the only one, if it is stored in the file itself."""
    if part is None:
        names = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
        names = [name for name in names if isinstance(file[name], h5py.Dataset) and file[name].ndim >= 2]
        if len(names) != 1:
            raise ValueError(f"several datasets or none found, {sorted(file)}: name the one to read")
        return file[names[0]]
    node = file
    for name in str(part).strip("/").split("/"):
        is_group = isinstance(node, h5py.Group)
        if not is_group or name not in node or not isinstance(node.get(name, getlink=True), h5py.HardLink):
            raise ValueError(
                f"it must contain the dataset {part!r} itself, found {sorted(node) if is_group else 'none'}"
            )
        node = node[name]
    if not isinstance(node, h5py.Dataset):
        raise ValueError(f"{part!r} must be a dataset, got a group of {sorted(node)}")
    return node


def _of_numpy(path, part, row):
    if part is not None:
        raise ValueError(f"a .npy file has no part {part!r}")
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    index = _index(values.shape, row)
    return Image(np.array(values if index is None else values[index]))


def _index(shape, row):
    """Return the index of an image in an array of this shape; None for the whole array."""
    if len(shape) == 2 and row is None:
        index = None
    elif len(shape) == 3 and row is not None:
        if not 0 <= row < shape[0]:
            raise ValueError(f"row must be below {shape[0]}, the number of images, got {row}")
        index = int(row)
    elif len(shape) == 3 and shape[0] == 1:
        index = 0
    else:
        wanted = (
            "one image; set a row to read from a stack" if row is None else f"a stack of images for row {row}"
        )
        raise ValueError(f"it must contain {wanted}, found an array of shape {shape}")
    if np.prod(shape[-2:], dtype=float) > _MAX_PIXELS:
        raise ValueError(f"an image must have at most {_MAX_PIXELS} pixels, found {shape[-2:]}")
    return index

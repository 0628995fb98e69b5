"""Record of one cluster from maps in any unit, size and resolution."""

import warnings
from typing import NamedTuple

import numpy as np

from darkcnn.records.attributes import (
    STELLAR_PIXEL,
    XRAY_PIXEL,
    bcg_concentration,
    bcg_ellipticity,
    xray_concentration,
)
from darkcnn.records.fields import FIELD_SIZE, FWHM_PER_DEVIATION, MAPS, NORMS, record_dtype
from darkcnn.records.gaps import fill_gaps
from darkcnn.records.peak import find_center, middle_of
from darkcnn.records.plausible import check_peak, check_projected_mass
from darkcnn.records.quantised import is_quantised
from darkcnn.records.quantities import length_kpc, map_values, pixel_kpc
from darkcnn.records.resampling import Grid, check_resolution

MEASURED = ("xray_concentration", "bcg_stellar_concentration", "bcg_e1", "bcg_e2")
"""Attributes measured on the maps, at their own resolution, unless given."""


class MakeOptions(NamedTuple):
    """Options for making records from maps; see :func:`darkcnn.make_records`."""

    n_pixels: int = 50
    cosmology: object = None
    fill_value: object = None
    max_gap: float = 0.1
    allow_coarse: bool = False

    def fill(self, name):
        """Return the value for gaps of a map, or None."""
        return self.fill_value.get(name) if isinstance(self.fill_value, dict) else self.fill_value


DEFAULTS = MakeOptions()


class MadeRecord(NamedTuple):
    """Record with information on the original maps.

    Attributes
    ----------
    record : structured ndarray of shape (1,)
        Record of the cluster.
    center : (float, float)
        Row and column of the centre in the pixels of the first map.
    pixel : float
        Side of the largest original pixel, kpc.
    quantised : tuple of str
        Names of maps with few distinct values.
    blurs : dict of str to float
        Blur of the maps by pixels that do not fit those of the record, kpc.
    blur : float
        Largest blur of the maps, including the point spread function, kpc.
    """

    record: np.ndarray
    center: tuple
    pixel: float
    quantised: tuple
    blurs: dict
    blur: float


def make_record(
    maps, numbers, *, pixel_scale=None, field_size=None, center=None, psf_fwhm=0, options=DEFAULTS
):
    """Make the record of one cluster from its maps.

    Parameters
    ----------
    maps : dict of str to array-like of shape (height, width)
        Maps by name, in the units of :func:`darkcnn.make_records`.
    numbers : dict of str to float
        Known scalar fields, including ``redshift`` and ``cluster_id``. If the norm of a map is given, the map
        is relative to its peak.
    pixel_scale, field_size : float, Quantity, dict of them by map, or None
        Side of a pixel, or of the whole image.
    center : (float, float), "middle" or None, default=None
        Row and column of the centre in the first map; None to find it.
    psf_fwhm : float or Quantity, default=0
        Full width at half maximum of the point spread function of its maps, kpc or an angle.
    options : MakeOptions, default=DEFAULTS
        Options.

    Returns
    -------
    MadeRecord
        Record and information on the original maps.
    """
    images, pixels, quantised, blurs = {}, {}, [], {}
    for name, image in maps.items():
        shape = np.shape(image)
        if len(shape) != 2 or min(shape) < 4:
            raise ValueError(f"{name!r} must be an image of (height, width), got shape {shape}")
        pixels[name] = _pixel(name, shape, pixel_scale, field_size, numbers["redshift"], options.cosmology)
        images[name] = _physical(name, image, pixels[name], numbers)
        if is_quantised(images[name]):
            quantised.append(name)
    first = next(iter(images))
    center = _center(images[first], pixels[first], center, first)
    offset = [(c - m) * pixels[first] for c, m in zip(center, middle_of(images[first]), strict=True)]
    record = np.zeros(1, record_dtype(options.n_pixels))
    for name in record.dtype.names:
        record[name] = numbers.get(name, -1 if name == "cluster_id" else np.nan)
    for name, image in images.items():
        own = tuple(m + o / pixels[name] for m, o in zip(middle_of(image), offset, strict=True))
        _measure(record, numbers, name, image, pixels[name], own)
        density, blurs[name] = _rebin(name, image, pixels[name], own, options)
        if name == "total":
            _check_mass(density, numbers)
        peak = density.max()
        record[name] = density / peak
        record[NORMS[MAPS.index(name)]] = _norm(numbers, name, peak)
    blurs = {name: blur for name, blur in blurs.items() if blur}
    width = length_kpc(psf_fwhm, numbers["redshift"], options.cosmology, "psf_fwhm") / FWHM_PER_DEVIATION
    if not 0 <= width <= FIELD_SIZE:
        raise ValueError(f"psf_fwhm must be a length of 0 or more, got {psf_fwhm}")
    blur = float(np.hypot(width, max(blurs.values(), default=0.0)))
    return MadeRecord(record, center, max(pixels.values()), tuple(quantised), blurs, blur)


def _check_mass(density, numbers):
    """Compare the mass in the field with that of the cluster, if both are known."""
    if np.isfinite(numbers.get("log_mass", np.nan)) and np.isfinite(_norm(numbers, "total", 1.0)):
        mass = density.sum() * (FIELD_SIZE / 1000 / len(density)) ** 2
        check_projected_mass(mass, numbers["log_mass"])


def _norm(numbers, name, peak):
    """Return the peak as the norm, or NaN if the given norm is NaN (unknown)."""
    given = numbers.get(NORMS[MAPS.index(name)], 0.0)
    return np.nan if np.isnan(given) else peak


def _pixel(name, shape, pixel_scale, field_size, redshift, cosmology):
    """Return the side of a pixel in kpc."""
    scale, size = (each.get(name) if isinstance(each, dict) else each for each in (pixel_scale, field_size))
    if (scale is None) == (size is None):
        raise ValueError(
            f"one of pixel_scale and field_size must be given for {name!r}, got {scale} and {size}"
        )
    if scale is None:
        if shape[0] != shape[1]:
            raise ValueError(f"pixel_scale must be given for {name!r}, which is not square but {shape}")
        scale = size / shape[1]
    return pixel_kpc(scale, redshift, cosmology)


def _physical(name, image, pixel, numbers):
    """Return a map in the unit of its norm, or in any unit if the norm is unknown."""
    norm = numbers.get(NORMS[MAPS.index(name)])
    values = map_values(name, image, pixel)
    known = np.isfinite(values)
    if np.isinf(values).any():
        raise ValueError(f"{name!r} must be finite, or NaN where unknown, got infinity")
    if not known.any():
        raise ValueError(
            f"{name!r} must have known pixels, got only NaN: leave out a map that you do not have"
        )
    peak = values[known].max()
    if norm is not None and np.isfinite(norm):
        if not np.isclose(peak, 1, rtol=1e-3):
            raise ValueError(
                f"{name!r} must be divided by its peak because its norm is given, got a peak of {peak:.4g}"
            )
        values, peak = values * norm, peak * norm
    if norm is None or np.isfinite(norm):
        check_peak(name, peak)
    elif not peak > 0:
        raise ValueError(f"{name!r} must have a positive peak, got {peak:.4g}")
    lowest = values[known].min()
    if lowest < 0:
        raise ValueError(
            f"{name!r} must not be negative, got {lowest:.4g}: for observed maps, use darkcnn.observations"
        )
    return values


def _center(image, pixel, center, name):
    if center is None:
        return find_center(np.nan_to_num(image), pixel)
    if isinstance(center, str):
        if center != "middle":
            raise ValueError(f"center must be (row, column), 'middle' or None, got {center!r}")
        return middle_of(image)
    center = tuple(np.asarray(center, dtype=float).tolist())
    if len(center) != 2 or not all(-0.5 <= c <= n - 0.5 for c, n in zip(center, image.shape, strict=True)):
        raise ValueError(
            f"center must be a row and a column of {name!r}, of shape {image.shape}, got {center}"
        )
    return center


def _measure(record, numbers, name, image, pixel, center):
    """Measure attributes on a map and write them to the record, unless given."""
    found = {}
    image = np.where(np.isfinite(image), image, 0) if np.isnan(image).mean() < 1e-3 else None
    if image is None:
        return
    if name == "xray" and pixel <= XRAY_PIXEL * (1 + 1e-3):
        found["xray_concentration"] = xray_concentration(image / image.max(), pixel, center)
    if name == "stellar" and pixel <= STELLAR_PIXEL * (1 + 1e-3):
        found["bcg_stellar_concentration"] = bcg_concentration(image, pixel, center)
        found["bcg_e1"], found["bcg_e2"] = bcg_ellipticity(image, pixel, center)
    for attribute, value in found.items():
        if attribute not in numbers:
            record[attribute] = value


def _rebin(name, image, pixel, center, options):
    """Return a map on the pixels of the record, and its blur, kpc."""
    grid = Grid(image.shape, pixel, center, FIELD_SIZE, options.n_pixels)
    blur = check_resolution(name, grid, pixel, options.allow_coarse)
    known = np.isfinite(image)
    mean = grid.mean(np.where(known, image, 0))
    density = fill_gaps(name, mean, grid.mean(known), options.fill(name), options.max_gap)
    if not density.max() > 0:
        raise ValueError(f"{name!r} must have mass or emission within 2 Mpc of its centre, got none")
    return density, blur


def warn_about_maps(quantised, blurs):
    """Warn about 8-bit maps and maps that were blurred.

    Parameters
    ----------
    quantised : iterable of str
        Names of quantised maps.
    blurs : iterable of dict of str to float
        Blur of the maps, kpc, see :class:`MadeRecord`.
    """
    if names := sorted(set(quantised)):
        warnings.warn(
            f"maps {names} have at most 256 distinct values, like 8-bit images: faint structure is lost; do "
            "not apply a model that was trained on other maps",
            stacklevel=3,
        )
    largest = {}
    for blur in blurs:
        for name, width in blur.items():
            largest[name] = max(width, largest.get(name, 0.0))
    for name, width in largest.items():
        warnings.warn(
            f"pixels of {name!r} do not fit those of the records: rebinning by area blurs the maps by up to "
            f"{width:.2g} kpc (standard deviation)",
            stacklevel=3,
        )

"""Units of maps, lengths and cross-sections that users give."""

import numpy as np
from astropy.units import Quantity, Unit, UnitBase, UnitConversionError

from darkcnn.records.fields import MAPS, NORM_UNITS
from darkcnn.records.labels import DarkMatter, label_of

MAP_UNITS = dict(zip(MAPS, NORM_UNITS.values(), strict=True))
"""Unit of each map before it is divided by its peak, in the notation of FITS."""

_PIXELS = 0.05, 500.0
"""Sides of pixels, in kpc, that a map of a cluster can have."""


def to_values(value, unit, what):
    """Return the numbers of a quantity in a unit, or those of plain numbers, which are in it.

    Parameters
    ----------
    value : array-like or astropy.units.Quantity
        Numbers; logarithms if the unit is a ``dex`` of astropy.
    unit : str
        Unit, in the notation of FITS.
    what : str
        What they are, for the error.

    Returns
    -------
    ndarray
        Numbers, float64; NaN where they are masked.
    """
    if hasattr(value, "to_astropy"):  # unyt, of yt and swiftsimio
        if getattr(value, "comoving", False):
            raise ValueError(f"{what} must be in proper units, got comoving ones: call .to_physical()")
        value = value.to_astropy()
    mask = None
    if hasattr(value, "unmasked"):
        mask, value = value.mask, value.unmasked
    told = getattr(value, "unit", None)
    if hasattr(told, "physical_unit"):  # dex, mag or dB
        value, told = value.physical, value.physical.unit
    if isinstance(told, UnitBase):
        if any(base.name == "littleh" for base in told.bases):
            raise ValueError(f"{what} must be in units without h, got {told}: divide by h as its powers say")
        try:
            value = value.to_value(Unit(unit))
        except UnitConversionError as error:
            raise ValueError(f"{what} must be in {unit!r}, got {told}") from error
    elif told is not None or hasattr(value, "units"):
        raise ValueError(f"{what} must be numbers or an astropy quantity, got {type(value).__name__}")
    return plain_numbers(value, what, mask)


def plain_numbers(value, what, mask=None):
    """Return numbers as float64, NaN where masked."""
    mask = np.ma.getmaskarray(value) if mask is None and np.ma.isMaskedArray(value) else mask
    numbers = np.asarray(np.ma.getdata(value))
    if numbers.dtype.kind not in "iuf":
        raise ValueError(f"{what} must be numbers, got {numbers.dtype}")
    numbers = numbers.astype(float)
    if mask is not None and np.any(mask):
        numbers[mask] = np.nan
    return numbers


def map_values(name, image, pixel):
    """Return a map in the unit of its norm.

    Parameters
    ----------
    name : {"total", "xray", "stellar"}
        Map.
    image : array-like or Quantity of shape (height, width)
        Plain numbers are in the unit of its norm. A mass in each pixel is divided by its area.
    pixel : float
        Side of a pixel, kpc.

    Returns
    -------
    ndarray of shape (height, width)
        Map, float64; NaN where it is masked.
    """
    unit = getattr(image, "unit", None)
    if (
        name == "xray"
        and isinstance(unit, UnitBase)
        and any(base.name in ("ct", "ph") for base in unit.bases)
    ):
        raise ValueError(
            f"{name!r} must be a surface brightness in {MAP_UNITS[name]!r}, got {unit}: counts of "
            "photons are "
            "observations, see darkcnn.observations"
        )
    if name != "xray" and isinstance(image, Quantity):
        physical = getattr(unit, "physical_unit", unit)
        if physical.is_equivalent("solMass") and "littleh" not in physical.to_string():
            image = (image.physical if physical is not unit else image) / Quantity(pixel / 1000, "Mpc") ** 2
    return to_values(image, MAP_UNITS[name], repr(name))


def pixel_kpc(pixel_scale, redshift, cosmology):
    """Return the side of a pixel in proper kpc.

    Parameters
    ----------
    pixel_scale : float or Quantity
        Length, in kpc if it is a plain number, or an angle.
    redshift : float
        Redshift, which converts angles.
    cosmology : astropy.cosmology.FLRW or None
        Cosmology, which converts angles. None for that of the mock clusters.

    Returns
    -------
    float
        Side, kpc.
    """
    pixel = length_kpc(pixel_scale, redshift, cosmology, "pixel_scale")
    if not _PIXELS[0] <= pixel <= _PIXELS[1]:
        raise ValueError(
            f"pixel_scale must be {_PIXELS[0]:g} to {_PIXELS[1]:g} kpc for a cluster, got {pixel_scale}: "
            "is it in kpc?"
        )
    return pixel


def length_kpc(length, redshift, cosmology, argument):
    """Return a length or an angle in proper kpc; parameters are those of :func:`pixel_kpc`."""
    if getattr(length, "unit", None) is not None and length.unit.is_equivalent("rad"):
        if not redshift > 0:
            raise ValueError(f"{argument} must be in kpc at redshift {redshift:g}, got {length}")
        if cosmology is None:
            from darkcnn.cosmology import BAHAMAS  # takes a second

            cosmology = BAHAMAS
        length = length.to_value("rad") * cosmology.angular_diameter_distance(redshift).to_value("kpc")
    length = to_values(length, "kpc", argument)
    if length.ndim:
        raise ValueError(f"{argument} must be one length, got shape {length.shape}")
    return float(length)


def label_from(cross_section):
    """Return the label of a cross-section: a number or a quantity in cm2/g, or a label."""
    if isinstance(cross_section, str | bytes):
        text = cross_section.decode() if isinstance(cross_section, bytes) else cross_section
        return str(DarkMatter.parse(text.strip()))
    value = to_values(cross_section, "cm2 g-1", "cross_section")
    if value.ndim or not 0 <= value <= 100:
        raise ValueError(
            f"cross_section must be a label or 0 to 100 cm2/g, got {cross_section}: is it in cm2/g?"
        )
    return label_of(float(f"{float(value):.6g}"))

"""Conversion of user quantities: maps, lengths and cross-sections."""

import numpy as np
from astropy.units import Quantity, Unit, UnitBase, UnitConversionError

from darkcnn.records.fields import MAPS, NORM_UNITS
from darkcnn.records.labels import DarkMatter, label_of

MAP_UNITS = dict(zip(MAPS, NORM_UNITS.values(), strict=True))
"""Unit of each map before division by its peak, in FITS notation."""

_PIXELS = 0.05, 500.0
"""Plausible range of pixel sides, in kpc."""


def to_values(value, unit, what):
    """Convert a quantity to numbers in a unit; plain numbers are assumed to be in it.

    Parameters
    ----------
    value : array-like or astropy.units.Quantity
        Numbers or quantity; logarithms in astropy's ``dex`` are converted.
    unit : str
        Unit, in FITS notation.
    what : str
        Description, for error messages.

    Returns
    -------
    ndarray
        Numbers, float64; NaN where masked.
    """
    if hasattr(value, "to_astropy"):  # unyt, of yt and swiftsimio
        if getattr(value, "comoving", False):
            raise ValueError(f"{what} must be in proper units, got comoving ones: call .to_physical()")
        value = value.to_astropy()
    mask = None
    if hasattr(value, "unmasked"):
        mask, value = value.mask, value.unmasked
    given = getattr(value, "unit", None)
    if hasattr(given, "physical_unit"):  # dex, mag or dB
        value, given = value.physical, value.physical.unit
    if isinstance(given, UnitBase):
        if any(base.name == "littleh" for base in given.bases):
            raise ValueError(f"{what} must be in units without h, got {given}: convert with your value of h")
        try:
            value = value.to_value(Unit(unit))
        except UnitConversionError as error:
            raise ValueError(f"{what} must be in {unit!r}, got {given}") from error
    elif given is not None or hasattr(value, "units"):
        raise ValueError(f"{what} must be numbers or an astropy quantity, got {type(value).__name__}")
    return plain_numbers(value, what, mask)


def plain_numbers(value, what, mask=None):
    """Convert numbers to float64, NaN where masked."""
    mask = np.ma.getmaskarray(value) if mask is None and np.ma.isMaskedArray(value) else mask
    numbers = np.asarray(np.ma.getdata(value))
    if numbers.dtype.kind not in "iuf":
        raise ValueError(f"{what} must be numbers, got {numbers.dtype}")
    numbers = numbers.astype(float)
    if mask is not None and np.any(mask):
        numbers[mask] = np.nan
    return numbers


def map_values(name, image, pixel):
    """Convert a map to the unit of its norm.

    Parameters
    ----------
    name : {"total", "xray", "stellar"}
        Map.
    image : array-like or Quantity of shape (height, width)
        Map; plain numbers are in the unit of its norm. Mass per pixel is divided by the pixel area.
    pixel : float
        Side of a pixel, kpc.

    Returns
    -------
    ndarray of shape (height, width)
        Map, float64; NaN where masked.
    """
    unit = getattr(image, "unit", None)
    if (
        name == "xray"
        and isinstance(unit, UnitBase)
        and any(base.name in ("ct", "ph") for base in unit.bases)
    ):
        raise ValueError(
            f"{name!r} must be a surface brightness in {MAP_UNITS[name]!r}, got {unit}: for photon counts, "
            "use darkcnn.observations"
        )
    if name != "xray" and isinstance(image, Quantity):
        physical = getattr(unit, "physical_unit", unit)
        if physical.is_equivalent("solMass") and "littleh" not in physical.to_string():
            image = (image.physical if physical is not unit else image) / Quantity(pixel / 1000, "Mpc") ** 2
    return to_values(image, MAP_UNITS[name], repr(name))


def pixel_kpc(pixel_scale, redshift, cosmology):
    """Convert a pixel scale to proper kpc.

    Parameters
    ----------
    pixel_scale : float or Quantity
        Length (kpc if unitless) or angle.
    redshift : float
        Redshift, for angles.
    cosmology : astropy.cosmology.FLRW or None
        Cosmology, for angles. None for that of the mock clusters.

    Returns
    -------
    float
        Side, kpc.
    """
    pixel = length_kpc(pixel_scale, redshift, cosmology, "pixel_scale")
    if not _PIXELS[0] <= pixel <= _PIXELS[1]:
        raise ValueError(
            f"pixel_scale must be {_PIXELS[0]:g} to {_PIXELS[1]:g} kpc for a cluster, got {pixel_scale}: "
            "check the unit"
        )
    return pixel


def length_kpc(length, redshift, cosmology, argument):
    """Convert a length or an angle to proper kpc; parameters as in :func:`pixel_kpc`."""
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
    """Return the label for a number or quantity in cm2/g, or for a label."""
    if isinstance(cross_section, str | bytes):
        text = cross_section.decode() if isinstance(cross_section, bytes) else cross_section
        return str(DarkMatter.parse(text.strip()))
    value = to_values(cross_section, "cm2 g-1", "cross_section")
    if value.ndim or not 0 <= value <= 100:
        raise ValueError(
            f"cross_section must be a label or 0 to 100 cm2/g, got {cross_section}: check the unit"
        )
    return label_of(float(f"{float(value):.6g}"))

"""Checks for maps with values that are impossible for a cluster."""

from darkcnn.records.fields import MAPS, NORMS
from darkcnn.records.quantities import MAP_UNITS

_PEAK_RANGES = {"total": (2e13, 1e19), "xray": (1e-16, 1e-9), "stellar": (2e12, 1e19)}
"""Generous ranges of the peaks of groups and clusters; values in wrong units are outside."""

_PROJECTED_MASS_RANGE = 0.2, 15.0
"""Range of the mass in the field over M200; mock clusters have 0.8 to 2.4."""


def check_peak(name, peak):
    """Check that the peak of a map is possible for a cluster.

    Examples
    --------
    >>> from darkcnn.records.plausible import check_peak
    >>> check_peak("total", 0.4)
    Traceback (most recent call last):
    ...
    ValueError: 'total' must be in 'solMass Mpc-2', with a peak from 2e+13 to 1e+19 ... got 0.4; ...
    """
    lowest, highest = _PEAK_RANGES[name]
    if lowest <= peak <= highest:
        return
    if abs(peak) < 30 and lowest <= 10.0**peak <= highest:
        hint = "pass a logarithm as a quantity in astropy's dex of the unit"
    elif peak > 0:
        hint = f"pass {NORMS[MAPS.index(name)]} for a map divided by its peak"
    else:
        hint = "leave out a map that you do not have"
    raise ValueError(
        f"{name!r} must be in {MAP_UNITS[name]!r}, with a peak from {lowest:g} to {highest:g} for a cluster, "
        f"got {peak:.4g}; {hint}"
    )


def check_projected_mass(mass, log_mass):
    """Check the mass in a map against that of its cluster: units, factors of h or pixels may be wrong."""
    ratio = mass / 10.0**log_mass
    if not _PROJECTED_MASS_RANGE[0] <= ratio <= _PROJECTED_MASS_RANGE[1]:
        raise ValueError(
            f"'total' must contain about the mass of its cluster, but {mass:.3g} Msun within 2 Mpc are "
            f"{ratio:.2g} of 10**log_mass = {10.0**log_mass:.3g}: check units, factors of h and 1 + z, and "
            "pixel_scale"
        )

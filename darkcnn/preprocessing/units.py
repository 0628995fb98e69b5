"""Warnings for records whose units differ from those of the training set."""

import warnings

import numpy as np

from darkcnn.records import MAPS, NORMS, SHEAR, TANGENTIAL

_NORM_MARGIN = 10
"""Factor by which norms may exceed the range seen at fit; wrong units usually differ by 1000 or more."""

_SCATTER_MARGIN = 3
"""Factor by which the scatter of observed maps may exceed the range seen at fit."""

_N_ROWS = 32
"""Number of observed maps that are checked; drawing noise for all is slow."""

_MAX_VALUE = 2
"""Value above which a map is not normalised by its peak."""

_MIN_REDSHIFT = 0.1
"""Lower redshifts are set to this one, see :class:`darkcnn.XrayNoise`."""


def ranges_of(records):
    """Return the ranges of norms, and of the scatter of observed maps, by name."""
    some = _some_rows(records)
    observed = [
        name
        for name in (*MAPS, *SHEAR, *TANGENTIAL)
        if name in some.dtype.names and ((some[name] < 0) | (some[name] > _MAX_VALUE)).any()
    ]
    return {
        "norms": _norm_ranges(records),
        "norms_before_noise": _norm_ranges(records.records) if _is_noisy(records) else {},
        "scatter": {name: _range(_scatter(some[name])) for name in observed},
    }


def warn_about_units(records, ranges):
    """Warn if the norms or the scatter of most records are far outside `ranges`, from :func:`ranges_of`.

    There is no warning if redshift explains the X-ray norms: the surface brightness of a cluster decreases as
    (1 + z)^-4, and a norm of one observed photon increases as the solid angle of a pixel decreases.
    """
    _check_norms(records, ranges["norms"])
    if _is_noisy(records):  # the simulated noise sets the units of these maps
        _check_norms(records.records, ranges["norms_before_noise"])
    elif ranges["scatter"]:
        _check_scatter(records, ranges["scatter"])


def _is_noisy(records):
    return bool(getattr(records, "noises", ()))


def _readings(records, name):
    """Yield a norm, uncorrected and corrected for each effect of redshift."""
    yield records[name]
    if name == "xray_norm":
        redshift = np.asarray(records["redshift"], dtype=float)
        yield records[name] * (1 + redshift) ** 4
        from darkcnn.cosmology import BAHAMAS  # takes a third of a second

        distance = BAHAMAS.angular_diameter_distance(np.maximum(redshift, _MIN_REDSHIFT)).value
        yield records[name] / distance**2


def _norm_ranges(records):
    """Return the minimum and maximum of each norm, uncorrected and corrected for redshift."""
    return {
        name: [_range(reading) for reading in _readings(records, name)]
        for name in NORMS
        if np.isfinite(records[name]).any()
    }


def _range(values):
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _check_norms(records, ranges):
    for name, seen in ranges.items():
        norms, (lowest, highest) = records[name], seen[0]
        known = np.isfinite(norms)
        outside = known.copy()
        for reading, (low, high) in zip(_readings(records, name), seen, strict=True):
            outside &= ~((reading >= low / _NORM_MARGIN) & (reading <= high * _NORM_MARGIN))
            if not outside.any():
                break
        if outside.sum() > known.sum() / 2:
            warnings.warn(
                f"{name!r} of {outside.sum()} of {len(records)} clusters, such as "
                f"{norms[outside][0]:.3g}, is over {_NORM_MARGIN} times beyond {lowest:.3g} to "
                f"{highest:.3g} seen at fit: check the units against darkcnn.records.record_dtype",
                stacklevel=5,
            )


def _some_rows(records):
    return np.asarray(records[np.unique(np.linspace(0, len(records) - 1, _N_ROWS).astype(int))])


def _scatter(maps):
    """Return the standard deviation of each map over its pixels."""
    return maps.std(axis=(1, 2), dtype=float)


def _check_scatter(records, ranges):
    some = _some_rows(records)
    for name, (lowest, highest) in ranges.items():
        if name not in some.dtype.names:
            continue
        scatter = _scatter(some[name])
        outside = (scatter < lowest / _SCATTER_MARGIN) | (scatter > highest * _SCATTER_MARGIN)
        if outside.sum() > len(outside) / 2:
            warnings.warn(
                f"maps {name!r} have a standard deviation of {np.median(scatter):.2g} over their pixels, far "
                f"outside {lowest:.2g} to {highest:.2g} seen at fit: convert them to the units of the "
                "training set, such as convergence over its noise, or photon counts",
                stacklevel=5,
            )

"""Checks of records."""

import numpy as np
from astropy.units import Unit

from darkcnn.records.fields import MAPS, NORM_UNITS, SCALARS
from darkcnn.records.rows import LazyRows


def is_records(X):
    """Return whether `X` is a structured array."""
    return getattr(getattr(X, "dtype", None), "names", None) is not None


def check_records(X, argument="X"):
    """Check that `X` is a non-empty array of records; return :func:`plain_records` of it."""
    if not is_records(X) or not hasattr(X, "ndim"):
        kind = type(X).__name__
        if hasattr(X, "as_array"):
            kind += "; its as_array() is one"
        elif hasattr(X, "dtype"):
            kind += f" of shape {X.shape} and dtype {X.dtype}"
        raise TypeError(
            f"{argument} must be records of clusters (a structured array, see "
            f"darkcnn.datasets.make_clusters), got {kind}"
        )
    missing = [name for name in (*MAPS, *SCALARS) if name not in X.dtype.names]
    if missing:
        raise ValueError(f"{argument} lacks the fields {missing}; it has {list(X.dtype.names)}")
    if X.ndim != 1 or len(X) == 0:
        raise ValueError(f"{argument} must contain at least one record in one dimension, got shape {X.shape}")
    return plain_records(X, argument)


def plain_records(X, argument="X"):
    """Convert records to a plain array, with NaN for masked and null values and scaled columns scaled.

    Plain arrays and lazy records are returned unchanged. Units are an error, as is a masked or null
    ``cluster_id``, because no integer means "unknown".
    """
    if type(X) in (np.ndarray, np.memmap) or isinstance(X, LazyRows):
        return X
    check_unitless(X, argument)
    if hasattr(X, "unmasked"):  # astropy.utils.masked
        return _without_mask(X.unmasked, X.mask, argument)
    if isinstance(X, np.ma.MaskedArray):
        return _without_mask(np.ma.getdata(X), np.ma.getmaskarray(X), argument)
    if hasattr(X, "columns"):  # of astropy.io.fits
        return _of_fits(X, argument)
    return np.asarray(X)


def _without_mask(records, mask, argument):
    hidden = [name for name in records.dtype.names if mask[name].any()]
    if not hidden:
        return np.asarray(records)
    records = np.array(records)
    for name in hidden:
        if records.dtype[name].base.kind == "f":
            records[name][mask[name]] = np.nan
        elif name in SCALARS:
            row = int(np.argmax(mask[name]))
            raise ValueError(f"{argument} must have a known {name!r} in every row, but row {row} is masked")
    return records


def _of_fits(X, argument):
    """Return the scaled values of a FITS table (its array contains unscaled ones)."""
    columns = {column.name: column for column in X.columns}
    for name, wanted in NORM_UNITS.items():
        _check_unit(columns[name].unit, wanted, f"{argument}[{name!r}]")
    stored = np.asarray(X)
    if not any(
        column.bscale not in (None, "", 1) or column.bzero not in (None, "", 0) or column.null is not None
        for column in columns.values()
    ):
        return stored
    values = {name: np.asarray(X[name]) for name in X.dtype.names}
    types = {name: np.float32 if name in MAPS else each.dtype for name, each in values.items()}
    records = np.empty(len(X), [(name, types[name], each.shape[1:]) for name, each in values.items()])
    mask = np.zeros(len(X), np.ma.make_mask_descr(records.dtype))
    for name, each in values.items():
        records[name] = each
        if columns[name].null is not None and stored.dtype[name].base.kind in "iu":
            mask[name] = stored[name] == columns[name].null
    return _without_mask(records, mask, argument)


def _check_unit(unit, wanted, what):
    """Check the unit of a column, if it has one."""
    if not unit:
        return
    try:
        is_wanted = np.isclose(Unit(unit).to(Unit(wanted)), 1, rtol=1e-3)
    except (TypeError, ValueError):  # not a unit, or of another dimension
        is_wanted = False
    if not is_wanted:
        raise ValueError(f"{what} must be in {wanted!r}, got {unit!r}: convert it, and correct the unit")


def check_unitless(X, argument):
    """Raise an error for an array with units of astropy or another package."""
    unit = getattr(X, "unit", getattr(X, "units", None))
    if unit is not None and not isinstance(unit, np.ndarray) and str(unit) not in ("", "dimensionless"):
        raise TypeError(
            f"{argument} must be numbers without a unit, got {type(X).__name__} in {unit}: pass its .value"
        )

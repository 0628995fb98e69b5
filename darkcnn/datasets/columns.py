"""Columns of cluster and galaxy tables, and records from tables of other programs."""

import numpy as np
from astropy.units import Unit

from darkcnn.records import (
    FIELD_SIZE,
    GALAXY_DTYPE,
    MAPS,
    NORM_UNITS,
    NORMS,
    canonical_labels,
    number_halos,
    record_dtype,
)

COLUMNS = {
    "total": ("", "projected total mass, divided by its peak"),
    "xray": ("", "X-ray surface brightness, divided by its peak"),
    "stellar": ("", "projected stellar mass, divided by its peak"),
    **{norm: (NORM_UNITS[norm], f"peak of {name}") for name, norm in zip(MAPS, NORMS, strict=True)},
    "redshift": ("", "redshift"),
    "log_mass": ("", "log10(M200 / solMass)"),
    "xray_concentration": ("", "S(<100 kpc) / S(<400 kpc)"),
    "bcg_stellar_concentration": ("", "Mstar(<30 kpc) / Mstar(<100 kpc)"),
    "bcg_e1": ("", "ellipticity of the brightest galaxy"),
    "bcg_e2": ("", "ellipticity of the brightest galaxy"),
    "cluster_id": ("", "halo; its snapshots and models share it"),
    "label": ("", "dark-matter model, number in cm2/g"),
    "suite": ("", "simulation with its own physics"),
    "row": ("", "cluster of the galaxy, counted from 0"),
    "x": ("kpc", "from the left edge of the map"),
    "y": ("kpc", "from the bottom edge of the map"),
    "z": ("kpc", "depth"),
    "m200": ("", "log10(total mass / solMass)"),
    "mstar_30": ("", "log10(Mstar(<30 kpc) / solMass)"),
    "mstar_100": ("", "log10(Mstar(<100 kpc) / solMass)"),
}
"""Unit, in FITS notation, and description of each column of clusters and galaxies."""

_WITH_UNITS = (*MAPS, *NORMS, "x", "y", "z")  # other columns have none, or are logarithms


def match_names(names, wanted=COLUMNS):
    """Find column names, ignoring case as FITS does.

    Parameters
    ----------
    names : iterable of str
        Names in a file.
    wanted : iterable of str, default=COLUMNS
        Names to find.

    Returns
    -------
    dict of str to str
        Name in the file of each wanted name that is present. An exact match takes precedence.

    Raises
    ------
    ValueError
        If two names match a wanted one, and neither exactly.
    """
    spellings, found = {}, {}
    for name in names:
        spellings.setdefault(name.lower(), []).append(name)
    for name in wanted:
        same = spellings.get(name.lower(), [])
        if len(same) > 1 and name not in same:
            raise ValueError(f"the names {same} differ only in case: rename the one to read to {name!r}")
        if same:
            found[name] = name if name in same else same[0]
    return found


def check_columns(columns, found):
    """Check that the required columns are present.

    Parameters
    ----------
    columns : collection of str
        Names of record fields in the file.
    found : iterable of str
        All names in the file, for the error message.
    """
    missing = [name for name in ("redshift", "cluster_id") if name not in columns]
    if not any(name in columns for name in MAPS):
        missing += MAPS
    if missing:
        raise ValueError(f"columns {missing} are missing, found {sorted(found)!s:.1000}")


def clusters_from_columns(columns):
    """Make records from columns of any numeric type.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_samples, ...)
        Columns by name, masked where unknown; those that are not fields of a record are ignored.

    Returns
    -------
    structured ndarray of shape (n_samples,)
        Native-endian records; NaN where a value is unknown or an optional column is missing.

    Raises
    ------
    ValueError
        If a required column is missing, or a column has a wrong shape or type.
    """
    check_columns(columns, columns)
    shape = next(np.shape(columns[name]) for name in MAPS if name in columns)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"maps must be square images of shape (n_samples, height, width), got {shape}")
    return _filled(np.empty(shape[0], record_dtype(shape[1])), columns)


def galaxies_from_columns(columns):
    """Make a table of galaxies from columns of any numeric type; unknown values become NaN."""
    if "row" not in columns:
        raise ValueError(f"galaxies must have a column 'row', found {sorted(columns)}")
    return _filled(np.empty(len(columns["row"]), GALAXY_DTYPE), columns)


def _filled(table, columns):
    for name in table.dtype.names:
        column = np.ma.asanyarray(columns.get(name, np.nan))
        if name in columns and column.shape != table[name].shape:
            raise ValueError(f"column {name!r} must have shape {table[name].shape}, got {column.shape}")
        is_float = table.dtype[name].base.kind == "f"
        allowed = "biuf" if is_float else "iuSU" if name == "cluster_id" else "iu"
        if column.dtype.kind not in allowed:
            names = " or names" if name == "cluster_id" else ""
            raise ValueError(
                f"column {name!r} must contain {table.dtype[name].base} numbers{names}, got {column.dtype}"
            )
        if name == "cluster_id":
            column = number_halos(column)
        elif not is_float and np.ma.is_masked(column):
            row = int(np.argmax(np.ma.getmaskarray(column)))
            raise ValueError(f"column {name!r} must have a value in every row, but row {row} has none")
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which check_database reports
            table[name] = np.ma.getdata(column)
        if is_float and np.ma.is_masked(column):
            table[name][np.ma.getmaskarray(column)] = np.nan
    return table


def plain_labels(labels):
    """Return labels as an array of text, in the form of :func:`darkcnn.records.canonical_labels`.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        Text or bytes, possibly padded with spaces.

    Returns
    -------
    ndarray of str of shape (n_samples,)
        Labels. Labels of unknown form are unchanged.

    Raises
    ------
    ValueError
        If the label of a row is masked.
    """
    if np.ma.is_masked(labels):
        raise ValueError(
            f"the label of row {np.argmax(np.ma.getmaskarray(labels))} is masked: label every row"
        )
    return canonical_labels(np.char.strip(np.ma.getdata(labels).astype(str)))


def check_field_size(size, unit="kpc"):
    """Check the side of the maps, if the file contains it: the pixel scale follows from it."""
    if size is None:
        return
    side = _factor("the side of the maps", unit, "kpc") * float(size)
    if not np.isclose(side, FIELD_SIZE, rtol=1e-3):
        raise ValueError(f"its maps must be {FIELD_SIZE:g} kpc wide, got {side:g}")


def check_units(units):
    """Check the units of maps, norms and positions, if the file contains them.

    Parameters
    ----------
    units : mapping of str to str or None
        Units of the columns in the file.

    Raises
    ------
    ValueError
        If a unit differs from that of a record.
    """
    for name in _WITH_UNITS:
        if unit := units.get(name):
            factor = _factor(f"column {name!r}", unit, COLUMNS[name][0])
            if not np.isclose(factor, 1, rtol=1e-3):
                raise ValueError(
                    f"column {name!r} must be in {COLUMNS[name][0]!r}, got {unit!r}: multiply it by "
                    f"{factor:.6g} and correct the unit"
                )


def _factor(what, unit, wanted):
    """Return the conversion factor from a unit in a file to the wanted unit."""
    try:
        return Unit(unit).to(Unit(wanted))
    except (TypeError, ValueError) as error:  # not a unit, or of another dimension
        requirement = f"in {wanted!r}" if wanted else "divided by its peak, without a unit"
        raise ValueError(f"{what} must be {requirement}, got {unit!r}") from error

"""Columns of clusters and of galaxies, and how records are made of those of other people."""

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
"""Unit, in the notation of FITS, and meaning of every column of clusters and of galaxies."""

_WITH_UNITS = (*MAPS, *NORMS, "x", "y", "z")  # other columns have none, or are logarithms


def match_names(names, wanted=COLUMNS):
    """Find names, whatever their case: FITS ignores it, and many programs write capitals.

    Parameters
    ----------
    names : iterable of str
        Names in a file.
    wanted : iterable of str, default=COLUMNS
        Names to find.

    Returns
    -------
    dict of str to str
        Name in the file of each wanted one that is there. A name in the same case comes first.

    Raises
    ------
    ValueError
        If two names are a wanted one in another case.
    """
    spellings, found = {}, {}
    for name in names:
        spellings.setdefault(name.lower(), []).append(name)
    for name in wanted:
        same = spellings.get(name.lower(), [])
        if len(same) > 1 and name not in same:
            raise ValueError(f"the names {same} differ in case alone: name the one to read {name!r}")
        if same:
            found[name] = name if name in same else same[0]
    return found


def check_columns(columns, found):
    """Check that clusters have the columns that nothing can stand in for.

    Parameters
    ----------
    columns : collection of str
        Names of a record's fields that the file has.
    found : iterable of str
        All names in the file, for the error.
    """
    missing = [name for name in ("redshift", "cluster_id") if name not in columns]
    if not any(name in columns for name in MAPS):
        missing += MAPS
    if missing:
        raise ValueError(f"columns {missing} are missing, found {sorted(found)!s:.1000}")


def clusters_from_columns(columns):
    """Gather columns of any numeric type into records.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_samples, ...)
        Columns by name, masked where a value is not known; those that a record does not have are ignored.

    Returns
    -------
    structured ndarray of shape (n_samples,)
        Native-endian records; NaN where a value is not known or an optional column is missing.

    Raises
    ------
    ValueError
        If a required column is missing, or one has another shape or type than it should.
    """
    check_columns(columns, columns)
    shape = next(np.shape(columns[name]) for name in MAPS if name in columns)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"maps must be square images of shape (n_samples, height, width), got {shape}")
    return _filled(np.empty(shape[0], record_dtype(shape[1])), columns)


def galaxies_from_columns(columns):
    """Gather columns of any numeric type into a table of galaxies, NaN where a value is not known."""
    if "row" not in columns:
        raise ValueError(f"the galaxies lack the column 'row', found {sorted(columns)}")
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
                f"column {name!r} must hold {table.dtype[name].base} numbers{names}, got {column.dtype}"
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
        Text or bytes, which spaces may pad.

    Returns
    -------
    ndarray of str of shape (n_samples,)
        Labels. Those that name no dark-matter model are left as they are.

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
    """Check the side of the maps, if a file says it: the pixel scale of a record follows from it."""
    if size is None:
        return
    side = _factor("the side of the maps", unit, "kpc") * float(size)
    if not np.isclose(side, FIELD_SIZE, rtol=1e-3):
        raise ValueError(f"its maps must be {FIELD_SIZE:g} kpc on a side, but it says {side:g}")


def check_units(units):
    """Check the units of maps, norms and positions, if a file says them.

    Parameters
    ----------
    units : mapping of str to str or None
        What the file says of its columns.

    Raises
    ------
    ValueError
        If a column is in another unit than that of a record.
    """
    for name in _WITH_UNITS:
        if told := units.get(name):
            factor = _factor(f"column {name!r}", told, COLUMNS[name][0])
            if not np.isclose(factor, 1, rtol=1e-3):
                raise ValueError(
                    f"column {name!r} must be in {COLUMNS[name][0]!r}, but it says {told!r}: multiply it by "
                    f"{factor:.6g}, and correct the unit"
                )


def _factor(what, told, wanted):
    """Return how many of the wanted unit are one of the unit that a file says."""
    try:
        return Unit(told).to(Unit(wanted))
    except (TypeError, ValueError) as error:  # no unit, or one of something else
        unit = f"in {wanted!r}" if wanted else "divided by its peak, without a unit"
        raise ValueError(f"{what} must be {unit}, but it says {told!r}") from error

"""A database of clusters as it stands in a file, whatever the format."""

from typing import NamedTuple

import numpy as np
from astropy.units import Unit

from darkcnn.records import (
    FIELD_SIZE,
    GALAXY_DTYPE,
    MAPS,
    NORMS,
    check_records,
    chunks,
    cross_section_of,
    record_dtype,
)

REQUIRED = (*MAPS, "redshift", "cluster_id")
"""The columns of clusters that nothing can stand in for; the others are NaN where a file lacks them."""

COLUMNS = {
    "total": ("", "projected total mass, divided by its peak"),
    "xray": ("", "X-ray surface brightness, divided by its peak"),
    "stellar": ("", "projected stellar mass, divided by its peak"),
    "lensing_norm": ("solMass Mpc-2", "peak of total"),
    "xray_norm": ("erg s-1 cm-2 arcmin-2", "peak of xray"),
    "stellar_norm": ("solMass Mpc-2", "peak of stellar"),
    "redshift": ("", "redshift"),
    "log_mass": ("", "log10(M200 / solMass)"),
    "xray_concentration": ("", "S(<100 kpc) / S(<400 kpc)"),
    "bcg_stellar_concentration": ("", "Mstar(<30 kpc) / Mstar(<100 kpc)"),
    "bcg_e1": ("", "ellipticity of the brightest galaxy"),
    "bcg_e2": ("", "ellipticity of the brightest galaxy"),
    "cluster_id": ("", "halo; its snapshots and models share it"),
    "label": ("", "dark-matter model, number in cm2/g"),
    "row": ("", "cluster of the galaxy, counted from 0"),
    "x": ("kpc", "from the left edge of the map"),
    "y": ("kpc", "from the bottom edge of the map"),
    "z": ("kpc", "depth"),
    "m200": ("", "log10(total mass / solMass)"),
    "mstar_30": ("", "log10(Mstar(<30 kpc) / solMass)"),
    "mstar_100": ("", "log10(Mstar(<100 kpc) / solMass)"),
}
"""Unit, in the notation of FITS, and meaning of every column of clusters and of galaxies."""


class Database(NamedTuple):
    """Clusters, their labels, if known, and galaxies, and where they come from; see :func:`make_bunch`."""

    records: np.ndarray
    target: np.ndarray | None
    galaxies: np.ndarray = np.empty(0, GALAXY_DTYPE)
    description: str = ""


def clusters_from_columns(columns):
    """Gather columns of any numeric type into records.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_samples, ...)
        Columns by name; those that a record does not have are ignored.

    Returns
    -------
    structured ndarray of shape (n_samples,)
        Native-endian records; NaN where an optional column is missing.

    Raises
    ------
    ValueError
        If a required column is missing, or one has another shape or type than it should.
    """
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise ValueError(f"columns {missing} are missing, found {sorted(columns)}")
    shape = np.shape(columns["total"])
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"maps must be square images of shape (n_samples, height, width), got {shape}")
    return _filled(np.empty(shape[0], record_dtype(shape[1])), columns)


def check_field_size(size):
    """Check the side of the maps in kpc, if a file tells it: the pixel scale of a record follows from it."""
    if size is not None and not np.isclose(float(size), FIELD_SIZE, rtol=1e-3):
        raise ValueError(f"its maps must be {FIELD_SIZE:g} kpc on a side, but it says {float(size):g}")


def check_units(units):
    """Check the units of the norms, if a file tells them.

    Parameters
    ----------
    units : mapping of str to str or None
        What the file says of its columns.

    Raises
    ------
    ValueError
        If a norm is in another unit than that of a record.
    """
    for name in NORMS:
        told, wanted = units.get(name), COLUMNS[name][0]
        if not told:
            continue
        told = told.decode() if isinstance(told, bytes) else str(told)
        try:
            factor = Unit(told).to(Unit(wanted))
        except ValueError as error:  # no unit, or one of something else
            raise ValueError(f"column {name!r} must be in {wanted!r}, but it says {told!r}") from error
        if not np.isclose(factor, 1, rtol=1e-3):
            raise ValueError(
                f"column {name!r} must be in {wanted!r}, but it says {told!r}: multiply it by {factor:.6g}, "
                "and correct the unit"
            )


def galaxies_from_columns(columns):
    """Gather columns of any numeric type into a table of galaxies, NaN where one is missing."""
    if "row" not in columns:
        raise ValueError(f"the galaxies lack the column 'row', found {sorted(columns)}")
    return _filled(np.empty(len(columns["row"]), GALAXY_DTYPE), columns)


def _filled(table, columns):
    for name in table.dtype.names:
        column = np.asarray(columns.get(name, np.nan))
        if name in columns and column.shape != table[name].shape:
            raise ValueError(f"column {name!r} must have shape {table[name].shape}, got {column.shape}")
        if column.dtype.kind not in ("iu" if table.dtype[name].kind == "i" else "biuf"):
            hint = "; np.unique(ids, return_inverse=True)[1] numbers them" if name == "cluster_id" else ""
            raise ValueError(
                f"column {name!r} must hold {table.dtype[name].base} numbers, got {column.dtype}{hint}"
            )
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which check_database reports
            table[name] = column
    return table


def check_database(database):
    """Check what every database must fulfil.

    Parameters
    ----------
    database : Database
        Clusters to check. The maps are read in blocks.

    Raises
    ------
    ValueError
        If there are no clusters, a map is not finite, a label names no cross-section, or the numbers of
        clusters and labels differ, or a galaxy belongs to none of the clusters.
    """
    check_structure(database)
    for rows in chunks(len(database.records)):
        for name in MAPS:
            finite = np.isfinite(database.records[name][rows]).all(axis=(1, 2))
            if not finite.all():
                row = rows.start + int(np.argmin(finite))
                raise ValueError(f"map {name!r} of row {row} must be finite, but it holds NaN or infinity")


def check_structure(database):
    """Check all that :func:`check_database` does, except for reading the maps."""
    records, target, galaxies, _ = database
    check_records(records, "the database")
    shape = records.dtype["total"].shape
    if len(shape) != 2 or shape[0] != shape[1] or any(records.dtype[name].shape != shape for name in MAPS):
        raise ValueError(f"maps must be square and of one size, got {[records.dtype[m].shape for m in MAPS]}")
    if target is not None:
        if np.shape(target) != (len(records),):
            raise ValueError(
                f"target must hold one label for each of the {len(records)} records, got shape "
                f"{np.shape(target)}"
            )
        for label in np.unique(target):
            cross_section_of(str(label), velocity=0)
    if getattr(galaxies, "dtype", None) != GALAXY_DTYPE:
        raise ValueError(f"galaxies must be an array of type {GALAXY_DTYPE}, got {galaxies!r:.200}")
    for rows in chunks(len(galaxies)):
        row = galaxies[rows]["row"]
        outside = (row < 0) | (row >= len(records))
        if outside.any():
            raise ValueError(f"galaxies must have a row of 0 to {len(records) - 1}, got {row[outside][0]}")

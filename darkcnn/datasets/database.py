"""Database of clusters in a file of any format."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from astropy.table import Table

from darkcnn.datasets.columns import (
    check_columns,
    check_units,
    clusters_from_columns,
    galaxies_from_columns,
    match_names,
    plain_labels,
)
from darkcnn.records import GALAXY_DTYPE, MAPS, DarkMatter, check_records, chunks, number_halos


class Database(NamedTuple):
    """Clusters, labels, suites, galaxies and a description; see :func:`make_bunch`.

    `suites` is a table of their parameters, as from :func:`make_clusters`; `blur` is the standard deviation
    of the blur of the maps, kpc, NaN if unknown.
    """

    records: np.ndarray
    target: np.ndarray | None
    galaxies: np.ndarray = np.empty(0, GALAXY_DTYPE)
    description: str = ""
    suite: np.ndarray | None = None
    suites: Table | None = None
    are_observed: bool = False
    blur: float = np.nan


class StoredTable(ABC):
    """Table of clusters or galaxies in a file.

    Parameters
    ----------
    names : list of str
        Names of the columns in the file.
    """

    def __init__(self, names):
        self.names = names
        self.columns = match_names(names)

    @property
    @abstractmethod
    def n_bytes(self):
        """Size of the table, bytes."""

    @abstractmethod
    def unit(self, name):
        """Return the unit of a column in the file, or None."""

    @abstractmethod
    def values(self, name):
        """Return a column, masked where values are unknown."""

    @abstractmethod
    def on_disk(self):
        """Return the rows as :class:`~darkcnn.records.RecordsOnDisk`, or None if they must be read."""

    def read(self):
        """Return all columns of records or galaxies."""
        return {name: self.values(name) for name in self.columns}


def read_tables(
    clusters,
    galaxies,
    *,
    map_above,
    labels=None,
    suite=None,
    suites=None,
    description="",
    are_observed=None,
    blur=None,
):
    """Read a database from the tables of a file.

    Parameters
    ----------
    clusters : StoredTable
        One row for each cluster.
    galaxies : StoredTable or None
        One row for each galaxy, if the file contains galaxies.
    map_above : float
        Size in bytes above which the clusters stay on disk, if the file permits it.
    labels : ndarray of shape (n_samples,) or None, default=None
        Labels, text or bytes, if they are not a column of the clusters.
    suite : ndarray of shape (n_samples,) or None, default=None
        Numbers or names of suites, if they are not a column of the clusters.
    suites : astropy.table.Table or None, default=None
        Parameters of the suites.
    description : str, default=""
        Source of the data.
    are_observed : bool or None, default=None
        Whether the maps are real observations, if known.
    blur : float or None, default=None
        Blur of the maps, kpc, if known.

    Returns
    -------
    Database
        Database; large ones with :class:`~darkcnn.records.RecordsOnDisk`.
    """
    check_columns(clusters.columns, clusters.names)
    if are_observed not in (None, False, True):
        raise ValueError(f"its flag for observed maps must be true or false, got {are_observed!r}")
    if blur is not None and not (isinstance(blur, int | float) and 0 <= blur < np.inf):
        raise ValueError(f"the blur of its maps must be zero or more kpc, got {blur!r}")
    for table in (clusters, galaxies):
        if table is not None:
            check_units({name: table.unit(name) for name in table.columns})
    records = clusters.on_disk() if clusters.n_bytes >= map_above else None
    is_mapped = records is not None
    if labels is None and "label" in clusters.columns:
        labels = clusters.values("label")
    if suite is None and "suite" in clusters.columns:
        suite = clusters.values("suite")
    if not is_mapped:
        records = clusters_from_columns(clusters.read())
    members = galaxies.on_disk() if is_mapped and galaxies is not None else None
    if members is None:
        members = np.empty(0, GALAXY_DTYPE) if galaxies is None else galaxies_from_columns(galaxies.read())
    return Database(
        records,
        None if labels is None else plain_labels(labels),
        members,
        description,
        None if suite is None else number_halos(suite, "suite"),
        suites,
        bool(are_observed),
        np.nan if blur is None else float(blur),
    )


def check_database(database):
    """Check the consistency of a database.

    Parameters
    ----------
    database : Database
        Database; its maps are read in blocks.

    Raises
    ------
    ValueError
        If there are no clusters, a map has NaN or infinity in some pixels only, a halo is unknown, a label
        has no cross-section, the numbers of clusters and labels differ, or a galaxy belongs to no cluster.
    """
    check_structure(database)
    for rows in chunks(len(database.records)):
        for name in MAPS:
            maps = database.records[name][rows]
            wrong = ~np.isfinite(maps).all(axis=(1, 2))
            wrong[wrong] = ~np.isnan(maps[wrong]).all(axis=(1, 2))
            if wrong.any():
                row = rows.start + int(np.argmax(wrong))
                raise ValueError(
                    f"map {name!r} of row {row} must be finite, or NaN in every pixel if unknown, got NaN or "
                    "infinity in some pixels"
                )


def check_structure(database):
    """Check everything that :func:`check_database` checks, except the maps."""
    records, target, galaxies, suite = database.records, database.target, database.galaxies, database.suite
    check_records(records, "the database")
    shape = records.dtype["total"].shape
    if len(shape) != 2 or shape[0] != shape[1] or any(records.dtype[name].shape != shape for name in MAPS):
        raise ValueError(f"maps must be square and of one size, got {[records.dtype[m].shape for m in MAPS]}")
    number_halos(records["cluster_id"])
    for name, what, values in (("target", "label", target), ("suite", "number", suite)):
        if values is not None and np.shape(values) != (len(records),):
            raise ValueError(
                f"{name} must contain one {what} for each of the {len(records)} records, got shape "
                f"{np.shape(values)}"
            )
    if target is not None:
        for label in np.unique(target):
            DarkMatter.parse(label)
    if getattr(galaxies, "dtype", None) != GALAXY_DTYPE:
        raise ValueError(f"galaxies must be an array of type {GALAXY_DTYPE}, got {galaxies!r:.200}")
    for rows in chunks(len(galaxies)):
        row = galaxies[rows]["row"]
        outside = (row < 0) | (row >= len(records))
        if outside.any():
            raise ValueError(f"galaxies must have a row of 0 to {len(records) - 1}, got {row[outside][0]}")

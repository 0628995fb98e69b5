"""FITS files."""

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits

from darkcnn.datasets.columns import COLUMNS, check_columns, check_field_size
from darkcnn.datasets.database import StoredTable, read_tables
from darkcnn.datasets.suite_table import describe_suites, is_table_of_suites, suites_from_rows
from darkcnn.records import FIELD_SIZE, RecordsOnDisk, record_dtype


def read_fits(path, *, map_above):
    """Read a database from a FITS file.

    Parameters
    ----------
    path : path-like
        File with a binary table of one row for each cluster: the fields of a record and, if known, ``label``
        and ``suite``. Optional extensions: the tables ``GALAXIES`` and ``SUITES``, and ``DESCRIPTION``, UTF-8
        text.
    map_above : float
        Size in bytes above which the records stay on disk, if the file permits it.

    Returns
    -------
    Database
        Database; large ones with :class:`~darkcnn.records.RecordsOnDisk`.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "File may have been truncated")
        # astropy does not apply TNULL to floats, for which FITS does not allow it; values() does.
        warnings.filterwarnings("ignore", r"[\s\S]*Column null option \(TNULLn\)")
        # A compressed image could unpack to any size; darkcnn writes none.
        with fits.open(path, memmap=True, disable_image_compression=True) as hdus:
            _check_order(hdus)
            # Only this keyword shows truncation exactly between two extensions.
            expected = hdus[0].header.get("NEXTEND", len(hdus) - 1)
            if len(hdus) - 1 != expected:
                raise ValueError(f"it must have {expected} extensions, found {len(hdus) - 1}")
            clusters = _clusters(hdus)
            check_field_size(clusters.hdu.header.get("FIELDKPC"))
            galaxies = _Table(hdus["GALAXIES"]) if "GALAXIES" in hdus else None
            text = hdus["DESCRIPTION"].data.tobytes().decode() if "DESCRIPTION" in hdus else ""
            return read_tables(
                clusters,
                galaxies,
                map_above=map_above,
                suites=_suites(hdus),
                description=text,
                are_observed=clusters.hdu.header.get("OBSERVED"),
                blur=clusters.hdu.header.get("BLURKPC"),
            )


def _check_order(hdus):
    """Raise an error for damaged extensions: astropy never ends after one of negative size."""
    number = 0
    while True:
        try:
            hdu = hdus[number]  # reads only up to this one
        except IndexError:
            return
        if not hasattr(hdu, "fileinfo") or hdu.fileinfo()["datSpan"] < 0:
            raise ValueError(f"extension {number} is damaged")
        number += 1


def _clusters(hdus):
    """Find the table of clusters by its columns; of several, the one named CLUSTERS."""
    tables = [_Table(hdu) for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
    if not tables:
        raise ValueError("it must contain a binary table of clusters, found none")
    found, errors = [], []
    for table in tables:
        try:
            check_columns(table.columns, table.names)
            found.append(table)
        except ValueError as error:
            errors.append(f"{error} in the table {table.hdu.name!r}")
    if not found:
        raise ValueError("; ".join(errors))
    named = [table for table in found if table.hdu.name == "CLUSTERS"] or found
    if len(named) > 1:
        names = [table.hdu.name for table in named]
        raise ValueError(f"only one table may hold clusters, found {names}: name the one to read CLUSTERS")
    return named[0]


def _suites(hdus):
    """Return the table of suites, or None if there is none."""
    if "SUITES" not in hdus or not isinstance(hdus["SUITES"], fits.BinTableHDU):
        return None
    hdu = hdus["SUITES"]
    if not is_table_of_suites(hdu.data.dtype):
        return None
    numbers = enumerate(hdu.columns.names, start=1)
    about = {name: [hdu.header.get(f"{key}{n}") for key in ("TUNIT", "TCOMM")] for n, name in numbers}
    return suites_from_rows(np.asarray(hdu.data), about)


class _Table(StoredTable):
    """Binary table of a FITS file."""

    def __init__(self, hdu):
        if not isinstance(hdu, fits.BinTableHDU):
            raise ValueError(f"the extension {hdu.name!r} must be a binary table, got {type(hdu).__name__}")
        super().__init__(hdu.columns.names)
        self.hdu = hdu

    @property
    def n_bytes(self):
        """Size of the table, bytes."""
        return self.hdu.size

    def _index(self, name):
        return self.names.index(self.columns[name])

    def _null(self, name):
        """Return the stored number that marks unknown values, or None."""
        keyword = f"TNULL{self._index(name) + 1}"
        null = self.hdu.header.get(keyword)
        if not isinstance(null, int | float | None):
            raise ValueError(f"{keyword} must be a number, got {null!r}")
        return null

    def unit(self, name):
        """Return the unit of TUNIT, or None."""
        return self.hdu.columns[self._index(name)].unit

    def values(self, name):
        """Return a column, scaled, and masked where the stored number is TNULL."""
        values, null = self.hdu.data.field(self._index(name)), self._null(name)
        if null is None or values.dtype.kind in "SUO":
            return values
        mask = np.asarray(self.hdu.data)[self.columns[name]] == null  # TNULL applies before scaling,
        if values.dtype.kind == "u":  # but astropy writes it after scaling
            mask |= values == null
        return np.ma.array(values, mask=mask)

    def on_disk(self):
        """Return the rows as records on disk if stored fields differ only in byte order, else None."""
        stored = np.dtype(self.hdu.data.dtype.descr)
        ours = {theirs: name for name, theirs in self.columns.items()}
        stored.names = tuple(ours.get(name, name) for name in stored.names)
        shape = stored["total"].shape if "total" in self.columns else ()
        if len(shape) != 2 or self.hdu.fileinfo()["file"].compression is not None:
            return None
        dtype = record_dtype(shape[0])
        for name in dtype.names:
            if name not in self.columns or stored[name].newbyteorder("=") != dtype[name]:
                return None
            column = self.hdu.columns[self._index(name)]
            if column.bscale not in ("", None, 1) or column.bzero not in ("", None, 0):
                return None
            if self._null(name) is not None and np.ma.is_masked(self.values(name)):
                return None
        info = self.hdu.fileinfo()
        path = Path(info["file"].name).resolve()
        return RecordsOnDisk(path, dtype, info["datLoc"], len(self.hdu.data), stored=stored)


def write_fits(path, database):
    """Write a database to a FITS file.

    Parameters
    ----------
    path : path-like
        File to write.
    database : Database
        Clusters. They are copied in memory; use HDF5 for large databases.
    """
    records, target, galaxies, description, suite, suites, are_observed, blur = database
    records = np.asarray(records)[list(record_dtype(1).names)]
    columns = fits.ColDefs(records)
    if target is not None:
        columns += fits.ColDefs([fits.Column("label", f"{target.astype('S').itemsize}A", array=target)])
    if suite is not None:
        columns += fits.ColDefs([fits.Column("suite", "K", array=suite)])
    hdus = [fits.PrimaryHDU(), _table("CLUSTERS", columns)]
    hdus[1].header["FIELDKPC"] = (FIELD_SIZE, "[kpc] side of each map")
    hdus[1].header["OBSERVED"] = (are_observed, "maps were observed, with noise")
    if np.isfinite(blur):
        hdus[1].header["BLURKPC"] = (blur, "[kpc] standard deviation of the blur of maps")
    if len(galaxies):
        hdus.append(_table("GALAXIES", fits.ColDefs(np.asarray(galaxies))))
    if description:
        hdus.append(fits.ImageHDU(np.frombuffer(description.encode(), np.uint8), name="DESCRIPTION"))
    if suites is not None:
        hdus.append(_table("SUITES", fits.ColDefs(suites.as_array()), describe_suites(suites)))
    hdus[0].header["NEXTEND"] = (len(hdus) - 1, "number of extensions")
    fits.HDUList(hdus).writeto(path, overwrite=True)


def _table(name, columns, about=COLUMNS):
    table = fits.BinTableHDU.from_columns(columns, name=name)
    for number, column in enumerate(table.columns.names, start=1):
        unit, meaning = about[column]
        if unit:
            table.header.set(f"TUNIT{number}", unit, after=f"TFORM{number}")
        table.header.set(f"TCOMM{number}", meaning, after=f"TFORM{number}")
    return table

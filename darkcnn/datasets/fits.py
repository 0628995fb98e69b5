"""FITS: binary tables that every astronomer's tool reads."""

import warnings

import numpy as np
from astropy.io import fits

from darkcnn.datasets.database import (
    COLUMNS,
    Database,
    check_field_size,
    check_units,
    clusters_from_columns,
    galaxies_from_columns,
)
from darkcnn.records import FIELD_SIZE, GALAXY_DTYPE, RecordsOnDisk, record_dtype


def read_fits(path, *, map_above):
    """Read a database from a FITS file.

    Parameters
    ----------
    path : path-like
        File whose first table holds a cluster a row: the fields of a record and, if known, ``label``. Other
        extensions may be ``GALAXIES``, a table, and ``DESCRIPTION``, text as UTF-8 bytes.
    map_above : float
        Size of the table, in bytes, from which its records stay on disk where the file allows it.

    Returns
    -------
    Database
        Its records are :class:`~darkcnn.records.RecordsOnDisk` if they stayed there.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "File may have been truncated")
        # A compressed image could unpack to any size; we write none.
        with fits.open(path, memmap=True, disable_image_compression=True) as hdus:
            _check_order(hdus)
            # Only this keyword tells that a file was cut exactly between two extensions.
            expected = hdus[0].header.get("NEXTEND", len(hdus) - 1)
            if len(hdus) - 1 != expected:
                raise ValueError(f"it must have {expected} extensions, found {len(hdus) - 1}")
            return _database(path, hdus, map_above)


def _check_order(hdus):
    """Refuse damaged extensions: behind one of negative size, astropy reads the same ones without end."""
    number = 0
    while True:
        try:
            hdu = hdus[number]  # reads no further than this one
        except IndexError:
            return
        if not hasattr(hdu, "fileinfo") or hdu.fileinfo()["datSpan"] < 0:
            raise ValueError(f"extension {number} is damaged")
        number += 1


def _database(path, hdus, map_above):
    table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
    if table is None:
        raise ValueError("it must hold a binary table of clusters, found none")
    check_field_size(table.header.get("FIELDKPC"))
    check_units({column.name: column.unit for column in table.columns})
    galaxies, description = np.empty(0, GALAXY_DTYPE), ""
    if "GALAXIES" in hdus:
        galaxies = galaxies_from_columns(_columns(hdus["GALAXIES"]))
    if "DESCRIPTION" in hdus:
        description = hdus["DESCRIPTION"].data.tobytes().decode()
    stored = _mappable_dtype(table) if table.size >= map_above else None
    if stored is None:
        columns = _columns(table)
        labels = np.array(columns["label"], dtype=str) if "label" in columns else None
        return Database(clusters_from_columns(columns), labels, galaxies, description)

    def on_disk(dtype):
        return RecordsOnDisk(
            path.resolve(), dtype, table.fileinfo()["datLoc"], len(table.data), stored=stored
        )

    labels = None
    if "label" in stored.names:
        labels = on_disk(np.dtype([("label", stored["label"])]))["label"]
        labels = np.char.rstrip(labels.astype(str))
    return Database(on_disk(record_dtype(stored["total"].shape[0])), labels, galaxies, description)


def _mappable_dtype(table):
    """Return the type of a row if its fields lie in the file as those of a record, in other byte order."""
    stored = np.dtype(table.data.dtype.descr)
    shape = stored["total"].shape if "total" in stored.names else ()
    if len(shape) != 2 or table.fileinfo()["file"].compression is not None:
        return None
    expected = record_dtype(shape[0])
    for name in expected.names:
        if name not in stored.names or stored[name].newbyteorder("=") != expected[name]:
            return None
        column = table.columns[name]
        if column.bscale not in ("", None, 1) or column.bzero not in ("", None, 0):
            return None
    return stored if "label" not in stored.names or stored["label"].kind == "S" else None


def _columns(table):
    return {name: table.data[name] for name in table.columns.names if name in COLUMNS}


def write_fits(path, database):
    """Write a database to a FITS file.

    Parameters
    ----------
    path : path-like
        File to write.
    database : Database
        Clusters. They are copied as a whole; for many, HDF5 is the better choice.
    """
    records, target, galaxies, description = database
    records = np.asarray(records)[list(record_dtype(1).names)]
    columns = fits.ColDefs(records)
    if target is not None:
        columns += fits.ColDefs([fits.Column("label", f"{target.astype('S').itemsize}A", array=target)])
    hdus = [fits.PrimaryHDU(), _table("CLUSTERS", columns)]
    hdus[1].header["FIELDKPC"] = (FIELD_SIZE, "[kpc] side of each map")
    if len(galaxies):
        hdus.append(_table("GALAXIES", fits.ColDefs(np.asarray(galaxies))))
    if description:
        hdus.append(fits.ImageHDU(np.frombuffer(description.encode(), np.uint8), name="DESCRIPTION"))
    hdus[0].header["NEXTEND"] = (len(hdus) - 1, "number of extensions")
    fits.HDUList(hdus).writeto(path, overwrite=True)


def _table(name, columns):
    table = fits.BinTableHDU.from_columns(columns, name=name)
    for number, column in enumerate(table.columns.names, start=1):
        unit, meaning = COLUMNS[column]
        if unit:
            table.header.set(f"TUNIT{number}", unit, after=f"TFORM{number}")
        table.header.set(f"TCOMM{number}", meaning, after=f"TFORM{number}")
    return table

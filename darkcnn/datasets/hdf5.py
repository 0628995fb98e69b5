"""HDF5: databases larger than memory.

The records are one contiguous, uncompressed table, byte for byte as they lie in memory. A program can
therefore map the file into memory and slice it like any array; only the rows that are used are read.
"""

from pathlib import Path

import h5py
import numpy as np

from darkcnn.datasets.database import (
    COLUMNS,
    Database,
    check_field_size,
    check_units,
    clusters_from_columns,
    galaxies_from_columns,
)
from darkcnn.records import FIELD_SIZE, GALAXY_DTYPE, RecordsOnDisk, chunks, record_dtype

_MAX_DEFLATE_RATIO = (
    1100  # zlib cannot do better than 1032:1, so more than this is a damaged or hostile header
)


def read_hdf5(path, *, map_above):
    """Read a database from an HDF5 file.

    Parameters
    ----------
    path : path-like
        File with the dataset ``clusters``; ``label``, ``galaxies`` and ``description`` if it has them.
    map_above : float
        Size of the records, in bytes, from which they are memory-mapped where the file allows it.

    Returns
    -------
    Database
        Its records are :class:`~darkcnn.records.RecordsOnDisk` if they were mapped, and so are its galaxies.
    """
    with h5py.File(path, "r") as file:
        clusters = _table(file, "clusters")
        check_field_size(clusters.attrs.get("field_size"))
        check_units({name: clusters.attrs.get(f"{name}_unit") for name in clusters.dtype.names})
        target = _text(file, "label").astype(str) if "label" in file else None
        description = _text(file, "description").decode() if "description" in file else ""
        dtype = _record_dtype(clusters)
        is_mapped = clusters.nbytes >= map_above and dtype is not None and _is_mappable(clusters, dtype)
        records = _on_disk(clusters, dtype) if is_mapped else clusters_from_columns(_columns(clusters))
        galaxies = _galaxies(file, is_mapped) if "galaxies" in file else np.empty(0, GALAXY_DTYPE)
    return Database(records, target, galaxies, description)


def _galaxies(file, is_mapped):
    table = _table(file, "galaxies")
    if is_mapped and _is_mappable(table, GALAXY_DTYPE):
        return _on_disk(table, GALAXY_DTYPE)
    return galaxies_from_columns(_columns(table))


def _on_disk(table, dtype):
    return RecordsOnDisk(Path(table.file.filename).resolve(), dtype, table.id.get_offset(), len(table))


def write_hdf5(path, database, *, compress=False):
    """Write a database to an HDF5 file.

    Parameters
    ----------
    path : path-like
        File to write.
    database : Database
        Clusters; their records are copied in blocks, so they may be memory-mapped.
    compress : bool, default=False
        Make the file smaller at the price of memory-mapping it.
    """
    records, target, galaxies, description = database
    dtype = record_dtype(records.dtype["total"].shape[0])
    # The format of HDF5 1.10 has checksums for all but the values; damage to an older one can crash HDF5.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        filters = {}
        if compress:
            # Shuffling puts the same byte of all records of a chunk side by side, so chunks must hold many.
            filters = {"chunks": (min(64, len(records)),), "shuffle": True, "compression": "gzip"}
            filters["compression_opts"] = 9
        clusters = file.create_dataset("clusters", records.shape, dtype, **filters)
        clusters.attrs["field_size"], clusters.attrs["field_size_unit"] = FIELD_SIZE, "kpc"
        for rows in chunks(len(records)):
            clusters[rows] = np.asarray(records[rows])[list(dtype.names)].astype(dtype)
        if target is not None:
            file["label"] = target.astype("S")
        if len(galaxies):
            table = file.create_dataset("galaxies", galaxies.shape, GALAXY_DTYPE)
            for rows in chunks(len(galaxies)):
                table[rows] = np.asarray(galaxies[rows])
        if description:
            text = description.encode()
            file.create_dataset("description", data=text, dtype=h5py.string_dtype("utf-8", len(text)))
        for table in (file[name] for name in ("clusters", "galaxies") if name in file):
            for name in table.dtype.names:
                table.attrs[f"{name}_unit"], table.attrs[f"{name}_description"] = COLUMNS[name]


def _dataset(file, name):
    """Return a dataset whose values lie in the file itself."""
    if name not in file or not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(
            f"it must hold the dataset {name!r} itself, as darkcnn.datasets.save_clusters writes it, found "
            f"{sorted(file)}"
        )
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{name!r} must be a dataset with its values in this file, not in others")
    if dataset.nbytes > _MAX_DEFLATE_RATIO * dataset.id.get_storage_size():
        raise ValueError(
            f"{name!r} claims {dataset.nbytes} bytes, but {dataset.id.get_storage_size()} are stored"
        )
    return dataset


def _text(file, name):
    text = _dataset(file, name)
    if text.dtype.kind != "S":
        raise ValueError(
            f"{name!r} must hold text of fixed length, such as np.array(['CDM', 'SIDM0.1'], dtype='S'), got "
            f"{text.dtype}"
        )
    return text[()]


def _table(file, name):
    table = _dataset(file, name)
    if not table.dtype.names or table.dtype.hasobject:
        raise ValueError(f"{name!r} must be a table of numbers, got {table.dtype}")
    # A float of unusual layout widens when it is read, and then HDF5 writes beyond the row.
    members = table.id.get_type()
    for number, column in enumerate(table.dtype.names):
        if members.get_member_type(number).get_size() != table.dtype[column].itemsize:
            raise ValueError(f"column {column!r} of {name!r} must hold ordinary numbers")
    return table


def _columns(table):
    rows = table[()]
    return {name: rows[name] for name in table.dtype.names}


def _record_dtype(table):
    shape = table.dtype["total"].shape if "total" in table.dtype.names else ()
    return record_dtype(shape[0]) if len(shape) == 2 else None


def _is_mappable(table, dtype):
    # Types are compared as HDF5 knows them: to numpy, an exotic float looks like an ordinary one.
    return table.id.get_offset() is not None and table.id.get_type() == h5py.h5t.py_create(dtype)

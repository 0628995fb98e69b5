"""HDF5 files, for databases larger than memory.

Records are one contiguous, uncompressed table in the layout of memory. A program can therefore memory-map the
file and slice it like an array; only the rows in use are read.
"""

from functools import cached_property
from math import ceil, prod
from pathlib import Path

import h5py
import numpy as np

from darkcnn.datasets.columns import COLUMNS, check_field_size, match_names
from darkcnn.datasets.database import StoredTable, read_tables
from darkcnn.datasets.suite_table import describe_suites, is_table_of_suites, suites_from_rows
from darkcnn.records import FIELD_SIZE, GALAXY_DTYPE, RecordsOnDisk, chunks, record_dtype

_MAX_DEFLATE_RATIO = 1100  # zlib cannot exceed 1032:1, so a higher ratio means a damaged or hostile header


def read_hdf5(path, *, map_above):
    """Read a database from an HDF5 file.

    Parameters
    ----------
    path : path-like
        File with the table ``clusters``: a structured dataset, or a group with one dataset for each field.
        Optional: ``label``, ``suite``, ``description``, and the tables ``galaxies`` and ``suites``.
    map_above : float
        Size in bytes above which records are memory-mapped, if the file permits it.

    Returns
    -------
    Database
        Database; if mapped, records and galaxies are :class:`~darkcnn.records.RecordsOnDisk`.
    """
    with h5py.File(path, "r") as file:
        names = match_names(file, ("clusters", "label", "suite", "suites", "galaxies", "description"))
        clusters = _Table(file, names.get("clusters", "clusters"))
        check_field_size(
            attribute_of(clusters.node, "field_size"), attribute_of(clusters.node, "field_size_unit") or "kpc"
        )
        return read_tables(
            clusters,
            _Table(file, names["galaxies"]) if "galaxies" in names else None,
            map_above=map_above,
            labels=_text(file, names["label"]) if "label" in names else None,
            suite=_values(check_ordinary(_dataset(file, names["suite"]))) if "suite" in names else None,
            suites=_suites(file, names["suites"]) if "suites" in names else None,
            description=_text(file, names["description"]).decode() if "description" in names else "",
            are_observed=attribute_of(clusters.node, "observed"),
            blur=attribute_of(clusters.node, "blur"),
        )


def write_hdf5(path, database, *, compress=False):
    """Write a database to an HDF5 file.

    Parameters
    ----------
    path : path-like
        File to write.
    database : Database
        Database. Its records are copied in blocks, so they may be memory-mapped.
    compress : bool, default=False
        Whether to compress the file, which can then not be memory-mapped.
    """
    records, target, galaxies, description, suite, suites, are_observed, blur = database
    dtype = record_dtype(records.dtype["total"].shape[0])
    # The format of HDF5 1.10 has checksums for all metadata; damage to older formats can crash HDF5.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        filters = {}
        if compress:
            # Shuffling sorts the bytes of all records in a chunk, so chunks must contain many records.
            filters = {"chunks": (min(64, len(records)),), "shuffle": True, "compression": "gzip"}
            filters["compression_opts"] = 9
        clusters = file.create_dataset("clusters", records.shape, dtype, **filters)
        clusters.attrs["field_size"], clusters.attrs["field_size_unit"] = FIELD_SIZE, "kpc"
        clusters.attrs["observed"] = are_observed
        if np.isfinite(blur):
            clusters.attrs["blur"], clusters.attrs["blur_unit"] = blur, "kpc"
        _describe(clusters, COLUMNS)
        for rows in chunks(len(records)):
            clusters[rows] = np.asarray(records[rows])[list(dtype.names)].astype(dtype)
        if target is not None:
            file["label"] = target.astype("S")
        if suite is not None:
            file["suite"] = suite
        if suites is not None:
            file["suites"] = suites.as_array()
            _describe(file["suites"], describe_suites(suites))
        if len(galaxies):
            table = file.create_dataset("galaxies", galaxies.shape, GALAXY_DTYPE)
            _describe(table, COLUMNS)
            for rows in chunks(len(galaxies)):
                table[rows] = np.asarray(galaxies[rows])
        if description:
            text = description.encode()
            file.create_dataset("description", data=text, dtype=h5py.string_dtype("utf-8", len(text)))


def _describe(table, about):
    """Write the unit and description of each column of a table."""
    for name in table.dtype.names:
        table.attrs[f"{name}_unit"], table.attrs[f"{name}_description"] = about[name]


class _Table(StoredTable):
    """Table in an HDF5 file: a structured dataset, or a group with one dataset for each column."""

    def __init__(self, file, name):
        self.node = _node(file, name)
        self.is_group = isinstance(self.node, h5py.Group)
        if not self.is_group:
            check_values(self.node)
            if not self.node.dtype.names or self.node.dtype.hasobject:
                raise ValueError(f"{name!r} must be a table of numbers, got {self.node.dtype}")
            # A float of unusual layout widens on reading, and HDF5 would then write beyond the row.
            members = self.node.id.get_type()
            for number, column in enumerate(self.node.dtype.names):
                if members.get_member_type(number).get_size() != self.node.dtype[column].itemsize:
                    raise ValueError(f"column {column!r} of {name!r} must contain ordinary numbers")
        super().__init__(list(self.node) if self.is_group else list(self.node.dtype.names))

    @property
    def n_bytes(self):
        """Size of the table in bytes; 0 for a group, which cannot be mapped."""
        return 0 if self.is_group else self.node.nbytes

    @cached_property
    def _rows(self):
        return self.node[()]

    def unit(self, name):
        """Return the unit in an attribute of the dataset or the table, or None."""
        if self.is_group:
            node, names = check_ordinary(_dataset(self.node, self.columns[name])), ("unit", "units")
        else:
            node, names = self.node, (f"{name}_unit", f"{self.columns[name]}_unit")
        return next(filter(None, (attribute_of(node, each) for each in names)), None)

    def values(self, name):
        """Return a column, masked by its fill value or by a mask column of astropy."""
        theirs = self.columns[name]
        if self.is_group:
            values = _values(check_ordinary(_dataset(self.node, theirs)))
        else:
            values = _masked(self._rows[theirs], [_fill_value(self.node, theirs)])
        if f"{theirs}.mask" in self.names:
            mask = (
                check_ordinary(_dataset(self.node, f"{theirs}.mask"))[()]
                if self.is_group
                else self._rows[f"{theirs}.mask"]
            )
            values = np.ma.array(values, mask=mask.astype(bool))
        return values

    def on_disk(self):
        """Return the rows as records on disk if the layout of the file permits it, or None."""
        if self.is_group:
            return None
        shape = self.node.dtype["total"].shape if "total" in self.node.dtype.names else ()
        dtype = record_dtype(shape[0]) if len(shape) == 2 else GALAXY_DTYPE
        # HDF5 types are compared: in numpy, an exotic float looks like an ordinary one.
        if self.node.id.get_offset() is None or self.node.id.get_type() != h5py.h5t.py_create(dtype):
            return None
        if any(_fill_value(self.node, name) is not None for name in dtype.names):
            return None
        path = Path(self.node.file.filename).resolve()
        return RecordsOnDisk(path, dtype, self.node.id.get_offset(), len(self.node))


def _values(dataset):
    """Return the values of a dataset, masked and scaled by the conventions of netCDF."""
    nulls = [attribute_of(dataset, name) for name in ("_FillValue", "missing_value")]
    values = _masked(dataset[()], [_fill_value(dataset), *nulls])
    factor, offset = attribute_of(dataset, "scale_factor"), attribute_of(dataset, "add_offset")
    if factor is not None:
        values = values * factor
    return values if offset is None else values + offset


def _masked(values, nulls):
    masks = [values == null for null in nulls if null is not None]
    return np.ma.array(values, mask=np.any(masks, axis=0)) if masks else values


def _fill_value(dataset, column=()):
    """Return the fill value, or None if undefined or zero, the default, which may be a valid value."""
    if dataset.id.get_create_plist().fill_value_defined() != h5py.h5d.FILL_VALUE_USER_DEFINED:
        return None
    value = dataset.fillvalue[column]
    return value if np.any(value != np.zeros_like(value)) else None


def attribute_of(node, name):
    """Return a scalar attribute, text as str, or None."""
    value = node.attrs.get(name)
    if value is None or isinstance(value, h5py.Empty):
        return None
    value = np.asarray(value)
    if value.size != 1:
        raise ValueError(f"the attribute {name!r} of {node.name!r} must be one value, got {value!s:.100}")
    value = value.item()
    return value.decode() if isinstance(value, bytes) else value


def _node(parent, name):
    """Return a dataset or group that is stored in the file itself."""
    if name not in parent or not isinstance(parent.get(name, getlink=True), h5py.HardLink):
        raise ValueError(
            f"it must contain the dataset {name!r} itself, as written by darkcnn.datasets.save_clusters, "
            f"found {sorted(parent)}"
        )
    return parent[name]


def _dataset(parent, name):
    """Return a dataset whose values are stored in the file itself."""
    dataset = _node(parent, name)
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{name!r} must be a dataset, got {type(dataset).__name__}")
    return check_values(dataset)


def _suites(file, name):
    """Return the table of suites, or None if the object of this name is not one."""
    node = _node(file, name)
    if not isinstance(node, h5py.Dataset) or not is_table_of_suites(node.dtype):
        return None
    rows = _Table(file, name).node[()]
    keys = ("unit", "description")
    about = {each: [attribute_of(node, f"{each}_{key}") for key in keys] for each in rows.dtype.names}
    return suites_from_rows(rows, about)


def check_ordinary(dataset):
    """Check that a dataset has numbers or text of the same layout in numpy and HDF5."""
    if dataset.dtype.hasobject or dataset.id.get_type().get_size() != dataset.dtype.itemsize:
        raise ValueError(
            f"{dataset.name.rpartition('/')[2]!r} must contain ordinary numbers or text of fixed length"
        )
    return dataset


def check_values(dataset):
    """Check that the values of a dataset are stored in this file and complete."""
    name = dataset.name.lstrip("/")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name!r} must be a dataset with its values in this file, not in others")
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > _MAX_DEFLATE_RATIO * stored:
        raise ValueError(f"{name!r} claims {dataset.nbytes} bytes, but {stored} are stored")
    if dataset.chunks is not None:
        sides = zip(dataset.shape, dataset.chunks, strict=True)
        n_parts, n_written = prod(ceil(length / side) for length, side in sides), dataset.id.get_num_chunks()
        if n_written < n_parts and (dataset.dtype.names or _fill_value(dataset) is None):
            raise ValueError(f"{name!r} is incomplete: {n_written} of {n_parts} chunks were written")
    return dataset


def _text(file, name):
    text = _dataset(file, name)
    if text.dtype.kind != "S":
        raise ValueError(
            f"{name!r} must contain text of fixed length, such as np.array(['CDM', 'SIDM0.1'], dtype='S'), "
            f"got {text.dtype}"
        )
    return text[()]

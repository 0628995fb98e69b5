"""Records on disk that are read on access."""

from copy import copy
from mmap import mmap

import numpy as np

from darkcnn.records.rows import LazyRows, chunks


class RecordsOnDisk(LazyRows):
    """Rows of a table of records in a file.

    Behaves like a structured array of shape (n_samples,), but stores only row numbers. Indexing by rows reads
    nothing. Maps are read on access; all scalar fields are read on first access to one of them, and kept.
    Pickles contain the path, so that processes share the file.

    The file is mapped anew for each access, so that the pages read do not accumulate in memory. The maps of a
    whole file, or of consecutive rows, are returned as a memory map.

    Parameters
    ----------
    path : path-like
        File.
    dtype : numpy.dtype
        Type of a record.
    offset : int
        Byte offset of the first record; the others follow without gaps.
    n_records : int
        Number of records in the file.
    rows : ndarray of int or range, default=None
        Row numbers; None for all.
    stored : numpy.dtype or None, default=None
        Type of a record in the file, if it differs: in byte order, or by additional fields.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn.records import RecordsOnDisk
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     np.array([(1, 0.5), (2, 1.5), (3, 2.5)], "i4, f4").tofile(file.name)
    ...     records = RecordsOnDisk(file.name, np.dtype("i4, f4"), 0, 3)
    ...     records[[2, 0]]["f1"]
    array([2.5, 0.5], dtype=float32)
    """

    def __init__(self, path, dtype, offset, n_records, rows=None, *, stored=None):
        self.path = path
        self.dtype = dtype
        self.offset = offset
        self.n_records = n_records
        self.rows = range(n_records) if rows is None else rows
        self.stored = dtype if stored is None else stored
        self._numbers = None

    @classmethod
    def from_memmap(cls, mapped):
        """Make records on disk from a memory-mapped ``.npy`` file.

        Parameters
        ----------
        mapped : memmap of shape (n_samples,)
            Whole file, as from ``np.load(path, mmap_mode="r")``.

        Returns
        -------
        RecordsOnDisk
            The same records.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from darkcnn.datasets import load_example
        >>> from darkcnn.records import RecordsOnDisk
        >>> with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        ...     np.save(file.name, load_example().data)
        ...     records = RecordsOnDisk.from_memmap(np.load(file.name, mmap_mode="r"))
        >>> records[::2].shape
        (216,)
        """
        if not isinstance(mapped, np.memmap) or mapped.dtype.names is None or mapped.ndim != 1:
            raise TypeError(f"mapped must be a memory-mapped array of records, got {type(mapped).__name__}")
        if not isinstance(mapped.base, mmap):
            raise TypeError("mapped must contain all records of the file, got a part of them")
        return cls(mapped.filename, mapped.dtype, mapped.offset, len(mapped))

    @property
    def shape(self):
        """(n_samples,)."""
        return (len(self.rows),)

    def __repr__(self):
        return f"RecordsOnDisk({str(self.path)!r}, {len(self)} of {self.n_records} records)"

    def __getstate__(self):
        return vars(self) | {"_numbers": None}

    def _select_rows(self, rows):
        some = copy(self)
        some.rows = self.rows[rows] if isinstance(rows, slice) else _numbered(self.rows)[rows]
        some._numbers = None if self._numbers is None else self._numbers[rows]
        return some

    def _fill(self, out, rows):
        rows = _numbered(self.rows[rows])
        if self.stored == self.dtype:  # unlike indexing, `take` copies whole records, not field by field
            np.take(self._map(), rows, out=out, mode="clip")
        else:
            records = self._map()[rows]
            for name in self.dtype.names:
                out[name] = records[name]

    def _map(self):
        return np.memmap(self.path, self.stored, "r", self.offset, (self.n_records,))

    def _field(self, name):
        """Return a field in memory; maps of consecutive rows are memory-mapped."""
        dtype = self.dtype[name]
        if not dtype.shape:
            return self._all_numbers()[name]
        records = self._map()[name]
        if len(self) and records.dtype == dtype.base and (np.diff(_numbered(self.rows)) == 1).all():
            return np.asarray(records[self.rows[0] : self.rows[-1] + 1])
        read = np.empty((len(self), *dtype.shape), dtype.base)
        for rows in chunks(len(self)):  # a new mapping for each, so that pages do not accumulate
            read[rows] = self._map()[name][_numbered(self.rows[rows])]
        return read

    def _all_numbers(self):
        """Return all scalar fields of the rows."""
        if self._numbers is None:
            fields = [(name, self.dtype[name]) for name in self.dtype.names if not self.dtype[name].shape]
            self._numbers = np.empty(len(self), fields)
            for rows in chunks(len(self)):
                records, numbers = self._map(), _numbered(self.rows[rows])
                for name, _ in fields:
                    self._numbers[name][rows] = records[name][numbers]
        return self._numbers


def _numbered(rows):
    """Return row numbers as an array."""
    return np.arange(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows

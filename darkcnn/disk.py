"""Records that stay in their file, and rows of them that are read when they are used."""

import numpy as np

_BLOCK = 1024  # rows read through one mapping: the system maps pages about those that are touched


class RecordsOnDisk:
    """Rows of a table of records in a file.

    It looks like a structured array of shape (n_samples,), but holds only the numbers of its rows. Indexing
    by rows gives another such object and reads nothing, so that folds of a cross-validation copy no maps; a
    field is read when it is asked for, and ``np.asarray`` reads all. Pickles hold the path, not the records,
    so that processes share the file.

    The file is mapped anew for every access: pages that were read do not add up in memory. The maps of a
    whole file, or of successive rows, are returned as they lie there, and read when they are looked at.

    Parameters
    ----------
    path : path-like
        File.
    dtype : numpy.dtype
        Type of a record.
    offset : int
        Byte of the file at which the first record starts; the others follow without gaps.
    n_records : int
        Number of records in the file.
    rows : ndarray of int or None, default=None
        Which of them, from 0; None for all.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn.disk import RecordsOnDisk
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     np.array([(1, 0.5), (2, 1.5), (3, 2.5)], "i4, f4").tofile(file.name)
    ...     records = RecordsOnDisk(file.name, np.dtype("i4, f4"), 0, 3)
    ...     records[[2, 0]]["f1"]
    array([2.5, 0.5], dtype=float32)
    """

    ndim = 1

    def __init__(self, path, dtype, offset, n_records, rows=None):
        self.path = path
        self.dtype = dtype
        self.offset = offset
        self.n_records = n_records
        self.rows = np.arange(n_records) if rows is None else rows

    @property
    def shape(self):
        """(n_samples,)."""
        return (len(self.rows),)

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        return f"RecordsOnDisk({str(self.path)!r}, {len(self)} of {self.n_records} records)"

    def __getitem__(self, key):
        if isinstance(key, str) or (isinstance(key, list) and key and isinstance(key[0], str)):
            return self._read(key)
        if isinstance(key, tuple) and key[1:] == (Ellipsis,):  # scikit-learn asks for X[rows, ...]
            key = key[0]
        rows = self.rows[key]
        if np.ndim(rows) == 0:
            return self._map()[rows].copy()
        return RecordsOnDisk(self.path, self.dtype, self.offset, self.n_records, rows)

    def __array__(self, dtype=None, copy=None):
        read = self._read()
        return read if dtype is None else read.astype(dtype, copy=False)

    def _map(self):
        return np.memmap(self.path, self.dtype, "r", self.offset, (self.n_records,))

    def _read(self, fields=()):
        """Return fields of the rows in memory, but maps of rows that follow each other in the file mapped."""
        if not len(fields):
            read = np.empty(len(self), self.dtype)
            for block in self._blocks():  # unlike an index, `take` copies a record at once, not its fields
                np.take(self._map(), self.rows[block], out=read[block], mode="clip")
            return read
        records = self._map()[fields]
        if records.ndim > 1 and len(self) and (np.diff(self.rows) == 1).all():
            return np.asarray(records[self.rows[0] : self.rows[-1] + 1])
        read = np.empty((len(self), *records.shape[1:]), records.dtype)
        for block in self._blocks():
            read[block] = self._map()[fields][self.rows[block]]
        return read

    def _blocks(self):
        return (slice(start, start + _BLOCK) for start in range(0, len(self), _BLOCK))

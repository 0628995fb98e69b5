"""Lazy rows that behave like an array and are read or computed on access."""

import operator

import numpy as np

CHUNK = 256
"""Number of rows processed at a time, which limits memory."""


def chunks(n_rows, size=CHUNK):
    """Divide rows into slices of at most `size` rows; none if there are no rows."""
    from sklearn.utils import gen_batches  # here, so that command-line help is fast

    return gen_batches(n_rows, size) if n_rows else ()


class LazyRows:
    """Base class of arrays of rows that are not in memory.

    They have `shape`, `dtype`, `ndim` and `len` and are indexed by rows like an array (an integer returns the
    row, slices, lists and masks return another lazy object); records also by field names. ``np.asarray``
    computes the array in chunks.

    A subclass defines `shape`, `dtype` and two methods: ``_select_rows(rows)`` returns an object of the same
    class with these rows, without computing them; ``_fill(out, rows)`` writes the rows of a slice into `out`.
    A subclass for records also defines ``_field(name)``.
    """

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        if self.dtype.names is not None and isinstance(key, str | list):
            names = [key] if isinstance(key, str) else key
            if names and all(isinstance(name, str) for name in names):
                unknown = [name for name in names if name not in self.dtype.names]
                if unknown:
                    raise ValueError(f"no field of name {unknown[0]}; there are {list(self.dtype.names)}")
                return self._field(key) if isinstance(key, str) else self._fields(names)
        if isinstance(key, tuple) and key and all(part is Ellipsis for part in key[1:]):
            key = key[0]  # scikit-learn indexes X[rows, ...]
        if isinstance(key, str | tuple) or key is None:
            raise IndexError(
                f"{type(self).__name__} are indexed by rows, got {key!r}: use np.asarray for more"
            )
        if key is Ellipsis:
            return self
        if np.ndim(key) == 0 and not isinstance(key, slice):
            return np.asarray(self._select_rows(np.array([operator.index(key)])))[0]
        return self._select_rows(key)

    def __array__(self, dtype=None, copy=None):
        computed = np.empty(self.shape, self.dtype)
        for rows in chunks(len(self)):
            self._fill(computed[rows], rows)
        return computed if dtype is None else computed.astype(dtype, copy=False)

    def _fields(self, names):
        """Return some fields as a structured array."""
        fields = np.empty(self.shape, [(name, self.dtype[name]) for name in names])
        if not any(self.dtype[name].shape for name in names):
            for name in names:
                fields[name] = self._field(name)
            return fields
        for rows in chunks(len(self)):
            fields[rows] = np.asarray(self._select_rows(rows))[names]
        return fields

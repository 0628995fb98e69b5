"""Cluster maps with attributes and groups, and checks of plain maps."""

import numpy as np

from darkcnn.records import LazyRows, ObservedRecords, check_unitless, is_records


class Maps(LazyRows):
    """Cluster maps with the attributes and the group of each row.

    Behaves like an array of shape (n_samples, height, width, n_channels). Memory-mapped or observed records
    are read and processed on access.

    Parameters
    ----------
    source : ndarray, memmap or ObservedRecords of shape (n_samples, ...)
        Plain maps, or records that `steps` convert to maps.
    map_shape : tuple of int
        (height, width, n_channels) after all steps.
    steps : tuple of callable, default=()
        Functions without state, each from a batch of rows to a batch of rows.
    attributes : ndarray of shape (n_samples, n_attributes) or None, default=None
        Attributes, which the network joins to the features of the maps.
    groups : ndarray of shape (n_samples,) or None, default=None
        Cluster of each row; rows of one cluster must not be split between training and validation.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.preprocessing import Maps
    >>> maps = Maps(np.ones((4, 8, 8, 3), dtype=np.float32), (8, 8, 3))
    >>> maps[1:].shape
    (3, 8, 8, 3)
    """

    dtype = np.dtype(np.float32)

    def __init__(self, source, map_shape, *, steps=(), attributes=None, groups=None):
        self.source = source
        self.map_shape = tuple(map_shape)
        self.steps = steps
        self.attributes = attributes
        self.groups = groups

    @property
    def shape(self):
        """(n_samples, height, width, n_channels)."""
        return (len(self.source), *self.map_shape)

    @property
    def are_observed(self):
        """Whether the maps have noise, simulated or real."""
        return isinstance(self.source, ObservedRecords)

    def __repr__(self):
        n_attributes = 0 if self.attributes is None else self.attributes.shape[1]
        return f"Maps(shape={self.shape}, n_attributes={n_attributes})"

    def _select_rows(self, rows):
        return Maps(
            self.source[rows],
            self.map_shape,
            steps=self.steps,
            attributes=None if self.attributes is None else self.attributes[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    def _fill(self, out, rows):
        out[...] = self.draw(rows)

    def draw(self, rows):
        """Compute the maps of selected rows.

        Parameters
        ----------
        rows : ndarray of int, or slice
            Rows.

        Returns
        -------
        ndarray of shape (n_rows, height, width, n_channels)
            Maps, float32.
        """
        # Observed records, asked at once, are copied once instead of three times.
        batch = self.source.draw(rows) if self.are_observed else np.asarray(self.source[rows])
        return self.finish(batch)

    def finish(self, batch):
        """Apply the steps to rows of the source.

        Parameters
        ----------
        batch : ndarray of shape (n_rows, ...)
            Rows of the source.

        Returns
        -------
        ndarray of shape (n_rows, height, width, n_channels)
            Maps, float32.
        """
        for step in self.steps:
            batch = step(batch)
        return batch

    def apply(self, step, map_shape=None):
        """Add a step that is applied to all maps.

        Parameters
        ----------
        step : callable
            Function without state from a batch of rows to a batch of maps.
        map_shape : tuple of int or None, default=None
            (height, width, n_channels) after the step; None if unchanged.

        Returns
        -------
        Maps
            Maps; those of memory-mapped or observed records are computed on access, others at once.
        """
        applied = Maps(
            self.source,
            map_shape or self.map_shape,
            steps=(*self.steps, step),
            attributes=self.attributes,
            groups=self.groups,
        )
        if not isinstance(self.source, np.memmap | LazyRows):
            applied.source, applied.steps = np.asarray(applied), ()
        return applied


def as_maps(X, argument="X"):
    """Check maps and return them as `Maps`.

    Parameters
    ----------
    X : Maps or array-like of shape (n_samples, height, width, n_channels)
        Maps of clusters.
    argument : str, default="X"
        Name of the argument, for the error message.

    Returns
    -------
    Maps
        `X`, or a wrapper around it that makes no copy of float32 arrays.

    Raises
    ------
    TypeError
        If `X` contains records.
    ValueError
        If `X` has another number of dimensions, channels first, no rows, masked pixels, or values that are
        not finite or not representable in float32.
    """
    if isinstance(X, Maps):
        return X
    X = plain_array(X, argument)
    X = X if isinstance(X, np.memmap) else np.asarray(X)
    if X.ndim != 4 or 0 in X.shape:
        hint = f"; one channel is {argument}[..., np.newaxis], one row {argument}[np.newaxis]"
        raise ValueError(
            f"{argument} must be maps of shape (n_samples, height, width, n_channels), got shape {X.shape}"
            f"{hint if X.ndim == 3 else ''}"
        )
    if X.shape[1] < X.shape[2] == X.shape[3]:
        raise ValueError(
            f"{argument} must have its channels last, (n_samples, height, width, n_channels), got shape "
            f"{X.shape}: np.moveaxis({argument}, 1, -1) moves them"
        )
    with np.errstate(over="ignore"):  # reported below
        maps = X.astype(np.float32, copy=False)
    _check_values(X, maps, argument)
    return Maps(maps, X.shape[1:])


def plain_array(X, argument="X"):
    """Raise an error for records, units and masked values; remove a mask that masks nothing."""
    if is_records(X):
        raise TypeError(f"{argument} contains records: add a MapSelector before this step")
    if isinstance(X, dict) and not hasattr(X, "shape"):  # which a sparse array of keys has
        raise TypeError(f"{argument} must be an array of maps, got a dict")
    if isinstance(X, list | tuple):
        for row, each in enumerate(X):
            if isinstance(each, np.ndarray):
                plain_array(each, f"{argument}[{row}]")
    check_unitless(X, argument)
    mask = np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else getattr(X, "mask", None)
    if isinstance(mask, np.ndarray) and mask.dtype == bool:  # of a table, `mask` is a method
        if mask.any():
            row = int(np.argwhere(mask)[0, 0])
            raise ValueError(
                f"{argument} must have no masked pixels, got some in row {row}: fill them, or leave it out"
            )
        return np.asarray(getattr(X, "unmasked", X))
    return X


def _check_values(X, maps, argument):
    """Check that pixels are finite, and not lost in the conversion of `X` to float32 `maps`."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(maps.sum(axis=(1, 2, 3)))
    if not finite.all():  # a float64 sum of float32 values is finite if all of them are
        finite = np.isfinite(maps.sum(axis=(1, 2, 3), dtype=np.float64))
    if not finite.all():
        row = int(np.argmin(finite))
        value = X[row][~np.isfinite(maps[row])][0]
        too_large = "; divide maps by their peaks (float32 ends at 3e38)" if np.isfinite(value) else ""
        raise ValueError(
            f"{argument} must be finite, got {value} in {int((~finite).sum())} maps, first in row {row}"
            f"{too_large}"
        )
    if X.dtype != maps.dtype:
        lost = (X.any(axis=(1, 2)) & ~maps.any(axis=(1, 2))).any(axis=1)
        if lost.any():
            row = int(np.argmax(lost))
            raise ValueError(
                f"{argument} must not be rounded to zero in float32, got a maximum of "
                f"{np.abs(X[row]).max()} in row {row}: divide maps by their peaks"
            )

"""Records with simulated noise, drawn on access."""

import zlib

import numpy as np

from darkcnn.records.checks import plain_records
from darkcnn.records.fields import MAPS
from darkcnn.records.rows import LazyRows

SHEAR = ("shear1", "shear2")
"""Optional fields: components of the shear along the axes of the map."""

TANGENTIAL = ("shear_t", "shear_x")
"""Optional fields: tangential and cross component of the shear about the middle of the map."""


class ObservedRecords(LazyRows):
    """Observed records: simulated noise on noise-free records, or real observations.

    Behaves like the structured array of observed records, but stores only noise-free records and the noise
    models. A noise realisation is identified by a number; it depends on this number, the seeds of the noise
    models and the record, but not on other rows or their order. Indexing and ``np.asarray`` return
    realisation 0.

    Parameters
    ----------
    records : structured ndarray or memmap of shape (n_samples,)
        Noise-free records, or real observations.
    noises : tuple of RecordNoise, default=()
        Fitted noise models, in the order in which they are applied. Empty for real observations: the noise
        steps of a pipeline leave them unchanged, and views are rotated by multiples of 90 degrees, because
        interpolation would smooth the noise.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import WeakLensingNoise
    >>> from darkcnn.datasets import load_example
    >>> observed = WeakLensingNoise(random_state=0).fit_transform(load_example().data[:4])
    >>> observed
    ObservedRecords(shape=(4,), noises=['WeakLensingNoise'])
    >>> bool((np.asarray(observed)["total"] == observed["total"]).all())
    True
    """

    def __init__(self, records, noises=()):
        self.records = plain_records(records, "records")
        self.noises = noises

    @property
    def shape(self):
        """(n_samples,)."""
        return self.records.shape

    @property
    def are_real(self):
        """Whether the records are real observations, to which no noise is added."""
        return not self.noises

    @property
    def dtype(self):
        """Type of the observed records."""
        dtype = self.records.dtype
        for noise in self.noises:
            dtype = noise.observed_dtype(dtype)
        return dtype

    def __repr__(self):
        return (
            f"ObservedRecords(shape={self.shape}, noises={[type(noise).__name__ for noise in self.noises]})"
        )

    def _select_rows(self, rows):
        return ObservedRecords(self.records[rows], self.noises)

    def _fill(self, out, rows):
        out[...] = self.draw(rows)

    def _field(self, name):
        """Return one field; norms do not require drawing the maps."""
        if name not in {changed for noise in self.noises for changed in noise.changes}:
            return self.records[name]
        if self.dtype[name].shape:
            return self._fields([name])[name]
        fields = [field for field in self.records.dtype.names if not self.records.dtype[field].shape]
        numbers = np.empty(self.shape, [(field, self.records.dtype[field]) for field in fields])
        for field in fields:
            numbers[field] = self.records[field]
        for noise in self.noises:
            numbers[noise.norm_name] = noise.unit(numbers)
        return numbers[name]

    def draw(self, rows, realisations=None, rotate=None):
        """Return selected records with noise.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,), or slice
            Rows.
        realisations : ndarray of int of shape (n_rows,) or None, default=None
            Number of the noise realisation of each row, 0 or more; None for 0.
        rotate : callable or None, default=None
            Function of the position in `rows` and a map that rotates the map before noise is added.
            Instrumental effects, such as a mask, are not rotated.

        Returns
        -------
        structured ndarray of shape (n_rows,)
            Observed records.
        """
        if isinstance(self.records, np.ndarray) and not isinstance(rows, slice):
            drawn = np.take(self.records, rows)  # unlike an index, it copies a record at once, not its fields
        else:
            drawn = np.array(self.records[rows])  # a copy, which may change
        realisations = np.zeros(len(drawn), int) if realisations is None else realisations
        generators = [_generators(noise, drawn, realisations) for noise in self.noises]
        if drawn.dtype != self.dtype:  # noise adds maps
            wider = np.empty(len(drawn), self.dtype)
            for name in drawn.dtype.names:
                wider[name] = drawn[name]
            drawn = wider
        if rotate is not None:
            for name in MAPS:
                for position, image in enumerate(drawn[name]):
                    image[...] = rotate(position, image)
        for noise, own in zip(self.noises, generators, strict=True):
            for name, values in noise.observe(drawn, own).items():
                drawn[name] = values
        return drawn

    def draw_rotated(self, rows, realisations, quarters, flips):
        """Return selected records with noise, rotated by multiples of 90 degrees without interpolation.

        Parameters
        ----------
        rows, realisations : ndarray of int of shape (n_rows,)
            See `draw`.
        quarters : ndarray of int of shape (n_rows,)
            Number of rotations by 90 degrees, anticlockwise when row 0 is drawn at the top.
        flips : ndarray of bool of shape (n_rows,)
            Whether to mirror left to right first.

        Returns
        -------
        structured ndarray of shape (n_rows,)
            Observed records. Views of one row and realisation have the same noise.
        """
        (rows, realisations), source = np.unique([rows, realisations], axis=1, return_inverse=True)
        drawn = self.draw(rows, realisations)[source.ravel()]
        for name in drawn.dtype.names:
            if drawn.dtype[name].shape:
                for image, n_quarters, flip in zip(drawn[name], quarters, flips, strict=True):
                    image[...] = np.rot90(image[:, ::-1] if flip else image, n_quarters)
        # Shear is a spin-2 quantity: 90 degrees change its sign, a mirror that of the cross component.
        for name in set(SHEAR) & set(drawn.dtype.names):
            drawn[name][quarters % 2 == 1] *= -1
        for name in {SHEAR[1], TANGENTIAL[1]} & set(drawn.dtype.names):
            drawn[name][flips] *= -1
        return drawn


def _generators(noise, clean, realisations):
    """Return a random generator for each record and realisation."""
    images = clean[noise.map_name]
    # These numbers and the middle row of the map identify a cluster.
    parts = [clean["cluster_id"], clean["redshift"], clean[noise.norm_name], images[:, images.shape[1] // 2]]
    content = np.column_stack([part.astype(np.float64) for part in parts])
    return [
        np.random.default_rng([noise.seed_, zlib.crc32(row), realisation])
        for row, realisation in zip(content, realisations, strict=True)
    ]

"""Records as telescopes see them: noise that is drawn when a row is asked for, and anew when wanted."""

import zlib

import numpy as np

from darkcnn.records.checks import plain_records
from darkcnn.records.fields import MAPS
from darkcnn.records.rows import LazyRows

SHEAR = ("shear1", "shear2")
"""Fields that weak lensing may add: components of the shear along the axes of the map."""

TANGENTIAL = ("shear_t", "shear_x")
"""Fields that weak lensing may add: tangential and cross component about the middle of the map."""


class ObservedRecords(LazyRows):
    """Records seen through noise, drawn when asked for.

    It looks like the structured array of the observed records: it has `shape`, `dtype`, `len`, indexing by
    rows and by names of fields, and ``np.asarray`` gives the array. It holds only the records as they are
    without noise, memory-mapped or not, and the noises.

    A **sky** is one draw of all noise of one record, and a number names it. The seeds of the noises, the
    content of the record and the number of the sky decide the draw: not the other rows or their order.
    Sky 0 is what indexing and ``np.asarray`` show.

    Parameters
    ----------
    records : structured ndarray or memmap of shape (n_samples,)
        Records of clusters without noise, or what a telescope has seen.
    noises : tuple of RecordNoise, default=()
        Fitted noises, in the order in which they act. None for what a telescope has seen: no noise joins it,
        and its views turn by whole quarters, as interpolation would smooth the noise that it has.

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

    def _some(self, rows):
        return ObservedRecords(self.records[rows], self.noises)

    def _fill(self, out, rows):
        out[...] = self.draw(rows)

    def _field(self, name):
        """Draw one field; a unit costs no draw of the maps."""
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

    def draw(self, rows, skies=None, turn=None):
        """Observe some of the records.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,), or slice
            Which.
        skies : ndarray of int of shape (n_rows,) or None, default=None
            Number of the sky of each, 0 or more; None for sky 0.
        turn : callable or None, default=None
            Turns the clusters before they are observed: a function of the position in `rows` and a map.
            Whatever telescope and sky do to a map, a mask for example, does not turn.

        Returns
        -------
        structured ndarray of shape (n_rows,)
            Observed records.
        """
        drawn = np.array(self.records[rows])  # a copy, which may change
        skies = np.zeros(len(drawn), int) if skies is None else skies
        generators = [_generators(noise, drawn, skies) for noise in self.noises]
        if drawn.dtype != self.dtype:  # there are maps to come
            wider = np.empty(len(drawn), self.dtype)
            for name in drawn.dtype.names:
                wider[name] = drawn[name]
            drawn = wider
        if turn is not None:
            for name in MAPS:
                for position, image in enumerate(drawn[name]):
                    image[...] = turn(position, image)
        for noise, own in zip(self.noises, generators, strict=True):
            for name, values in noise.observe(drawn, own).items():
                drawn[name] = values
        return drawn

    def draw_turned(self, rows, skies, quarters, flips):
        """Observe some of the records and turn what was seen, pixel onto pixel, as nothing is interpolated.

        Parameters
        ----------
        rows, skies : ndarray of int of shape (n_rows,)
            As for `draw`.
        quarters : ndarray of int of shape (n_rows,)
            Quarter turns, anticlockwise when row 0 is drawn at the top.
        flips : ndarray of bool of shape (n_rows,)
            Whether to mirror left to right first.

        Returns
        -------
        structured ndarray of shape (n_rows,)
            Observed records. Views of one row and one sky show the same noise.
        """
        (rows, skies), source = np.unique([rows, skies], axis=1, return_inverse=True)
        drawn = self.draw(rows, skies)[source.ravel()]
        for name in drawn.dtype.names:
            if drawn.dtype[name].shape:
                for image, n_quarters, flip in zip(drawn[name], quarters, flips, strict=True):
                    image[...] = np.rot90(image[:, ::-1] if flip else image, n_quarters)
        # A shear comes back after half a turn, and a mirror changes the sign of what lies across it.
        for name in set(SHEAR) & set(drawn.dtype.names):
            drawn[name][quarters % 2 == 1] *= -1
        for name in {SHEAR[1], TANGENTIAL[1]} & set(drawn.dtype.names):
            drawn[name][flips] *= -1
        return drawn


def _generators(noise, clean, skies):
    """Return the generator of each record and sky."""
    images = clean[noise.map_name]
    # With the numbers, the middle row of its map tells a cluster from any other.
    parts = [clean["cluster_id"], clean["redshift"], clean[noise.norm_name], images[:, images.shape[1] // 2]]
    content = np.column_stack([part.astype(np.float64) for part in parts])
    return [
        np.random.default_rng([noise.seed_, zlib.crc32(row), sky])
        for row, sky in zip(content, skies, strict=True)
    ]

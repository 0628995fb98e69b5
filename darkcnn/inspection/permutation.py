"""Permutation of parts of clusters."""

import numpy as np
from sklearn.utils import check_consistent_length

from darkcnn.preprocessing import as_maps
from darkcnn.records import FIELD_SIZE, MAPS, check_groups, check_records, chunks, is_records

_N_NEIGHBORS = 10
"""Number of next lighter and of next heavier clusters among which donors are drawn."""


class Permutation:
    """Clusters in which some parts are replaced by those of other clusters, the donors.

    Parameters
    ----------
    X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
        Records or plain maps.
    pool : array like `X`, or None
        Possible donors; None for the clusters of `X`.
    groups, mass : array-like of shape (n_samples,) or None
        Cluster and log10 mass of each row of `X`; None for those of records. For plain maps, None means that
        all rows are different clusters, and that donors have any mass.
    """

    def __init__(self, X, *, pool=None, groups=None, mass=None):
        X = self.X = check_records(X) if is_records(X) else as_maps(X).source
        pool = check_records(pool, "pool") if is_records(pool) else pool
        self.pool = self.X if pool is None else pool
        self.groups = _field(X, "cluster_id") if groups is None else check_groups(groups)
        self.mass = _field(X, "log_mass") if mass is None else np.asarray(mass, float)
        check_consistent_length(self.X, self.groups, self.mass)
        if pool is None:
            self.pool_groups = self.groups = np.arange(len(X)) if self.groups is None else self.groups
            self.pool_mass = self.mass
        else:
            self.pool_groups, self.pool_mass = _field(pool, "cluster_id"), _field(pool, "log_mass")

    @property
    def map_shape(self):
        """Height, width and number of channels."""
        if is_records(self.X):
            return (*self.X.dtype["total"].shape, len(MAPS))
        return self.X.shape[1:]

    @property
    def channels(self):
        """Names of the channels."""
        n_channels = self.map_shape[2]
        return list(MAPS) if n_channels == len(MAPS) else [f"channel {row}" for row in range(n_channels)]

    def donors(self, rng, *, similar_mass=True):
        """Draw a donor, another cluster, for each row.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Random generator.
        similar_mass : bool, default=True
            Whether donors have a similar mass: one of the `_N_NEIGHBORS` next lighter or heavier clusters. If
            any mass is unknown, donors of any mass are drawn.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            Rows of the pool.
        """
        pool_groups = np.full(len(self.pool), -1) if self.pool_groups is None else self.pool_groups
        groups = np.full(len(self.X), -2) if self.groups is None else self.groups
        mass, pool_mass = self.mass, self.pool_mass
        if not similar_mass or any(each is None or np.isnan(each).any() for each in (mass, pool_mass)):
            mass, pool_mass = np.zeros(len(groups)), np.zeros(len(pool_groups))
            n_neighbors = len(pool_groups)
        else:
            n_neighbors = _N_NEIGHBORS
        # Copies of a halo in several models have the same mass. Together they are one unit, from which one is
        # drawn, so that the class of a donor is independent of that of the recipient.
        codes = np.unique(pool_groups, return_inverse=True)[1]
        _, first, unit = np.unique(
            np.column_stack([codes, pool_mass]), axis=0, return_index=True, return_inverse=True
        )
        unit = unit.ravel()
        members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
        order = np.lexsort((rng.random_sample(len(first)), pool_mass[first]))
        sorted_mass, sorted_groups = pool_mass[first][order], pool_groups[first][order]
        chosen = np.empty(len(groups), int)
        for row, (group, value) in enumerate(zip(groups, mass, strict=True)):
            low, high = (
                np.searchsorted(sorted_mass, value, "left"),
                np.searchsorted(sorted_mass, value, "right"),
            )
            window = np.arange(max(low - n_neighbors, 0), min(high + n_neighbors, len(order)))
            window = window[sorted_groups[window] != group]
            if not len(window):  # only snapshots of the same halo have a similar mass
                window = np.flatnonzero(sorted_groups != group)
            if not len(window):
                raise ValueError(f"X must contain clusters other than {group} to exchange with, got none")
            candidates = members[order[window[rng.randint(len(window))]]]
            chosen[row] = candidates[rng.randint(len(candidates))]
        return chosen

    def predict(self, estimator, change=None, donors=None):
        """Predict probabilities of the clusters in chunks, after a change.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier with ``predict_proba``.
        change : callable or None, default=None
            ``change(batch, donor_batch)`` copies parts of the second to the first in place; None for no
            change.
        donors : ndarray of int or None, default=None
            Rows of the pool, from :meth:`donors`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities.
        """
        probabilities = []
        for rows in chunks(len(self.X)):
            batch = np.array(self.X[rows])
            if change is not None:
                change(batch, self.pool[donors[rows]])
            probabilities.append(estimator.predict_proba(batch))
        return np.concatenate(probabilities)

    def region(self, channel, mask):
        """Return a change that replaces the pixels of a mask (height, width) in one channel."""

        def change(batch, donor):
            if is_records(batch):
                name = MAPS[channel]
                batch[name][:, mask] = donor[name][:, mask]
            else:
                batch[:, mask, channel] = donor[:, mask, channel]

        return change


def annuli(map_shape, n_annuli):
    """Divide a map into rings about its middle.

    Parameters
    ----------
    map_shape : tuple of int
        Shape of maps that starts with height and width.
    n_annuli : int
        Number of rings of equal width, up to the largest circle in the map.

    Returns
    -------
    masks : ndarray of bool of shape (n_annuli, height, width)
        Pixels with centres in each ring; the corners of the map are in none.
    edges : ndarray of shape (n_annuli + 1,)
        Radii, kpc, for maps that are `FIELD_SIZE` wide.
    """
    height, width = map_shape[:2]
    y, x = np.indices((height, width)) - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    radius = np.hypot(x, y) * FIELD_SIZE / max(height, width)
    edges = np.linspace(0, FIELD_SIZE / 2 * min(height, width) / max(height, width), n_annuli + 1)
    masks = (radius >= edges[:-1, None, None]) & (radius < edges[1:, None, None])
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if len(empty):
        raise ValueError(
            f"n_annuli={n_annuli} is too many for maps of {height} x {width} pixels: "
            f"annulus {empty[0]} contains no pixels"
        )
    return masks, edges


def _field(X, name):
    return X[name] if is_records(X) else None

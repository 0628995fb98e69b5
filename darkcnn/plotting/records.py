"""Maps of cluster records."""

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from darkcnn.plotting.canvas import grid, import_matplotlib, plain
from darkcnn.records import FIELD_SIZE, MAPS, NORMS, canonical_labels, check_records, sort_labels

TITLES = ("total mass", "X-ray", "stellar mass")
"""Titles of the maps of `darkcnn.records.MAPS`."""

TICKS = (-500, 0, 500)
"""Ticks of both axes of a map, kpc."""

EXTENT = (-FIELD_SIZE / 2, FIELD_SIZE / 2, -FIELD_SIZE / 2, FIELD_SIZE / 2)
"""Left, right, bottom and top edge of a map relative to its centre, kpc."""

_UNITS = (
    r"$M_\odot\,\mathrm{Mpc}^{-2}$",
    r"$\mathrm{erg\,s^{-1}\,cm^{-2}\,arcmin^{-2}}$",
    r"$M_\odot\,\mathrm{Mpc}^{-2}$",
)
_DECADES = 4  # below the peak, like MapScaler


class RecordsDisplay:
    """Maps of clusters with logarithmic stretch: one row for each record, one column for each channel.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Records to show, see :func:`darkcnn.records.record_dtype`; about a dozen fit on a page.
    labels : array-like of shape (n_samples,) or None, default=None
        Text next to each record.

    Attributes
    ----------
    images : ndarray of shape (n_samples, n_channels, height, width)
        Maps in Msun / Mpc2, erg / s / cm2 / arcmin2 and Msun / Mpc2; in units of the peak if the norm is
        unknown.
    ax_ : ndarray of matplotlib.axes.Axes, shape (n_samples, n_channels)
        Panels.
    figure_ : matplotlib.figure.Figure
        Figure of the panels.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.plotting import RecordsDisplay
    >>> clusters = load_example()
    >>> display = RecordsDisplay.from_records(clusters.data, clusters.target, random_state=0)
    >>> display.images.shape, display.labels
    ((4, 3, 50, 50), ['CDM', 'SIDM0.1', 'SIDM0.3', 'SIDM1'])
    """

    def __init__(self, records, labels=None):
        records = check_records(records, "records")
        if labels is not None:
            check_consistent_length(records, labels)
            labels = np.asarray(labels).tolist()
        norms = np.array([records[name] for name in NORMS]).T
        self.has_units = np.isfinite(norms).all(axis=0)
        norms = np.where(self.has_units, norms, 1)
        self.images = np.stack([records[name] for name in MAPS], axis=1) * norms[..., None, None]
        self.labels = labels
        self.redshifts = np.array(records["redshift"])

    @classmethod
    def from_records(cls, X, y, *, n_per_class=1, random_state=None, ax=None, **options):
        """Draw some clusters of each class, if possible the same halos.

        Parameters
        ----------
        X : structured ndarray of shape (n_samples,)
            Records.
        y : array-like of shape (n_samples,)
            Labels.
        n_per_class : int, default=1
            Number of clusters of each class.
        random_state : int, RandomState instance or None, default=None
            Seed of the selection.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        RecordsDisplay
            The display.
        """
        X = check_records(X)
        check_consistent_length(X, y)
        y = canonical_labels(y)
        rows = _some_of_each(X, y, n_per_class, check_random_state(random_state))
        return cls(X[rows], y[rows]).plot(ax=ax, **options)

    @property
    def figsize(self):
        """Suitable width and height, inches."""
        return 5.2, 1.45 * len(self.images) + 1.0

    def plot(self, *, ax=None, cmap="magma"):
        """Draw the maps, with a common scale for each channel, down to 1e-4 of its maximum.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Colour map.

        Returns
        -------
        RecordsDisplay
            The display itself.
        """
        matplotlib = import_matplotlib()
        cmap = matplotlib.colormaps[cmap] if isinstance(cmap, str) else cmap
        axes = grid(ax, *self.images.shape[:2], self.figsize, sharex=True, sharey=True)
        for channel, panels in enumerate(axes.T):
            images = self.images[:, channel]
            top = images.max() if images.max() > 0 else 1
            norm = matplotlib.colors.LogNorm(top / 10**_DECADES, top)
            for panel, image in zip(panels, images, strict=True):
                # Zeros and negative noise are drawn in the darkest colour.
                drawn = panel.imshow(
                    np.maximum(image, norm.vmin), origin="lower", extent=EXTENT, cmap=cmap, norm=norm
                )
            unit = _UNITS[channel] if self.has_units[channel] else "of the peak"
            panels[0].set_title(TITLES[channel], fontsize="medium")
            panels[-1].set_xlabel("kpc")
            bar = panels[0].figure.colorbar(drawn, ax=panels, location="bottom", aspect=15, pad=0.02)
            bar.minorticks_off()  # they take half of the time of a figure
            bar.set_label(unit, fontsize="x-small")
            bar.ax.tick_params(labelsize="x-small")
        for row, panel in enumerate(axes[:, 0]):
            texts = [] if self.labels is None else [plain(self.labels[row])]
            texts += [f"z = {self.redshifts[row]:.3g}", "kpc"]
            panel.set_ylabel("\n".join(texts), fontsize="small")
        axes[0, 0].set(xticks=TICKS, yticks=TICKS)
        self.ax_, self.figure_ = axes, axes[0, 0].figure
        return self


def _some_of_each(records, y, n_per_class, rng):
    """Select rows of each class, preferring snapshots of halos that occur in many classes."""
    halo, redshift = (np.unique(records[name], return_inverse=True)[1] for name in ("cluster_id", "redshift"))
    snapshot = np.unique(np.column_stack([halo, redshift]), axis=0, return_inverse=True)[1].ravel()
    n_sharing = np.zeros(snapshot.max() + 1, int)
    np.add.at(
        n_sharing,
        np.unique(np.column_stack([snapshot, np.unique(y, return_inverse=True)[1]]), axis=0)[:, 0],
        1,
    )
    priority = np.lexsort((rng.permutation(len(n_sharing)), -n_sharing)).argsort()
    rows = []
    for label in sort_labels(y):
        of_class = np.flatnonzero(y == label)
        rows.append(of_class[np.argsort(priority[snapshot[of_class]], kind="stable")[:n_per_class]])
    return np.concatenate(rows)

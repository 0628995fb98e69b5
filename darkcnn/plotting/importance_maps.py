"""Occlusion and saliency maps."""

import numpy as np

from darkcnn.plotting.canvas import grid, plain
from darkcnn.plotting.records import EXTENT, TICKS


class ImportanceMapsDisplay:
    """Occlusion or saliency maps, averaged over clusters, one panel for each channel.

    Parameters
    ----------
    importance : sklearn.utils.Bunch
        Result of :func:`darkcnn.inspection.occlusion` or :func:`darkcnn.inspection.saliency`.

    Attributes
    ----------
    ax_ : ndarray of matplotlib.axes.Axes, shape (1, n_channels)
        Panels.
    figure_ : matplotlib.figure.Figure
        Figure of the panels.

    See Also
    --------
    ImportanceDisplay : Importance of channels, annuli and attributes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from darkcnn.plotting import ImportanceMapsDisplay
    >>> importance = Bunch(importances_mean=np.ones((5, 2, 8, 8)), names=["total", "xray"], unit="loss")
    >>> ImportanceMapsDisplay(importance).maps.shape
    (2, 8, 8)
    """

    def __init__(self, importance):
        self.importance = importance
        self.maps = np.mean(importance.importances_mean, axis=0)

    @property
    def figsize(self):
        """Suitable width and height, inches."""
        return 1.7 * len(self.maps) + 1.4, 2.2

    def plot(self, *, ax=None, cmap="RdBu_r"):
        """Draw the maps on a common scale, with zero in white.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.
        cmap : str or matplotlib.colors.Colormap, default="RdBu_r"
            Colour map.

        Returns
        -------
        ImportanceMapsDisplay
            The display itself.
        """
        axes = grid(ax, 1, len(self.maps), self.figsize, sharex=True, sharey=True)
        top = np.abs(self.maps).max() or 1
        for panel, image, name in zip(axes[0], self.maps, self.importance.names, strict=True):
            drawn = panel.imshow(image, origin="lower", extent=EXTENT, cmap=cmap, vmin=-top, vmax=top)
            panel.set_title(plain(name), fontsize="medium")
            panel.set_xlabel("kpc")
        axes[0, 0].set_ylabel("kpc")
        bar = axes[0, 0].figure.colorbar(drawn, ax=axes, pad=0.02)
        bar.set_label(plain(self.importance.unit), fontsize="small")
        bar.ax.tick_params(labelsize="small")
        axes[0, 0].set(xticks=TICKS, yticks=TICKS)
        self.ax_, self.figure_ = axes, axes[0, 0].figure
        return self

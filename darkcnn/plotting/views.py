"""Views of one cluster, which are the input of a network."""

import numpy as np
from sklearn.pipeline import Pipeline

from darkcnn.plotting.canvas import grid, plain
from darkcnn.plotting.records import EXTENT, TICKS, TITLES
from darkcnn.preprocessing import Views


class ViewsDisplay:
    """Views of one map: one row for each channel, one column for each view.

    Parameters
    ----------
    views : ndarray of shape (n_views, height, width, n_channels)
        Views of one map.
    channels : sequence of str or None, default=None
        Names of the channels; None for those of records, if there are three.

    Attributes
    ----------
    ax_ : ndarray of matplotlib.axes.Axes, shape (n_channels, n_views)
        Panels.
    figure_ : matplotlib.figure.Figure
        Figure of the panels.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import RotationFlipAugmenter
    >>> from darkcnn.plotting import ViewsDisplay
    >>> maps = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    >>> display = ViewsDisplay.from_estimator(RotationFlipAugmenter(8, random_state=0).fit(maps), maps[:1])
    >>> display.views.shape
    (4, 16, 16, 3)
    """

    def __init__(self, views, channels=None):
        views = np.asarray(views)
        if views.ndim != 4:
            raise ValueError(
                f"views must be of one map, (n_views, height, width, n_channels), got shape {views.shape}"
            )
        if channels is None:
            channels = TITLES if views.shape[3] == len(TITLES) else range(views.shape[3])
        self.views = views
        self.channels = [str(channel) for channel in channels]

    @classmethod
    def from_estimator(cls, estimator, X, *, n_views=4, channels=None, ax=None, **options):
        """Draw the views of the first row of `X` in a pipeline.

        Parameters
        ----------
        estimator : Pipeline or RotationFlipAugmenter
            Fitted pipeline with an augmenter, such as that of :func:`darkcnn.default_pipeline`, or the
            augmenter alone.
        X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
            Input of the estimator; the first row is shown.
        n_views : int, default=4
            Number of views to show.
        channels : sequence of str or None, default=None
            Names of the channels.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        ViewsDisplay
            The display.
        """
        views = X[:1]
        for step in [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]:
            if isinstance(views, Views) or not hasattr(step, "transform"):
                break
            views = step.transform(views)
        if not isinstance(views, Views):
            raise ValueError("estimator must contain a RotationFlipAugmenter, got none")
        return cls(np.asarray(views.first(n_views))[0], channels).plot(ax=ax, **options)

    @property
    def figsize(self):
        """Suitable width and height, inches."""
        return 1.3 * len(self.views) + 1.2, 1.3 * len(self.channels) + 0.6

    def plot(self, *, ax=None, cmap="magma"):
        """Draw the views as network input, with a common scale for each channel.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Colour map.

        Returns
        -------
        ViewsDisplay
            The display itself.
        """
        axes = grid(ax, len(self.channels), len(self.views), self.figsize, sharex=True, sharey=True)
        for channel, panels in enumerate(axes):
            images = self.views[..., channel]
            for panel, image in zip(panels, images, strict=True):
                drawn = panel.imshow(
                    image, origin="lower", extent=EXTENT, cmap=cmap, vmin=images.min(), vmax=images.max()
                )
            panels[0].set_ylabel(f"{plain(self.channels[channel])}\nkpc", fontsize="small")
            bar = panels[0].figure.colorbar(drawn, ax=panels, aspect=12, pad=0.02)
            bar.set_label("network input", fontsize="small")
            bar.ax.tick_params(labelsize="small")
        for number, panel in enumerate(axes[0], start=1):
            panel.set_title(f"view {number}", fontsize="medium")
        for panel in axes[-1]:
            panel.set_xlabel("kpc")
        axes[0, 0].set(xticks=TICKS, yticks=TICKS)
        self.ax_, self.figure_ = axes, axes[0, 0].figure
        return self

"""Importance of channels, annuli and attributes."""

import numpy as np

from darkcnn.plotting.canvas import LINES, MARKERS, plain, single


class ImportanceDisplay:
    """Importance of channels, annuli or attributes: decrease of a score.

    Parameters
    ----------
    importance : sklearn.utils.Bunch
        Result of :func:`darkcnn.inspection.channel_importance`,
        :func:`~darkcnn.inspection.annulus_importance` or
        :func:`~darkcnn.inspection.attribute_importance`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    See Also
    --------
    ImportanceMapsDisplay : Occlusion and saliency maps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from darkcnn.plotting import ImportanceDisplay
    >>> importance = Bunch(
    ...     importances_mean=np.array([0.2, 0.0]),
    ...     importances_error=np.array([0.03, 0.01]),
    ...     names=["total", "xray"],
    ...     edges=None,
    ...     scoring="balanced_accuracy",
    ... )
    >>> ImportanceDisplay(importance).plot().ax_.get_xlabel()
    'Decrease in balanced accuracy'
    """

    def __init__(self, importance):
        self.importance = importance

    @property
    def figsize(self):
        """Suitable width and height, inches."""
        return (
            (5.0, 3.4) if self.importance.edges is not None else (5.0, 0.35 * len(self.importance.names) + 1)
        )

    def plot(self, *, ax=None):
        """Draw a line for each channel over annuli, or a point for each channel or attribute.

        Error bars are standard errors.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        ImportanceDisplay
            The display itself.
        """
        ax = single(ax, self.figsize)
        importance = self.importance
        score = plain(importance.scoring).replace("_", " ")
        # Scores that scikit-learn names "neg" are losses with the opposite sign.
        label = f"Increase in {score[4:]}" if score.startswith("neg ") else f"Decrease in {score}"
        names = [plain(name) for name in importance.names]
        if importance.edges is None:
            order = np.argsort(importance.importances_mean, kind="stable")
            ax.errorbar(
                importance.importances_mean[order],
                range(len(order)),
                xerr=importance.importances_error[order],
                fmt="o",
                capsize=2,
                color=LINES[0],
            )
            ax.set_yticks(range(len(order)), [names[row].replace("_", " ") for row in order])
            ax.set(xlabel=label, ylim=(-0.5, len(order) - 0.5))
            ax.axvline(0, color="0.5", linestyle=":", zorder=0)
        else:
            middles = (importance.edges[1:] + importance.edges[:-1]) / 2
            width = np.diff(importance.edges).min()
            for row, name in enumerate(names):
                ax.errorbar(
                    middles + 0.08 * width * (row - (len(names) - 1) / 2),  # side by side
                    importance.importances_mean[row],
                    importance.importances_error[row],
                    color=LINES[row % len(LINES)],
                    marker=MARKERS[row % len(MARKERS)],
                    markersize=4,
                    capsize=2,
                    label=name,
                )
            ax.set(xlabel="Radius of the annulus [kpc]", ylabel=label, xlim=(0, importance.edges[-1]))
            ax.axhline(0, color="0.5", linestyle=":", zorder=0)
            ax.legend(fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

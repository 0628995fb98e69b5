"""Posterior density of the cross-section."""

import numpy as np

from darkcnn.plotting.canvas import LINES, plain, single

_LEVELS = (0.68, 0.95)


class PosteriorDisplay:
    r"""Posterior density of the cross-section with credible intervals.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        Cross-sections, cm2/g.
    density : ndarray of shape (n_grid,)
        Posterior density at `grid`, g/cm2.
    cross_sections : ndarray of shape (n_classes,)
        Cross-sections of the classes, cm2/g, used as ticks.
    intervals : dict of float to (float, float)
        Ends of the credible interval of each level, cm2/g; infinite beyond the grid.
    median : float
        Posterior median, cm2/g.
    truth : float or None, default=None
        True cross-section, cm2/g.
    name : str or None, default=None
        Name of the sample.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    Notes
    -----
    The axis is :math:`\log(1 + \sigma/\sigma_0)`, where :math:`\sigma_0` is the lowest positive class, as in
    :class:`~darkcnn.CrossSectionPosterior`. The density is drawn per unit of this axis, so that equal areas
    are equal probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import CrossSectionPosterior
    >>> from darkcnn.plotting import PosteriorDisplay
    >>> posterior = CrossSectionPosterior(["CDM", "SIDM0.1", "SIDM1"]).fit(np.full((10, 3), [0.2, 0.6, 0.2]))
    >>> display = PosteriorDisplay.from_estimator(posterior, truth=0.1)
    >>> list(display.intervals), display.median == posterior.median_
    ([0.68, 0.95], True)
    """

    figsize = 5.0, 3.4
    """Suitable width and height, inches."""

    def __init__(self, grid, density, cross_sections, *, intervals, median, truth=None, name=None):
        self.grid = grid
        self.density = density
        self.cross_sections = cross_sections
        self.intervals = intervals
        self.median = median
        self.truth = truth
        self.name = name

    @classmethod
    def from_estimator(cls, posterior, *, levels=_LEVELS, truth=None, name=None, ax=None, **options):
        """Draw a fitted posterior.

        Parameters
        ----------
        posterior : CrossSectionPosterior
            Fitted posterior.
        levels : sequence of float, default=(0.68, 0.95)
            Probabilities of the intervals.
        truth : float or None, default=None
            True cross-section, cm2/g.
        name : str or None, default=None
            Name of the sample.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        PosteriorDisplay
            The display.
        """
        display = cls(
            posterior.grid_,
            posterior.density_,
            posterior.cross_sections_,
            intervals={level: posterior.interval(level) for level in levels},
            median=posterior.median_,
            truth=truth,
            name=name,
        )
        return display.plot(ax=ax, **options)

    def plot(self, *, ax=None, color=LINES[0]):
        """Draw the density, shaded intervals, the median and the truth.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on, possibly with other posteriors; None for a new figure.
        color : color, default="#0072B2"
            Colour of line and intervals.

        Returns
        -------
        PosteriorDisplay
            The display itself.
        """
        ax = single(ax, self.figsize)
        nodes = np.sort(self.cross_sections)
        scale = nodes[nodes > 0][0]
        density = self.density * (scale + self.grid)  # per unit of log(1 + σ/σ_0)
        label = "posterior" if self.name is None else plain(self.name)
        ax.plot(self.grid, density, color=color, label=label)
        widest_first = sorted(self.intervals.items(), reverse=True)
        for (level, (low, high)), alpha in zip(
            widest_first, np.linspace(0.15, 0.45, len(widest_first)), strict=True
        ):
            inside = (self.grid >= low) & (self.grid <= high)
            ax.fill_between(
                self.grid, density, where=inside, color=color, alpha=alpha, linewidth=0, label=f"{level:.0%}"
            )
        ax.axvline(self.median, color=color, linestyle="--", label=f"median {self.median:.2g} cm²/g")
        if self.truth is not None:
            ax.axvline(self.truth, color="black", linestyle=":", label=f"truth {self.truth:g} cm²/g")
        ax.set_xscale("function", functions=(lambda x: np.log1p(x / scale), lambda x: scale * np.expm1(x)))
        ax.set_xticks(nodes, [f"{node:g}" for node in nodes])
        ax.set(xlabel="Cross-section per unit mass [cm²/g]", ylabel="Posterior density per unit of the axis")
        ax.set(xlim=(self.grid[0], self.grid[-1]))
        ax.set_ylim(bottom=0)
        ax.legend(fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

"""Score as a function of the depth of observations."""

import numpy as np

from darkcnn.plotting.canvas import LINES, MARKERS, plain, single


class NoiseDisplay:
    """Accuracy as a function of the depth of observations, for one or several methods.

    Parameters
    ----------
    levels : dict of str to ndarray of shape (n_levels,)
        Depth or noise level of each point of each method, ascending.
    scores : dict of str to ndarray of shape (n_levels,)
        Score of each point.
    errors : dict of str to ndarray of shape (n_levels,), or None, default=None
        Standard errors of the scores.
    xlabel : str
        Name and unit of the levels.
    ylabel : str, default="Balanced accuracy"
        Name of the scores.
    chance : float or None, default=None
        Score of random guessing.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    Examples
    --------
    >>> from darkcnn.plotting import NoiseDisplay
    >>> table = {"n_gal": [30, 100, 30, 100], "method": ["polar", "polar", "linear", "linear"]}
    >>> table |= {"mean": [0.4, 0.5, 0.4, 0.45], "error": [0.03, 0.03, 0.03, 0.03]}
    >>> display = NoiseDisplay.from_table(
    ...     table, level="n_gal", score="mean", error="error", method="method", xlabel="Galaxies per arcmin²"
    ... )
    >>> display.scores["linear"].tolist()
    [0.4, 0.45]
    """

    figsize = 5.0, 3.6
    """Suitable width and height, inches."""

    def __init__(self, levels, scores, errors=None, *, xlabel, ylabel="Balanced accuracy", chance=None):
        self.levels = levels
        self.scores = scores
        self.errors = errors
        self.xlabel = xlabel
        self.ylabel = ylabel
        self.chance = chance

    @classmethod
    def from_table(cls, table, *, level, score, error=None, method=None, ax=None, logx=True, **options):
        """Draw scores from a table.

        Parameters
        ----------
        table : mapping, structured ndarray, or table of pandas or astropy
            Table with one row for each point; columns are ``table[name]``.
        level, score : str
            Names of the columns of the noise levels and of the scores.
        error, method : str or None, default=None
            Names of the columns of standard errors and methods, if any.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        logx : bool, default=True
            See `plot`.
        **options
            ``xlabel``, ``ylabel`` and ``chance``.

        Returns
        -------
        NoiseDisplay
            The display.
        """
        levels, scores = np.asarray(table[level], float), np.asarray(table[score], float)
        methods = np.asarray(table[method]) if method is not None else np.full(len(levels), "")
        errors = None if error is None else np.asarray(table[error], float)
        rows = {}
        for name in dict.fromkeys(methods.tolist()):
            mine = np.flatnonzero(methods == name)
            rows[name] = mine[np.argsort(levels[mine], kind="stable")]
        display = cls(
            {name: levels[mine] for name, mine in rows.items()},
            {name: scores[mine] for name, mine in rows.items()},
            None if errors is None else {name: errors[mine] for name, mine in rows.items()},
            **options,
        )
        return display.plot(ax=ax, logx=logx)

    def plot(self, *, ax=None, logx=True):
        """Draw a line for each method.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        logx : bool, default=True
            Whether the axis of the levels is logarithmic.

        Returns
        -------
        NoiseDisplay
            The display itself.
        """
        ax = single(ax, self.figsize)
        for number, (name, levels) in enumerate(self.levels.items()):
            ax.errorbar(
                levels,
                self.scores[name],
                None if self.errors is None else self.errors[name],
                color=LINES[number % len(LINES)],
                marker=MARKERS[number % len(MARKERS)],
                capsize=2,
                label=plain(name) or None,
            )
        if self.chance is not None:
            ax.axhline(self.chance, color="0.5", linestyle=":", label="chance")
        if logx:
            ax.set_xscale("log")
            every = np.unique(np.concatenate(list(self.levels.values())))
            ax.set_xticks(every, [f"{level:g}" for level in every])
            ax.minorticks_off()
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        if ax.get_legend_handles_labels()[1]:
            ax.legend(fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

"""Axes, colours and markers of displays."""

import numpy as np

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Line colours: the colour-blind safe palette of Okabe & Ito (2008), blue first."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers of the lines, for greyscale prints."""


def import_matplotlib():
    """Return matplotlib, or raise an error with the command that installs it."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('displays need matplotlib: run pip install "darkcnn[plot]"') from error
    return matplotlib


def single(ax, figsize):
    """Return the given axes, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, matplotlib.figure.Figure or None
        Axes to draw on, or an empty figure.
    figsize : (float, float)
        Width and height of a new figure, inches.

    Returns
    -------
    matplotlib.axes.Axes
        Axes.
    """
    import_matplotlib()
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax.add_subplot() if hasattr(ax, "add_subplot") else ax


def grid(ax, n_rows, n_columns, figsize, **options):
    """Divide the given axes, or a new figure, into panels.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, matplotlib.figure.Figure or None
        Axes to replace by panels, or an empty figure.
    n_rows, n_columns : int
        Number of panels.
    figsize : (float, float)
        Width and height of a new figure, inches.
    **options
        Options of ``subplots``, such as ``sharex``.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_rows, n_columns)
        Panels.
    """
    import_matplotlib()
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(figsize=figsize, layout="compressed")
    if hasattr(ax, "add_subplot"):
        return ax.subplots(n_rows, n_columns, squeeze=False, **options)
    ax.set_axis_off()
    return ax.get_subplotspec().subgridspec(n_rows, n_columns).subplots(squeeze=False, **options)


def as_figure(display, **options):
    """Draw a display in a new figure that is not managed by pyplot, for saving.

    Parameters
    ----------
    display : display
        Any display of `darkcnn.plotting`.
    **options
        Options of its ``plot``.

    Returns
    -------
    matplotlib.figure.Figure
        Figure of a suitable size.

    Examples
    --------
    >>> from darkcnn.plotting import TrainingDisplay, as_figure
    >>> figure = as_figure(TrainingDisplay({"loss": [1.1, 0.8], "accuracy": [0.4, 0.6]}))
    >>> figure.savefig("training.png")  # doctest: +SKIP
    """
    import_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=display.figsize, layout="compressed")
    display.plot(ax=figure, **options)
    return figure


def class_styles(labels):
    """Choose a colour and a marker for each class, from dark to light by cross-section.

    Parameters
    ----------
    labels : sequence of str
        Labels, sorted.

    Returns
    -------
    dict of str to dict
        ``color`` and ``marker`` of each label.
    """
    shades = import_matplotlib().colormaps["viridis"](np.linspace(0, 0.85, len(labels)))
    return {
        label: {"color": shade, "marker": MARKERS[row % len(MARKERS)]}
        for row, (label, shade) in enumerate(zip(labels, shades, strict=True))
    }


def plain(text):
    """Escape dollar signs, so that matplotlib does not interpret text as math."""
    return str(text).replace("$", r"\$")

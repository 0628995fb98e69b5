"""Learning curve."""

from sklearn.pipeline import Pipeline

from darkcnn.plotting.canvas import LINES, grid


class TrainingDisplay:
    """Learning curve: loss and accuracy of each epoch.

    Parameters
    ----------
    history : dict of list of float
        ``"loss"`` and ``"accuracy"`` of each epoch on the training set, and ``"val_loss"`` and
        ``"val_accuracy"`` on the validation set, if any: ``DarkCNNClassifier.history_``.
    n_classes : int or None, default=None
        Number of classes, to mark the accuracy of random guessing.
    held_out : float or None, default=None
        Accuracy on held-out clusters, such as from a cross-validation.
    held_out_error : float or None, default=None
        Standard error of `held_out`.

    Attributes
    ----------
    ax_ : ndarray of matplotlib.axes.Axes, shape (2, 1)
        Panels of the loss and of the accuracy.
    figure_ : matplotlib.figure.Figure
        Figure of the panels.

    Examples
    --------
    >>> from darkcnn.plotting import TrainingDisplay
    >>> display = TrainingDisplay({"loss": [1.1, 0.8, 0.7], "accuracy": [0.4, 0.6, 0.7]}, held_out=0.5).plot()
    >>> [panel.get_ylabel() for panel in display.ax_.flat]
    ['Loss', 'Accuracy']
    """

    figsize = 5.0, 4.6
    """Suitable width and height, inches."""

    def __init__(self, history, *, n_classes=None, held_out=None, held_out_error=None):
        self.history = history
        self.n_classes = n_classes
        self.held_out = held_out
        self.held_out_error = held_out_error

    @classmethod
    def from_estimator(cls, estimator, *, held_out=None, held_out_error=None, ax=None):
        """Draw the learning curve of a classifier.

        Parameters
        ----------
        estimator : DarkCNNClassifier or Pipeline
            Fitted classifier, or pipeline that ends in one.
        held_out, held_out_error : float or None, default=None
            Accuracy on held-out clusters, and its standard error.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.

        Returns
        -------
        TrainingDisplay
            The display.
        """
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if not hasattr(classifier, "history_"):
            raise TypeError(
                f"estimator must end in a fitted DarkCNNClassifier, got {type(classifier).__name__}"
            )
        display = cls(
            classifier.history_,
            n_classes=len(classifier.classes_),
            held_out=held_out,
            held_out_error=held_out_error,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the loss in the upper and the accuracy in the lower panel.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to divide into panels; None for a new figure.

        Returns
        -------
        TrainingDisplay
            The display itself.
        """
        axes = grid(ax, 2, 1, self.figsize, sharex=True)
        loss, accuracy = axes.flat
        for name, panel in (("loss", loss), ("accuracy", accuracy)):
            for prefix, label, color, style in (
                ("", "training", LINES[0], "-"),
                ("val_", "validation", LINES[1], "--"),
            ):
                values = self.history.get(prefix + name, [])
                if values:
                    epochs = range(1, len(values) + 1)
                    panel.plot(epochs, values, style, marker=".", color=color, label=label)
            panel.set_ylabel(name.capitalize())
        if self.held_out is not None:
            accuracy.axhline(self.held_out, color=LINES[2], linestyle="-.", label="held out, after training")
            if self.held_out_error is not None:
                low, high = self.held_out - self.held_out_error, self.held_out + self.held_out_error
                accuracy.axhspan(low, high, color=LINES[2], alpha=0.2, linewidth=0)
        if self.n_classes is not None:
            accuracy.axhline(1 / self.n_classes, color="0.5", linestyle=":", label="chance")
        accuracy.set(xlabel="Epoch", ylim=(0, 1))
        accuracy.xaxis.get_major_locator().set_params(integer=True)
        accuracy.legend(fontsize="small")
        self.ax_, self.figure_ = axes, loss.figure
        return self

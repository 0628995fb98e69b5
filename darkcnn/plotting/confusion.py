"""Confusion matrix of dark-matter models."""

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.utils.multiclass import unique_labels

from darkcnn.plotting.canvas import import_matplotlib, plain, single
from darkcnn.records import canonical_labels, sort_labels


class CrossSectionConfusionDisplay:
    """Confusion matrix, ordered by cross-section and normalised over each true class.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes, n_classes)
        Numbers of maps; rows are true classes, columns are predicted classes, both in the order of the
        labels.
    display_labels : sequence of str
        Labels, by cross-section.
    estimator_name : str or None, default=None
        Name of the estimator.

    Attributes
    ----------
    rates : ndarray of shape (n_classes, n_classes)
        Fractions of each row; zero if a class has no maps.
    ax_ : matplotlib.axes.Axes
        Axes of the matrix.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : Unordered confusion matrix.

    Examples
    --------
    >>> from darkcnn.plotting import CrossSectionConfusionDisplay
    >>> display = CrossSectionConfusionDisplay.from_predictions(
    ...     ["SIDM1", "CDM", "CDM", "SIDM0.1"], ["SIDM1", "CDM", "SIDM0.1", "SIDM0.1"]
    ... )
    >>> display.rates
    array([[0.5, 0.5, 0. ], [0. , 1. , 0. ], [0. , 0. , 1. ]])
    """

    figsize = 4.6, 4.0
    """Suitable width and height, inches."""

    def __init__(self, confusion_matrix, display_labels, *, estimator_name=None):
        self.confusion_matrix = np.asarray(confusion_matrix)
        self.display_labels = list(display_labels)
        self.estimator_name = estimator_name
        totals = self.confusion_matrix.sum(axis=1, keepdims=True)
        self.rates = self.confusion_matrix / np.maximum(totals, 1)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, **options):
        """Draw the confusion matrix of an estimator on held-out clusters.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier.
        X : array-like of shape (n_samples, ...)
            Held-out clusters.
        y : array-like of shape (n_samples,)
            True labels.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            ``estimator_name``, and options of `plot`.

        Returns
        -------
        CrossSectionConfusionDisplay
            The display.
        """
        labels = [*canonical_labels(estimator.classes_), *canonical_labels(y)]
        return cls.from_predictions(y, estimator.predict(X), labels=labels, ax=ax, **options)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, labels=None, estimator_name=None, ax=None, **options):
        """Draw the confusion matrix of predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        labels : array-like of str or None, default=None
            Classes to show, in any order; None for all that occur.
        estimator_name : str or None, default=None
            Name of the estimator.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            Options of `plot`.

        Returns
        -------
        CrossSectionConfusionDisplay
            The display.
        """
        y_true, y_pred = canonical_labels(y_true), canonical_labels(y_pred)
        labels = sort_labels(unique_labels(y_true, y_pred) if labels is None else canonical_labels(labels))
        counts = confusion_matrix(y_true, y_pred, labels=labels)
        return cls(counts, labels, estimator_name=estimator_name).plot(ax=ax, **options)

    def plot(self, *, ax=None, cmap="Blues", colorbar=True):
        """Draw the rates and the number of maps of each row.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        cmap : str or matplotlib.colors.Colormap, default="Blues"
            Colour map.
        colorbar : bool, default=True
            Whether to add a colour bar.

        Returns
        -------
        CrossSectionConfusionDisplay
            The display itself.
        """
        import_matplotlib()
        ax = single(ax, self.figsize)
        names = [plain(label) for label in self.display_labels]
        drawn = ConfusionMatrixDisplay(self.rates, display_labels=names).plot(
            ax=ax, cmap=cmap, values_format=".2f", colorbar=False, im_kw={"vmin": 0, "vmax": 1}
        )
        for text, rate in zip(drawn.text_.flat, self.rates.flat, strict=True):
            text.set_color(drawn.im_.cmap(1.0 if rate < 0.5 else 0.0))  # contrast on the fixed scale
        totals = self.confusion_matrix.sum(axis=1)
        ax.set_yticks(range(len(names)), [f"{name}\n({n})" for name, n in zip(names, totals, strict=True)])
        ax.set(xlabel="Predicted model", ylabel="True model (number of maps)")
        if self.estimator_name is not None:
            ax.set_title(plain(self.estimator_name), fontsize="medium")
        if colorbar:
            ax.figure.colorbar(drawn.im_, ax=ax, label="Fraction of the true model", shrink=0.8)
        self.ax_, self.figure_ = ax, ax.figure
        return self

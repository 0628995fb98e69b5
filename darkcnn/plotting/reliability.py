"""Reliability diagram of class probabilities."""

import numpy as np
from sklearn.utils import check_consistent_length

from darkcnn.plotting.canvas import LINES, plain, single
from darkcnn.records import canonical_labels, check_groups


class ReliabilityDisplay:
    """Reliability diagram: accuracy as a function of the predicted probability.

    Parameters
    ----------
    confidence : ndarray of shape (n_bins,)
        Mean probability of the most probable class, in each bin.
    accuracy : ndarray of shape (n_bins,)
        Fraction of correct predictions.
    intervals : ndarray of shape (n_bins, 2)
        68 % confidence interval of `accuracy`.
    calibration_error : float
        See :func:`darkcnn.inference.expected_calibration_error`.
    estimator_name : str or None, default=None
        Name of the estimator.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Reliability diagram for two classes.

    Notes
    -----
    Bins contain equal numbers of maps. Error bars are Wilson intervals [1]_, which are also valid near 0 and
    1. Maps of one cluster are correlated and count as one trial.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
       the American Statistical Association 22, 209 (1927).

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.plotting import ReliabilityDisplay
    >>> probabilities = np.tile([[0.9, 0.1], [0.4, 0.6]], (50, 1))
    >>> target = np.where(np.arange(100) % 10 < 8, ["CDM", "SIDM1"] * 50, "CDM")
    >>> display = ReliabilityDisplay.from_predictions(target, probabilities, ["CDM", "SIDM1"], n_bins=2)
    >>> display.confidence, display.accuracy
    (array([0.6, 0.9]), array([0.8, 1. ]))
    """

    figsize = 4.2, 4.2
    """Suitable width and height, inches."""

    def __init__(self, confidence, accuracy, intervals, calibration_error, *, estimator_name=None):
        self.confidence = confidence
        self.accuracy = accuracy
        self.intervals = intervals
        self.calibration_error = calibration_error
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, groups=None, ax=None, **options):
        """Draw the reliability diagram of an estimator on held-out clusters.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier with ``predict_proba``.
        X : array-like of shape (n_samples, ...)
            Held-out clusters.
        y : array-like of shape (n_samples,)
            True labels.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row; None if all differ.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.
        **options
            ``n_bins`` and ``estimator_name``.

        Returns
        -------
        ReliabilityDisplay
            The display.
        """
        return cls.from_predictions(
            y, estimator.predict_proba(X), estimator.classes_, groups=groups, ax=ax, **options
        )

    @classmethod
    def from_predictions(
        cls, y_true, probabilities, classes, *, groups=None, n_bins=10, estimator_name=None, ax=None
    ):
        """Draw the reliability diagram of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        probabilities : array-like of shape (n_samples, n_classes)
            Class probabilities of held-out maps.
        classes : array-like of shape (n_classes,)
            Labels, in the order of the columns.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row; None if all differ.
        n_bins : int, default=10
            Number of bins; fewer if there are fewer maps.
        estimator_name : str or None, default=None
            Name of the estimator.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        ReliabilityDisplay
            The display.
        """
        from darkcnn.inference import expected_calibration_error

        probabilities, y_true = np.asarray(probabilities), canonical_labels(y_true)
        groups = np.arange(len(y_true)) if groups is None else check_groups(groups)
        check_consistent_length(y_true, probabilities, groups)
        n_bins = min(n_bins, len(y_true))
        confidence = probabilities.max(axis=1)
        is_right = canonical_labels(classes)[probabilities.argmax(axis=1)] == y_true
        bins = np.array_split(np.argsort(confidence, kind="stable"), n_bins)
        accuracy = np.array([is_right[rows].mean() for rows in bins])
        n_trials = np.array([len(np.unique(groups[rows])) for rows in bins])
        display = cls(
            np.array([confidence[rows].mean() for rows in bins]),
            accuracy,
            _wilson_interval(accuracy, n_trials),
            expected_calibration_error(y_true, probabilities, classes, n_bins=n_bins),
            estimator_name=estimator_name,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax=None, **options):
        """Draw accuracy against confidence.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on, possibly with other estimators; None for a new figure.
        **options
            Options of ``Axes.errorbar``, such as ``color``.

        Returns
        -------
        ReliabilityDisplay
            The display itself.
        """
        ax = single(ax, self.figsize)
        if not ax.has_data():
            ax.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="perfectly calibrated")
        name = "" if self.estimator_name is None else f"{plain(self.estimator_name)}, "
        ax.errorbar(
            self.confidence,
            self.accuracy,
            # Rounding errors can make these negative.
            np.maximum(np.abs(self.intervals.T - self.accuracy), 0),
            **{
                "label": f"{name}calibration error {self.calibration_error:.3f}",
                "color": LINES[(len(ax.containers)) % len(LINES)],
                "marker": "o",
                "capsize": 2,
                **options,
            },
        )
        ax.set(xlabel="Probability of the most probable class", ylabel="Fraction of correct predictions")
        ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        ax.legend(loc="upper left", fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _wilson_interval(fraction, n_trials):
    """Return the 68 % Wilson interval of a fraction, shape (n_bins, 2)."""
    centre = (fraction + 0.5 / n_trials) / (1 + 1 / n_trials)
    half = np.sqrt(fraction * (1 - fraction) / n_trials + 0.25 / n_trials**2) / (1 + 1 / n_trials)
    return np.column_stack([centre - half, centre + half])

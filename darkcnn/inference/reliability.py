"""Calibration error of class probabilities."""

import numpy as np

from darkcnn.inference.checks import check_probabilities
from darkcnn.records import canonical_labels


def expected_calibration_error(target, probabilities, classes, *, n_bins=10):
    r"""Return the expected calibration error: the mean absolute difference of confidence and accuracy.

    Maps are sorted by the probability of their most probable class into bins of equal size; the error is
    :math:`\sum_b \frac{n_b}{n} |\mathrm{accuracy}_b - \mathrm{confidence}_b|` (eq. 3 of [1]_, where bins have
    equal widths).

    Parameters
    ----------
    target : array-like of shape (n_maps,)
        True labels.
    probabilities : array-like of shape (n_maps, n_classes)
        Class probabilities of held-out maps.
    classes : array-like of shape (n_classes,)
        Labels, in the order of the columns.
    n_bins : int, default=10
        Number of bins.

    Returns
    -------
    float
        From 0 (perfect) to 1. Statistical noise alone gives about :math:`\sqrt{n_\mathrm{bins} / 2 \pi
        n_\mathrm{maps}}`.

    References
    ----------
    .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> from darkcnn.inference import expected_calibration_error
    >>> expected_calibration_error(["CDM", "SIDM1"], [[0.9, 0.1], [0.9, 0.1]], ["CDM", "SIDM1"], n_bins=1)
    0.4
    """
    (probabilities,) = check_probabilities(probabilities, len(classes))
    confidence = probabilities.max(axis=1)
    is_right = canonical_labels(classes)[probabilities.argmax(axis=1)] == canonical_labels(target)
    excess = (confidence - is_right)[np.argsort(confidence, kind="stable")]
    return float(sum(abs(part.sum()) for part in np.array_split(excess, n_bins)) / len(excess))

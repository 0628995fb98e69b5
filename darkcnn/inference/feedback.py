"""Marginalisation of probabilities over feedback."""

import numpy as np

from darkcnn.records import sort_labels, split_labels


def marginalize_feedback(probabilities, classes):
    r"""Sum the probabilities of classes that differ only in feedback.

    :math:`P(\mathrm{dark\ matter}) = \sum P(\mathrm{dark\ matter, feedback})`, where the prior of feedback is
    that of the training set.

    Parameters
    ----------
    probabilities : array-like of shape (..., n_classes)
        Class probabilities, of one network or several.
    classes : array-like of shape (n_classes,)
        Labels such as ``"CDM"`` and ``"CDM/strong"``, see :func:`darkcnn.records.join_labels`;
        ``classifier.classes_``.

    Returns
    -------
    probabilities : ndarray of shape (..., n_dark_matter)
        Probabilities of dark-matter models.
    classes : ndarray of shape (n_dark_matter,)
        Labels of dark-matter models, by cross-section.

    Raises
    ------
    ValueError
        If the numbers of probabilities and classes differ.

    Examples
    --------
    >>> from darkcnn.inference import marginalize_feedback
    >>> classes = ["CDM", "CDM/strong", "SIDM1", "SIDM1/strong"]
    >>> probabilities, classes = marginalize_feedback([[0.4, 0.3, 0.1, 0.2]], classes)
    >>> classes.tolist(), probabilities.round(2).tolist()
    (['CDM', 'SIDM1'], [[0.7, 0.3]])
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if probabilities.ndim == 0 or probabilities.shape[-1] != len(classes):
        raise ValueError(
            f"probabilities must have one column for each of {len(classes)} classes, got shape "
            f"{probabilities.shape}"
        )
    dark_matter, _ = split_labels(classes)
    names = np.array(sort_labels(dark_matter))
    return probabilities @ (dark_matter[:, np.newaxis] == names), names

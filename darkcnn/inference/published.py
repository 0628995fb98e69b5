"""Published estimator of the cross-section, for comparison."""

import numpy as np
from scipy.special import softmax

from darkcnn.inference.checks import check_probabilities


def published_estimate(probabilities, cross_sections, *, double_softmax=True):
    r"""Estimate the cross-section of a sample with the published method [1]_.

    For each network, the probabilities of its :math:`N` maps are multiplied, :math:`P_k(c) \propto \prod_i
    p_{kic}`; networks are averaged, :math:`P(c) = \langle P_k(c) \rangle_k`; and

    .. math:: \hat\sigma = \sum_c P(c) \sigma_c, \qquad
              \Delta\sigma = \sqrt{\textstyle\sum_c P(c) (\sigma_c - \hat\sigma)^2 / N}.

    Parameters
    ----------
    probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
        Class probabilities.
    cross_sections : array-like of shape (n_classes,)
        Cross-sections of the classes, cm2/g.
    double_softmax : bool, default=True
        Whether to apply a softmax to the probabilities, as the published code does; for three classes, none
        then exceeds 0.58.

    Returns
    -------
    estimate, error : float
        Cross-section and its published error, cm2/g.

    Notes
    -----
    The published error is not a standard error: it decreases as :math:`1/\sqrt N` however much networks
    disagree, and is zero when all agree on a wrong class. Use :class:`~darkcnn.CrossSectionPosterior`.

    References
    ----------
    .. [1] D. Harvey, "A deep-learning algorithm to disentangle self-interacting dark matter and AGN feedback
       models", Nature Astronomy 8, 1332 (2024), and its code, ``get_predictions_per_subset``.

    Examples
    --------
    Four networks predict 0.1 cm2/g and one 1 cm2/g, each with probability 1, for a hundred maps:

    >>> import numpy as np
    >>> from darkcnn.inference import published_estimate
    >>> votes = np.repeat(np.eye(3)[[1, 1, 1, 1, 2]], 100, axis=0).reshape(5, 100, 3)
    >>> estimate, error = published_estimate(votes, [0, 0.1, 1])
    >>> round(estimate, 3), round(error, 3)
    (0.28, 0.036)
    """
    cross_sections = np.asarray(cross_sections, dtype=float)
    probabilities = check_probabilities(probabilities, len(cross_sections))
    if double_softmax:
        probabilities = softmax(probabilities, axis=-1)
    with np.errstate(divide="ignore"):  # log 0 is -inf: the class is excluded
        log_product = np.log(probabilities).sum(axis=1)
    if not np.isfinite(log_product).any(axis=-1).all():
        raise ValueError("probabilities exclude every class of a network: their product is zero")
    posterior = softmax(log_product, axis=-1).mean(axis=0)
    estimate = posterior @ cross_sections
    variance = posterior @ (cross_sections - estimate) ** 2
    return float(estimate), float(np.sqrt(variance / probabilities.shape[1]))

"""Warnings for maps that are more blurred than the training set."""

import warnings

import numpy as np

_MAX_BLUR = 0.4
"""Largest additional blur without a warning, as standard deviation in pixels of the records.

Up to 0.38 pixels, accuracy and inferred cross-section agree within their errors; at 0.5, cold dark matter is
mistaken for self-interacting dark matter (docs/benchmarks/resolution.md).
"""


def warn_about_blur(training, clusters):
    """Warn if clusters are more blurred than the training set of a model, if both are known.

    Parameters
    ----------
    training : dict or None
        Training set, see :func:`describe_training`.
    clusters : sklearn.utils.Bunch
        Clusters to predict, from a loader.

    Returns
    -------
    bool
        Whether a warning was issued.
    """
    trained, blur = (training or {}).get("blur"), clusters.get("blur")
    if not isinstance(trained, int | float) or blur is None:
        return False
    more = np.sqrt(max(blur**2 - trained**2, 0.0))
    if more <= _MAX_BLUR * clusters.pixel_scale:
        return False
    warnings.warn(
        f"maps are blurred by {blur:.3g} kpc (standard deviation), those of the training set by "
        f"{trained:.3g} kpc: blurred cores resemble self-interacting dark matter; train on equally blurred "
        "maps",
        UserWarning,
        stacklevel=2,
    )
    return True

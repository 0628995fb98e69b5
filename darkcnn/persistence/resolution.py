"""Warn of maps that are more blurred than those that a model was trained on."""

import warnings

import numpy as np

_MAX_BLUR = 0.4
"""Standard deviation of a blur, in pixels of the records, that hardly changes predictions.

Up to 0.38 pixels, the accuracy and the inferred cross-section stay within their errors; with 0.5, cold
dark matter looks like self-interacting one (docs/benchmarks/resolution.md).
"""


def warn_about_blur(training, clusters):
    """Warn if clusters are more blurred than the training set of a model, as far as both are known.

    Parameters
    ----------
    training : dict or None
        Training set, see :func:`describe_training`.
    clusters : sklearn.utils.Bunch
        Clusters to predict, as of the loaders.

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
        f"maps are blurred by {blur:.3g} kpc (standard deviation), those of the training by "
        f"{trained:.3g} kpc: "
        "blurred cores look like self-interacting dark matter; train on maps that are blurred alike",
        UserWarning,
        stacklevel=2,
    )
    return True

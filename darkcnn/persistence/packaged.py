"""Pipelines that begin with a packaged network, of which a model file holds all but the network."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from darkcnn.pretrained import PretrainedEmbedding, read_pretrained


def begins_packaged(steps):
    """Return whether these are the steps of a pipeline that begins with a packaged network.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.persistence.packaged import begins_packaged
    >>> begins_packaged(step for _, step in default_pipeline("polar", pretrained=True).steps)
    True
    """
    return [type(step) for step in steps] == [PretrainedEmbedding, StandardScaler, LogisticRegression]


def check_packaged(steps):
    """Refuse steps, read from an untrusted file, that do not fit each other or the packaged network.

    Parameters
    ----------
    steps : list of estimator
        Embedding, scaler and last layer, with what a fit leaves behind.

    Raises
    ------
    ValueError
        If there is no such network here, it is another one, or the numbers are not all there.
    """
    embed, scale, head = (vars(step) for step in steps)
    file = read_pretrained(str(embed.get("name_")))
    if embed.get("sha256_") != file.sha256:
        raise ValueError(
            f"its network {file.name} has the SHA-256 {embed.get('sha256_')!r}, but the packaged one has "
            f"{file.sha256}"
        )
    n_features, labels = file.card["n_features"], head.get("classes_")
    counts = embed.get("_n_features_out"), scale.get("n_features_in_"), head.get("n_features_in_")
    if counts != (n_features,) * 3:
        raise ValueError(f"its steps must have {n_features} features, got {counts}")
    if np.ndim(labels) != 1 or len(labels) < 2 or not isinstance(labels, np.ndarray):
        raise ValueError(f"its classes_ must be an array of labels, got {labels!r}")
    n_rows = 1 if len(labels) == 2 else len(labels)
    for owner, name, shape in (
        (scale, "mean_", (n_features,)),
        (scale, "scale_", (n_features,)),
        (head, "coef_", (n_rows, n_features)),
        (head, "intercept_", (n_rows,)),
    ):
        array = owner.get(name)
        is_real = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        if not is_real or array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"its {name} must be finite numbers of shape {shape}")

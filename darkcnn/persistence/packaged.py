"""Model files of pipelines with a packaged network, which store all steps but the network."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from darkcnn.pretrained import PretrainedEmbedding, read_pretrained


def uses_packaged_network(steps):
    """Return whether the first step of a pipeline is a packaged network.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.persistence.packaged import uses_packaged_network
    >>> uses_packaged_network(step for _, step in default_pipeline("polar", pretrained=True).steps)
    True
    """
    return [type(step) for step in steps] == [PretrainedEmbedding, LogisticRegression]


def check_packaged(steps):
    """Check steps from an untrusted file against each other and the packaged network.

    Parameters
    ----------
    steps : list of estimator
        Embedding and last layer, with fitted attributes.

    Raises
    ------
    ValueError
        If the network is unknown or has another hash, or fitted attributes are missing or have wrong shapes.
    """
    embed, head = (vars(step) for step in steps)
    file = read_pretrained(str(embed.get("name_")))
    if embed.get("sha256_") != file.sha256:
        raise ValueError(
            f"its network {file.name} has the SHA-256 {embed.get('sha256_')!r}, but the packaged one has "
            f"{file.sha256}"
        )
    n_features, labels = file.card["n_features"], head.get("classes_")
    counts = embed.get("_n_features_out"), head.get("n_features_in_")
    if counts != (n_features,) * 2:
        raise ValueError(f"its steps must have {n_features} features, got {counts}")
    if np.ndim(labels) != 1 or len(labels) < 2 or not isinstance(labels, np.ndarray):
        raise ValueError(f"its classes_ must be an array of labels, got {labels!r}")
    n_rows = 1 if len(labels) == 2 else len(labels)
    for name, shape in (("coef_", (n_rows, n_features)), ("intercept_", (n_rows,))):
        array = head.get(name)
        is_real = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        if not is_real or array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"its {name} must be finite numbers of shape {shape}")

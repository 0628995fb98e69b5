"""Pretrained pipelines for prediction and for training the last layer."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from darkcnn.pretrained.embedding import PretrainedEmbedding
from darkcnn.pretrained.files import HEAD, read_pretrained
from darkcnn.records import label_of

PUBLISHED = (0, 0.1, 0.3, 1)
"""Cross-sections of the published simulations in cm2/g."""


def load_pretrained(name="polar", *, cross_sections=PUBLISHED, maps="all"):
    """Load a pretrained pipeline, ready for prediction.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, see :data:`darkcnn.pretrained.PRETRAINED`.
    cross_sections : sequence of float, default=(0, 0.1, 0.3, 1)
        Cross-sections of the classes in cm2/g; a subset of those that the network was trained on, see
        :func:`~darkcnn.pretrained.describe_pretrained`.
    maps : tuple of str or "all", default="all"
        Maps to use, see :class:`~darkcnn.pretrained.PretrainedEmbedding`. Maps that are NaN are never used.
        With ``("total",)`` alone, :func:`~darkcnn.profile_baseline` trained on 300 halos is more accurate.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted pipeline with the steps ``"embed"`` and ``"head"``; ``load_pretrained()[:-1].transform(X)`` is
        the embedding. ``fit`` (also after ``clone`` and in ``cross_val_score``) retrains the head; the
        embedding is unchanged.

    Raises
    ------
    ValueError
        If there is no such network, or it was not trained on one of the cross-sections.

    See Also
    --------
    default_pipeline : The same steps for training on your clusters, with ``pretrained=True``.

    Notes
    -----
    Class probabilities are those of all classes, normalised over the selected classes. All suites of the
    training set come from one mock generator, and real simulations differ more than these suites do:
    :doc:`/guide/pretrained`.

    Examples
    --------
    >>> from darkcnn import load_pretrained
    >>> from darkcnn.datasets import load_example
    >>> example = load_example()
    >>> model = load_pretrained("polar")
    >>> model.classes_.tolist()
    ['CDM', 'SIDM0.1', 'SIDM0.3', 'SIDM1']
    >>> model.predict_proba(example.data[:8]).shape
    (8, 4)
    """
    file = read_pretrained(name)
    known = file.card["cross_sections"]
    requested = [float(each) for each in np.atleast_1d(cross_sections)]
    if len(requested) < 2 or len(set(requested)) < len(requested) or not set(requested) <= set(known):
        raise ValueError(f"cross_sections must be two or more of {known} cm2/g, got {cross_sections!r}")
    labels = np.array([label_of(each) for each in requested])
    order = np.argsort(labels)
    rows = [known.index(requested[i]) for i in order]
    arrays = file.arrays
    n_features = len(arrays["embedding/mean"])

    model = pretrained_pipeline(file.name, maps=maps)
    embed, head = (step for _, step in model.steps)
    embed.name_, embed.sha256_, embed._n_features_out = file.name, file.sha256, n_features
    embed._names()
    head.classes_ = labels[order]
    head.coef_, head.intercept_ = arrays["head/coef"][rows], arrays["head/intercept"][rows]
    if len(rows) == 2:  # two classes have one score
        head.coef_ = head.coef_[1:] - head.coef_[:1]
        head.intercept_ = head.intercept_[1:] - head.intercept_[:1]
    head.n_features_in_, head.n_iter_ = n_features, np.array([0], np.int32)
    return model


def pretrained_pipeline(name="polar", *, maps="all"):
    """Return a pipeline of a pretrained embedding and a classifier to train, for small training sets.

    Equivalent to ``default_pipeline(name, pretrained=True)``.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, see :data:`darkcnn.pretrained.PRETRAINED`.
    maps : tuple of str or "all", default="all"
        Maps to use, see :class:`~darkcnn.pretrained.PretrainedEmbedding`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Pipeline with the steps ``"embed"`` and ``"head"``.

    Examples
    --------
    >>> from darkcnn.pretrained import pretrained_pipeline
    >>> list(pretrained_pipeline().named_steps)
    ['embed', 'head']
    """
    return Pipeline([("embed", PretrainedEmbedding(name, maps=maps)), ("head", LogisticRegression(**HEAD))])

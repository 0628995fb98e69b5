"""A packaged network that predicts at once."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from darkcnn.pretrained.embedding import PretrainedEmbedding
from darkcnn.pretrained.files import HEAD, read_pretrained
from darkcnn.records import label_of

PUBLISHED = (0, 0.1, 0.3, 1)
"""Cross-sections of the published simulations, cm2/g."""


def load_pretrained(name="polar", *, cross_sections=PUBLISHED, maps="all"):
    """Return a fitted pipeline that predicts without any training.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, see :data:`darkcnn.pretrained.PRETRAINED`.
    cross_sections : sequence of float, default=(0, 0.1, 0.3, 1)
        Classes to choose from, cm2/g; among those that the network was trained on, see
        :func:`~darkcnn.pretrained.describe_pretrained`.
    maps : tuple of str or "all", default="all"
        Maps to look at, see :class:`~darkcnn.pretrained.PretrainedEmbedding`. Maps that are NaN are not
        looked at anyway.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted steps ``"embed"`` and ``"head"``; ``load_pretrained()[:-1].transform(X)`` is the embedding.
        ``fit``, also after ``clone`` and in ``cross_val_score``, trains the head anew; the embedding stays
        the same.

    Raises
    ------
    ValueError
        If there is no such network, or it was not trained on one of the cross-sections.

    See Also
    --------
    default_pipeline : The same steps for your own clusters, with ``pretrained=True``.

    Notes
    -----
    The probability of a class among some is its probability among all, over the sum of theirs. All suites
    that the network was trained on come from one mock generator, and a real simulation lies further off:
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
    wanted = [float(each) for each in np.atleast_1d(cross_sections)]
    if len(wanted) < 2 or len(set(wanted)) < len(wanted) or not set(wanted) <= set(known):
        raise ValueError(f"cross_sections must be two or more of {known} cm2/g, got {cross_sections!r}")
    labels = np.array([label_of(each) for each in wanted])
    order = np.argsort(labels)
    rows = [known.index(wanted[i]) for i in order]
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
    """Return a pipeline whose last layer is trained, which few halos suffice for.

    It is ``default_pipeline(name, pretrained=True)``.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, see :data:`darkcnn.pretrained.PRETRAINED`.
    maps : tuple of str or "all", default="all"
        Maps to look at, see :class:`~darkcnn.pretrained.PretrainedEmbedding`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``"embed"`` and ``"head"``.

    Examples
    --------
    >>> from darkcnn.pretrained import pretrained_pipeline
    >>> list(pretrained_pipeline().named_steps)
    ['embed', 'head']
    """
    return Pipeline([("embed", PretrainedEmbedding(name, maps=maps)), ("head", LogisticRegression(**HEAD))])

"""Saliency: gradient of the log-probability with respect to the pixels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, check_consistent_length, check_random_state, gen_batches
from tqdm import tqdm

from darkcnn.preprocessing import as_views, rotate
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.records import MAPS, canonical_labels

_ROWS = 32
"""Batch size: the gradient keeps all activations of the network in memory."""


def saliency(estimator, X, y=None, *, noise=0.1, n_repeats=10, random_state=None, verbose=0):
    r"""Saliency maps: gradient of the log-probability of a class, averaged over noise and views.

    Parameters
    ----------
    estimator : DarkCNNClassifier or Pipeline
        Fitted classifier, or pipeline that ends in one; or pipeline of a pretrained embedding and a logistic
        regression, such as :func:`darkcnn.load_pretrained`.
    X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
        Clusters to explain.
    y : array-like of shape (n_samples,) or None, default=None
        Class to explain for each cluster; None for the predicted one.
    noise : float, default=0.1
        Standard deviation of the noise, relative to the range of each map.
    n_repeats : int, default=10
        Number of noise draws for each view.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        ``importances_mean`` of shape (n_samples, n_channels, height, width): gradient with respect to the
        network input, rotated back to the orientation of the map; ``importances_error``: standard error over
        views and draws; ``names`` of the channels; ``unit``. With a pretrained embedding, the input is that
        of the packaged network: three maps of at most 100 pixels on a side, zero gradient for missing maps.

    Raises
    ------
    TypeError
        If `estimator` is neither of these.
    NotImplementedError
        If the keras backend is neither TensorFlow nor JAX.

    See Also
    --------
    darkcnn.plotting.ImportanceMapsDisplay : Plots it.

    Notes
    -----
    SmoothGrad [1]_: the mean of :math:`\partial \log p / \partial x` over :math:`x + \mathcal{N}(0,
    \sigma^2)`. It is positive where a higher value favours the class. Signs differ between classes: average
    over clusters of one class, or over absolute values.

    References
    ----------
    .. [1] D. Smilkov et al., "SmoothGrad: removing noise by adding noise", arXiv:1706.03825 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import DarkCNNClassifier
    >>> from darkcnn.inspection import saliency
    >>> X = np.random.default_rng(0).random((8, 10, 10, 2), dtype=np.float32)
    >>> classifier = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(X, ["CDM", "SIDM1"] * 4)
    >>> saliency(classifier, X[:3], n_repeats=2, random_state=0).importances_mean.shape
    (3, 2, 10, 10)
    """
    from darkcnn.inspection.gradient import log_probability_gradient

    network = _packaged(estimator, X) if _is_packaged(estimator) else _trained(estimator, X)
    if n_repeats < 1 or noise < 0:
        raise ValueError(f"n_repeats must be at least 1 and noise zero or more, got {n_repeats} and {noise}")
    if y is None:
        y = estimator.predict(X)
    check_consistent_length(X, y)
    classes, y = canonical_labels(estimator.classes_), canonical_labels(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y must contain classes of estimator, {classes.tolist()}, got {unknown.tolist()}")
    column = (y[:, np.newaxis] == classes).argmax(axis=1)
    rng = check_random_state(random_state)
    n_views = len(network.angles)
    total = np.zeros((len(y), *network.model.inputs[0].shape[1:]))
    squares = np.zeros_like(total)
    steps = [(rows, view) for rows in gen_batches(len(y), _ROWS) for view in range(n_views)]
    for rows, view in tqdm(steps, desc="Saliency", unit="batch", disable=not verbose):
        drawn, others = network.draw(rows, view)
        scale = noise * np.ptp(drawn, axis=(1, 2), keepdims=True)
        for _ in range(n_repeats):
            noisy = (drawn + scale * rng.standard_normal(drawn.shape)).astype(np.float32)
            gradient = log_probability_gradient(
                network.model, noisy, others, column[rows], from_logits=network.from_logits
            )
            back = np.stack(
                [_rotate_back(image, network.angles[view], network.flips[view]) for image in gradient]
            )
            total[rows] += back
            squares[rows] += back.astype(float) ** 2
    n_draws = n_views * n_repeats
    mean = total / n_draws
    variance = np.maximum(squares / n_draws - mean**2, 0) / max(n_draws - 1, 1)
    error = np.sqrt(variance) if n_draws > 1 else np.full_like(mean, np.nan)
    return Bunch(
        importances_mean=np.moveaxis(mean, -1, 1),
        importances_error=np.moveaxis(error, -1, 1),
        names=network.names,
        unit="gradient of log-probability",
    )


class _Network(NamedTuple):
    """Network to differentiate, and its inputs."""

    model: object
    from_logits: bool
    draw: Callable  # slice of rows, view -> maps, and the second input of the model or None
    angles: np.ndarray
    flips: np.ndarray
    names: list


def _is_packaged(estimator):
    if not isinstance(estimator, Pipeline) or len(estimator) != 2:
        return False
    return isinstance(estimator[0], PretrainedEmbedding) and isinstance(estimator[1], LogisticRegression)


def _packaged(estimator, X):
    """Return the packaged network with the last layer of a pipeline."""
    from darkcnn.pretrained.network import classifier_model

    embed, head = (step for _, step in estimator.steps)
    maps, available = embed.network_input(X)
    model = classifier_model(embed.name_, maps.shape[1], head)
    return _Network(
        model,
        True,
        lambda rows, view: (maps[rows], available[rows]),
        np.zeros(1),
        np.zeros(1, bool),
        list(MAPS),
    )


def _trained(estimator, X):
    """Return the network of a classifier."""
    from darkcnn.training import DarkCNNClassifier
    from darkcnn.training.network import ends_in_softmax

    classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(classifier, DarkCNNClassifier):
        raise TypeError(
            f"estimator must end in a DarkCNNClassifier, got {type(classifier).__name__}; or be a pipeline "
            "of a PretrainedEmbedding and a LogisticRegression"
        )
    through_steps = isinstance(estimator, Pipeline) and len(estimator) > 1
    views = as_views(estimator[:-1].transform(X) if through_steps else X)
    if classifier.predict_views is not None:
        views = views.first(classifier.predict_views)
    angles = views.angles
    if views.maps.are_observed:  # rotated by multiples of 90 degrees
        angles = np.rint(angles / (np.pi / 2)) * np.pi / 2
    attributes, n_channels = views.maps.attributes, views.shape[-1]

    def draw(rows, view):
        maps = views.draw(np.arange(rows.start, rows.stop), np.full(rows.stop - rows.start, view))
        return maps, None if attributes is None else attributes[rows]

    names = list(MAPS) if n_channels == len(MAPS) else [f"channel {row}" for row in range(n_channels)]
    model = classifier.model_
    return _Network(
        model,
        not ends_in_softmax(model.layers[-1]),
        draw,
        angles,
        views.flips,
        _channel_names(estimator, names),
    )


def _rotate_back(image, angle, flip):
    """Undo the rotation and reflection of a view."""
    image = rotate(np.ascontiguousarray(image), -angle, flip=False)
    return rotate(image, 0.0, flip=True) if flip else image


def _channel_names(estimator, names):
    """Return the names of the maps selected by a pipeline, or default names."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else []
    chosen = [step.maps for step in steps if hasattr(step, "maps") and not isinstance(step.maps, str)]
    return list(chosen[0]) if chosen else names

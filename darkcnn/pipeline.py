"""The whole chain from records of clusters to the probabilities of dark-matter models."""

from sklearn.pipeline import Pipeline

from darkcnn.augmentation import RotationFlipAugmenter
from darkcnn.classifier import DarkCNNClassifier
from darkcnn.preprocessing import MapScaler, MapSelector

INVARIANT = ("polar",)
"""Networks that no rotation or reflection can change: views would teach them nothing."""

RECIPES = {
    "polar": {
        "epochs": 24,
        "learning_rate": 2e-3,
        "learning_rate_schedule": "cosine",
        "weight_decay": 1.0,
    }
}
"""How to train a network, where that was found by trial: the defaults of `classifier_params`."""


def default_pipeline(
    architecture="polar", *, maps="all", attributes=(), n_views=10, random_state=None, **classifier_params
):
    """Chain the steps from records of clusters to probabilities.

    Parameters
    ----------
    architecture : str or callable, default="polar"
        Network, see :class:`DarkCNNClassifier`. The polar one was the most accurate for its cost:
        :doc:`/benchmarks/accuracy`.
    maps : tuple of str or "all", default="all"
        Maps to learn from, see :class:`MapSelector`.
    attributes : tuple of str, default=()
        Attributes that join them, see :class:`MapSelector`.
    n_views : int, default=10
        Rotated and flipped views of each map, see :class:`RotationFlipAugmenter`; `INVARIANT` networks take
        none.
    random_state : int, RandomState instance or None, default=None
        Seed of the views and of the training.
    **classifier_params
        Further parameters of :class:`DarkCNNClassifier`; their defaults are those of `RECIPES`, if any.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``"select"``, ``"scale"``, ``"augment"`` (left out for `INVARIANT` networks) and ``"cnn"``.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> list(default_pipeline("simple", n_views=4, epochs=5).named_steps)
    ['select', 'scale', 'augment', 'cnn']
    >>> list(default_pipeline().named_steps)
    ['select', 'scale', 'cnn']
    """
    if isinstance(architecture, str):
        classifier_params = {**RECIPES.get(architecture, {}), **classifier_params}
    steps = [
        ("select", MapSelector(maps=maps, attributes=attributes)),
        ("scale", MapScaler()),
        ("augment", RotationFlipAugmenter(n_views, random_state=random_state)),
        ("cnn", DarkCNNClassifier(architecture, random_state=random_state, **classifier_params)),
    ]
    return Pipeline([step for step in steps if step[0] != "augment" or architecture not in INVARIANT])

"""Pipeline from cluster records to probabilities of dark-matter models."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from darkcnn.networks import get_recipe, name_of
from darkcnn.preprocessing import MapScaler, MapSelector, RotationFlipAugmenter
from darkcnn.pretrained import FineTuned, pretrained_pipeline
from darkcnn.records import MAPS
from darkcnn.training import DarkCNNClassifier

OBSERVED = {"xray": ("asinh", "none", 1.0)}
"""Stretch, norm and floor of an observed map; other observed maps are signed and stay unchanged."""


def default_pipeline(
    architecture="polar",
    *,
    maps="all",
    attributes=(),
    noise=(),
    n_views=10,
    pretrained=False,
    random_state=None,
    **classifier_params,
):
    """Build the default pipeline from cluster records to class probabilities.

    Parameters
    ----------
    architecture : str or callable, default="polar"
        Network, as a name or a function, see :class:`DarkCNNClassifier`. On mock clusters the polar network
        is more accurate than the baseline, see :doc:`/benchmarks/accuracy`.
    maps : tuple of str or "all", default="all"
        Input maps, see :class:`MapSelector`.
    attributes : tuple of str, default=()
        Input attributes, see :class:`MapSelector`.
    noise : sequence of RecordNoise, default=()
        Simulated observations, such as ``[WeakLensingNoise(), XrayNoise()]``. Training uses a new noise
        realisation in each epoch, prediction one realisation for each cluster. A step without a seed of its
        own takes `random_state`.
    n_views : int, default=10
        Number of rotated and flipped views of each map, see :class:`RotationFlipAugmenter`. Ignored by
        networks with an invariant :class:`~darkcnn.networks.Recipe`.
    pretrained : {False, True, "all"}, default=False
        Whether to start from the weights of a packaged network. With True, the weights are frozen and only a
        logistic regression on the embedding is trained, which suits ten to a hundred halos. With "all", all
        layers are fine-tuned at a low learning rate, see :class:`~darkcnn.pretrained.FineTuned`. Both need an
        `architecture` of :data:`~darkcnn.pretrained.PRETRAINED`, maps without noise and no attributes.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise, the views and the training.
    **classifier_params
        Further parameters of :class:`DarkCNNClassifier`; their defaults are those of the network's
        :class:`~darkcnn.networks.Recipe`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted pipeline of the steps ``"miscentre"``, ``"observe_total"`` and ``"observe_xray"`` (one for
        each noise), ``"select"``, ``"scale"``, ``"augment"`` (not for invariant networks) and ``"cnn"``. With
        ``pretrained=True``: ``"embed"`` and ``"head"``.

    Notes
    -----
    Noise-free maps are divided by their maximum and enter as logarithms. Observed maps keep their unit,
    because the signal-to-noise ratio is informative: convergence and shear, which are signed, are not
    stretched, and photon counts enter as their arcsinh.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> list(default_pipeline("simple", n_views=4, epochs=5).named_steps)
    ['select', 'scale', 'augment', 'cnn']
    >>> list(default_pipeline().named_steps)
    ['select', 'scale', 'cnn']

    With simulated noise, see :doc:`/guide/observations`:

    >>> from darkcnn import WeakLensingNoise
    >>> list(default_pipeline("polar", noise=[WeakLensingNoise(n_gal=30)]).named_steps)
    ['observe_total', 'select', 'scale', 'cnn']
    """
    if not isinstance(noise, list | tuple):
        raise TypeError(f"noise must be a list such as [WeakLensingNoise()], got {noise!r}")
    if pretrained is True:
        _refuse(noise=noise, attributes=attributes, **classifier_params)
        return pretrained_pipeline(architecture, maps=maps)
    if pretrained == "all":
        _refuse(noise=noise, attributes=attributes, **({} if isinstance(maps, str) else {"maps": maps}))
        architecture = FineTuned(architecture)
        classifier_params.setdefault("network_options", architecture.options)
    elif pretrained is not False:
        raise ValueError(f"pretrained must be False, True or 'all', got {pretrained!r}")
    recipe = get_recipe(architecture)
    classifier_params = {**recipe.parameters, **classifier_params}
    observed = {name for step in noise for name in step.measured}
    names = MAPS if isinstance(maps, str) else maps
    own = {"random_state": random_state}
    steps = [
        *(
            (step.step_name, clone(step).set_params(**own if step.random_state is None else {}))
            for step in noise
        ),
        ("select", MapSelector(maps=maps, attributes=attributes)),
        ("scale", _scaler([name if name in observed else None for name in names])),
        *(
            []
            if recipe.invariant
            else [("augment", RotationFlipAugmenter(n_views, random_state=random_state))]
        ),
        ("cnn", DarkCNNClassifier(name_of(architecture), random_state=random_state, **classifier_params)),
    ]
    return Pipeline(steps)


def _refuse(**parameters):
    """Raise an error for options that a packaged network does not support."""
    for name, value in parameters.items():
        if value not in ((), []):
            raise ValueError(f"{name} must be left out for a packaged network, got {value!r}")


def _scaler(observed):
    """Return a scaler, given the name of each observed map and None for each noise-free one."""
    if not any(observed):
        return MapScaler()
    noise_free = ("log", "max", 1e-4)
    settings = [
        noise_free if name is None else OBSERVED.get(name, ("linear", "none", 1.0)) for name in observed
    ]
    stretch, norm, floor = zip(*settings, strict=True)
    return MapScaler(stretch, norm, floor=floor)

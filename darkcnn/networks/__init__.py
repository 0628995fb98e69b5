"""Network architectures: functions that build a keras model from the shape of the maps.

``(input_shape, n_classes, *, n_attributes=0, **options) -> keras.Model``

All networks return logits and use only the backend-independent part of keras (tested with TensorFlow and
JAX).
"""

from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches

from darkcnn._common import quiet  # noqa: F401 - starts keras, without the messages of its backend

import keras  # isort: skip

from darkcnn.networks.cmu import cmu
from darkcnn.networks.columbia import columbia
from darkcnn.networks.dark_inception import dark_inception
from darkcnn.networks.dark_inception_deep import dark_inception_deep
from darkcnn.networks.dark_inception_resnet import dark_inception_resnet
from darkcnn.networks.dibare import dibare
from darkcnn.networks.inception import inception
from darkcnn.networks.inception_resnet_v1 import inception_resnet_v1
from darkcnn.networks.inception_resnet_v2 import inception_resnet_v2
from darkcnn.networks.inception_small import inception_small
from darkcnn.networks.inception_wide import inception_wide
from darkcnn.networks.polar import polar
from darkcnn.networks.recipe import Recipe
from darkcnn.networks.simple import simple

NETWORKS = {
    "cmu": cmu,
    "columbia": columbia,
    "dark_inception": dark_inception,
    "dark_inception_deep": dark_inception_deep,
    "dark_inception_resnet": dark_inception_resnet,
    "dibare": dibare,
    "inception": inception,
    "inception_resnet_v1": inception_resnet_v1,
    "inception_resnet_v2": inception_resnet_v2,
    "inception_small": inception_small,
    "inception_wide": inception_wide,
    "polar": polar,
    "simple": simple,
}
"""Built-in architectures by name."""

__all__ = ["NETWORKS", "Recipe", "count_parameters", "get_network", "get_recipe", *NETWORKS]


def get_network(architecture):
    """Return the function that builds an architecture.

    Parameters
    ----------
    architecture : str or callable
        Name in `NETWORKS`, or function with the same arguments as those in `NETWORKS`.

    Returns
    -------
    callable
        ``(input_shape, n_classes, *, n_attributes=0, **options) -> keras.Model``

    Raises
    ------
    ValueError
        If no architecture has that name.

    Examples
    --------
    >>> from darkcnn.networks import get_network
    >>> get_network("simple")((50, 50, 2), n_classes=4).output_shape
    (None, 4)
    """
    if callable(architecture):
        return architecture
    if architecture in NETWORKS:
        return NETWORKS[architecture]
    close = get_close_matches(str(architecture), NETWORKS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(
        f"architecture must be a function or one of {sorted(NETWORKS)}, got {architecture!r}{hint}"
    )


def name_of(architecture):
    """Return the name of an architecture in `NETWORKS`, or the architecture itself if it is not built in."""
    return next((name for name, function in NETWORKS.items() if function is architecture), architecture)


def get_recipe(architecture):
    """Return the recommended training parameters of a network.

    Parameters
    ----------
    architecture : str or callable
        Architecture, see :func:`get_network`.

    Returns
    -------
    Recipe
        Recommended parameters; empty for networks that were not tuned.

    Examples
    --------
    >>> from darkcnn.networks import get_recipe
    >>> get_recipe("polar").parameters["epochs"]
    48
    """
    return getattr(get_network(architecture), "recipe", Recipe())


def count_parameters(architecture, input_shape, n_classes, **options):
    """Count the parameters of a network without allocating its weights.

    Parameters
    ----------
    architecture : str or callable
        Architecture, see :func:`get_network`.
    input_shape : (int, int, int)
        Height, width and number of channels of the maps.
    n_classes : int
        Number of classes.
    **options
        Further arguments of the function that builds the network, such as ``width``.

    Returns
    -------
    int
        Number of trainable and non-trainable parameters.

    Examples
    --------
    >>> from darkcnn.networks import count_parameters
    >>> count_parameters("simple", (100, 100, 3), n_classes=3, width=1000)
    1202689056003
    """

    def count():
        # Weights that are made in this scope wait for their values.
        with keras.StatelessScope(initialize_variables=False):
            return get_network(architecture)(input_shape, n_classes, **options).count_params()

    # keras lists the waiting weights for each thread, and would make them in the next scope of this one.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(count).result()

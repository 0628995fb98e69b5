"""Architectures: pure functions from the shape of the maps to a keras model that returns logits.

``(input_shape, n_classes, *, n_attributes=0, **options) -> keras.Model``

Written for any backend of keras; run on TensorFlow and on JAX.
"""

from difflib import get_close_matches

from darkcnn._common import quiet  # noqa: F401 - before keras starts its backend
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
"""Every architecture that has a name."""

__all__ = ["NETWORKS", "get_network", *NETWORKS]


def get_network(architecture):
    """Return the function that builds an architecture.

    Parameters
    ----------
    architecture : str or callable
        A name in `NETWORKS`, or a function of your own with the same arguments.

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

"""Limits of networks that untrusted files describe, lest an absurdly large one uses up the memory."""

from darkcnn.networks import NETWORKS, count_parameters

MAX_PIXELS = 10_000
"""Largest height, width and number of channels of maps."""

MAX_OPTION = 1000
"""Largest number among the options of a network: width, rings, …"""

MAX_WEIGHT_ARRAYS = 5000
"""Most arrays of weights in a network; the deepest of ours has under a thousand."""


def check_network(architecture, map_shape, n_classes, options, sizes):
    """Refuse a network that is larger than its stored weights, before there is memory or time spent on it.

    Parameters
    ----------
    architecture : str
        Name of the network.
    map_shape : (int, int, int)
        Height, width and number of channels of the maps.
    n_classes : int
        Number of classes.
    options : dict
        Further arguments of the network.
    sizes : list of int
        Number of values of each array of weights that is stored.

    Raises
    ------
    ValueError
        If the network is unknown, a number is too large, or there are more weights than are stored.

    Notes
    -----
    :func:`darkcnn.networks.count_parameters` counts the weights of a network that is described by shapes
    alone. That takes time for each block of layers; as each has weights, there are no more blocks than stored
    arrays.

    Examples
    --------
    >>> from darkcnn.persistence.limit import check_network
    >>> check_network("simple", (50, 50, 3), 4, {"width": 1000}, sizes=[900, 64])
    Traceback (most recent call last):
    ...
    ValueError: its network has 317953184004 weights, but 964 are stored
    """
    if architecture not in NETWORKS:
        raise ValueError(f"its network {architecture!r} is unknown")
    if len(sizes) > MAX_WEIGHT_ARRAYS:
        raise ValueError(f"it has {len(sizes)} arrays of weights, more than {MAX_WEIGHT_ARRAYS}")
    if len(map_shape) != 3 or not all(isinstance(number, int) and number > 0 for number in map_shape):
        raise ValueError(f"its network has map_shape={map_shape!r}, which must be three whole numbers")
    _check_numbers("map_shape", map_shape, MAX_PIXELS)
    for name, value in options.items():
        _check_numbers(name, value, MAX_OPTION)
        if isinstance(value, list | tuple) and sum(map(abs, value)) > len(sizes):
            raise ValueError(f"its network has {name}={value!r}, but only {len(sizes)} arrays of weights")
    n_weights = count_parameters(architecture, map_shape, n_classes, **options)
    if n_weights > sum(sizes):
        raise ValueError(f"its network has {n_weights} weights, but {sum(sizes)} are stored")


def _check_numbers(name, value, largest):
    numbers = value if isinstance(value, list | tuple) else [value]
    for number in numbers:
        if not isinstance(number, int | float) and number is not value:
            raise ValueError(f"its network has {name}={value!r}, which must hold numbers")
        if isinstance(number, int | float) and not abs(number) <= largest:
            raise ValueError(f"its network has {name}={value!r}, more than {largest}")

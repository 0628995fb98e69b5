"""Size limits for networks in untrusted files, to prevent excessive use of memory."""

from darkcnn.networks import NETWORKS, count_parameters

MAX_PIXELS = 10_000
"""Maximum height, width and number of channels of maps."""

MAX_OPTION = 1000
"""Maximum of numerical network options, such as the width."""

MAX_WEIGHT_ARRAYS = 5000
"""Maximum number of weight arrays; the deepest network has fewer than 1000."""


def check_network(architecture, map_shape, n_classes, options, sizes):
    """Check that a network is not larger than its stored weights, before memory or time is spent on it.

    Parameters
    ----------
    architecture : str
        Name of the network.
    map_shape : (int, int, int)
        Height, width and number of channels of the maps.
    n_classes : int
        Number of classes.
    options : dict
        Network options.
    sizes : list of int
        Number of values of each stored weight array.

    Raises
    ------
    ValueError
        If the network is unknown, a number is too large, or the network has more weights than are stored.

    Notes
    -----
    :func:`darkcnn.networks.count_parameters` counts weights without allocating them, but takes time for each
    block of layers. As every block has weights, there cannot be more blocks than stored arrays.

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
        raise ValueError(f"it must have at most {MAX_WEIGHT_ARRAYS} weight arrays, got {len(sizes)}")
    if len(map_shape) != 3 or not all(isinstance(number, int) and number > 0 for number in map_shape):
        raise ValueError(f"its network must have a map_shape of three integers, got {map_shape!r}")
    _check_numbers("map_shape", map_shape, MAX_PIXELS)
    for name, value in options.items():
        _check_numbers(name, value, MAX_OPTION)
        if isinstance(value, list | tuple) and sum(map(abs, value)) > len(sizes):
            raise ValueError(f"its network has {name}={value!r}, but only {len(sizes)} weight arrays")
    n_weights = count_parameters(architecture, map_shape, n_classes, **options)
    if n_weights > sum(sizes):
        raise ValueError(f"its network has {n_weights} weights, but {sum(sizes)} are stored")


def _check_numbers(name, value, largest):
    numbers = value if isinstance(value, list | tuple) else [value]
    for number in numbers:
        if not isinstance(number, int | float) and number is not value:
            raise ValueError(f"its network has {name}={value!r}, which must contain numbers")
        if isinstance(number, int | float) and not abs(number) <= largest:
            raise ValueError(f"its network has {name}={value!r}, more than {largest}")

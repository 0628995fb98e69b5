"""How to train a network, beside the network itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """Parameters that a network is best trained with, as far as they were measured.

    As a decorator it becomes the attribute ``recipe`` of the function that builds the network, from which
    :func:`darkcnn.default_pipeline` takes its defaults.

    Parameters
    ----------
    parameters : dict, default={}
        Parameters of :class:`darkcnn.DarkCNNClassifier`.
    invariant : bool, default=False
        Whether rotations and reflections of the maps cannot change the output, so that rotated and flipped
        views would teach the network nothing.

    Examples
    --------
    >>> from darkcnn.networks import Recipe, get_recipe
    >>> @Recipe({"epochs": 40})
    ... def own(input_shape, n_classes):
    ...     ...
    >>> get_recipe(own).parameters, get_recipe("simple").parameters, get_recipe("polar").invariant
    ({'epochs': 40}, {}, True)
    """

    parameters: dict = field(default_factory=dict)
    invariant: bool = False

    def __call__(self, network):
        """Attach the recipe to the function that builds a network.

        Parameters
        ----------
        network : callable
            See :func:`darkcnn.networks.get_network`.

        Returns
        -------
        callable
            The same function.
        """
        network.recipe = self
        return network

"""Recommended training parameters of a network."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """Recommended training parameters of a network.

    Used as a decorator, it is stored as the attribute ``recipe`` of the function that builds the network.
    :func:`darkcnn.default_pipeline` uses it for its defaults.

    Parameters
    ----------
    parameters : dict, default={}
        Parameters of :class:`darkcnn.DarkCNNClassifier`.
    invariant : bool, default=False
        Whether the output is invariant under rotations and reflections of the maps, so that data augmentation
        has no effect.

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
        """Attach the recipe to a function that builds a network.

        Parameters
        ----------
        network : callable
            Function that builds a network, see :func:`darkcnn.networks.get_network`.

        Returns
        -------
        callable
            The same function.
        """
        network.recipe = self
        return network

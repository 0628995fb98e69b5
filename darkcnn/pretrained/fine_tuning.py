"""Fine-tuning of packaged networks."""

from dataclasses import dataclass

from darkcnn.pretrained.files import read_pretrained, resolve


@dataclass(frozen=True)
class FineTuned:
    """Architecture that starts from the weights of a packaged network, for fine-tuning all layers.

    The last layer is first fitted alone [1]_, as in ``default_pipeline("polar", pretrained=True)``, to maps
    scaled by :class:`~darkcnn.MapScaler` with its defaults. This is the architecture of
    ``default_pipeline("polar", pretrained="all")``.

    Parameters
    ----------
    name : str, default="polar"
        Name of the packaged network.

    References
    ----------
    .. [1] A. Kumar et al., "Fine-tuning can distort pretrained features and underperform
       out-of-distribution", arXiv:2202.10054 (2022).

    Examples
    --------
    >>> from darkcnn import DarkCNNClassifier
    >>> from darkcnn.pretrained import FineTuned
    >>> network = FineTuned("polar")
    >>> classifier = DarkCNNClassifier(network, **network.recipe.parameters, random_state=0)
    """

    name: str = "polar"

    def __post_init__(self):
        object.__setattr__(self, "name", resolve(self.name))

    @property
    def recipe(self):
        """Recommended training parameters."""
        from darkcnn.networks import Recipe  # starts keras

        return Recipe(
            {"epochs": 12, "learning_rate": 3e-4, "learning_rate_schedule": "cosine", "weight_decay": 0.0},
            invariant=True,
        )

    @property
    def architecture(self):
        """Name of the architecture of the packaged network."""
        return read_pretrained(self.name).card["architecture"]

    @property
    def options(self):
        """Options of the architecture."""
        return dict(read_pretrained(self.name).card["options"])

    def __call__(self, input_shape, n_classes, *, n_attributes=0, **options):
        """Build the network, see :func:`darkcnn.networks.get_network`."""
        from darkcnn.pretrained.network import build_for_training  # starts keras

        file = read_pretrained(self.name)
        if n_attributes:
            raise ValueError(f"{self.name} has no attributes: attributes must be (), got {n_attributes}")
        if input_shape[0] != input_shape[1] or input_shape[2] != len(file.card["maps"]):
            raise ValueError(
                f"{self.name} needs square maps with the channels {file.card['maps']}, got {input_shape}"
            )
        return build_for_training(file, input_shape[0], n_classes, **options)

    def start_training(self, network, batches):
        """Set the scaling of the maps and fit the last layer, before all layers are trained.

        Parameters
        ----------
        network : CompiledNetwork
            Network to initialise.
        batches : Batches
            Training maps scaled by ``MapScaler()``, with classes and weights.
        """
        from darkcnn.pretrained.network import start_training  # starts keras

        start_training(read_pretrained(self.name), network, batches)

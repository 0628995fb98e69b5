"""Metadata of model parameters: meaning, unit, status, source and ranges."""

import difflib
from dataclasses import dataclass, field, fields
from numbers import Real

STATUSES = {
    "literature": "taken from the source",
    "simulation": "set-up of the BAHAMAS-SIDM simulations",
    "unverified": "attributed to the source, not verified",
    "tuned": "fitted to digitised profiles, attributes and accuracies of BAHAMAS-SIDM",
    "guess": "assumed, without reference or fit",
}
"""Status of a parameter: the origin of its default."""


@dataclass(frozen=True)
class Scatter:
    """Gaussian scatter: size, and weights of deviates shared by different sets of maps.

    Attributes
    ----------
    size : float
        Standard deviation if the squared weights sum to 1.
    halo : float
        Weight of a deviate shared by all maps of a halo (initial conditions).
    disturbance : float
        Weight of the dynamical state of the halo, positive if disturbed.
    snapshot : float
        Weight of a deviate shared by all dark-matter models of a halo at one redshift.
    model : float
        Weight of a deviate of each map, correlated among the snapshots of one dark-matter model (chaotic
        divergence of simulations with the same initial conditions).

    Examples
    --------
    >>> from darkcnn.simulation import Physics, Scatter
    >>> Physics(gas_core_scatter=Scatter(0.2, halo=1.0)).gas_core_scatter.size
    0.2
    """

    size: float
    halo: float = 0.0
    disturbance: float = 0.0
    snapshot: float = 0.0
    model: float = 0.0


def parameter(default, meaning, *, unit="", status, source="", bounds, spread, scale="linear"):
    """Return a dataclass field for a parameter of a subclass of :class:`Parameters`.

    Parameters
    ----------
    default : float, Scatter or tuple of float
        Default value.
    meaning : str
        Description.
    unit : str, default=""
        Unit in astropy notation (for a scatter, of its size); "" is dimensionless.
    status : {"literature", "simulation", "unverified", "tuned", "guess"}
        Status, see :data:`STATUSES`.
    source : str, default=""
        Reference or comment.
    bounds : tuple of float
        Minimum and maximum valid value; other values raise a ValueError.
    spread : tuple of float, or tuple of them
        Plausible range: minimum and maximum for other simulations; one pair for each element of a tuple.
    scale : {"linear", "log"}, default="linear"
        Scale on which values are drawn uniformly.

    Returns
    -------
    dataclasses.Field
        Field with these arguments, except the default, as metadata.
    """
    metadata = {"meaning": meaning, "unit": unit, "status": status, "source": source}
    metadata |= {"bounds": bounds, "spread": spread, "scale": scale}
    return field(default=default, metadata=metadata)


def numbers_of(value):
    """Return the numbers that bounds and spread apply to, for a scatter its size."""
    return value if isinstance(value, tuple) else (value.size if isinstance(value, Scatter) else value,)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base class of parameter dataclasses, with checks of names and bounds."""

    def __new__(cls, **values):  # noqa: D102 - checks the names that __init__ will take
        for name in values:
            if name not in cls.__dataclass_fields__:
                near = difflib.get_close_matches(name, cls.__dataclass_fields__, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise TypeError(f"{cls.__name__} has no parameter {name!r}{hint}")
        return super().__new__(cls)

    def __post_init__(self):
        for each in fields(self):
            value, (low, high) = getattr(self, each.name), each.metadata["bounds"]
            kind = Real if isinstance(each.default, Real) else type(each.default)
            numbers = numbers_of(value)
            if not isinstance(value, kind) or len(numbers) != len(numbers_of(each.default)):
                raise TypeError(f"{each.name} must be like {each.default!r}, got {value!r}")
            if not all(low <= number <= high for number in numbers):
                unit = each.metadata["unit"] and f" {each.metadata['unit']}"
                raise ValueError(f"{each.name} must be between {low:g} and {high:g}{unit}, got {value!r}")
            if kind is Real:
                object.__setattr__(self, each.name, float(value))  # NumPy's floats would make maps float64

"""Parameters as data: what each means, its unit, how well it is known, and its range."""

import difflib
from dataclasses import dataclass, field, fields
from numbers import Real

STATUSES = {
    "literature": "read in the source",
    "simulation": "follows from the set-up of the BAHAMAS-SIDM runs",
    "unverified": "recalled from the source",
    "tuned": "fitted to digitised profiles, attributes and accuracies of BAHAMAS-SIDM",
    "guess": "neither known nor fitted",
}
"""How well a parameter is known."""


@dataclass(frozen=True)
class Scatter:
    """A Gaussian scatter: its size, and its weights on deviates shared by different sets of maps.

    Attributes
    ----------
    size : float
        Standard deviation when the squares of the weights add up to one.
    halo : float
        Weight of a deviate shared by all maps of a halo: its initial conditions.
    disturbance : float
        Weight of the dynamical state of the halo, positive for a disturbed one.
    snapshot : float
        Weight of a deviate shared by all dark-matter models of a halo at one redshift.
    model : float
        Weight of a deviate of this map, correlated among the snapshots of one dark-matter model: the
        chaotic divergence of simulations from the same initial conditions.

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
    """Return the field of a parameter, for a dataclass that derives from :class:`Parameters`.

    Parameters
    ----------
    default : float, Scatter or tuple of float
        Default.
    meaning : str
        What it is.
    unit : str, default=""
        Unit in the notation of astropy, for a scatter that of its size. "" is dimensionless.
    status : {"literature", "simulation", "unverified", "tuned", "guess"}
        How well it is known, see :data:`STATUSES`.
    source : str, default=""
        Where the number is from, or what is known.
    bounds : tuple of float
        Lowest and highest value for which the formulas hold; others are refused.
    spread : tuple of float, or tuple of them
        Plausible range: lowest and highest value that another simulation may have; one pair for each element
        of a tuple.
    scale : {"linear", "log"}, default="linear"
        Scale on which values in the spread are equally plausible.

    Returns
    -------
    dataclasses.Field
        With all but the default as metadata.
    """
    metadata = {"meaning": meaning, "unit": unit, "status": status, "source": source}
    metadata |= {"bounds": bounds, "spread": spread, "scale": scale}
    return field(default=default, metadata=metadata)


def numbers_of(value):
    """Return the numbers that bounds and spread are about: of a scatter its size."""
    return value if isinstance(value, tuple) else (value.size if isinstance(value, Scatter) else value,)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base of dataclasses of parameters, which refuses unknown names and values out of bounds."""

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

"""All parameters of the mock clusters in one object."""

from dataclasses import dataclass, fields

from astropy.table import Table

from darkcnn.simulation.background import BackgroundPhysics
from darkcnn.simulation.dark_matter import DarkMatterPhysics
from darkcnn.simulation.feedback import FeedbackPhysics
from darkcnn.simulation.gas import GasPhysics
from darkcnn.simulation.groups import GroupPhysics
from darkcnn.simulation.halo import HaloPhysics
from darkcnn.simulation.parameters import Scatter
from darkcnn.simulation.rendering import ResolutionPhysics
from darkcnn.simulation.stars import StarPhysics
from darkcnn.simulation.subhalos import SubhaloPhysics


@dataclass(frozen=True, kw_only=True)
class Physics(
    HaloPhysics,
    DarkMatterPhysics,
    StarPhysics,
    GasPhysics,
    FeedbackPhysics,
    SubhaloPhysics,
    GroupPhysics,
    BackgroundPhysics,
    ResolutionPhysics,
):
    """Parameters of the mock clusters, by name.

    :doc:`The table of parameters </api/generated/mock_parameters>` lists them with unit, source and plausible
    range, as :meth:`table` does. Several were fitted to published maps of BAHAMAS-SIDM, so how hard the
    dark-matter models are to tell apart is calibrated, not predicted.

    Raises
    ------
    TypeError
        If there is no parameter of that name.
    ValueError
        If a value is out of the bounds within which the formulas hold.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.simulation import Physics
    >>> heavy = Physics(log_mass_range=(14.8, 15.5))
    >>> clusters = make_clusters(2, redshifts=(0,), n_pixels=20, physics=heavy, random_state=0)
    >>> bool((clusters.data["log_mass"] >= 14.8).all())
    True
    """

    @classmethod
    def table(cls):
        """Return a table of the parameters.

        Returns
        -------
        astropy.table.Table
            One row for each parameter. ``bounds`` is where the formulas hold, ``spread`` the plausible range.
        """
        rows = [
            {"part": part.__name__.removesuffix("Physics"), "name": each.name, "default": _text(each.default)}
            | {key: _text(value) for key, value in each.metadata.items()}
            for part in cls.__bases__
            for each in fields(part)
        ]
        return Table(rows)


def _text(value):
    """Write a default, a range or a text; of a scatter its size."""
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) if isinstance(value[0], tuple) else " to ".join(map(_text, value))
    if isinstance(value, Scatter):
        return f"± {value.size:g}"
    return value if isinstance(value, str) else f"{value:g}"

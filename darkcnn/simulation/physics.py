"""Physical parameters of the mock clusters."""

from dataclasses import dataclass, fields, replace

import numpy as np
from astropy.table import Table
from sklearn.utils import check_random_state

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
    """Physical parameters of the mock clusters.

    All parameters are listed, with unit, source and plausible range, in :doc:`/api/generated/mock_parameters`
    and by :meth:`table`. Several were fitted to published maps of BAHAMAS-SIDM, so the difficulty of
    classifying dark-matter models is calibrated, not predicted.

    Raises
    ------
    TypeError
        If a parameter is unknown.
    ValueError
        If a value is out of bounds.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.simulation import Physics
    >>> heavy = Physics(log_mass_range=(14.8, 15.5))
    >>> clusters = make_clusters(2, redshifts=(0,), n_pixels=20, physics=heavy, random_state=0)
    >>> bool((clusters.data["log_mass"] >= 14.8).all())
    True
    """

    def draw(self, random_state=None, *, fixed=()):
        """Draw random parameters within their plausible ranges.

        Values are drawn uniformly within the `spread` of :meth:`table`, on a linear or logarithmic scale as
        listed. For a scatter, the size is drawn and the weights are kept.

        Parameters
        ----------
        random_state : int, RandomState instance or None, default=None
            Seed. The values drawn do not depend on `fixed`.
        fixed : iterable of str, default=()
            Parameters to keep: names of parameters, or of parts such as ``"Gas"``, see :meth:`table`.

        Returns
        -------
        Physics
            Random parameters.

        Raises
        ------
        ValueError
            If a name in `fixed` is neither a parameter nor a part.

        Examples
        --------
        >>> from darkcnn.simulation import Physics
        >>> drawn = Physics().draw(0, fixed=("Gas", "softening"))
        >>> drawn.gas_core, drawn.softening, round(drawn.axis_ratio, 3)
        (220.0, 5.7, 0.495)
        """
        fixed = {fixed} if isinstance(fixed, str) else set(fixed)
        table = self.table()
        if unknown := fixed.difference(table["name"], table["part"]):
            parts = ", ".join(dict.fromkeys(table["part"]))
            raise ValueError(
                f"fixed must name parameters of Physics or its parts ({parts}), got {sorted(unknown)}"
            )
        part_of = dict(table.iterrows("name", "part"))
        random_state = check_random_state(random_state)
        drawn = {each.name: _draw(each, getattr(self, each.name), random_state) for each in fields(self)}
        is_drawn = {name: fixed.isdisjoint((name, part_of[name])) for name in drawn}
        return replace(self, **{name: value for name, value in drawn.items() if is_drawn[name]})

    @classmethod
    def table(cls):
        """Return a table of all parameters.

        Returns
        -------
        astropy.table.Table
            One row per parameter. ``bounds`` is the valid range, ``spread`` the plausible range.
        """
        rows = [
            {"part": part.__name__.removesuffix("Physics"), "name": each.name, "default": _text(each.default)}
            | {key: _text(value) for key, value in each.metadata.items()}
            for part in cls.__bases__
            for each in fields(part)
        ]
        return Table(rows)


def _draw(field, like, random_state):
    """Draw a value of a parameter, of the type of `like`."""
    low, high = np.transpose(field.metadata["spread"])
    if field.metadata["scale"] == "log":
        drawn = np.exp(random_state.uniform(np.log(low), np.log(high)))
    else:
        drawn = random_state.uniform(low, high)
    if isinstance(like, tuple):
        return tuple(drawn.tolist())
    return replace(like, size=float(drawn)) if isinstance(like, Scatter) else float(drawn)


def _text(value):
    """Format a default, a range or a text; for a scatter, its size."""
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) if isinstance(value[0], tuple) else " to ".join(map(_text, value))
    if isinstance(value, Scatter):
        return f"± {value.size:g}"
    return value if isinstance(value, str) else f"{value:g}"

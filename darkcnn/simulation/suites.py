"""Suites: sets of simulations with different physical parameters."""

from dataclasses import fields

import numpy as np
from astropy.table import Table

from darkcnn.simulation.parameters import numbers_of
from darkcnn.simulation.physics import Physics

NUMBERS_PER_SUITE = 1_000_000
"""Halo h of suite s has the number ``s * NUMBERS_PER_SUITE + h``."""


def draw_suites(n_suites, seed):
    """Draw the parameters of each suite; those of one suite do not depend on `n_suites`."""
    return [Physics().draw(np.random.RandomState([seed, suite])) for suite in range(n_suites)]


def table_of_suites(suites):
    """Return a table of the parameters of suites.

    Parameters
    ----------
    suites : list of Physics
        Parameters of each suite.

    Returns
    -------
    astropy.table.Table
        One row per suite, with its number ``suite`` and a column for each parameter, with unit and
        description. Scatters are given by their size; parameters with two numbers have two-element columns.
    """
    table = Table({"suite": np.arange(len(suites))})
    for each in fields(Physics):
        values = np.array([numbers_of(getattr(physics, each.name)) for physics in suites])
        table[each.name] = values if isinstance(each.default, tuple) else values[:, 0]
        table[each.name].unit = each.metadata["unit"] or None
        table[each.name].format = ".4g"
        table[each.name].description = each.metadata["meaning"]
    return table

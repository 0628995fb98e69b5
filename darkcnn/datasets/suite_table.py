"""Table of suites as an array with the unit and description of each column."""

import numpy as np
from astropy.table import Table
from astropy.units import Unit


def describe_suites(table):
    """Return the unit and description of each column as text."""
    return {name: (str(table[name].unit or ""), table[name].description or "") for name in table.colnames}


def is_table_of_suites(dtype):
    """Return whether a table of this dtype lists suites."""
    return dtype.names is not None and "suite" in dtype.names


def suites_from_rows(rows, about):
    """Make the table of suites from rows.

    Parameters
    ----------
    rows : structured ndarray of shape (n_suites,)
        Parameters of each suite.
    about : mapping of str to (str or None, str or None)
        Unit and description of each column.

    Returns
    -------
    astropy.table.Table
        Table with units and descriptions.
    """
    table = Table(np.asarray(rows).astype(rows.dtype.newbyteorder("=")))
    for name, (unit, description) in about.items():
        table[name].unit = Unit(unit, parse_strict="silent") if unit else None
        table[name].description = description
        if table[name].dtype.kind == "f":
            table[name].format = ".4g"
    return table

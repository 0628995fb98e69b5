"""The table of suites, as files hold it: an array, with unit and meaning of each column."""

import numpy as np
from astropy.table import Table
from astropy.units import Unit


def describe_suites(table):
    """Return unit and meaning, as text, of each column."""
    return {name: (str(table[name].unit or ""), table[name].description or "") for name in table.colnames}


def is_table_of_suites(dtype):
    """Return whether rows of this type number suites."""
    return dtype.names is not None and "suite" in dtype.names


def suites_from_rows(rows, about):
    """Return the table of suites.

    Parameters
    ----------
    rows : structured ndarray of shape (n_suites,)
        Parameters of each suite.
    about : mapping of str to (str or None, str or None)
        Unit and meaning of each column.

    Returns
    -------
    astropy.table.Table
        With units and descriptions where there are some.
    """
    table = Table(np.asarray(rows).astype(rows.dtype.newbyteorder("=")))
    for name, (unit, description) in about.items():
        table[name].unit = Unit(unit, parse_strict="silent") if unit else None
        table[name].description = description
        if table[name].dtype.kind == "f":
            table[name].format = ".4g"
    return table

"""Table of clusters and their map files."""

from pathlib import Path

import numpy as np
from astropy.table import Table
from astropy.units import Quantity

from darkcnn.datasets.arrays import column
from darkcnn.datasets.columns import match_names, plain_labels
from darkcnn.datasets.images import read_image
from darkcnn.records import MAPS, SCALARS, check_halo_masses, label_from, number_halos

_FORMATS = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".fits": "fits", ".fit": "fits"}

_MAP_SUFFIXES = ("hdu", "row", "unit", "pixel_scale", "field_size")

NAMES = (
    *SCALARS,
    "cross_section",
    "label",
    *MAPS,
    *(f"{name}_{what}" for name in MAPS for what in _MAP_SUFFIXES),
    "pixel_scale",
    "field_size",
    "center_row",
    "center_column",
)
"""Names of all possible columns."""


class ClusterTable:
    """Table of clusters and paths to their map files.

    Parameters
    ----------
    path : path-like
        CSV, ECSV or FITS file. Paths in it are relative to its folder.
    units : dict of str to str
        Unit of maps, by name, if the files do not contain it.
    """

    def __init__(self, path, units=None):
        self.path, self.units = Path(path), units or {}
        if self.path.suffix.lower() not in _FORMATS:
            raise ValueError(f"the table must end in one of {list(_FORMATS)}, got {self.path.name!r}")
        table = Table.read(self.path, format=_FORMATS[self.path.suffix.lower()])
        self.ignored = sorted(set(table.colnames) - set(match_names(table.colnames, NAMES).values()))
        self.columns = {
            name: _values(table[theirs]) for name, theirs in match_names(table.colnames, NAMES).items()
        }
        self.maps = [name for name in MAPS if name in self.columns]
        missing = [name for name in ("cluster_id", "redshift") if name not in self.columns]
        if missing or not self.maps or not len(table):
            raise ValueError(
                f"{self.path} must have rows with the columns 'cluster_id', 'redshift' and one of "
                f"{MAPS}, found "
                f"{len(table)} rows of {table.colnames}"
            )
        self.n_rows = len(table)
        self.numbers = {
            name: column(name, values, self.n_rows)
            for name, values in self.columns.items()
            if name in SCALARS and name != "cluster_id"
        }
        self.numbers["cluster_id"] = number_halos(self.columns["cluster_id"])
        self.labels = self._labels()
        masses = {name: self.numbers[name] for name in ("cluster_id", "redshift")}
        masses["log_mass"] = self.numbers.get("log_mass", np.full(self.n_rows, np.nan))
        check_halo_masses(masses, self.labels, {})

    def _labels(self):
        """Return the labels of the clusters, or None."""
        if "label" in self.columns and "cross_section" in self.columns:
            raise ValueError(
                f"{self.path} must have one of the columns 'label' and 'cross_section', found both"
            )
        if "label" in self.columns:
            return np.array([label_from(label) for label in plain_labels(self.columns["label"]).tolist()])
        if "cross_section" not in self.columns:
            return None
        values = self.columns["cross_section"]
        if np.ma.is_masked(values):
            raise ValueError(f"'cross_section' of row {np.argmax(np.ma.getmaskarray(values))} is missing")
        return np.array([label_from(value) for value in values])

    def read(self, row):
        """Read the maps of a row and return the arguments of :func:`~darkcnn.records.make_record`.

        Parameters
        ----------
        row : int
            Row index.

        Returns
        -------
        maps, numbers : dict
            Maps, as quantities if their unit is known, and scalar fields.
        layout : dict
            ``pixel_scale``, ``field_size`` and ``center``.
        """
        maps, scales, sizes = {}, {}, {}
        for name in self.maps:
            path = self._value(name, row)
            if path is None:
                continue
            number = self._value(f"{name}_row", row)
            image = read_image(
                self.path.parent / str(path).strip(),
                self._value(f"{name}_hdu", row),
                None if number is None else int(number),
            )
            maps[name] = self._with_unit(name, image, row)
            size = self._first((f"{name}_field_size", "field_size"), row)
            scale = self._first((f"{name}_pixel_scale", "pixel_scale"), row)
            sizes[name] = size
            scales[name] = image.pixel_scale if scale is None and size is None else scale
        if not maps:
            raise ValueError(f"row {row} must name a file of one of {self.maps}")
        center = [self._value(f"center_{axis}", row) for axis in ("row", "column")]
        return (
            maps,
            {name: values[row] for name, values in self.numbers.items()},
            {
                "pixel_scale": scales,
                "field_size": sizes,
                "center": None if None in center else tuple(map(float, center)),
            },
        )

    def _with_unit(self, name, image, row):
        """Return an image with the unit from its file or the table."""
        unit = self._value(f"{name}_unit", row) or self.units.get(name)
        if unit and image.unit and Quantity(1, unit).unit != Quantity(1, image.unit).unit:
            raise ValueError(
                f"{name!r} must have one unit, got {image.unit!r} in its file and {unit!r} in the table"
            )
        unit = unit or image.unit
        return Quantity(image.values, unit, subok=True) if unit else image.values

    def _first(self, names, row):
        return next((value for name in names if (value := self._value(name, row)) is not None), None)

    def _value(self, name, row):
        """Return a value of the table, or None."""
        if name not in self.columns:
            return None
        value = self.columns[name][row]
        value = str(value) if isinstance(value, str) else value
        if value is np.ma.masked or (isinstance(value, str) and not value.strip()):
            return None
        return None if not isinstance(value, str) and np.isnan(value) else value


def _values(column):
    """Return a column as a quantity if it has a unit, and text as str."""
    if column.dtype.kind == "S":
        column = column.astype(str)
    if column.unit is None:
        return np.ma.asarray(column) if np.ma.is_masked(column) else np.asarray(column)
    if not np.ma.is_masked(column):
        return Quantity(column, subok=True)
    return Quantity(np.ma.filled(np.ma.asarray(column, dtype=float), np.nan), column.unit, subok=True)

"""Published BAHAMAS-SIDM maps: a pickle of ``(params, images)``.

``params`` is a dict with one array for each attribute; ``images`` are total, X-ray and stellar maps.
"""

from dataclasses import replace
from numbers import Real

import numpy as np

from darkcnn.datasets.columns import clusters_from_columns, galaxies_from_columns, match_names
from darkcnn.datasets.database import Database
from darkcnn.datasets.unpickling import read_pickle
from darkcnn.records import GALAXY_DTYPE, MAPS, NORMS, DarkMatter, label_of, number_halos

_ATTRIBUTES = {
    "lensing_norm": "lensing_norm",
    "xray_norm": "xray_norm",
    "redshift": "redshift",
    "mass": "log_mass",
    "xrayConc": "xray_concentration",
    "BCG_stellar_conc": "bcg_stellar_concentration",
    "BCG_e1": "bcg_e1",
    "BCG_e2": "bcg_e2",
}

_GALAXIES = ("galaxy_catalogues", "galaxy_catalogue")

_CLUSTER_KEYS = (*_ATTRIBUTES, *_GALAXIES, "label", "sim", "clusterID")

_VELOCITY_DEPENDENT = {"vdSIDM": (3.04, 560.0)}
"""Cross-section at low velocity, cm2/g, and velocity scale, km/s, of a simulation (Harvey 2024)."""

_FEEDBACK = {"low": "weak", "hi": "strong"}

_MAX_GROWTH = 100  # bytes in memory for each byte of the file; a pickle can repeat one array many times

_MAX_LOG_MASS = 1000.0  # larger masses are in Msun, not logarithms


def read_published(path):
    """Read the pickle of the published maps.

    Parameters
    ----------
    path : path-like
        File with ``(params, images)``. ``images`` is an array of shape (n_samples, height, width, 3),
        or a list of ``n_samples`` arrays of (height, width, 3), or of 3 arrays of (n_samples, height, width).

    Returns
    -------
    Database
        Maps are divided by their peaks, and their norms multiplied by them. Linear masses become logarithms,
        and the depth of galaxies is converted from Mpc to kpc. Labels come from ``label``, the cross-section,
        or from ``sim`` if it depends on velocity.
    """
    with open(path, "rb") as file:
        max_bytes = _MAX_GROWTH * path.stat().st_size
        content = read_pickle(file, max_bytes=max_bytes)
    if not isinstance(content, tuple | list) or len(content) != 2 or not isinstance(content[0], dict):
        raise ValueError("the pickle must contain (params, images), where params is a dict")
    params = {_text(name): values for name, values in content[0].items()}
    params = {name: params[theirs] for name, theirs in match_names(params, _CLUSTER_KEYS).items()}
    maps = _maps(content[1], max_bytes)
    n_samples = len(maps["total"])
    for name, values in params.items():
        if _length(values) != n_samples:
            raise ValueError(
                f"{name!r} must have one value for each of the {n_samples} images, got {_length(values)}"
            )
    columns = {
        ours: _numbers(params[theirs], theirs) for theirs, ours in _ATTRIBUTES.items() if theirs in params
    }
    for required in ("redshift", "clusterID"):
        if required not in params:
            raise ValueError(f"{required!r} is missing from the params, found {sorted(params)}")
    columns["cluster_id"] = number_halos(params["clusterID"])
    if "log_mass" in columns:
        columns["log_mass"] = _log_mass(columns["log_mass"])
    catalogues = next((params[name] for name in _GALAXIES if name in params), [])
    records = clusters_from_columns(columns | maps)
    _divide_by_peaks(records)
    return Database(records, _labels(params), _galaxies(catalogues, max_bytes))


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _length(values):
    if isinstance(values, np.ndarray) and values.ndim == 0:
        return 1
    return len(values)


def _numbers(values, name):
    """Convert numbers to an array; None becomes NaN."""
    if not isinstance(values, np.ndarray) or values.dtype == object:
        if not all(value is None or isinstance(value, int | float | np.number) for value in values):
            raise ValueError(f"{name!r} must contain numbers")
        return np.array(values, dtype=float)
    return values


def _maps(images, max_bytes):
    """Split images into one array of shape (n_samples, height, width) for each channel."""
    if not isinstance(images, np.ndarray | list | tuple) or len(images) == 0:
        raise ValueError("images must be at least one array, got none")
    if not all(isinstance(image, np.ndarray) for image in images):
        raise ValueError(f"images must be numpy arrays, got {type(images[0]).__name__}")
    shape = images[0].shape
    for row, image in enumerate(images):
        if image.shape != shape:
            raise ValueError(
                f"images must have the same shape, got {shape} in row 0 and {image.shape} in row {row}"
            )
    if len(shape) != 3:
        raise ValueError(f"images must have shape (height, width, {len(MAPS)}), got {shape}")
    if len(images) * images[0].nbytes > max_bytes:
        raise ValueError("images must not repeat the same array")
    if shape[2] == len(MAPS):
        return {name: np.stack([image[..., k] for image in images]) for k, name in enumerate(MAPS)}
    if len(images) == len(MAPS) and shape[1] == shape[2]:
        return dict(zip(MAPS, images, strict=True))
    raise ValueError(f"images must have {len(MAPS)} channels {MAPS} in their last axis, got shape {shape}")


def _divide_by_peaks(records):
    for name, norm in zip(MAPS, NORMS, strict=True):
        peaks = records[name].max(axis=(1, 2))
        if (peaks <= 0).any():
            row = int(np.argmax(peaks <= 0))
            raise ValueError(f"map {name!r} of row {row} must have a positive peak, got {peaks[row]}")
        rows = np.flatnonzero(np.isfinite(peaks) & ~np.isclose(peaks, 1, rtol=0, atol=1e-6))
        records[name][rows] /= peaks[rows, None, None]
        records[norm][rows] *= peaks[rows]


def _labels(params):
    """Return labels from cross-sections and names of simulations."""
    if "label" not in params and "sim" not in params:
        raise ValueError(f"'label' or 'sim' must be among the params, found {sorted(params)}")
    if "sim" not in params:
        return np.array([_label_of_number(value) for value in params["label"]])
    names = [_text(value) for value in params["sim"]]
    numbers = params.get("label", [None] * len(names))
    rows = zip(names, numbers, range(len(names)), strict=True)
    return np.array([_label(*row) for row in rows])


def _label_of_number(value):
    # Six digits undo the rounding of a float32: 0.1 comes as 0.10000000149.
    return label_of(float(f"{value:.6g}") if isinstance(value, Real) else value)


def _label(name, number, row):
    """Return the label of a cluster from the name of its simulation and its cross-section, if given."""
    dark_matter, _, variant = name.split("+")[0].partition("_")  # "CDM_low+baryons": "CDM" and "low"
    feedback = _FEEDBACK.get(variant, "fiducial")
    if dark_matter in _VELOCITY_DEPENDENT:  # the number is the effective cross-section of each cluster
        return str(DarkMatter(*_VELOCITY_DEPENDENT[dark_matter], feedback))
    label = None if number is None else _label_of_number(number)
    try:
        named = DarkMatter.parse(dark_matter)
    except ValueError as error:
        if label is None or dark_matter.lower().startswith("vd"):
            raise ValueError(f"{error}; it is of the simulation {name!r} in row {row}") from error
        named = DarkMatter.parse(label)
    if label is not None and not named.depends_on_velocity and str(named) != label:
        raise ValueError(f"'label' of row {row} is {number}, but its simulation is {name!r}: correct one")
    return str(replace(named, feedback=feedback))


def _log_mass(masses):
    if not np.nanmax(masses, initial=0) > _MAX_LOG_MASS:
        return masses
    with np.errstate(divide="ignore", invalid="ignore"):  # no stars: minus infinity; negative: NaN
        return np.log10(masses)


def _galaxies(catalogues, max_bytes):
    tables = []
    for row, catalogue in enumerate(catalogues):
        names = getattr(getattr(catalogue, "dtype", None), "names", None)
        if names is None:
            raise ValueError(
                f"the galaxies of row {row} must be a record array, got {type(catalogue).__name__}"
            )
        max_bytes -= len(catalogue) * GALAXY_DTYPE.itemsize
        if max_bytes < 0:
            raise ValueError("galaxies must not repeat the same table")
        columns = {name: catalogue[own] for name, own in match_names(names, GALAXY_DTYPE.names).items()}
        columns["row"] = np.full(len(catalogue), row)
        for name in ("m200", "mstar_30", "mstar_100"):
            if name in columns:
                columns[name] = _log_mass(columns[name])
        if "z" in columns:
            columns["z"] = columns["z"] * 1000.0
        tables.append(galaxies_from_columns(columns))
    return np.concatenate([np.empty(0, GALAXY_DTYPE), *tables])

"""The published BAHAMAS-SIDM maps: a pickle of ``(params, images)``.

``params`` is a dict of one array per attribute, ``images`` the maps: total, X-ray and stellar.
"""

import numpy as np

from darkcnn.datasets.database import Database, clusters_from_columns, galaxies_from_columns
from darkcnn.datasets.unpickling import read_pickle
from darkcnn.records import GALAXY_DTYPE, MAPS, cross_section_of, join_labels, label_of

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

_MAX_GROWTH = 100  # a pickle can name one array many times: bytes in memory for each byte of the file

_MAX_LOG_MASS = 1000.0  # a mass beyond this is in Msun, not its logarithm


def read_published(path):
    """Read the pickle of the published maps.

    Parameters
    ----------
    path : path-like
        File that holds ``(params, images)``. ``images`` is an array of shape (n_samples, height, width, 3),
        or a list of ``n_samples`` arrays of (height, width, 3), or of 3 arrays of (n_samples, height, width).

    Returns
    -------
    Database
        Maps have peak 1: one that did not is divided by its peak, which its norm is multiplied by.
        Linear masses are turned into logarithms, and the depth of galaxies from Mpc into kpc.
    """
    with open(path, "rb") as file:
        max_bytes = _MAX_GROWTH * path.stat().st_size
        content = read_pickle(file, max_bytes=max_bytes)
    if not isinstance(content, tuple | list) or len(content) != 2 or not isinstance(content[0], dict):
        raise ValueError("the pickle must hold (params, images), params being a dict")
    params = {_text(name): values for name, values in content[0].items()}
    maps = _maps(content[1], max_bytes)
    n_samples = len(maps["total"])
    for name, values in params.items():
        if name in (*_ATTRIBUTES, *_GALAXIES, "label", "sim", "clusterID") and _length(values) != n_samples:
            raise ValueError(
                f"{name!r} must have one value for each of the {n_samples} images, got {_length(values)}"
            )
    columns = {
        ours: _numbers(params[theirs], theirs) for theirs, ours in _ATTRIBUTES.items() if theirs in params
    }
    for required in ("redshift", "clusterID"):
        if required not in params:
            raise ValueError(f"{required!r} is missing from the params, found {sorted(params)}")
    columns["cluster_id"] = _cluster_ids(params["clusterID"])
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
    if isinstance(values, list | tuple) and not all(
        isinstance(value, int | float | np.number) for value in values
    ):
        raise ValueError(f"{name!r} must hold numbers")
    array = np.asarray(values)
    return array.astype(float) if array.dtype == object else array


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
                f"images must have one shape, but that of row 0 is {shape}, of row {row} {image.shape}"
            )
    if len(shape) != 3:
        raise ValueError(f"images must have shape (height, width, {len(MAPS)}), got {shape}")
    if len(images) * images[0].nbytes > max_bytes:
        raise ValueError("images must not name the same array over and over")
    if shape[2] == len(MAPS):
        return {name: np.stack([image[..., k] for image in images]) for k, name in enumerate(MAPS)}
    if len(images) == len(MAPS) and shape[1] == shape[2]:
        return dict(zip(MAPS, images, strict=True))
    raise ValueError(f"images must have {len(MAPS)} channels {MAPS} in their last axis, got shape {shape}")


def _divide_by_peaks(records):
    for name, norm in zip(MAPS, ("lensing_norm", "xray_norm", "stellar_norm"), strict=True):
        peaks = records[name].max(axis=(1, 2))
        if (peaks <= 0).any():
            row = int(np.argmax(peaks <= 0))
            raise ValueError(f"map {name!r} of row {row} must have a positive peak, got {peaks[row]}")
        rows = np.flatnonzero(np.isfinite(peaks) & ~np.isclose(peaks, 1, rtol=0, atol=1e-6))
        records[name][rows] /= peaks[rows, None, None]
        records[norm][rows] *= peaks[rows]


def _labels(params):
    if "label" in params:
        values, name_of = params["label"], _label_of_number
    elif "sim" in params:
        values, name_of = params["sim"], _label_of_simulation
    else:
        raise ValueError(f"'label' or 'sim' must be among the params, found {sorted(params)}")
    labels = [name_of(value) for value in values]
    if "sim" not in params:
        return np.array(labels)
    return join_labels(labels, [_feedback_of_simulation(value) for value in params["sim"]])


def _label_of_number(value):
    # Six digits undo the rounding of a float32: 0.1 comes as 0.10000000149.
    return label_of(float(f"{value:.6g}"))


def _label_of_simulation(value):
    return label_of(cross_section_of(_text(value).split("+")[0].split("_")[0]))


def _feedback_of_simulation(value):
    # "CDM_low+baryons", "CDM+baryons" and "CDM_hi+baryons"
    variant = _text(value).split("+")[0].partition("_")[2]
    return {"low": "weak", "hi": "strong"}.get(variant, "fiducial")


def _cluster_ids(values):
    """Turn integers into themselves, other names into their rank."""
    names = [_text(value) for value in values]
    try:
        return np.array([int(name) for name in names])
    except ValueError:
        codes = {name: code for code, name in enumerate(sorted(set(names)))}
        return np.array([codes[name] for name in names])


def _log_mass(masses):
    if not np.nanmax(masses, initial=0) > _MAX_LOG_MASS:
        return masses
    with np.errstate(divide="ignore"):  # no stars at all: minus infinity
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
            raise ValueError("the galaxies must not name the same table over and over")
        columns = {name: catalogue[name] for name in GALAXY_DTYPE.names if name in names}
        columns["row"] = np.full(len(catalogue), row)
        for name in ("m200", "mstar_30", "mstar_100"):
            if name in columns:
                columns[name] = _log_mass(columns[name])
        if "z" in columns:
            columns["z"] = columns["z"] * 1000.0
        tables.append(galaxies_from_columns(columns))
    return np.concatenate([np.empty(0, GALAXY_DTYPE), *tables])

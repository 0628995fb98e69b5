"""Records of real observations."""

import numpy as np

from darkcnn.observations.counts import CountMap
from darkcnn.observations.shear import ConvergenceMap
from darkcnn.records import MAPS, NORMS, SCALARS, ObservedRecords, number_halos, record_dtype, to_values

_NOISE_RANGE = 0.25, 4.0
"""Plausible standard deviation near the edge of a map over its noise."""


def make_observations(*, total=None, xray=None, stellar=None, redshift, cluster_id, **attributes):
    """Make records from observed maps, which pipelines and files mark as real observations.

    Parameters
    ----------
    total : ConvergenceMap, array-like of shape (n_pixels, n_pixels), list of them, or None, default=None
        Convergence over its noise, see :func:`darkcnn.observations.reconstruct_convergence`.
    xray : CountMap, array-like of shape (n_pixels, n_pixels), list of them, or None, default=None
        Photon counts, including background, see :func:`darkcnn.observations.count_photons`.
    stellar : array-like or Quantity of shape (n_pixels, n_pixels), list of them, or None, default=None
        Projected stellar mass; Msun / Mpc2 if unitless.
    redshift : float or array-like of shape (n_samples,)
        Redshift.
    cluster_id : int, str or array-like of shape (n_samples,)
        Number or name of each cluster.
    **attributes : float or array-like of shape (n_samples,)
        Other known fields of :func:`darkcnn.records.record_dtype`.

    Returns
    -------
    ObservedRecords of shape (n_samples,)
        Records; fields that are not given are NaN. ``lensing_norm`` is the noise, Msun / Mpc2, and
        ``xray_norm`` the surface brightness of one count; both are NaN for plain arrays.

    Raises
    ------
    ValueError
        If maps differ in size or are not in these units.

    See Also
    --------
    darkcnn.make_records : Records from simulated, noise-free maps.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.observations import make_observations
    >>> noise = np.random.default_rng(0).normal(size=(50, 50))
    >>> make_observations(total=noise, redshift=0.3, cluster_id="Abell 2744")
    ObservedRecords(shape=(1,), noises=[])
    """
    given = zip(MAPS, (total, xray, stellar), strict=True)
    maps = {name: _listed(images) for name, images in given if images is not None}
    counts = {name: len(images) for name, images in maps.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"maps must be given, of the same number of clusters, got {counts}")
    n_samples = next(iter(counts.values()))
    shapes = {np.shape(_values(image)) for images in maps.values() for image in images}
    side = next(iter(shapes))[0]
    if shapes != {(side, side)}:
        raise ValueError(f"maps must be square and of one size, got shapes {sorted(shapes)}")
    records = _blank(n_samples, side)
    records["cluster_id"] = number_halos(np.broadcast_to(np.asarray(cluster_id), n_samples))
    for name, value in {"redshift": redshift, **attributes}.items():
        if name not in SCALARS:
            raise TypeError(f"make_observations has no argument {name!r}; attributes are {sorted(SCALARS)}")
        records[name] = value
    if not ((records["redshift"] >= 0) & (records["redshift"] < 10)).all():
        raise ValueError(f"redshift must be known, 0 or more and below 10, got {redshift}")
    for name, images in maps.items():
        norm = NORMS[MAPS.index(name)]
        for record, image in zip(records, images, strict=True):
            values, scale = _in_units(name, image)
            record[name] = values
            if norm not in attributes:
                record[norm] = scale
    return ObservedRecords(records)


def _blank(n_samples, side):
    """Return records in which everything is unknown."""
    records = np.empty(n_samples, record_dtype(side))
    for name in records.dtype.names:
        records[name] = -1 if name == "cluster_id" else np.nan
    return records


def _listed(images):
    """Return images as a list with one for each cluster."""
    if isinstance(images, ConvergenceMap | CountMap) or (
        not isinstance(images, list) and np.ndim(images) == 2
    ):
        return [images]
    return list(images)


def _values(image):
    return image.values if isinstance(image, ConvergenceMap | CountMap) else image


def _in_units(name, image):
    """Return a map in the units of observations, and its norm."""
    values = np.asarray(to_values(_values(image), "solMass Mpc-2" if name == "stellar" else "", repr(name)))
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} must be finite in every pixel: fill unobserved pixels")
    if name == "total":
        _check_noise(values)
    if name == "xray" and ((values < 0).any() or values.max() <= 2):
        raise ValueError(
            f"{name!r} must contain photon counts, including background, got {values.min():.3g} to "
            f"{values.max():.3g}: do not pass rates or maps divided by their peak"
        )
    if name != "stellar":
        return values, getattr(image, "norm", np.nan)
    if (values < 0).any() or not values.max() > 0:
        raise ValueError(f"{name!r} must be zero or more, with a positive peak, got {values.min():.3g}")
    return values / values.max(), values.max()


def _check_noise(values):
    """Check that a convergence is divided by its noise: the scatter near the edge must be about one."""
    edge = np.ones(values.shape, bool)
    edge[tuple(slice(n // 10, n - n // 10) for n in values.shape)] = False
    rest = values[edge & (values != 0)]
    scatter = float(rest.std()) if rest.size else 0.0
    if not _NOISE_RANGE[0] <= scatter <= _NOISE_RANGE[1]:
        raise ValueError(
            "'total' must be the convergence over its noise, with a scatter of one near the edge, got "
            f"{scatter:.3g}: divide it by its noise"
        )

"""Cluster records from maps in memory."""

import numpy as np

from darkcnn.datasets.bunch import make_bunch
from darkcnn.records import (
    MAPS,
    NORM_UNITS,
    SCALARS,
    MakeOptions,
    check_halo_masses,
    label_from,
    make_record,
    number_halos,
    to_values,
    warn_about_maps,
)

_DESCRIPTION = """\
{n_clusters} clusters made by darkcnn.make_records from maps with pixels of {pixels} kpc, averaged by
area over {n_pixels} x {n_pixels} pixels in 2 Mpc. Centres: {centres}.
"""

_LOG_MASSES = 11, 17


def make_records(
    *,
    total=None,
    xray=None,
    stellar=None,
    pixel_scale=None,
    field_size=None,
    redshift,
    cluster_id,
    n_pixels=50,
    center=None,
    cross_section=None,
    cosmology=None,
    fill_value=None,
    max_gap=0.1,
    allow_coarse=False,
    psf_fwhm=0,
    **attributes,
):
    """Make cluster records from maps in any unit, size and resolution.

    Maps are cropped to 2 Mpc about the centre and averaged by area over the pixels of the records, which
    conserves mass. They must be noise-free; for observations, see ``darkcnn.observations``.

    Parameters
    ----------
    total, xray, stellar : array-like or Quantity of shape (n_samples, height, width), or list of images
        Projected mass (Msun / Mpc2), X-ray surface brightness (erg / s / cm2 / arcmin2) and projected stellar
        mass (Msun / Mpc2), row 0 at the bottom. Plain numbers are in these units; astropy quantities are
        converted, also from mass per pixel, and from logarithms in astropy's ``dex`` of a unit. NaN and
        masked pixels are gaps. Maps that are not given become NaN. Images of a list may differ in size.
    pixel_scale : float, Quantity, array-like of shape (n_samples,) or dict of them by map
        Side of a pixel: proper length (kpc if unitless) or angle.
    field_size : float, Quantity, array-like of shape (n_samples,) or dict of them by map
        Side of the whole image, instead of `pixel_scale`.
    redshift : float or array-like of shape (n_samples,)
        Redshift.
    cluster_id : array-like of int or str, shape (n_samples,)
        Number or name of the halo of each map, see :func:`darkcnn.records.number_halos`.
    n_pixels : int, default=50
        Height and width of the maps in the records; 50 pixels are 40 kpc each.
    center : (float, float), array-like of shape (n_samples, 2), "middle" or None, default=None
        Row and column of the centre, in pixels of the first map that is given; the centre of the first pixel
        is (0, 0). None finds the peak of that map, smoothed by 50 kpc, within 500 kpc of the middle of the
        image. All maps of a cluster must have the same centre.
    cross_section : float, str, Quantity or array-like of shape (n_samples,), default=None
        Self-interaction cross-section per mass, cm2/g, or labels such as ``"SIDM0.1"`` and ``"CDM/strong"``.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for angles. None for :data:`darkcnn.cosmology.BAHAMAS`.
    fill_value : float, dict of float by map, or None, default=None
        Value for gaps, in the unit of the map: NaN, masked pixels, and parts of the field outside the image.
        With None, gaps are an error.
    max_gap : float, default=0.1
        Largest fraction of the field that may be filled.
    allow_coarse : bool, default=False
        Whether to accept maps with larger pixels than the records. They are blurred; a warning states the
        width.
    psf_fwhm : float, Quantity or array-like of shape (n_samples,), default=0
        Full width at half maximum of the point spread function of the maps: kpc, or an angle. Predictions by
        a model that was trained on sharper maps give a warning.
    **attributes : float or array-like of shape (n_samples,)
        Other fields of :func:`darkcnn.records.record_dtype`, such as ``log_mass``. The concentrations and the
        ellipticity are measured on the maps, at their own resolution, unless they are given. If the norm of a
        map is given, the map is relative to its peak; a norm of NaN is unknown.

    Returns
    -------
    sklearn.utils.Bunch
        As from :func:`~darkcnn.datasets.make_bunch`, with ``blur``: the largest standard deviation of the
        blur of maps, kpc; ``center`` (n_samples, 2): the centre in pixels of the first map; and
        ``native_pixel_scale`` (n_samples,): the largest pixel of the maps of each cluster, kpc.

    Raises
    ------
    ValueError
        If an argument is out of range, in another unit, or of another length; if maps do not cover the field,
        are coarser than the records, or have values that are impossible for a cluster in their unit.

    Warns
    -----
    UserWarning
        If maps are quantised, as 8-bit images are, or blurred by large pixels.

    See Also
    --------
    darkcnn.datasets.import_clusters : Make records from files, for more clusters than fit into memory.
    darkcnn.datasets.save_clusters : Write records to a file.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import make_records
    >>> x, y = np.meshgrid(np.arange(-63.5, 64), np.arange(-63.5, 64))
    >>> mass = 1e15 / (1 + np.hypot(x, y) / 5)
    >>> clusters = make_records(
    ...     total=[mass, mass], field_size=2560, redshift=0.25, cluster_id=[7, 7], cross_section=[0, 1]
    ... )
    >>> clusters.data["total"].shape, clusters.target.tolist()
    ((2, 50, 50), ['CDM', 'SIDM1'])
    """
    maps = {
        name: value for name, value in zip(MAPS, (total, xray, stellar), strict=True) if value is not None
    }
    n_samples = _count(maps)
    if not isinstance(n_pixels, int | np.integer) or n_pixels < 4:
        raise ValueError(f"n_pixels must be an integer of 4 or more, got {n_pixels!r}")
    numbers = {
        "redshift": column("redshift", redshift, n_samples),
        "cluster_id": number_halos(_of_each("cluster_id", np.atleast_1d(cluster_id), n_samples)),
    }
    for name, values in attributes.items():
        if name not in SCALARS:
            raise TypeError(f"make_records has no argument {name!r}; attributes are {sorted(SCALARS)}")
        numbers[name] = column(name, values, n_samples)
    labels = None
    if cross_section is not None:
        labels = [label_from(each) for each in _of_each("cross_section", cross_section, n_samples)]
    options = MakeOptions(n_pixels, cosmology, fill_value, max_gap, allow_coarse)
    scales = _of_each_map("pixel_scale", pixel_scale, maps, n_samples)
    sizes = _of_each_map("field_size", field_size, maps, n_samples)
    centers, widths = _centers(center, n_samples), _of_each("psf_fwhm", psf_fwhm, n_samples)
    made = []
    for row in range(n_samples):
        what = f"cluster_id {cluster_id[row] if np.ndim(cluster_id) else cluster_id} (row {row})"
        try:
            made.append(
                make_record(
                    {name: images[row] for name, images in maps.items()},
                    {name: values[row] for name, values in numbers.items()},
                    pixel_scale={name: values[row] for name, values in scales.items()},
                    field_size={name: values[row] for name, values in sizes.items()},
                    center=centers[row],
                    psf_fwhm=widths[row],
                    options=options,
                )
            )
        except ValueError as error:
            raise ValueError(f"{error}; in {what}") from error
    warn_about_maps((name for each in made for name in each.quantised), (each.blurs for each in made))
    records = np.concatenate([each.record for each in made])
    check_halo_masses(records, labels, {})
    pixels = np.array([each.pixel for each in made])
    bunch = make_bunch(
        records,
        None if labels is None else np.array(labels),
        description=_DESCRIPTION.format(
            n_clusters=n_samples,
            pixels=" to ".join(dict.fromkeys(f"{pixel:.4g}" for pixel in (pixels.min(), pixels.max()))),
            n_pixels=n_pixels,
            centres=describe_center(center, next(iter(maps))),
        ),
    )
    bunch.blur = max(each.blur for each in made)
    bunch.center, bunch.native_pixel_scale = np.array([each.center for each in made]), pixels
    return bunch


def describe_center(center, name):
    """Describe how the centres of clusters were chosen."""
    if center is None:
        return f"peaks of the map {name!r} smoothed by 50 kpc"
    return "middle of the image" if isinstance(center, str) else "as given"


def column(name, values, n_samples):
    """Check a scalar field of all clusters.

    Parameters
    ----------
    name : str
        Field of a record.
    values : float, array-like or Quantity of shape (n_samples,)
        Values.
    n_samples : int
        Number of clusters.

    Returns
    -------
    ndarray of shape (n_samples,)
        Values; NaN where unknown.
    """
    unit = "dex(solMass)" if name == "log_mass" and hasattr(values, "physical") else NORM_UNITS.get(name, "")
    if unit.startswith("dex"):
        values, unit = np.log10(to_values(values, "solMass", name)), ""
    numbers = np.asarray(_of_each(name, to_values(values, unit, name), n_samples), dtype=float)
    lowest, highest = {"redshift": (0, 10), "log_mass": _LOG_MASSES}.get(name, (-np.inf, np.inf))
    wrong = ~((numbers >= lowest) & (numbers <= highest))
    if name != "redshift":
        wrong &= ~np.isnan(numbers)
    if wrong.any():
        what = {"redshift": "", "log_mass": ", the log10 of Msun"}.get(name, "")
        raise ValueError(
            f"{name!r} must be {lowest:g} to {highest:g}{what}, got {numbers[wrong][0]:g} in row "
            f"{wrong.argmax()}"
        )
    return numbers


def _count(maps):
    """Return the number of clusters in the maps."""
    if not maps:
        raise ValueError(f"at least one of {MAPS} must be given, got none")
    for name, images in maps.items():
        if not isinstance(images, list | tuple) and np.ndim(images) != 3:
            raise ValueError(
                f"{name!r} must be of shape (n_samples, height, width) or a list of images, got shape "
                f"{np.shape(images)}"
            )
    counts = {name: len(images) for name, images in maps.items()}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise ValueError(f"maps must be of the same number of clusters, at least one, got {counts}")
    return next(iter(counts.values()))


def _of_each(argument, value, n_samples):
    """Return one value for each cluster, repeating a scalar."""
    if isinstance(value, str | bytes) or np.ndim(value) == 0:
        return [value] * n_samples
    if len(value) != n_samples:
        raise ValueError(
            f"{argument} must be one or have one for each of {n_samples} clusters, got {len(value)}"
        )
    return value


def _of_each_map(argument, value, maps, n_samples):
    """Return one value for each cluster, by map."""
    values = value if isinstance(value, dict) else dict.fromkeys(maps, value)
    return {name: _of_each(argument, values.get(name), n_samples) for name in maps}


def _centers(center, n_samples):
    if center is None or isinstance(center, str) or np.shape(center) == (2,):
        return [center] * n_samples
    if np.shape(center) != (n_samples, 2):
        raise ValueError(
            f"center must be (row, column) or of shape ({n_samples}, 2), got shape {np.shape(center)}"
        )
    return center

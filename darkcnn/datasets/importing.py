"""Import of clusters from a table of map files."""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.utils import gen_batches
from tqdm import tqdm

from darkcnn._common.identity import describe
from darkcnn._common.versions import __version__
from darkcnn._common.writing import atomic_write
from darkcnn.datasets.arrays import describe_center
from darkcnn.datasets.database import Database
from darkcnn.datasets.files import load_clusters
from darkcnn.datasets.hdf5 import write_hdf5
from darkcnn.datasets.partial import PartialFile
from darkcnn.datasets.table import ClusterTable
from darkcnn.records import GALAXY_DTYPE, MakeOptions, make_record, record_dtype, warn_about_maps

_CHUNK = 64

_DESCRIPTION = """\
{n_clusters} clusters imported by darkcnn {version} from {table}, averaged by area over {n_pixels} x
{n_pixels} pixels in 2 Mpc. Centres: {centres}. Left out: {n_skipped}.
"""


def import_clusters(
    table,
    path,
    *,
    n_pixels=50,
    pixel_scale=None,
    field_size=None,
    units=None,
    center=None,
    cosmology=None,
    fill_value=None,
    max_gap=0.1,
    allow_coarse=False,
    psf_fwhm=0,
    skip_bad=False,
    verbose=0,
):
    r"""Import clusters from the map files listed in a table, like ``darkcnn import``.

    The clusters may be larger than memory. A call with the same arguments resumes an interrupted import.

    Parameters
    ----------
    table : path-like
        CSV, ECSV or FITS table with one row for each cluster and the columns ``cluster_id``, ``redshift``,
        and at least one of ``total``, ``xray`` and ``stellar``: paths to FITS, HDF5 or ``.npy`` files,
        relative to the folder of the table. Optional columns: ``cross_section`` (cm2/g) or ``label``;
        ``total_hdu`` (extension of FITS or dataset of HDF5), ``total_row`` (image in a stack),
        ``total_unit``, ``total_pixel_scale``, ``total_field_size``, and likewise for the other maps;
        ``pixel_scale`` or ``field_size``; ``center_row`` and ``center_column``; other fields of
        :func:`darkcnn.records.record_dtype`. Columns with units are converted. Units are also read from FITS
        headers and HDF5 attributes, pixel scales from FITS headers.
    path : path-like
        HDF5 file to write. It appears when it is complete; before, its parts are in a folder with the suffix
        ``.partial``.
    n_pixels : int, default=50
        Height and width of the maps in the records.
    pixel_scale, field_size : float, Quantity or dict of them by map, default=None
        Side of a pixel, or of the whole image, if neither the table nor the file contains it.
    units : dict of str to str or None, default=None
        Units of maps, by name, if neither the table nor the file contains them.
    center : (float, float), "middle" or None, default=None
        Centre of the maps, if the table does not contain it, see :func:`darkcnn.make_records`.
    cosmology, fill_value, max_gap, allow_coarse, psf_fwhm
        See :func:`darkcnn.make_records`.
    skip_bad : bool, default=False
        Whether to skip clusters whose maps cannot be read or are invalid, instead of raising an error.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        As from :func:`~darkcnn.datasets.load_clusters`, with records on disk and ``skipped``: row and error
        of each skipped cluster.

    Raises
    ------
    ValueError
        If the table lacks a column or has a value out of range, or a map cannot be read or is invalid.

    Warns
    -----
    UserWarning
        As in :func:`darkcnn.make_records`, once for all clusters.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn.datasets import import_clusters
    >>> x, y = np.meshgrid(np.arange(-63.5, 64), np.arange(-63.5, 64))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/halo7.npy", 1e15 / (1 + np.hypot(x, y) / 5))
    ...     with open(f"{folder}/table.csv", "w") as file:
    ...         _ = file.write("cluster_id,redshift,cross_section,total\nhalo 7,0.25,0.1,halo7.npy\n")
    ...     clusters = import_clusters(f"{folder}/table.csv", f"{folder}/clusters.h5", pixel_scale=20)
    ...     clusters.data["total"].shape, clusters.target.tolist()
    ((1, 50, 50), ['SIDM0.1'])
    """
    if Path(path).suffix.lower() not in (".h5", ".hdf5"):
        raise ValueError(f"path must end in .h5 or .hdf5, got {str(path)!r}")
    options = MakeOptions(n_pixels, cosmology, fill_value, max_gap, allow_coarse)
    defaults = {"pixel_scale": pixel_scale, "field_size": field_size, "center": center, "psf_fwhm": psf_fwhm}
    clusters = ClusterTable(table, units)
    with open(table, "rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    settings = {"version": __version__, "table": checksum}
    settings |= describe({"options": options._asdict(), "units": units, **_texts(defaults)})
    part = PartialFile(path, record_dtype(n_pixels), settings)
    batches = list(gen_batches(clusters.n_rows, _CHUNK))
    n_done = batches[part.n_parts - 1].stop if part.n_parts else 0
    with tqdm(total=clusters.n_rows, initial=n_done, unit="cluster", disable=not verbose) as progress:
        for rows in batches[part.n_parts :]:
            records, about = _make(clusters, range(rows.start, rows.stop), defaults, options, skip_bad)
            part.append(records, np.empty(0, GALAXY_DTYPE), about)
            progress.update(rows.stop - rows.start)
    skipped = [tuple(each) for about in part.about for each in about["skipped"]]
    if len(skipped) == clusters.n_rows:
        raise ValueError(
            f"all {len(skipped)} clusters of {table} were skipped, the first because {skipped[0][1]}"
        )
    warn_about_maps(
        (name for about in part.about for name in about["quantised"]),
        (about["blurs"] for about in part.about),
    )
    blur = max(about["blur"] for about in part.about)
    kept = np.setdiff1d(np.arange(clusters.n_rows), [row for row, _ in skipped])
    description = _DESCRIPTION.format(
        n_clusters=len(kept),
        version=__version__,
        table=Path(table).name,
        n_pixels=n_pixels,
        centres="as given in the table"
        if "center_row" in clusters.columns
        else describe_center(center, clusters.maps[0]),
        n_skipped=len(skipped),
    )
    target = None if clusters.labels is None else clusters.labels[kept]
    with atomic_write(path) as temporary:
        write_hdf5(temporary, Database(part.read("records"), target, description=description, blur=blur))
    part.remove()
    bunch = load_clusters(path, mmap=True, labelled=False)
    bunch.skipped = skipped
    return bunch


def _texts(defaults):
    """Convert quantities to text for the settings."""
    return {name: None if value is None else str(value) for name, value in defaults.items()}


def _make(clusters, rows, defaults, options, skip_bad):
    """Return the records of some rows of a table, and notes about them."""
    made, skipped = [], []
    for row in rows:
        try:
            maps, numbers, layout = clusters.read(row)
            made.append(make_record(maps, numbers, **_completed(layout, defaults), options=options))
        except (OSError, ValueError) as error:
            fault = f"row {row} (cluster_id {clusters.columns['cluster_id'][row]}): {error}"
            if not skip_bad:
                raise ValueError(f"{fault}; use skip_bad to skip such clusters") from error
            skipped.append((row, fault))
    records = np.concatenate([np.empty(0, record_dtype(options.n_pixels)), *(each.record for each in made)])
    blurs = {}
    for each in made:
        for name, blur in each.blurs.items():
            blurs[name] = max(blur, blurs.get(name, 0.0))
    quantised = sorted({name for each in made for name in each.quantised})
    blur = max((each.blur for each in made), default=0.0)
    return records, {"skipped": skipped, "quantised": quantised, "blurs": blurs, "blur": blur}


def _completed(layout, defaults):
    """Fill in default values for a cluster where table and files have none."""
    scales, sizes = dict(layout["pixel_scale"]), dict(layout["field_size"])
    for name in scales:
        if scales[name] is None and sizes[name] is None:
            scales[name], sizes[name] = (
                each.get(name) if isinstance(each, dict) else each
                for each in (defaults["pixel_scale"], defaults["field_size"])
            )
    center = defaults["center"] if layout["center"] is None else layout["center"]
    return {"pixel_scale": scales, "field_size": sizes, "center": center, "psf_fwhm": defaults["psf_fwhm"]}

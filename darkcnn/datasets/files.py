"""Read and write databases of clusters in any supported format."""

import gzip
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from darkcnn._common.writing import atomic_write
from darkcnn.datasets.bunch import make_bunch
from darkcnn.datasets.columns import galaxies_from_columns, plain_labels
from darkcnn.datasets.database import Database, check_database, check_structure
from darkcnn.datasets.fits import read_fits, write_fits
from darkcnn.datasets.hdf5 import read_hdf5, write_hdf5
from darkcnn.datasets.published import read_published
from darkcnn.records import (
    GALAXY_DTYPE,
    ObservedRecords,
    RecordsOnDisk,
    check_records,
    join_labels,
    number_halos,
)

_AUTO_MAP_ABOVE = 1e9  # bytes of records, which are read in one or two seconds

_WRITERS = {".fits": write_fits, ".fit": write_fits, ".h5": write_hdf5, ".hdf5": write_hdf5}


_COMPRESSED = (b"BZh", b"\xfd7zXZ", b"PK", b"\x1f\x9d", b"\x28\xb5\x2f\xfd")  # bzip2, xz, zip, compress, zstd


def load_clusters(path, *, return_X_y=False, mmap="auto", labelled=True):
    """Load a database of clusters.

    The format is detected from the first bytes of the file: FITS (also gzipped), HDF5, or the pickle of the
    published BAHAMAS-SIDM maps, which is read without executing code. Additional columns and the case of
    column names are ignored. Missing attributes and maps, null values and fill values become NaN. Halo names
    become numbers by :func:`darkcnn.records.number_halos`.

    Parameters
    ----------
    path : path-like
        File to read.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    mmap : bool or "auto", default="auto"
        Whether records stay on disk (:class:`~darkcnn.records.RecordsOnDisk`) and are read on access; in HDF5
        also the galaxies. ``"auto"`` maps files from 1 GB where possible. Mapped maps are not checked for NaN
        beforehand. Pickles, compressed files and columns of other types cannot be mapped.
    labelled : bool, default=True
        Whether labels are required. With False, files without labels have ``target=None``. Records of files
        that are marked as real observations are :class:`~darkcnn.ObservedRecords`.

    Returns
    -------
    sklearn.utils.Bunch or (data, target)
        See :func:`darkcnn.datasets.make_bunch`; with ``suites`` if the file contains their parameters.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a database of clusters, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from darkcnn.datasets import load_clusters, load_example, save_clusters
    >>> example = load_example()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_clusters(f"{folder}/clusters.fits", example.data[:20], example.target[:20])
    ...     clusters = load_clusters(f"{folder}/clusters.fits")
    >>> clusters.data.shape
    (20,)
    """
    if mmap not in (True, False, "auto"):
        raise ValueError(f"mmap must be True, False or 'auto', got {mmap!r}")
    with open(path, "rb") as file:
        signature = file.read(9)
    try:
        database = _read(Path(path), signature, mmap)
    except Exception as error:  # parsers raise any error for damaged files, even MemoryError
        reason = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"cannot read {path}: {reason}") from error
    records, target, galaxies, description, suite, suites, are_observed, blur = database
    if labelled and target is None:
        raise ValueError(
            f"{path} must contain a label for each cluster, in a column 'label' of FITS or dataset of HDF5; "
            "use labelled=False for clusters with unknown dark matter"
        )
    records = ObservedRecords(records) if are_observed else records
    clusters = make_bunch(records, target, galaxies=galaxies, description=description, suite=suite)
    if suites is not None:
        clusters.suites = suites
    if np.isfinite(blur):
        clusters.blur = blur
    return (clusters.data, clusters.target) if return_X_y else clusters


def _read(path, signature, mmap):
    map_above = {True: 0, False: np.inf, "auto": _AUTO_MAP_ABOVE}[mmap]
    kind = _kind_of(signature)
    if kind == "HDF5":
        database = read_hdf5(path, map_above=map_above)
    elif kind == "FITS" or (kind == "gzip" and _kind_in_gzip(path) == "FITS"):
        database = read_fits(path, map_above=map_above)
    elif kind == "a pickle":
        database = read_published(path)
    else:
        hint = "; darkcnn.datasets.save_clusters writes arrays of records" if b"NUMPY" in signature else ""
        hint = "; unpack it first" if signature.startswith(_COMPRESSED) else hint
        raise ValueError(f"it must be FITS, HDF5 or a pickle, but it starts with {signature!r}{hint}")
    is_mapped = isinstance(database.records, RecordsOnDisk)
    if mmap is True and not is_mapped:
        raise ValueError(
            "it cannot be memory-mapped, because it is a pickle, compressed, or has columns of other types: "
            "use mmap=False"
        )
    (check_structure if is_mapped else check_database)(database)
    return database


def _kind_of(signature):
    """Return the format of a file that starts with these nine bytes, or None."""
    if signature == b"SIMPLE  =":
        return "FITS"
    starts = {"HDF5": b"\x89HDF\r\n\x1a\n", "gzip": b"\x1f\x8b", "a pickle": (b"\x80", b"(")}
    return next((kind for kind, start in starts.items() if signature.startswith(start)), None)


def _kind_in_gzip(path):
    with gzip.open(path) as file:
        signature = file.read(9)
    kind = _kind_of(signature)
    if kind != "FITS":
        found = kind or f"something that starts with {signature!r}"
        raise ValueError(f"a gzipped file must contain FITS, got {found}: unpack it first")
    return kind


def save_clusters(path, data, target=None, *, galaxies=None, description="", suite=None):
    """Write a database of clusters.

    The file is written atomically: after an error, an existing file is unchanged.

    Parameters
    ----------
    path : path-like
        File to write. The suffix sets the format: ``.fits``, ``.fit`` for FITS; ``.h5``, ``.hdf5`` for HDF5,
        which also suits databases larger than memory.
    data : structured ndarray of shape (n_samples,) or Bunch
        Cluster records, of which only the fields of :func:`darkcnn.records.record_dtype` are written; or a
        Bunch from a loader. Real observations (:class:`~darkcnn.ObservedRecords`) are marked in the file.
    target : array-like of shape (n_samples,) or None, default=None
        Labels such as ``"CDM"``, ``"SIDM0.1"`` and, with feedback, ``"CDM/strong"``; None if unknown. With a
        Bunch, leave out this and all following arguments.
    galaxies : structured ndarray, default=None
        Member galaxies of all clusters, of type ``darkcnn.records.GALAXY_DTYPE``.
    description : str, default=""
        Source of the data.
    suite : array-like of shape (n_samples,) or None, default=None
        Number or name of the suite of each cluster, see :func:`make_bunch`.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written.
    ValueError
        If the suffix is unknown or the data could not be loaded by :func:`load_clusters`.

    Examples
    --------
    >>> import tempfile
    >>> from darkcnn.datasets import load_clusters, make_clusters, save_clusters
    >>> clusters = make_clusters(2, redshifts=(0,), n_pixels=20, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_clusters(f"{folder}/clusters.fits", clusters)
    ...     load_clusters(f"{folder}/clusters.fits").target.tolist() == clusters.target.tolist()
    True
    """
    path = Path(path).resolve()
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        hint = "; pickles are not written, because they can run code" if suffix in (".pkl", ".pickle") else ""
        raise ValueError(f"path must end in one of {list(_WRITERS)}, got {path.name!r}{hint}")
    database = _as_database(data, target, galaxies, description, suite)
    check_database(database)
    with atomic_write(path) as temporary:
        _WRITERS[suffix](temporary, database)


def _as_database(data, target, galaxies, description, suite):
    suites, blur = None, None
    if isinstance(data, Bunch):
        if target is not None or galaxies is not None or description or suite is not None:
            raise ValueError(
                "suite, target, galaxies and description must not be given: the Bunch has its own"
            )
        target = None if data.target is None else join_labels(data.target, data.feedback)
        suite, suites, blur = data.get("suite"), data.get("suites"), data.get("blur")
        data, galaxies, description = data.data, data.galaxies, data.DESCR
    if galaxies is None:
        galaxies = np.empty(0, GALAXY_DTYPE)
    elif isinstance(galaxies, np.ma.MaskedArray) and galaxies.dtype == GALAXY_DTYPE:
        galaxies = galaxies_from_columns({name: galaxies[name] for name in GALAXY_DTYPE.names})
    labels = None if target is None else plain_labels(target)
    suite = None if suite is None else number_halos(suite, "suite")
    return Database(
        check_records(data, "data"),
        labels,
        galaxies,
        description,
        suite,
        suites,
        are_observed=isinstance(data, ObservedRecords),
        blur=np.nan if blur is None else blur,
    )

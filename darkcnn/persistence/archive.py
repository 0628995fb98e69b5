"""Reading of untrusted model files as archives, without keras."""

import json
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from struct import error as StructError  # noqa: N812

import h5py

FORMAT = 2
DESCRIPTION = "darkcnn.json"
WEIGHTS = "model.weights.h5"
NOTES = "notes.json"
MAX_DESCRIPTION = 50_000_000
"""Maximum size of the description and of the notes, in bytes; the largest part is the training history."""

_READ_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, StructError, EOFError),  # archives
    OSError,  # HDF5
    RuntimeError,  # HDF5; encrypted or recursive members, and unknown compression
    MemoryError,  # wrong sizes
    ValueError,  # numbers, text and JSON, and checks of this package
)
"""Errors raised by readers of damaged files."""


def check_suffix(path):
    """Return `path` as a Path if it has the suffix of a model file; otherwise raise a ValueError."""
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"path must end in '.keras', got {path.name!r}")
    return path


@contextmanager
def open_archive(path):
    """Open a model file; errors about its content become a ValueError with its path.

    Exceptions that only a bug can raise are not changed.
    """
    with open(path, "rb") as content:  # raises its own error if the file cannot be opened
        try:
            if not zipfile.is_zipfile(content):
                raise ValueError("it is not a model of darkcnn: not a keras archive")
            with zipfile.ZipFile(content) as archive:
                yield archive
        except _READ_ERRORS as error:
            reason = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise ValueError(f"cannot load {path}: {reason}") from error


def read_json(archive, member):
    """Return a JSON object in an archive; raise a ValueError if there is none."""
    _check_member(archive, member)
    n_bytes = archive.getinfo(member).file_size
    if n_bytes > MAX_DESCRIPTION:
        raise ValueError(f"its part {member!r} must have at most {MAX_DESCRIPTION} bytes, got {n_bytes}")
    content = json.loads(archive.read(member))
    if not isinstance(content, dict):
        raise ValueError(f"its part {member!r} must be a JSON object, got a {type(content).__name__}")
    return content


def _check_member(archive, member):
    if member not in archive.namelist():
        raise ValueError(f"its part {member!r} is missing")


def weight_sizes(archive):
    """Return the number of values of each weight array, in no particular order, without keeping the values.

    Raises a ValueError if weights are missing, damaged, compressed, links, not numbers, or larger than
    stored.
    """
    _check_member(archive, WEIGHTS)
    if archive.getinfo(WEIGHTS).compress_type != zipfile.ZIP_STORED:  # random numbers do not compress
        raise ValueError(f"its part {WEIGHTS!r} is compressed")
    with archive.open(WEIGHTS) as weights:
        while weights.read(2**20):
            pass  # to the end, which verifies the checksum: damaged weights are still numbers
    sizes = []

    def note(name, node):
        if isinstance(node, h5py.Dataset):
            plain = node.dtype.kind in "fiuV" and not node.dtype.hasobject and not node.dtype.names
            in_file = not node.external and not node.is_virtual
            if not plain or not in_file or node.id.get_storage_size() != node.nbytes:
                raise ValueError(f"its weights {name!r} must be plain numbers that are stored in the file")
            sizes.append(node.size)
        elif not all(isinstance(node.get(key, getlink=True), h5py.HardLink) for key in node):
            raise ValueError(f"its weights {name!r} must not contain links")

    with archive.open(WEIGHTS) as weights, h5py.File(weights, "r") as file:
        note("/", file)
        file.visititems(note)
    return sizes


def load_notes(path):
    """Load the notes stored with a model by `save_model`.

    Parameters
    ----------
    path : path-like
        Model file, ending in ``.keras``.

    Returns
    -------
    dict or None
        Notes; None if there are none.

    Raises
    ------
    ValueError
        If the file is damaged or is not a model file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from darkcnn import DarkCNNClassifier, load_notes, save_model
    >>> X, y = np.random.default_rng(0).random((4, 8, 8, 3)), ["CDM", "SIDM1"] * 2
    >>> model = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.keras", notes={"for": "a first look"})
    ...     load_notes(f"{folder}/model.keras")
    {'for': 'a first look'}
    """
    with open_archive(check_suffix(path)) as archive:
        return read_json(archive, NOTES) if NOTES in archive.namelist() else None

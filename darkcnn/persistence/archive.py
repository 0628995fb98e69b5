"""Model files as archives: what can be read from an untrusted one without keras."""

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
"""Largest description of a model, and largest notes, in bytes; the longest part is the training history."""

_READ_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, StructError, EOFError),  # of archives
    OSError,  # of HDF5
    RuntimeError,  # of HDF5, of encrypted or endlessly nested members, and of unknown compressions
    MemoryError,  # of sizes that are not true
    ValueError,  # of numbers, texts and JSON, and what this package says
)
"""What a damaged file makes its readers raise."""


def check_suffix(path):
    """Return `path` as a Path if it ends as a model file does, else raise ValueError."""
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"path must end in '.keras', got {path.name!r}")
    return path


@contextmanager
def opened(path):
    """Open a model file, and name it in a ValueError about whatever is damaged in it.

    Exceptions that only a programming error raises pass.
    """
    with open(path, "rb") as content:  # a file that is missing or may not be read raises its own error
        try:
            if not zipfile.is_zipfile(content):
                raise ValueError("it is no model of darkcnn: not a keras archive")
            with zipfile.ZipFile(content) as archive:
                yield archive
        except _READ_ERRORS as error:
            reason = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise ValueError(f"cannot load {path}: {reason}") from error


def read_json(archive, member):
    """Return the JSON object that a member of an archive holds, else raise ValueError."""
    _check_member(archive, member)
    n_bytes = archive.getinfo(member).file_size
    if n_bytes > MAX_DESCRIPTION:
        raise ValueError(f"its part {member!r} has {n_bytes} bytes, too many")
    content = json.loads(archive.read(member))
    if not isinstance(content, dict):
        raise ValueError(f"its part {member!r} holds a {type(content).__name__} instead of an object")
    return content


def _check_member(archive, member):
    if member not in archive.namelist():
        raise ValueError(f"its part {member!r} is missing")


def weight_sizes(archive):
    """Return the number of values of each array of weights, in no order, without keeping them.

    ValueError if they are missing, damaged or compressed, hold links or anything else than numbers, or claim
    more values than are stored.
    """
    _check_member(archive, WEIGHTS)
    if archive.getinfo(WEIGHTS).compress_type != zipfile.ZIP_STORED:  # random numbers do not compress
        raise ValueError(f"its part {WEIGHTS!r} is compressed")
    with archive.open(WEIGHTS) as weights:
        while weights.read(2**20):
            pass  # to the end, where the checksum is: a damaged weight is a number like any other
    sizes = []

    def note(name, node):
        if isinstance(node, h5py.Dataset):
            plain = node.dtype.kind in "fiuV" and not node.dtype.hasobject and not node.dtype.names
            in_file = not node.external and not node.is_virtual
            if not plain or not in_file or node.id.get_storage_size() != node.nbytes:
                raise ValueError(f"its weights {name!r} must be plain numbers that lie in the file")
            sizes.append(node.size)
        elif not all(isinstance(node.get(key, getlink=True), h5py.HardLink) for key in node):
            raise ValueError(f"its weights {name!r} hold a link")

    with archive.open(WEIGHTS) as weights, h5py.File(weights, "r") as file:
        note("/", file)
        file.visititems(note)
    return sizes


def load_notes(path):
    """Read the notes that `save_model` kept with a model.

    Parameters
    ----------
    path : path-like
        File to read, ending in ``.keras``.

    Returns
    -------
    dict or None
        The notes; None if there are none.

    Raises
    ------
    ValueError
        If the file is damaged or is not of this kind.

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
    with opened(check_suffix(path)) as archive:
        return read_json(archive, NOTES) if NOTES in archive.namelist() else None

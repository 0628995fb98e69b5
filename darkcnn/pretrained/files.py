"""Packaged files of weights: names, hashes and model cards.

A file is never changed after its release. It is an archive of plain arrays (``card`` is JSON); reading it
runs no code.
"""

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

PRETRAINED = {"polar-1": "efabbf33141d0dfb8c125070fef695cce3b799cc18c156f9a9abff19d3712d85"}
"""SHA-256 hashes of the packaged files, by name."""

ALIASES = {"polar": "polar-1"}
"""Versions that names without a version refer to."""

HEAD = {"C": 0.01, "max_iter": 2000}
"""Parameters of the logistic regression that is used as last layer."""


@dataclass(frozen=True)
class PretrainedFile:
    """Contents of a packaged file.

    Attributes
    ----------
    name : str
        Name of the network with its version.
    sha256 : str
        SHA-256 hash of the file.
    card : dict
        Model card: training and scores on test suites.
    arrays : dict of ndarray
        Weights, scaling, last layer, reference features and calibration.
    """

    name: str
    sha256: str
    card: dict
    arrays: dict

    def group(self, prefix):
        """Return the arrays whose name starts with ``prefix/``, by the rest of their names."""
        start = f"{prefix}/"
        return {key.removeprefix(start): each for key, each in self.arrays.items() if key.startswith(start)}


def resolve(name):
    """Return the name with its version."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a string such as 'polar', got {name!r}")
    resolved = ALIASES.get(name, name)
    if resolved not in PRETRAINED:
        known = [*ALIASES, *PRETRAINED]
        close = get_close_matches(name, known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(f"name must be one of {known}, got {name!r}{hint}")
    return resolved


def read_pretrained(name="polar"):
    """Read a packaged file and verify its hash.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, with or without its version.

    Returns
    -------
    PretrainedFile
        Contents of the file, with read-only arrays.

    Raises
    ------
    ValueError
        If there is no such network, or the file was modified.

    Examples
    --------
    >>> from darkcnn.pretrained import read_pretrained
    >>> read_pretrained("polar").name
    'polar-1'
    """
    return _read(resolve(name))


@lru_cache(maxsize=2)
def _read(name):
    content = (Path(__file__).parent / "data" / f"{name}.npz").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != PRETRAINED[name]:
        raise ValueError(
            f"the file of {name} is damaged: its SHA-256 must be {PRETRAINED[name]}, got {digest}; reinstall "
            "darkcnn"
        )
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    card = json.loads(arrays.pop("card").tobytes())
    for array in arrays.values():
        array.flags.writeable = False
    return PretrainedFile(name, digest, card, arrays)


def to_embedding(arrays, features):
    """Transform features of the last hidden layer to the coordinates of the embedding."""
    return (features - arrays["embedding/mean"]) @ arrays["embedding/matrix"]


def describe_pretrained(name="polar"):
    """Return the model card of a packaged network.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, with or without its version.

    Returns
    -------
    dict
        Model card: ``"name"``, ``"sha256"``, ``"architecture"``, ``"maps"``, ``"n_pixels"``,
        ``"cross_sections"`` (cm2/g), ``"trained"`` (training), ``"scores"`` on test suites, ``"use"``,
        ``"limits"`` and ``"versions"``.

    Examples
    --------
    >>> from darkcnn.pretrained import describe_pretrained
    >>> card = describe_pretrained("polar")
    >>> card["maps"]
    ['total', 'xray', 'stellar']
    """
    file = read_pretrained(name)
    return {"name": file.name, "sha256": file.sha256, **deepcopy(file.card)}

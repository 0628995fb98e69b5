"""The packaged files of weights: names, hashes, and what is known about each.

A file never changes under its name. It is an archive of plain arrays, of which ``card`` is JSON; reading it
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

PRETRAINED = {"polar-1": "d7a159bb50f7acb7b1f9a46c1e356f169a5db0899f10c44f3869713cb2975c94"}
"""Name and SHA-256 of every file."""

ALIASES = {"polar": "polar-1"}
"""What a name without a number stands for in this version."""

HEAD = {"C": 0.01, "max_iter": 2000}
"""Parameters of the logistic regression that is the last layer."""


@dataclass(frozen=True)
class PretrainedFile:
    """What a packaged file holds.

    Attributes
    ----------
    name : str
        Its name, with the number.
    sha256 : str
        Hash of the file.
    card : dict
        What is known about the network: how it was trained, and how well it did on suites held back.
    arrays : dict of ndarray
        Weights, scaling, head, reference rows, calibration.
    """

    name: str
    sha256: str
    card: dict
    arrays: dict

    def group(self, prefix):
        """Return the arrays whose name begins with `prefix` and a slash, under the rest of their names."""
        start = f"{prefix}/"
        return {key.removeprefix(start): each for key, each in self.arrays.items() if key.startswith(start)}


def resolve(name):
    """Return the name, with its number, that a name or an alias stands for."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a text such as 'polar', got {name!r}")
    resolved = ALIASES.get(name, name)
    if resolved not in PRETRAINED:
        known = [*ALIASES, *PRETRAINED]
        close = get_close_matches(name, known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(f"name must be one of {known}, got {name!r}{hint}")
    return resolved


def read_pretrained(name="polar"):
    """Read a packaged file, after a check of its hash.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, with its number or without.

    Returns
    -------
    PretrainedFile
        What the file holds. It is shared: its arrays are read-only.

    Raises
    ------
    ValueError
        If there is no network of that name, or the file is not the one that was published.

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
            f"the file of {name} is damaged: its SHA-256 must be {PRETRAINED[name]}, got {digest}; install "
            "darkcnn again"
        )
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    card = json.loads(arrays.pop("card").tobytes())
    for array in arrays.values():
        array.flags.writeable = False
    return PretrainedFile(name, digest, card, arrays)


def place(file, features):
    """Return features of the last hidden layer in the coordinates of the embedding."""
    return (features - file.arrays["embedding/mean"]) @ file.arrays["embedding/matrix"]


def describe_pretrained(name="polar"):
    """Return what is known about a packaged network; keras is not needed.

    Parameters
    ----------
    name : str, default="polar"
        Name of the network, with its number or without.

    Returns
    -------
    dict
        The card: ``"name"``, ``"sha256"``, ``"architecture"``, ``"maps"``, ``"n_pixels"``,
        ``"cross_sections"`` (cm2/g), how it was ``"trained"``, ``"scores"`` on suites that it was not trained
        on, ``"use"``, ``"limits"`` and ``"versions"``.

    Examples
    --------
    >>> from darkcnn.pretrained import describe_pretrained
    >>> card = describe_pretrained("polar")
    >>> card["maps"]
    ['total', 'xray', 'stellar']
    """
    file = read_pretrained(name)
    return {"name": file.name, "sha256": file.sha256, **deepcopy(file.card)}

"""Numbers of halos, which splits by halo compare."""

import re
from hashlib import blake2b
from numbers import Integral, Real

import numpy as np

UNKNOWN = ("", "nan", "none", "nat", "<na>", "--", "masked")
"""How text spells that a halo has no name, in lower case."""

_SAME_MASS = 0.02
"""Difference of log_mass between projections of one halo, which may be rounded."""

_INT64 = np.iinfo(np.int64)
_MAX_EXACT_INTEGER = 2**53  # float64 holds every whole number up to this one


def number_halos(names, what="halo"):
    """Return a number for the name of each halo.

    The number depends on the name alone, not on the other names: a halo has the same number in every file,
    and tables that were numbered apart can be joined. Whole numbers, also those written as text, are their
    own numbers. Any other name gives the first 63 bits of its BLAKE2b hash, in UTF-8; so does a whole number
    beyond int64. Two of a million names share a hash with a probability of about 1 in 20 million.

    Parameters
    ----------
    names : array-like of shape (n_samples,)
        Names or numbers of halos. Spaces around a name do not count.
    what : str, default="halo"
        What is numbered, for errors.

    Returns
    -------
    ndarray of int64 of shape (n_samples,)
        Numbers for the field ``cluster_id``.

    Raises
    ------
    ValueError
        If a name is unknown (masked, None, NaN, empty, or the least int64, which NaN becomes) or not a whole
        number, or if two names of the table have the same number.

    Examples
    --------
    >>> from darkcnn.records import number_halos
    >>> number_halos(["FoF_0012", "FoF_0017", "FoF_0012", "12"]).tolist()
    [1044978914028047287, 788439697909593393, 1044978914028047287, 12]
    """
    masked = np.ma.getmaskarray(names)
    if masked.any():
        raise ValueError(f"the {what} of row {np.argmax(masked)} is masked: number every {what}")
    names = np.ma.getdata(names)
    if names.ndim != 1:
        raise ValueError(f"the names of {what}s must have shape (n_samples,), got {names.shape}")
    if names.dtype.kind == "i" and (names != _INT64.min).all():
        return names.astype(np.int64)
    texts, numbers = {}, np.empty(names.shape, np.int64)
    for row, name in enumerate(names.tolist()):
        text, number = _named(name, row, what)
        if texts.setdefault(number, text) != text:
            raise ValueError(
                f"the {what}s {texts[number]!r} and {text!r} have the same number, {number}: "
                "rename one of them"
            )
        numbers[row] = number
    return numbers


def _named(name, row, what):
    """Return a name as text, whole numbers in one form, and its number."""
    if isinstance(name, bytes):
        name = name.decode("latin1")
    is_float = isinstance(name, Real) and not isinstance(name, Integral)
    if is_float and abs(name) <= _MAX_EXACT_INTEGER and name == int(name):
        name, is_float = int(name), False
    text = str(name).strip()
    if is_float or name == _INT64.min or text.lower() in UNKNOWN:
        raise ValueError(f"the {what} of row {row} must be a whole number or a name, got {name!r}")
    if re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        text = str(int(text))
        if _INT64.min <= int(text) <= _INT64.max:
            return text, int(text)
    return text, int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1


def check_halo_masses(records, labels, seen):
    """Refuse two halos of one name: at one redshift and in one model, a halo has one mass.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Clusters.
    labels : sequence of str or None
        Their labels.
    seen : dict
        Masses found so far, which grows.
    """
    columns = (records[name].tolist() for name in ("cluster_id", "redshift", "log_mass"))
    for row, (halo, redshift, log_mass) in enumerate(zip(*columns, strict=True)):
        if log_mass != log_mass:
            continue
        key = halo, redshift, None if labels is None else str(labels[row])
        if abs(seen.setdefault(key, log_mass) - log_mass) > _SAME_MASS:
            raise ValueError(
                f"cluster_id {halo} must name one halo, but at redshift {redshift:g} in one model it has "
                "log_mass "
                f"{seen[key]:.3f} and {log_mass:.3f}: number the halos of different simulations apart"
            )

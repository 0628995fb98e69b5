"""Halo numbers, for splits by halo."""

import re
from hashlib import blake2b
from numbers import Integral, Real

import numpy as np

UNKNOWN = ("", "nan", "none", "nat", "<na>", "--", "masked")
"""Texts that mean an unknown halo, in lower case."""

_SAME_MASS = 0.02
"""Tolerance of log_mass between projections of one halo, for rounding."""

_INT64 = np.iinfo(np.int64)
_MAX_EXACT_INTEGER = 2**53  # float64 represents all integers up to this one exactly


def number_halos(names, what="halo"):
    """Assign a number to the name of each halo.

    The number depends only on the name: a halo has the same number in every file, and separately numbered
    tables can be concatenated. Integers, also as text, are unchanged. Any other name, or an integer beyond
    int64, becomes the first 63 bits of its BLAKE2b hash in UTF-8. The probability that two of a million names
    share a hash is about 1 in 20 million.

    Parameters
    ----------
    names : array-like of shape (n_samples,)
        Names or numbers of halos. Surrounding spaces are ignored.
    what : str, default="halo"
        Description of the numbered objects, for error messages.

    Returns
    -------
    ndarray of int64 of shape (n_samples,)
        Numbers for the field ``cluster_id``.

    Raises
    ------
    ValueError
        If a name is unknown (masked, None, NaN, empty, or the smallest int64, which results from NaN), a
        non-integer number, or if two names of the table get the same number.

    Examples
    --------
    >>> from darkcnn.records import number_halos
    >>> number_halos(["FoF_0012", "FoF_0017", "FoF_0012", "12"]).tolist()
    [1044978914028047287, 788439697909593393, 1044978914028047287, 12]
    """
    masked = np.ma.getmaskarray(names)
    if masked.any():
        raise ValueError(f"the {what} of row {np.argmax(masked)} is masked: name every {what}")
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
    """Return a name as text, with integers in canonical form, and its number."""
    if isinstance(name, bytes):
        name = name.decode("latin1")
    is_float = isinstance(name, Real) and not isinstance(name, Integral)
    if is_float and abs(name) <= _MAX_EXACT_INTEGER and name == int(name):
        name, is_float = int(name), False
    text = str(name).strip()
    if is_float or name == _INT64.min or text.lower() in UNKNOWN:
        raise ValueError(f"the {what} of row {row} must be an integer or a name, got {name!r}")
    if re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        text = str(int(text))
        if _INT64.min <= int(text) <= _INT64.max:
            return text, int(text)
    return text, int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1


def check_halo_masses(records, labels, seen):
    """Check that no two halos have the same name: a halo has one mass in each model at each redshift.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Clusters.
    labels : sequence of str or None
        Labels of the clusters.
    seen : dict
        Masses of previous clusters, updated in place.
    """
    columns = (records[name].tolist() for name in ("cluster_id", "redshift", "log_mass"))
    for row, (halo, redshift, log_mass) in enumerate(zip(*columns, strict=True)):
        if log_mass != log_mass:
            continue
        key = halo, redshift, None if labels is None else str(labels[row])
        if abs(seen.setdefault(key, log_mass) - log_mass) > _SAME_MASS:
            raise ValueError(
                f"cluster_id {halo} must be one halo, but has log_mass {seen[key]:.3f} and {log_mass:.3f} at "
                f"redshift {redshift:g} in the same model: use different numbers for different simulations"
            )

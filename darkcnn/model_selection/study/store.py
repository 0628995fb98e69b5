"""Folder of a study, with one file for each finished fit."""

import hashlib
import json
import math
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from darkcnn._common.writing import atomic_write
from darkcnn.model_selection.study.identity import differences

_FORMAT = 1
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON has no numbers for these
_MAX_BYTES = 50_000_000  # maximum size of a file; the largest is that of a large grid


class Store:
    """Folder of a study.

    Parameters
    ----------
    folder : path-like
        Folder of the study.
    """

    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    def open_study(self, identity, candidates, *, n_splits, test_over_train):
        """Start or resume a study.

        Parameters
        ----------
        identity : dict
            Everything that determines the results, see
            :func:`darkcnn.model_selection.study.identity.identify`.
        candidates : dict of str to dict
            Described parameters of each candidate by key, added to those of earlier calls.
        n_splits : int
            Number of splits.
        test_over_train : float
            Number of clusters in a test set over that in its training set.

        Raises
        ------
        ValueError
            If the folder contains another study.
        """
        for part in ("fits", "locks"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "locks" / "study.lock"):
            if self._header.exists():
                header = self.header()
                changed = differences(header["identity"], identity)
                if changed:
                    raise ValueError(
                        f"folder {self.folder} contains another study; choose another one. Differences:\n  "
                        + "\n  ".join(changed)
                    )
                candidates = header["candidates"] | candidates
            header = {
                "format": _FORMAT,
                "identity": identity,
                "candidates": candidates,
                "n_splits": n_splits,
                "test_over_train": test_over_train,
            }
            _write(self._header, header)

    @property
    def _header(self):
        return self.folder / "study.json"

    def header(self):
        """Read the description of the study.

        Raises a FileNotFoundError if the folder contains no study, a ValueError if the file is damaged or has
        another format.
        """
        types = {"identity": dict, "candidates": dict, "n_splits": int, "test_over_train": float}
        return _read(self._header, types)

    def finished(self):
        """List the finished splits of each candidate, in order."""
        splits = {}
        for path in (self.folder / "fits").glob("*-*.json"):
            key, _, split = path.stem.rpartition("-")
            if split.isdecimal():
                splits.setdefault(key, []).append(int(split))
        return {key: sorted(numbers) for key, numbers in splits.items()}

    def read(self, key, split):
        """Read a fit; None if it is not finished. Raises a ValueError if its file is damaged.

        The fit has ``scores`` by name, possibly infinite or NaN, ``fit_time`` and ``score_time`` in seconds.
        """
        path = self._path(key, split)
        if not path.exists():
            return None
        fit = _read(path, {"scores": dict, "fit_time": float, "score_time": float})
        scores = {
            name: _NOT_FINITE.get(score, score) if isinstance(score, str) else score
            for name, score in fit["scores"].items()
        }
        if not scores or not all(isinstance(score, float) for score in scores.values()):
            raise ValueError(f"cannot read {path}: it is damaged; delete it to repeat the fit")
        return {**fit, "scores": scores}

    def write(self, key, split, fit):
        """Write a finished fit in the form of :meth:`read`.

        Raises an OSError if it cannot be written, as on a full disk; an existing file is then unchanged.
        """
        scores = {
            name: score if math.isfinite(score) else repr(score) for name, score in fit["scores"].items()
        }
        path = self._path(key, split)
        try:
            _write(path, {"format": _FORMAT, **fit, "scores": scores})
        except OSError as error:
            reason = f"{error.strerror}; finished fits are kept: solve this and start the study again"
            raise type(error)(error.errno, reason, str(path)) from error

    @contextmanager
    def lock(self, key, split):
        """Lock a fit, so that no other process repeats it; the system releases the lock if the process dies.

        Yields whether the lock was free.
        """
        lock = FileLock(self.folder / "locks" / f"{key}-{split}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _path(self, key, split):
        return self.folder / "fits" / f"{key}-{split}.json"


def candidate_key(candidate):
    """Return a short key for a candidate, identical in every process."""
    return hashlib.sha256(json.dumps(candidate, sort_keys=True).encode()).hexdigest()[:16]


def _write(path, content):
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _read(path, types):
    """Read a JSON object with entries of these types."""
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"cannot read {path}: it has more than {_MAX_BYTES} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or too deeply nested
        raise ValueError(f"cannot read {path}: it is damaged ({error})") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"cannot read {path}: it is not of format {_FORMAT}")
    wrong = [name for name, each in types.items() if type(content.get(name)) is not each]
    if wrong:
        raise ValueError(f"cannot read {path}: it is damaged, {wrong} are missing or of another type")
    return content

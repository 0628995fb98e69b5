"""The folder of a study, with a file for each finished fit."""

import hashlib
import json
import math
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from darkcnn._common.writing import replacing
from darkcnn.model_selection.study.identity import differences

_FORMAT = 1
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # scores that JSON has no numbers for
_MAX_BYTES = 50_000_000  # of a file; the longest part is the grid of a large study


class Store:
    """Folder of a study.

    Parameters
    ----------
    folder : path-like
        Folder of the study. Only :meth:`enter` writes there before a fit has finished.
    """

    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    def enter(self, identity, candidates, *, n_splits, test_over_train):
        """Start a study, or continue it.

        Parameters
        ----------
        identity : dict
            All that determines its results, as of :func:`darkcnn.model_selection.study.identity.identify`.
        candidates : dict of str to dict
            Parameters of each candidate, described, by its key. They join those of earlier starts.
        n_splits : int
            Number of splits.
        test_over_train : float
            Clusters in a test set over clusters in its training set.

        Raises
        ------
        ValueError
            If the folder holds another study.
        """
        for part in ("fits", "locks"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "locks" / "study.lock"):
            if self._header.exists():
                header = self.header()
                changed = differences(header["identity"], identity)
                if changed:
                    raise ValueError(
                        f"folder {self.folder} holds another study; choose another folder. What differs:\n  "
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
        """Read the description of the study that :meth:`enter` wrote.

        FileNotFoundError if the folder holds no study; ValueError if the file is damaged or of another
        format.
        """
        kinds = {"identity": dict, "candidates": dict, "n_splits": int, "test_over_train": float}
        return _read(self._header, kinds)

    def finished(self):
        """List the splits, in order, of each candidate that has finished fits."""
        splits = {}
        for path in (self.folder / "fits").glob("*-*.json"):
            key, _, split = path.stem.rpartition("-")
            if split.isdecimal():
                splits.setdefault(key, []).append(int(split))
        return {key: sorted(numbers) for key, numbers in splits.items()}

    def read(self, key, split):
        """Read a finished fit, None if it has not finished; ValueError if its file is damaged.

        ``scores`` by name, of which some may be infinite or NaN, ``fit_time`` and ``score_time`` in seconds.
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
            raise ValueError(f"cannot read {path}: it is damaged; delete it and the fit is repeated")
        return {**fit, "scores": scores}

    def write(self, key, split, fit):
        """Write a finished fit, in the form of :meth:`read`.

        OSError if it cannot be written, as on a full disk. An earlier file stays.
        """
        scores = {
            name: score if math.isfinite(score) else repr(score) for name, score in fit["scores"].items()
        }
        path = self._path(key, split)
        try:
            _write(path, {"format": _FORMAT, **fit, "scores": scores})
        except OSError as error:
            reason = f"{error.strerror}; finished fits are kept: start the study again once this is mended"
            raise type(error)(error.errno, reason, str(path)) from error

    @contextmanager
    def claim(self, key, split):
        """Lock a fit, so that no other process does the same; the system frees the lock if we are killed.

        Yields whether the lock was free. If not, another process does this fit.
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


def key_of(candidate):
    """Return a short name for a candidate, the same for the same parameters in every process."""
    return hashlib.sha256(json.dumps(candidate, sort_keys=True).encode()).hexdigest()[:16]


def _write(path, content):
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _read(path, kinds):
    """Read a JSON object whose parts are of certain kinds."""
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"cannot read {path}: it has more than {_MAX_BYTES} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or lists within lists without end
        raise ValueError(f"cannot read {path}: it is damaged ({error})") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"cannot read {path}: it is not of format {_FORMAT}")
    wrong = [name for name, kind in kinds.items() if type(content.get(name)) is not kind]
    if wrong:
        raise ValueError(f"cannot read {path}: it is damaged, {wrong} are missing or of another kind")
    return content

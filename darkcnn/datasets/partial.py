"""Unfinished database on disk that survives interruptions."""

import json
import os
import shutil
from pathlib import Path
from zlib import crc32

import numpy as np

from darkcnn._common.writing import atomic_write
from darkcnn.records import GALAXY_DTYPE, RecordsOnDisk


class PartialFile:
    """Finished parts of a database, in a folder beside the output file.

    Each part is appended and synced to disk, then recorded with its length and checksum. Parts that do not
    match their checksum, as after a system crash, are removed with all later parts.

    Parameters
    ----------
    path : path-like
        Output file. The folder has its name and the suffix ``.partial``.
    dtype : numpy.dtype
        Type of a record.
    settings : dict
        All settings that determine the records, in JSON types.

    Raises
    ------
    ValueError
        If the folder has other settings.
    """

    def __init__(self, path, dtype, settings):
        path = Path(path).resolve()
        self.folder = path.with_name(f"{path.name}.partial")
        self.dtypes = {"records": dtype, "galaxies": GALAXY_DTYPE}
        self.folder.mkdir(exist_ok=True)
        self._check_settings(settings)
        for name in ("records.bin", "galaxies.bin", "parts.jsonl"):
            (self.folder / name).touch()
        self._parts = self._intact_parts()
        for name, dtype in self.dtypes.items():
            os.truncate(self._file(name), self.n_rows(name) * dtype.itemsize)
        with atomic_write(self.folder / "parts.jsonl") as temporary:
            temporary.write_text("".join(map(_line, self._parts)))

    def _file(self, name):
        return self.folder / f"{name}.bin"

    def _check_settings(self, settings):
        """Compare settings with those of the folder, or write them."""
        path = self.folder / "settings.json"
        if not path.exists():
            with atomic_write(path) as temporary:
                temporary.write_text(json.dumps(settings))
        begun = json.loads(path.read_text())
        if begun != settings:
            raise ValueError(
                f"{self.folder} was started with other settings, {begun}: delete it, or use these settings"
            )

    def _intact_parts(self):
        """Return the notes of all parts up to the first damaged one."""
        parts = []
        with open(self._file("records"), "rb") as records, open(self._file("galaxies"), "rb") as galaxies:
            for line in (self.folder / "parts.jsonl").read_text().splitlines(keepends=True):
                try:
                    part = json.loads(line)
                except ValueError:  # incompletely written
                    break
                rows = [
                    np.fromfile(file, self.dtypes[name], part[name])
                    for name, file in (("records", records), ("galaxies", galaxies))
                ]
                about = part.pop("about", None)
                if part != _note(*rows) or not line.endswith("\n"):
                    break
                parts.append(part | ({} if about is None else {"about": about}))
        return parts

    @property
    def n_parts(self):
        """Number of finished parts."""
        return len(self._parts)

    def n_rows(self, name):
        """Return the number of finished ``"records"`` or ``"galaxies"``."""
        return sum(part[name] for part in self._parts)

    @property
    def about(self):
        """Notes about each part."""
        return [part.get("about") for part in self._parts]

    def append(self, records, galaxies, about=None):
        """Append a part and notes about it; ``row`` of `galaxies` counts from its first record."""
        galaxies["row"] += self.n_rows("records")
        note = _note(records, galaxies) | ({} if about is None else {"about": about})
        contents = {"records.bin": records.tobytes(), "galaxies.bin": galaxies.tobytes()}
        for name, content in (contents | {"parts.jsonl": _line(note).encode()}).items():
            with open(self.folder / name, "ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        self._parts.append(note)

    def read(self, name):
        """Return the finished ``"records"`` or ``"galaxies"``, on disk."""
        return RecordsOnDisk(self._file(name), self.dtypes[name], 0, self.n_rows(name))

    def remove(self):
        """Delete the folder."""
        shutil.rmtree(self.folder)


def _note(records, galaxies):
    """Return the length and checksum of a part."""
    checksum = crc32(galaxies.tobytes(), crc32(records.tobytes()))
    return {"records": len(records), "galaxies": len(galaxies), "crc32": checksum}


def _line(note):
    return json.dumps(note) + "\n"

"""A simulation on its way to disk: what is done stays done, whatever stops the program."""

import json
import shutil
from pathlib import Path

from darkcnn._common.writing import replacing
from darkcnn.records import GALAXY_DTYPE, RecordsOnDisk


class PartialFile:
    """Records and galaxies of the parts of a simulation that are done, in a folder beside the file to be.

    Each part is appended, then counted. What was appended but not counted when the program stopped is cut
    off.

    Parameters
    ----------
    path : path-like
        File to be. The folder has its name and ``.partial``.
    dtype : numpy.dtype
        Type of a record.
    settings : dict
        All that decides the simulation, in the types of JSON.

    Raises
    ------
    ValueError
        If the folder is of a simulation with other settings.
    """

    def __init__(self, path, dtype, settings):
        path = Path(path).resolve()
        self.folder = path.with_name(f"{path.name}.partial")
        self.dtypes = {"records": dtype, "galaxies": GALAXY_DTYPE}
        self.folder.mkdir(exist_ok=True)
        self.progress = {"settings": settings, "parts": 0, "records": 0, "galaxies": 0}
        if (self.folder / "progress.json").exists():
            self.progress = json.loads((self.folder / "progress.json").read_text())
            if self.progress["settings"] != settings:
                raise ValueError(
                    f"{self.folder} is of a simulation with other settings, {self.progress['settings']}: "
                    f"delete it, or go on with it"
                )
        for name, dtype in self.dtypes.items():
            self._file(name).touch()
            with open(self._file(name), "rb+") as file:
                file.truncate(self.progress[name] * dtype.itemsize)

    def _file(self, name):
        return self.folder / f"{name}.bin"

    @property
    def n_parts(self):
        """Number of parts that are done."""
        return self.progress["parts"]

    def append(self, records, galaxies):
        """Add a part; ``row`` of `galaxies` counts from its first record."""
        galaxies["row"] += self.progress["records"]
        for name, rows in (("records", records), ("galaxies", galaxies)):
            with open(self._file(name), "ab") as file:
                file.write(rows.tobytes())
            self.progress[name] += len(rows)
        self.progress["parts"] += 1
        with replacing(self.folder / "progress.json") as temporary:
            temporary.write_text(json.dumps(self.progress))

    def read(self, name):
        """Return the ``"records"`` or ``"galaxies"`` that are done, which stay on disk."""
        return RecordsOnDisk(self._file(name), self.dtypes[name], 0, self.progress[name])

    def remove(self):
        """Delete the folder."""
        shutil.rmtree(self.folder)

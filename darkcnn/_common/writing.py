"""Atomic writing of files."""

import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def atomic_write(path):
    """Write to a temporary file that replaces `path` on success.

    Parameters
    ----------
    path : path-like
        File to write. After an error, an existing file is unchanged.

    Yields
    ------
    pathlib.Path
        Empty file in the same folder, with the same suffix.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from darkcnn._common.writing import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/table.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     Path(f"{folder}/table.txt").read_text()
    'whole'
    """
    path = Path(path).resolve()
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

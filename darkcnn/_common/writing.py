"""Files that appear whole or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path):
    """Write to a temporary file that takes the place of `path` if all goes well.

    Parameters
    ----------
    path : path-like
        File to write. Whatever fails on the way, an older one of that name stays.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder, with the same suffix.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from darkcnn._common.writing import replacing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/table.txt") as temporary:
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

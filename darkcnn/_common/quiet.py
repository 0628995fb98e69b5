"""Import keras without the start-up chatter of TensorFlow, unless the user has set how much it may say.

TensorFlow is imported here whatever backend keras has: scikeras would do so later, aloud. TensorFlow's
variable keeps back all but what its libraries print while they are being loaded. Compiled code writes that to
the standard error of the process, past ``sys.stderr``, so the stream itself is muted meanwhile. An import
that fails is a Python exception and comes through.
"""

import logging
import os
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def _muted_stderr():
    """Send what compiled code writes to standard error to nowhere."""
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(nowhere)
        os.close(kept)


def _import_libraries():
    """Start keras, naming the backend if it cannot be started, and TensorFlow."""
    try:
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise ImportError(
            f"keras cannot start the backend {backend!r} ({error}); install it, or set the environment "
            "variable KERAS_BACKEND to another, such as 'tensorflow'"
        ) from error
    import tensorflow  # noqa: F401


# A worker process inherits the variable that its parent set here.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    with _muted_stderr():
        _import_libraries()
    # It also warns of every function that it traces again, as a network for maps of another size must be.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
else:
    _import_libraries()

"""Import keras without the start-up messages of TensorFlow, unless the user has set TF_CPP_MIN_LOG_LEVEL.

Importing this module has this side effect. If installed, TensorFlow is imported for every keras backend,
because scikeras imports it later with all messages. The variable suppresses all messages except those that
compiled libraries write to the standard error of the process while they are loaded. They bypass
``sys.stderr``, so the file descriptor is redirected for that time. Failed imports still raise errors.
"""

import logging
import os
from contextlib import contextmanager, suppress

from darkcnn._common.versions import backend_of_keras

_STDERR = 2


@contextmanager
def _muted_stderr():
    """Discard output of compiled code to standard error."""
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
    """Import keras, with an error that names the backend, and TensorFlow if it is installed."""
    try:
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        raise ImportError(
            f"keras cannot start the backend {backend_of_keras()!r} ({error}): install it, or set the "
            "environment variable KERAS_BACKEND to another, such as 'tensorflow'"
        ) from error
    with suppress(ModuleNotFoundError):  # other backends and scikeras do not need it
        import tensorflow  # noqa: F401


# Worker processes inherit this variable.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    with _muted_stderr():
        _import_libraries()
    # It also warns about functions that are traced again, as for maps of another size.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
else:
    _import_libraries()

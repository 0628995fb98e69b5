"""Versions of packages that affect results."""

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

__version__ = version("darkcnn")

_PACKAGES = ("numpy", "scikit-learn", "scikeras", "keras")


def versions():
    """Return the versions of Python, darkcnn and the packages that affect results.

    ``"backend"`` is the name of the keras backend. Its distribution is listed by its own name, such as
    ``"tensorflow-cpu"``.
    """
    backend = backend_of_keras()
    return {
        "python": platform.python_version(),
        "darkcnn": __version__,
        **{name: version(name) for name in _PACKAGES},
        "backend": backend,
        **_version_of_module(backend),
    }


def backend_of_keras():
    """Return the name of the keras backend, also before keras is imported."""
    config = getattr(sys.modules.get("keras"), "config", None)
    if config is not None:
        return config.backend()
    # keras is not imported, because that takes seconds. It looks in the same places, in this order
    # (keras/src/backend/config.py of keras 3.15).
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    folder = os.environ.get("KERAS_HOME") or Path("~", ".keras")
    try:
        settings = json.loads(Path(folder, "keras.json").expanduser().read_bytes())
        return settings.get("backend", "tensorflow")
    except (AttributeError, OSError, RuntimeError, ValueError):  # no file, no home, no JSON, no object
        return "tensorflow"


def _version_of_module(name):
    """Return the version of the distribution that provides a module, by the name of the distribution."""
    try:
        return {name: version(name)}
    except PackageNotFoundError:  # tensorflow-cpu provides tensorflow
        return {found: version(found) for found in sorted(set(packages_distributions().get(name, ())))}

"""The versions that decide the results."""

import platform
from importlib.metadata import version

_PACKAGES = ("darkcnn", "numpy", "scikit-learn", "scikeras", "keras", "tensorflow")


def versions():
    """Return the versions of Python and of the packages that decide the results."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}

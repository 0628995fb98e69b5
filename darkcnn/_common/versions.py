"""The versions that decide the results."""

import platform
from importlib.metadata import version

__version__ = version("darkcnn")

_PACKAGES = ("numpy", "scikit-learn", "scikeras", "keras", "tensorflow")


def versions():
    """Return the versions of Python, of darkcnn and of the packages that decide its results."""
    return {
        "python": platform.python_version(),
        "darkcnn": __version__,
        **{name: version(name) for name in _PACKAGES},
    }

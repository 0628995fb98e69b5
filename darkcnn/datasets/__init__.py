"""Datasets: mock clusters, databases on disk, import of maps and a packaged example."""

from darkcnn.datasets.arrays import make_records
from darkcnn.datasets.bunch import make_bunch
from darkcnn.datasets.example import load_example
from darkcnn.datasets.files import load_clusters, save_clusters
from darkcnn.datasets.importing import import_clusters

__all__ = [
    "import_clusters",
    "load_clusters",
    "load_example",
    "make_bunch",
    "make_clusters",
    "make_records",
    "save_clusters",
]


def __getattr__(name):
    if name == "make_clusters":
        from darkcnn.datasets.mock import make_clusters  # imports astropy.cosmology: a third of a second

        return make_clusters
    raise AttributeError(f"module 'darkcnn.datasets' has no attribute {name!r}")

import gc
import os
import sys

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # the workers share the cores; their threads would wait for each other
    threads = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"
    os.environ.update(dict.fromkeys(threads, "1"))

import numpy as np
import pytest

from darkcnn._common import quiet  # noqa: F401 - before a test module imports keras itself
from darkcnn.records import record_dtype


def pytest_collection_finish():
    """Exempt what was imported from garbage collection, which takes a third of a second for each network."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _environment_restored():
    """dask leaves OMP_NUM_THREADS=1 behind, and TensorFlow's bits depend on its number of threads."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def clusters():
    """Six mock halos in two models at two redshifts, 20 pixels on a side: 24 records."""
    from darkcnn.datasets import make_clusters

    return make_clusters(6, cross_sections=(0, 1), redshifts=(0, 0.25), n_pixels=20, random_state=0)


@pytest.fixture(scope="session")
def example():
    """The packaged example."""
    from darkcnn.datasets import load_example

    return load_example()


class Table:
    """Rows of numbers that an index does not reach, as that of a DataFrame does not."""

    iloc = None  # by which scikit-learn knows a table

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype, copy=copy)

    def __getitem__(self, column):
        raise KeyError(column)

    def take(self, rows, axis=0):
        return Table(self.values.take(rows, axis=axis))


@pytest.fixture(scope="session")
def table_of():
    """Make a table of an array."""
    return Table


@pytest.fixture(scope="session")
def marked_maps():
    """Noise maps of two classes, the second with a bright centre, and the labels: easy to tell apart."""
    rng = np.random.default_rng(0)
    y = np.tile(["CDM", "SIDM1"], 20)
    X = rng.random((40, 12, 12, 2), dtype=np.float32)
    X[y == "SIDM1", 4:8, 4:8] += 2
    return X, y


@pytest.fixture
def blank_records():
    """Make records of empty sky, apart from what is asked for."""

    def make(n_samples, n_pixels=20, **fields):
        records = np.zeros(n_samples, record_dtype(n_pixels))
        records["cluster_id"] = np.arange(n_samples)
        fields = {"lensing_norm": 1e15, "xray_norm": 1e-13, "redshift": 0.3} | fields
        for name, values in fields.items():
            records[name] = values
        return records

    return make


@pytest.fixture
def within_five_errors():
    """Check the mean over the rows against what it should be, by the scatter of the rows."""

    def check(rows, expected):
        rows = np.asarray(rows, dtype=float)
        error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
        deviation = np.abs(rows.mean(axis=0) - expected) / error
        assert deviation.max() < 5, f"{deviation.max():.1f} standard errors off"

    return check

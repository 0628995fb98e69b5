"""Data sharing for parallel work with joblib."""

from contextlib import contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend


@contextmanager
def scatter_arrays(*arrays):
    """Send arrays once to every worker of a dask cluster, if joblib uses one.

    By default, joblib sends them to one worker, from which the others get them: if this worker dies, the
    work is lost. On one machine, joblib shares arrays by memory-mapped files.

    Parameters
    ----------
    *arrays : array-like
        Arguments of every task.
    """
    backend, n_jobs = get_active_backend()
    if type(backend).__name__ != "DaskDistributedBackend":  # dask may not be installed
        yield
        return
    with parallel_config("dask", client=backend.client, scatter=list(arrays), n_jobs=n_jobs):
        yield

"""What all parallel work shares, whichever engine joblib hands it to."""

from contextlib import contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend


@contextmanager
def sharing(*arrays):
    """Send arrays once to every worker of a dask cluster, if joblib uses one.

    Left to itself, joblib sends them to one worker, from which the others fetch them: if that worker dies,
    the work is lost. On one machine nothing is needed, as joblib shares arrays through memory-mapped files.

    Parameters
    ----------
    *arrays : array-like
        Arguments that every task has.
    """
    backend, n_jobs = get_active_backend()
    if type(backend).__name__ != "DaskDistributedBackend":  # dask may not be installed
        yield
        return
    with parallel_config("dask", client=backend.client, scatter=list(arrays), n_jobs=n_jobs):
        yield

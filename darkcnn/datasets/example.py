"""Packaged database of mock clusters."""

from importlib.resources import as_file, files

from darkcnn.datasets.files import load_clusters


def load_example(*, return_X_y=False):
    """Load the packaged example: 432 mock clusters.

    108 halos, each at one of the redshifts 0, 0.125, 0.25 and 0.375 and in each of the models CDM, SIDM0.1,
    SIDM0.3 and SIDM1, with maps of 50 × 50 pixels of 40 kpc, simulated by
    :func:`darkcnn.datasets.make_clusters`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    sklearn.utils.Bunch or (data, target)
        See :func:`darkcnn.datasets.make_bunch`. ``galaxies`` is empty; ``DESCR`` describes the simulation.

    Examples
    --------
    >>> from darkcnn.datasets import load_example
    >>> example = load_example()
    >>> example.data["total"].shape
    (432, 50, 50)
    >>> example.target_names
    array(['CDM', 'SIDM0.1', 'SIDM0.3', 'SIDM1'], dtype='<U7')
    """
    with as_file(files("darkcnn.datasets") / "data" / "example.h5") as path:
        return load_clusters(path, return_X_y=return_X_y, mmap=False)

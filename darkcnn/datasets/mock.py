"""Mock clusters in any number, like those of the BAHAMAS-SIDM simulations, at a few milliseconds each."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state
from tqdm import tqdm

from darkcnn.datasets.bunch import GALAXY_DTYPE, make_bunch
from darkcnn.datasets.cluster import Snapshot
from darkcnn.datasets.physics import Physics
from darkcnn.datasets.rendering import N_PIXELS
from darkcnn.records import label_of, record_dtype

_CLUSTERS_PER_TASK = 128  # a fraction of a second: long enough to pay for the parallel call

_DESCRIPTION = """\
Mock clusters like those of the BAHAMAS-SIDM simulations (Robertson et al. 2019), made by
darkcnn.datasets.make_clusters.

{n_clusters} clusters of {n_halos} haloes at redshifts {redshifts}, {n_pixels} x {n_pixels} pixels in 2 Mpc.
Dark matter: {labels}. Random seed {seed}.
Triaxial NFW haloes with isothermal Jeans cores; gas, stars and satellites follow observed relations. The
sizes of several effects are tuned to published maps: how hard the models are to tell apart is calibrated, not
predicted.
"""


def make_clusters(
    n_halos=100,
    *,
    cross_sections=(0, 0.1, 0.3, 1),
    redshifts=(0, 0.125, 0.25, 0.375),
    n_pixels=50,
    paired=True,
    physics=None,
    random_state=None,
    n_jobs=None,
    verbose=0,
    return_X_y=False,
):
    """Make mock clusters in worlds with different dark matter.

    Parameters
    ----------
    n_halos : int, default=100
        Number of haloes, each with its own initial conditions. Halo 7 is the same whatever their number.
    cross_sections : array-like of shape (n_models,), default=(0, 0.1, 0.3, 1)
        Self-interaction cross-sections per unit mass, cm2/g; 0 is cold dark matter.
    redshifts : array-like of shape (n_redshifts,), default=(0, 0.125, 0.25, 0.375)
        Redshifts at which the haloes are seen.
    n_pixels : int, default=50
        Height and width of the maps: 100, or a divisor of it. Maps show 2 Mpc, so 50 pixels are 40 kpc
        each.
    paired : bool, default=True
        Whether every halo appears in each model at each redshift, from the same initial conditions, as in
        a suite of simulations: `n_halos` × `n_models` × `n_redshifts` records. Otherwise there are
        `n_halos` independent records that take models and redshifts in turn.
    physics : Physics or None, default=None
        Parameters of the simulation; None for the default :class:`~darkcnn.datasets.physics.Physics`.
    random_state : int, RandomState instance or None, default=None
        Seed. An int gives the same clusters at every call.
    n_jobs : int or None, default=None
        Number of processes, -1 for all cores. The clusters do not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As of :func:`~darkcnn.datasets.make_bunch`, with ``core_radius`` of shape (n_samples,): the
        true radius within which dark matter has scattered, kpc. Groups are the numbers of the haloes.

    Raises
    ------
    ValueError
        If a number is out of its range, or a cross-section or redshift occurs twice.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> clusters = make_clusters(2, cross_sections=(0, 1), redshifts=(0.25,), random_state=0)
    >>> clusters.data["total"].shape
    (4, 50, 50)
    >>> clusters.target.tolist(), clusters.groups.tolist()
    (['CDM', 'SIDM1', 'CDM', 'SIDM1'], [0, 0, 1, 1])
    """
    _check_count("n_halos", n_halos)
    _check_count("n_pixels", n_pixels)
    if N_PIXELS % n_pixels:
        raise ValueError(f"n_pixels must be {N_PIXELS} or a divisor of it such as 50, got {n_pixels}")
    cross_sections = _check_numbers("cross_sections", cross_sections)
    redshifts = _check_numbers("redshifts", redshifts)
    physics = Physics() if physics is None else physics
    if not isinstance(physics, Physics):
        raise TypeError(f"physics must be a darkcnn.datasets.physics.Physics, got {type(physics).__name__}")
    seed = _seed(random_state)

    snapshots = _snapshots(n_halos, cross_sections, redshifts, paired)
    target = np.array([label_of(cross_section) for *_, models in snapshots for cross_section in models])
    per_task = max(1, _CLUSTERS_PER_TASK // len(snapshots[0][2]))
    tasks = [snapshots[first : first + per_task] for first in range(0, len(snapshots), per_task)]
    simulated = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_simulate)(seed, task, n_pixels, physics) for task in tasks
    )
    records = np.empty(len(target), record_dtype(n_pixels))
    core_radius = np.empty(len(target))
    galaxies = [np.empty(0, GALAXY_DTYPE)]
    first = 0
    with tqdm(total=len(target), unit="cluster", disable=not verbose) as progress:
        for some_records, some_galaxies, some_radii in simulated:
            rows = slice(first, first + len(some_records))
            records[rows], core_radius[rows] = some_records, some_radii
            some_galaxies["row"] += first
            galaxies.append(some_galaxies)
            first = rows.stop
            progress.update(len(some_records))

    if return_X_y:
        return records, target
    description = _DESCRIPTION.format(
        n_clusters=len(records),
        n_halos=n_halos,
        redshifts=", ".join(f"{redshift:g}" for redshift in redshifts),
        n_pixels=n_pixels,
        labels=", ".join(label_of(cross_section) for cross_section in cross_sections),
        seed=seed,
    )
    bunch = make_bunch(records, target, galaxies=np.concatenate(galaxies), description=description)
    bunch.core_radius = core_radius
    return bunch


def _check_count(argument, value):
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{argument} must be an integer of 1 or more, got {value!r}")


def _check_numbers(argument, values):
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or len(numbers) == 0 or not np.isfinite(numbers).all() or (numbers < 0).any():
        raise ValueError(f"{argument} must be a list of numbers, zero or more, got {values!r}")
    if len(np.unique(numbers)) < len(numbers):
        raise ValueError(f"{argument} must not repeat a number, got {values!r}")
    return numbers.tolist()


def _seed(random_state):
    """Return one seed: an int as it is, so that data sets can be quoted by it."""
    generator = check_random_state(random_state)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(generator.randint(np.iinfo(np.int32).max))


def _snapshots(n_halos, cross_sections, redshifts, paired):
    """Return halo, redshift and cross-sections of each snapshot, in the order of the records."""
    if paired:
        return [(halo, redshift, cross_sections) for halo in range(n_halos) for redshift in redshifts]
    n_models = len(cross_sections)
    return [
        (halo, redshifts[halo // n_models % len(redshifts)], [cross_sections[halo % n_models]])
        for halo in range(n_halos)
    ]


def _simulate(seed, snapshots, n_pixels, physics):
    """Return records, galaxies and core radii of some snapshots."""
    records = np.empty(sum(len(models) for *_, models in snapshots), record_dtype(n_pixels))
    galaxies, core_radii = [], []
    rows = iter(range(len(records)))
    for halo, redshift, models in snapshots:
        snapshot = Snapshot(seed, halo, redshift, physics)
        for cross_section in models:
            row = next(rows)
            cluster = snapshot.simulate(cross_section)
            cluster.write(records[row])
            cluster.galaxies["row"] = row
            galaxies.append(cluster.galaxies)
            core_radii.append(cluster.core_radius)
    return records, np.concatenate(galaxies), core_radii

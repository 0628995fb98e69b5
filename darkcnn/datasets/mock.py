"""Mock clusters, tuned to digitised profiles of BAHAMAS-SIDM; a few milliseconds for each cluster."""

from itertools import product

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import gen_batches
from tqdm import tqdm

from darkcnn._common.versions import __version__
from darkcnn._common.writing import atomic_write
from darkcnn.cosmology import BAHAMAS, Epoch
from darkcnn.datasets.bunch import make_bunch
from darkcnn.datasets.database import Database
from darkcnn.datasets.files import load_clusters
from darkcnn.datasets.hdf5 import write_hdf5
from darkcnn.datasets.mock_arguments import (
    check_count,
    check_feedback,
    check_numbers,
    check_path,
    check_suites,
    seed_of,
)
from darkcnn.datasets.partial import PartialFile
from darkcnn.records import GALAXY_DTYPE, DarkMatter, label_of, record_dtype
from darkcnn.simulation import N_PIXELS, NUMBERS_PER_SUITE, Physics, Snapshot, table_of_suites

_CLUSTERS_PER_TASK = 128  # takes a fraction of a second, much longer than the parallel call

_DESCRIPTION = """\
Mock clusters, tuned to digitised profiles of the BAHAMAS-SIDM simulations (Robertson et al. 2019), made by
darkcnn.datasets.make_clusters.

{n_clusters} clusters of {halos} at redshifts {redshifts}, {n_pixels} x {n_pixels} pixels in 2 Mpc.
Dark matter: {labels}. Feedback: {feedback}. Random seed {seed}.
Cosmology: {cosmology}.
Triaxial NFW halos with isothermal Jeans cores; gas, stars and satellites follow observed relations. The
accuracy with which classifiers separate the models is calibrated on published maps, not predicted.
"""


def make_clusters(
    n_halos=100,
    *,
    cross_sections=(0, 0.1, 0.3, 1),
    velocity_scale=None,
    feedback="fiducial",
    redshifts=(0, 0.125, 0.25, 0.375),
    n_pixels=50,
    paired=True,
    physics=None,
    n_suites=None,
    cosmology=None,
    path=None,
    random_state=None,
    n_jobs=None,
    verbose=0,
    return_X_y=False,
):
    """Simulate mock clusters with different dark-matter models.

    Parameters
    ----------
    n_halos : int, default=100
        Number of halos (in each suite, if there are several). Each halo has its own initial conditions, which
        do not depend on `n_halos`.
    cross_sections : array-like of shape (n_models,), default=(0, 0.1, 0.3, 1)
        Self-interaction cross-sections per unit mass, cm2/g; 0 is cold dark matter.
    velocity_scale : float or None, default=None
        Velocity w in km/s above which cross-sections decrease as 1 / (1 + v^2 / w^2), where v is the circular
        velocity of the halo at its virial radius; `cross_sections` are then the low-velocity limits.
        Published: 3.04 cm2/g with 560 km/s (Harvey 2024). None for constant cross-sections.
    feedback : {"weak", "fiducial", "strong"} or list of them, default="fiducial"
        AGN feedback; with several values, each halo is simulated with each of them. The effect on maps is
        calibrated on the published accuracy of feedback classification, not predicted.
    redshifts : array-like of shape (n_redshifts,), default=(0, 0.125, 0.25, 0.375)
        Redshifts of the snapshots.
    n_pixels : int, default=50
        Height and width of the maps: 100 or a divisor of it. Maps are 2 Mpc wide, so 50 pixels are 40 kpc
        each.
    paired : bool, default=True
        Whether every halo appears in each model at each redshift, from the same initial conditions: `n_halos`
        × `n_redshifts` × `n_feedback` × `n_models` records. Otherwise, `n_halos` independent records cycle
        through models, feedback and redshifts.
    physics : Physics, list of Physics or None, default=None
        Simulation parameters; None for the default :class:`~darkcnn.simulation.Physics`. A list gives one
        suite for each element.
    n_suites : int or None, default=None
        Number of suites: simulations with different halos and physics. Every parameter is drawn from its
        plausible range (:meth:`Physics.draw <darkcnn.simulation.Physics.draw>`), including resolution,
        smoothing and centring of the maps, selection by mass, feedback and particle noise. A suite does not
        depend on the number of suites. Not with `physics`.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology with baryons (``Ob0``). None for that of the BAHAMAS simulations: flat, H0 = 70 km/s/Mpc,
        Om0 = 0.2793, Ob0 = 0.0463.
    path : path-like or None, default=None
        HDF5 file for more clusters than fit into memory, written during the simulation. It appears when it is
        complete; before, its parts are in a folder with the suffix ``.partial``, and a call with the same
        arguments resumes an interrupted simulation. Needs an integer `random_state`.
    random_state : int, RandomState instance or None, default=None
        Seed. Another seed gives an independent simulation, but the same cluster ids: add a constant to
        ``data["cluster_id"]`` before concatenating two simulations.
    n_jobs : int or None, default=None
        Number of processes; -1 for all cores. The clusters do not depend on it.
    verbose : int, default=0
        Above 0, show a progress bar.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As from :func:`~darkcnn.datasets.make_bunch`, with two true quantities of shape (n_samples,):
        ``core_radius``, the radius within which dark matter has scattered, kpc, and
        ``effective_cross_section``, the cross-section at the velocity of the halo, cm2/g. Groups are halo
        numbers; halo h of suite s has the number s × 1,000,000 + h. With suites, ``suite`` of shape
        (n_samples,) is the suite number of each cluster, and ``suites`` a :class:`~astropy.table.Table` of
        their parameters. With `path`, records stay on disk, and the true quantities are missing.

    Raises
    ------
    ValueError
        If a number is out of range, or a cross-section, feedback or redshift occurs twice; if `path` is not
        an HDF5 file, or its unfinished parts have other settings.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> clusters = make_clusters(2, cross_sections=(0, 1), redshifts=(0.25,), random_state=0)
    >>> clusters.data["total"].shape
    (4, 50, 50)
    >>> clusters.target.tolist(), clusters.groups.tolist()
    (['CDM', 'SIDM1', 'CDM', 'SIDM1'], [0, 0, 1, 1])
    >>> clusters = make_clusters(1, cross_sections=(0,), redshifts=(0.25,), feedback=("weak", "strong"))
    >>> clusters.target.tolist(), clusters.feedback.tolist()
    (['CDM', 'CDM'], ['weak', 'strong'])

    Several suites, each with its own physics:

    >>> clusters = make_clusters(1, n_suites=3, cross_sections=(0,), redshifts=(0.25,), random_state=0)
    >>> clusters.suite.tolist(), clusters.groups.tolist()
    ([0, 1, 2], [0, 1000000, 2000000])
    >>> clusters.suites["softening"].round(1).tolist()  # kpc
    [2.9, 2.7, 2.1]
    """
    check_count("n_halos", n_halos)
    check_count("n_pixels", n_pixels)
    if N_PIXELS % n_pixels:
        raise ValueError(f"n_pixels must be {N_PIXELS} or a divisor of it such as 50, got {n_pixels}")
    cross_sections = check_numbers("cross_sections", cross_sections)
    redshifts = check_numbers("redshifts", redshifts)
    feedback = check_feedback(feedback)
    cosmology = BAHAMAS if cosmology is None else cosmology
    if not getattr(cosmology, "Ob0", None):
        raise ValueError(f"cosmology must be one of astropy with baryons, Ob0 > 0, got {cosmology!r}")
    if path is not None:
        check_path(path, random_state)
    seed = seed_of(random_state)
    suites = check_suites(physics, n_suites, n_halos, seed)  # None without
    physics = [physics or Physics()] if suites is None else suites

    models = [
        DarkMatter(cross_section, velocity_scale, variant)
        for variant, cross_section in product(feedback, cross_sections)
    ]
    if len(set(models)) < len(models):
        raise ValueError(f"cross_sections must differ in 12 digits, got {cross_sections}")
    epochs = [Epoch.at_redshift(redshift, cosmology) for redshift in redshifts]
    snapshots = _snapshots(n_halos, models, epochs, paired)
    target = np.array([str(model) for *_, some_models in snapshots for model in some_models])
    suite = None if suites is None else np.repeat(np.arange(len(suites)), len(target))
    target = np.tile(target, len(physics))
    per_task = max(1, _CLUSTERS_PER_TASK // len(snapshots[0][2]))
    tasks = [
        (one, number * NUMBERS_PER_SUITE, snapshots[rows])
        for number, one in enumerate(physics)
        for rows in gen_batches(len(snapshots), per_task)
    ]
    description = _DESCRIPTION.format(
        n_clusters=len(target),
        halos=f"{n_halos} halos" + ("" if suites is None else f" in each of {len(suites)} suites"),
        redshifts=", ".join(f"{redshift:g}" for redshift in redshifts),
        n_pixels=n_pixels,
        labels=", ".join(label_of(cross_section, velocity_scale) for cross_section in cross_sections),
        feedback=", ".join(feedback),
        seed=seed,
        cosmology=cosmology,
    )

    table = None if suites is None else table_of_suites(suites)

    def simulate(first_task=0):
        return Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_simulate)(seed, *task, n_pixels) for task in tasks[first_task:]
        )

    blur = max(each.map_blur for each in physics)
    if path is not None:
        settings = {"version": __version__, "paired": paired, "physics": repr(suites or physics[0])}
        settings["cosmology"] = repr(cosmology)
        settings |= {"redshifts": redshifts, "about": description}
        part = PartialFile(path, record_dtype(n_pixels), settings)
        with _progress_bar(len(target), part.n_rows("records"), verbose) as progress:
            for records, galaxies, _ in simulate(part.n_parts):
                part.append(records, galaxies)
                progress.update(len(records))
        with atomic_write(path) as temporary:
            made = part.read("records"), target, part.read("galaxies"), description, suite, table
            write_hdf5(temporary, Database(*made, blur=blur))
        part.remove()
        return load_clusters(path, return_X_y=return_X_y, mmap=True)

    records = np.empty(len(target), record_dtype(n_pixels))
    truths = np.empty((2, len(target)))
    galaxies = [np.empty(0, GALAXY_DTYPE)]
    first = 0
    with _progress_bar(len(target), 0, verbose) as progress:
        for some_records, some_galaxies, some_truths in simulate():
            rows = slice(first, first + len(some_records))
            records[rows], truths[:, rows] = some_records, some_truths
            some_galaxies["row"] += first
            galaxies.append(some_galaxies)
            first = rows.stop
            progress.update(len(some_records))

    bunch = make_bunch(
        records, target, galaxies=np.concatenate(galaxies), description=description, suite=suite
    )
    bunch.effective_cross_section, bunch.core_radius = truths
    bunch.blur = blur
    if suites is not None:
        bunch.suites = table
    return (bunch.data, bunch.target) if return_X_y else bunch


def _progress_bar(n_clusters, n_done, verbose):
    return tqdm(total=n_clusters, initial=n_done, unit="cluster", disable=not verbose)


def _snapshots(n_halos, models, epochs, paired):
    """Return halo, epoch and dark-matter models of each snapshot, in the order of the records."""
    if paired:
        return [(halo, epoch, models) for halo in range(n_halos) for epoch in epochs]
    return [
        (halo, epochs[halo // len(models) % len(epochs)], [models[halo % len(models)]])
        for halo in range(n_halos)
    ]


def _simulate(seed, physics, first_halo, snapshots, n_pixels):
    """Return records, galaxies, and the effective cross-sections and core radii of some snapshots."""
    records = np.empty(sum(len(models) for *_, models in snapshots), record_dtype(n_pixels))
    galaxies, truths = [], np.empty((2, len(records)))
    rows = iter(range(len(records)))
    for halo, epoch, models in snapshots:
        snapshot = Snapshot(seed, first_halo + halo, epoch, physics)
        for model in models:
            row = next(rows)
            cluster = snapshot.simulate(model)
            cluster.write(records[row])
            cluster.galaxies["row"] = row
            galaxies.append(cluster.galaxies)
            truths[:, row] = cluster.cross_section, cluster.core_radius
    return records, np.concatenate(galaxies), truths

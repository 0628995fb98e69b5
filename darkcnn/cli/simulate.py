"""The command ``darkcnn simulate``: mock clusters."""

import click

from darkcnn.cli import steps
from darkcnn.cli.options import OUTPUT_FILE, ValueList, quiet_option, seed_option


@click.command(
    epilog="\b\nExample:\n  darkcnn simulate -o clusters.h5 --n-halos 300 --cross-sections 0,0.1,1"
)
@click.option(
    "-f", "-o", "--output", type=OUTPUT_FILE, required=True, help="Database to write, .h5 or .fits."
)
@click.option(
    "--n-halos", type=click.IntRange(min=1), default=100, show_default=True, help="Number of halos."
)
@click.option(
    "--n-suites",
    type=click.IntRange(min=1),
    help="Number of suites of --n-halos halos, each with its own physics, resolution and selection.  "
    "[default: one simulation with the default physics]",
)
@click.option(
    "--cross-sections",
    type=ValueList(click.FLOAT),
    default="0,0.1,0.3,1",
    show_default=True,
    help="Dark-matter models of each halo: self-interaction cross-sections in cm2/g.",
)
@click.option(
    "--velocity-scale",
    type=float,
    help="Velocity in km/s above which the cross-section decreases.  [default: constant cross-sections]",
)
@click.option(
    "--feedback",
    type=ValueList(click.Choice(["weak", "fiducial", "strong"])),
    default="fiducial",
    show_default=True,
    help="AGN feedback: weak, fiducial or strong; several values simulate each halo in several variants.",
)
@click.option(
    "--redshifts",
    type=ValueList(click.FLOAT),
    default="0,0.125,0.25,0.375",
    show_default=True,
    help="Redshifts of the snapshots.",
)
@click.option(
    "--n-pixels",
    type=int,
    default=50,
    show_default=True,
    help="Number of pixels along each side of the maps: 100 or a divisor of it.",
)
@click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Number of processes; -1 for all cores."
)
@seed_option
@quiet_option
def simulate(output, n_halos, n_jobs, seed, quiet, **settings):
    """Simulate mock clusters and write them to a database.

    HDF5 files are written during the simulation: they may be larger than memory, and repeating the command
    resumes an interrupted simulation.
    """
    from darkcnn.datasets import make_clusters, save_clusters

    steps.check_output(output, suffixes=[".h5", ".hdf5", ".fits", ".fit"])
    is_hdf5 = output.suffix.lower() in (".h5", ".hdf5")
    with steps.errors_as_messages():
        clusters = make_clusters(
            n_halos,
            **settings,
            path=output if is_hdf5 else None,
            random_state=seed,
            n_jobs=n_jobs,
            verbose=not quiet,
        )
        if not is_hdf5:
            save_clusters(output, clusters)
    of_suites = f" in each of {settings['n_suites']} suites" if settings["n_suites"] else ""
    click.echo(f"Wrote {len(clusters.data)} clusters of {n_halos} halos{of_suites} to {output}")

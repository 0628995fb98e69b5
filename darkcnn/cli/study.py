"""The command ``darkcnn study``: grid searches that can be resumed."""

import json
from pathlib import Path

import click

from darkcnn.cli import steps
from darkcnn.cli.options import INPUT_FILE, quiet_option, scheduler_option, training_options

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def study():
    """Run grid searches by halo that can be resumed."""


def _grid(context, parameter, assignments):
    """Read NAME=VALUE,VALUE."""
    grid = {}
    for assignment in assignments:
        name, _, values = assignment.partition("=")
        if name in grid:
            raise click.BadParameter(f"{name} is given twice: list its values once, {name}=VALUE,VALUE")
        try:
            grid[name] = parse_values(values)
        except ValueError as error:
            raise click.BadParameter(f"must be NAME=VALUE,VALUE, got {assignment!r}: {error}") from error
    return grid


def parse_values(text):
    """Split values at the commas between them: JSON where possible, otherwise words.

    Parameters
    ----------
    text : str
        Such as ``0.1,0.2``, ``polar,simple`` or ``{"width": 1, "dropout": 0.5},null``.

    Returns
    -------
    list
        Values.

    Raises
    ------
    ValueError
        If a value is empty, or starts like JSON but is not.
    """
    values, rest = [], f",{text}"
    while rest:
        rest = rest[1:].lstrip()
        try:
            value, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            value, end = None, 0
        word = rest.partition(",")[0]
        if not end or rest[end:].lstrip()[:1] not in ("", ","):  # 1e-3x is a word that begins with a number
            if not word.strip() or word[0] in '{["':
                raise ValueError(f"a value must be JSON or a word, got {rest!r}")
            value, end = word.strip(), len(word)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


@study.command(
    epilog="\b\nExample:\n  darkcnn study run clusters.h5 my_study -p cnn__learning_rate=0.001,0.002 -n 20"
)
@click.argument("database", type=INPUT_FILE)
@click.argument("folder", type=_FOLDER)
@training_options
@click.option(
    "-p",
    "--parameter",
    "grid",
    multiple=True,
    metavar="NAME=VALUES",
    callback=_grid,
    help="Parameter to vary and its values, separated by commas: JSON or words. Can be repeated.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Number of folds, split by halo.",
)
@click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Number of parallel fits; -1 for all cores."
)
@scheduler_option
@quiet_option
def run(database, folder, grid, folds, n_jobs, scheduler, quiet, **training):
    """Run a study on DATABASE, keeping every fit in FOLDER; repeat the command to resume it."""
    from sklearn.model_selection import StratifiedGroupKFold

    from darkcnn.model_selection import run_study

    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    with steps.errors_as_messages(), steps.dask_client(scheduler):
        run_study(
            pipeline,
            clusters.data,
            clusters.target,
            groups=clusters.groups,
            cv=StratifiedGroupKFold(folds, shuffle=True, random_state=training["seed"]),
            folder=folder,
            param_grid=grid,
            scoring="balanced_accuracy",
            n_jobs=n_jobs,
            verbose=not quiet,
        )
    _print_status(folder)


@study.command(epilog="\b\nExample:\n  darkcnn study status my_study")
@click.argument("folder", type=_FOLDER)
def status(folder):
    """Print the progress and the scores of the study in FOLDER."""
    _print_status(folder)


def _print_status(folder):
    from darkcnn.model_selection import study_status

    with steps.errors_as_messages():
        found = study_status(folder)
    text = f"{found.n_finished} of {found.n_fits} fits finished"
    if 0 < found.n_finished < found.n_fits:
        text += f", {found.fit_time:.3g} s each; {found.seconds_left / 60:.3g} min left on one process"
    click.echo(text)
    for line in found.table():
        click.echo(line)

"""The command ``darkcnn``: cross-validation and training.

Modules that import scikit-learn or keras are imported inside functions, so that help appears at once.
"""

import json
from pathlib import Path

import click
from click.core import ParameterSource

from darkcnn._common.versions import __version__
from darkcnn.cli import steps
from darkcnn.cli.importing import import_
from darkcnn.cli.models import infer, predict, report
from darkcnn.cli.options import (
    INPUT_FILE,
    OUTPUT_FILE,
    json_option,
    quiet_option,
    scheduler_option,
    splitting_options,
    training_options,
)
from darkcnn.cli.simulate import simulate
from darkcnn.cli.study import study


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  darkcnn report --pretrained\n  darkcnn predict --pretrained clusters.h5\n"
    "  darkcnn\n  darkcnn -d clusters.h5 -o inception -n 30 -c total,xray -f results",
)
@click.version_option(__version__, "-v", "--version")
@click.option(
    "-d", "--database", type=INPUT_FILE, help="Clusters for training.  [default: the packaged example]"
)
@click.option(
    "-f",
    "--folder",
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    default="darkcnn_results",
    show_default=True,
    help="Folder for the results; existing files are overwritten.",
)
@training_options
@splitting_options
@quiet_option
@click.pass_context
def main(context, database, folder, n_repeats, train_size, n_jobs, quiet, **training):
    """Classify galaxy clusters by dark-matter model from their maps.

    The packaged network needs no training: darkcnn predict, infer and report --pretrained.

    Without a command: cross-validate a network by halo, compare it with a linear classifier of radial
    profiles, the majority class and the packaged network with a new last layer, train it on all clusters,
    and write the model, metrics, figures and a report. With --pretrained, the network is the packaged one.
    """
    if context.invoked_subcommand is not None:
        _refuse_misplaced_options(context)
        return
    steps.require("matplotlib", "jinja2")
    with steps.errors_as_messages():
        folder.mkdir(parents=True, exist_ok=True)
    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    validation, metrics = steps.cross_validate(
        pipeline,
        clusters,
        database,
        training=training,
        n_repeats=n_repeats,
        train_size=train_size,
        n_jobs=n_jobs,
        quiet=quiet,
        return_estimator=True,
    )
    steps.fit(pipeline, clusters, quiet)
    from darkcnn.persistence import describe_training
    from darkcnn.report import from_validation, importance_in_validation, write_report
    from darkcnn.report.baselines import architecture_name
    from darkcnn.report.results import write_results

    name = architecture_name(pipeline)
    with steps.errors_as_messages():
        importance = importance_in_validation(validation, clusters, verbose=not quiet)
        notes = describe_training(clusters, database, validation, importance)
        written = write_results(
            folder,
            model=pipeline,
            validation=validation,
            name=name,
            metrics=metrics,
            notes={"training": notes},
        )
        written.append(folder / "report.html")
        write_report(
            written[-1],
            pipeline,
            clusters,
            from_validation(validation, importance=importance),
            model_name="model.keras",
            data=metrics["data"],
            training=notes,
        )
    click.echo(f"\nTrained {name} on all {len(clusters.data)} clusters. Wrote")
    for path in written:
        click.echo(f"  {path}")
    best = max(validation.scores, key=lambda each: validation.scores[each].mean())
    if best != name and best.startswith("pretrained"):
        click.echo(f"\n{best} scored higher. To train and write it instead, use --pretrained.")


for command in (import_, infer, predict, report, simulate, study):
    main.add_command(command)


def _refuse_misplaced_options(context):
    """Raise an error for options before a command, where they have no effect."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name)
        if source is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[0]} must come after {context.invoked_subcommand!r}, not before it", context
            )


@main.command(
    "cross-validate",
    epilog="\b\nExample:\n  darkcnn cross-validate clusters.h5 -o simple -m 2 --json > scores.json",
)
@click.argument("database", type=INPUT_FILE)
@training_options
@splitting_options
@scheduler_option
@json_option
@quiet_option
def cross_validate(database, n_repeats, train_size, n_jobs, scheduler, as_json, quiet, **training):
    """Score a network and its baselines on held-out halos."""
    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    with steps.dask_client(scheduler):
        _, metrics = steps.cross_validate(
            pipeline,
            clusters,
            database,
            training=training,
            n_repeats=n_repeats,
            train_size=train_size,
            n_jobs=n_jobs,
            quiet=quiet,
            silent=as_json,
        )
    if as_json:
        click.echo(json.dumps(metrics, indent=2, allow_nan=False))


@main.command(epilog="\b\nExample:\n  darkcnn fit clusters.h5 -f model.keras -n 30")
@click.argument("database", type=INPUT_FILE)
@click.option("-f", "--output", type=OUTPUT_FILE, required=True, help="Model file to write.")
@training_options
@quiet_option
def fit(database, output, quiet, **training):
    """Train a network on all clusters of DATABASE and write it to a model file."""
    steps.check_output(output, suffixes=[".keras"])
    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    steps.fit(pipeline, clusters, quiet)

    from darkcnn.persistence import describe_training, save_model
    from darkcnn.report.baselines import architecture_name

    with steps.errors_as_messages():
        save_model(pipeline, output, notes={"training": describe_training(clusters, database)})
    click.echo(f"Trained {architecture_name(pipeline)} on {len(clusters.data)} clusters. Wrote {output}")

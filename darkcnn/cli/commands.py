"""The command ``darkcnn`` and its subcommands.

Whatever imports scikit-learn or keras, which take seconds, is imported where it is used: help comes at once.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import click
from click.core import ParameterSource

from darkcnn._common.versions import __version__
from darkcnn.cli import steps
from darkcnn.cli.options import (
    INPUT_FILE,
    OUTPUT_FILE,
    ValueList,
    observed_option,
    quiet_option,
    scheduler_option,
    seed_option,
    splitting_options,
    training_options,
)
from darkcnn.cli.study import study


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  darkcnn\n  darkcnn -d clusters.h5 -o inception -n 30 -c total,xray -f results",
)
@click.version_option(__version__, "-v", "--version")
@click.option(
    "-d", "--database", type=INPUT_FILE, help="Clusters to learn from.  [default: the packaged example]"
)
@click.option(
    "-f",
    "--folder",
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    default="darkcnn_results",
    show_default=True,
    help="Where to write the results, over those of an earlier run.",
)
@training_options
@splitting_options
@quiet_option
@click.pass_context
def main(context, database, folder, n_repeats, train_size, n_jobs, quiet, **training):
    """Learn from maps of galaxy clusters which dark matter they live in.

    Without a command: cross-validate a network by cluster, compare it with boosted trees on radial profiles
    and with guessing, train it on everything, and write model, metrics, figures and a report.
    """
    if context.invoked_subcommand is not None:
        _refuse_misplaced_options(context)
        return
    steps.require_figures()
    with steps.explained():
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
    from darkcnn.report.results import write_results

    importance = importance_in_validation(validation, clusters, verbose=not quiet)
    notes = describe_training(clusters, database, validation, importance)
    written = write_results(
        folder,
        model=pipeline,
        validation=validation,
        name=training["network"],
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
    click.echo(f"\nTrained {training['network']} on all {len(clusters.data)} clusters. Wrote")
    for path in written:
        click.echo(f"  {path}")


main.add_command(study)


def _refuse_misplaced_options(context):
    """Refuse options before a command, where they would have no effect."""
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
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead of the table.")
@quiet_option
def cross_validate(database, n_repeats, train_size, n_jobs, scheduler, as_json, quiet, **training):
    """Score a network, and what it has to beat, on clusters that it has not seen."""
    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    with steps.distributed(scheduler):
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
    """Train a network on all clusters of DATABASE and write it to a file."""
    steps.check_output(output, suffixes=[".keras"])
    clusters = steps.load(database)
    pipeline = steps.build_pipeline(clusters, **training)
    steps.fit(pipeline, clusters, quiet)

    from darkcnn.persistence import describe_training, save_model

    save_model(pipeline, output, notes={"training": describe_training(clusters, database)})
    click.echo(f"Trained {training['network']} on {len(clusters.data)} clusters. Wrote {output}")


@main.command(
    epilog="\b\nExample:\n  darkcnn predict darkcnn_results/model.keras clusters.h5 -o probabilities.csv"
)
@click.argument("model", type=INPUT_FILE)
@click.argument("database", type=INPUT_FILE)
@click.option("-f", "-o", "--output", type=OUTPUT_FILE, help="CSV file to write.  [default: standard output]")
@observed_option
def predict(model, database, output, observed):
    """Estimate the probability of each dark-matter model for the clusters of DATABASE.

    MODEL is a file that darkcnn has written. Nothing in it is run as code.

    Each row of the table is a cluster: its cluster_id and redshift, its label in DATABASE, if that has any,
    the predicted label, and the probability of each dark-matter model.
    """
    from darkcnn._common.writing import replacing
    from darkcnn.persistence import load_model

    if output is not None:
        steps.check_output(output)
    clusters = steps.load(database, labelled=False)
    with steps.explained():
        pipeline, records = load_model(model), clusters.data
        if observed:
            pipeline, records = steps.as_observed(pipeline, records)
        probabilities = pipeline.predict_proba(records)
    table = (clusters, pipeline.classes_, probabilities)
    if output is None:
        steps.write_table(sys.stdout, *table)
        return
    with replacing(output) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        steps.write_table(file, *table)


@main.command(epilog="\b\nExample:\n  darkcnn report darkcnn_results/model.keras clusters.h5 -o report.html")
@click.argument("model", type=INPUT_FILE)
@click.argument("database", type=INPUT_FILE, required=False)
@click.option(
    "-f",
    "-o",
    "--output",
    type=OUTPUT_FILE,
    default="report.html",
    show_default=True,
    help="HTML file to write.",
)
@click.option(
    "--new-haloes",
    is_flag=True,
    help="The haloes of DATABASE are not those of the training set, even if their ids are the same.",
)
@click.option(
    "--training-set",
    type=INPUT_FILE,
    help="Clusters that MODEL was trained on, from which the boosted trees learn as well.  [default: the "
    "packaged example if it was that]",
)
@click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Fits at a time; -1 for one on each core."
)
@quiet_option
def report(model, database, output, new_haloes, training_set, n_jobs, quiet):
    """Write a page about MODEL: its training, scores, mistakes and what it concludes.

    DATABASE is what it is scored on, by default the packaged example. Haloes that it was trained on are never
    scored by the model itself: if there are no others, its cross-validation is reported, which the command
    darkcnn keeps in the model file, or else made anew, which takes five trainings.
    """
    steps.require_figures()
    steps.check_output(output, suffixes=[".html"])
    from darkcnn.persistence import describe_clusters, is_training_set, load_model, load_notes
    from darkcnn.report import find_evidence, write_report

    clusters = steps.load(database)
    known = None if training_set is None else steps.load(training_set)
    with steps.explained():
        pipeline, training = load_model(model), (load_notes(model) or {}).get("training")
        if known is None and training is not None:
            example = clusters if database is None else steps.load(None)
            known = example if is_training_set(training, example) else None
        evidence = find_evidence(
            pipeline,
            clusters,
            training,
            training_set=known,
            new_haloes=new_haloes,
            n_jobs=n_jobs,
            verbose=not quiet,
        )
        write_report(
            output,
            pipeline,
            clusters,
            evidence,
            model_name=model.name,
            data=describe_clusters(clusters, database),
            training=training,
        )
    click.echo(f"Scored {len(evidence.rows)} predictions. {evidence.how}\nWrote {output}")


@main.command(
    epilog="\b\nExample:\n  darkcnn infer model.keras sample.h5 --calibration held_out.h5 --plot sigma.png"
)
@click.argument("model", type=INPUT_FILE)
@click.argument("database", type=INPUT_FILE)
@click.option(
    "--calibration",
    type=INPUT_FILE,
    help="Clusters with known labels that MODEL was not trained on; those of its training set are refused. "
    "Without, MODEL is taken at its word.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead of the table.")
@click.option("--plot", type=OUTPUT_FILE, help="Figure of the posterior to write.")
@observed_option
@seed_option
def infer(model, database, calibration, as_json, plot, observed, seed):
    """Infer the cross-section of dark matter from all clusters of DATABASE together.

    MODEL is a file that darkcnn has written. DATABASE needs no labels. Maps of one halo share one vote. With
    --calibration, the sample is also tested for being unlike those clusters; if they have several kinds of
    feedback, the sample may have any one of them. Probabilities of a MODEL that tells feedback as well are
    added up over feedback.
    """
    if plot is not None:
        steps.check_output(plot)
        if find_spec("matplotlib") is None:
            raise click.ClickException('the figure needs matplotlib: pip install "darkcnn[plot]"')
    posterior, result = steps.infer(model, steps.load(database, labelled=False), calibration, seed, observed)
    if as_json:
        click.echo(json.dumps(result, indent=2, allow_nan=False))
    else:
        steps.tell_inference(result)
    if plot is not None:
        from darkcnn._common.writing import replacing
        from darkcnn.plotting import PosteriorDisplay

        with replacing(plot) as temporary, steps.explained():
            PosteriorDisplay.from_estimator(posterior).figure_.savefig(
                temporary, format=plot.suffix[1:] or "png"
            )


@main.command(epilog="\b\nExample:\n  darkcnn simulate -o clusters.h5 --n-halos 300 --cross-sections 0,0.1,1")
@click.option(
    "-f", "-o", "--output", type=OUTPUT_FILE, required=True, help="Database to write, .h5 or .fits."
)
@click.option(
    "--n-halos", type=click.IntRange(min=1), default=100, show_default=True, help="Number of haloes."
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
    help="Velocity in km/s from which the cross-sections fall.  [default: they are constant]",
)
@click.option(
    "--feedback",
    type=ValueList(click.Choice(["weak", "fiducial", "strong"])),
    default="fiducial",
    show_default=True,
    help="How strongly black holes heat the gas: one or several variants of each halo.",
)
@click.option(
    "--redshifts",
    type=ValueList(click.FLOAT),
    default="0,0.125,0.25,0.375",
    show_default=True,
    help="At which each halo is seen.",
)
@click.option(
    "--n-pixels", type=int, default=50, show_default=True, help="Side of the maps: 100 or a divisor of it."
)
@click.option("--n-jobs", type=int, default=1, show_default=True, help="Processes; -1 for one on each core.")
@seed_option
@quiet_option
def simulate(output, n_halos, n_jobs, seed, quiet, **settings):
    """Make mock clusters and write them to a database.

    An HDF5 file is written while the clusters are made: it may be larger than memory, and the same command
    goes on where it was stopped.
    """
    from darkcnn.datasets import make_clusters, save_clusters

    steps.check_output(output, suffixes=[".h5", ".hdf5", ".fits", ".fit"])
    is_hdf5 = output.suffix.lower() in (".h5", ".hdf5")
    with steps.explained():
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
    click.echo(f"Wrote {len(clusters.data)} clusters of {n_halos} haloes to {output}")

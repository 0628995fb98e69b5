"""Commands that apply a trained model: ``darkcnn predict``, ``report`` and ``infer``."""

import json
import sys

import click

from darkcnn.cli import steps
from darkcnn.cli.options import (
    INPUT_FILE,
    OUTPUT_FILE,
    json_option,
    pretrained_options,
    quiet_option,
    seed_option,
    velocity_option,
)
from darkcnn.cli.printing import print_cross_section, write_probabilities


@click.command(epilog="\b\nExample:\n  darkcnn predict --pretrained clusters.h5 -o probabilities.csv")
@click.argument("model", type=INPUT_FILE, required=False)
@click.argument("database", type=INPUT_FILE, required=False)
@pretrained_options
@click.option("-f", "-o", "--output", type=OUTPUT_FILE, help="CSV file to write.  [default: standard output]")
def predict(model, database, pretrained, cross_sections, output):
    """Predict the probability of each dark-matter model for the clusters of DATABASE.

    MODEL is a model file written by darkcnn; loading it executes no code. Leave it out with --pretrained.

    The table has one row for each cluster: cluster_id, redshift, label in DATABASE (if any), predicted
    label, and the probability of each dark-matter model.
    """
    model, database = steps.model_and_database(model, database, pretrained, cross_sections, needs_both=True)
    if output is not None:
        steps.check_output(output)
    from darkcnn._common.writing import atomic_write
    from darkcnn.persistence import warn_about_blur

    clusters = steps.load(database, labelled=False)
    pipeline, training = steps.load_trained(model, cross_sections)
    with steps.errors_as_messages():
        warn_about_blur(training, clusters)
        table = (clusters, pipeline.classes_, pipeline.predict_proba(clusters.data))
        if output is None:
            write_probabilities(sys.stdout, *table)
            return
        with atomic_write(output) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
            write_probabilities(file, *table)


@click.command(epilog="\b\nExample:\n  darkcnn report --pretrained clusters.h5 -o report.html")
@click.argument("model", type=INPUT_FILE, required=False)
@click.argument("database", type=INPUT_FILE, required=False)
@pretrained_options
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
    "--new-halos",
    is_flag=True,
    help="Treat all halos of DATABASE as new, even if their ids occur in the training set.",
)
@click.option(
    "--training-set",
    type=INPUT_FILE,
    help="Training set of MODEL, used to train the radial-profile baseline.  [default: the packaged example "
    "if MODEL was trained on it]",
)
@click.option(
    "--n-jobs", type=int, default=1, show_default=True, help="Number of parallel fits; -1 for all cores."
)
@velocity_option
@quiet_option
def report(
    model, database, pretrained, cross_sections, output, new_halos, training_set, n_jobs, velocity, quiet
):
    """Write an HTML report on MODEL: training, scores, importance, mistakes and posteriors.

    MODEL is scored on the labelled clusters of DATABASE (default: the packaged example), excluding halos of
    its training set. If no halos remain, the report uses the cross-validation stored in the model file
    (the command darkcnn stores one), or runs a new one, which trains five networks.
    """
    model, database = steps.model_and_database(model, database, pretrained, cross_sections)
    steps.require("matplotlib", "jinja2")
    steps.check_output(output, suffixes=[".html"])
    from darkcnn.persistence import describe_clusters, is_training_set
    from darkcnn.report import predict_held_out, write_report

    clusters = steps.load(database)
    known = None if training_set is None else steps.load(training_set)
    pipeline, training = steps.load_trained(model, cross_sections)
    with steps.errors_as_messages():
        if known is None and training is not None:
            example = clusters if database is None else steps.load(None)
            known = example if is_training_set(training, example) else None
        predictions = predict_held_out(
            pipeline,
            clusters,
            training,
            training_set=known,
            new_halos=new_halos or pretrained,
            n_jobs=n_jobs,
            verbose=not quiet,
        )
        write_report(
            output,
            pipeline,
            clusters,
            predictions,
            model_name="pretrained polar" if pretrained else model.name,
            data=describe_clusters(clusters, database),
            training=training,
            velocity=velocity,
        )
    click.echo(f"Scored {len(predictions.rows)} predictions. {predictions.description}\nWrote {output}")


@click.command(
    epilog="\b\nExamples:\n  darkcnn infer --pretrained sample.h5 --plot sigma.png\n"
    "  darkcnn infer model.keras sample.h5 --calibration held_out.h5"
)
@click.argument("model", type=INPUT_FILE, required=False)
@click.argument("database", type=INPUT_FILE, required=False)
@pretrained_options
@click.option(
    "--calibration",
    type=INPUT_FILE,
    help="Labelled clusters that are not in the training set of MODEL. Without it, the model's "
    "probabilities are used uncalibrated. The packaged network has its own calibration; a few halos of the "
    "sample's own simulation improve it.",
)
@json_option
@click.option("--plot", type=OUTPUT_FILE, help="Figure of the posterior, in any format of matplotlib.")
@velocity_option
@seed_option
def infer(model, database, pretrained, cross_sections, calibration, as_json, plot, velocity, seed):
    """Infer the dark-matter cross-section from all clusters of DATABASE together.

    MODEL is a model file written by darkcnn. DATABASE needs no labels. Several maps of one halo count as
    one cluster. With --calibration, the sample is also tested for being out of distribution. If the
    calibration contains several feedback variants, the feedback of the sample is marginalised; if it
    contains several suites, the differences between suites enter the error.

    With --pretrained, MODEL is left out: the packaged network is calibrated with suites of mock clusters
    with different baryonic physics, resolution and selection, and the error includes these differences.
    """
    model, database = steps.model_and_database(model, database, pretrained, cross_sections, needs_both=True)
    if plot is not None:
        steps.check_figure(plot)
    from darkcnn.report import infer_cross_section

    clusters = steps.load(database, labelled=False)
    held_out = None if calibration is None else steps.load(calibration)
    pipeline, training = steps.load_trained(model, cross_sections)
    with steps.errors_as_messages():
        posterior, result = infer_cross_section(
            pipeline,
            clusters,
            held_out,
            training=training,
            velocity=velocity,
            random_state=seed,
        )
    if as_json:
        click.echo(json.dumps(result, indent=2, allow_nan=False))
    else:
        print_cross_section(result)
    if plot is not None:
        from darkcnn._common.writing import atomic_write
        from darkcnn.plotting import PosteriorDisplay

        with steps.errors_as_messages(), atomic_write(plot) as temporary:
            PosteriorDisplay.from_estimator(posterior).figure_.savefig(temporary, format=plot.suffix[1:])

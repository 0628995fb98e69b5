"""What the commands print."""

import csv

import click

from darkcnn._common.versions import __version__

_STANDARD_ERROR_NOTE = """\
± is the standard error of the mean, corrected for the overlap of training sets (Nadeau & Bengio 2003)."""


def print_task(clusters, database, training, n_repeats, train_size):
    """Print which network is cross-validated on which clusters."""
    n_halos = len(set(clusters.groups.tolist()))
    n_pixels = clusters.data.dtype["total"].shape[0]
    if train_size is not None:
        splits = f"{n_repeats}, each with {train_size:g} of the halos for training"
    else:
        splits = "5-fold cross-validation by halo" + (
            f", repeated {n_repeats} times" if n_repeats > 1 else ""
        )
    click.echo(f"""\
darkcnn {__version__}
Data     {database or "packaged example"}: {len(clusters.data)} clusters of {n_halos} halos
         {n_pixels} x {n_pixels} pixels; {", ".join(clusters.target_names)}
Network  {training["network"]}{_epochs(training)}, on maps {", ".join(training["maps"])}
         attributes: {", ".join(training["attributes"]) or "none"}{_noise(training)}
Splits   {splits}
Seed     {training["seed"]}
""")


def _epochs(training):
    """Describe the number of epochs; empty if only the last layer is trained."""
    return f", {training['epochs']} epochs" if training["epochs"] else ""


def _noise(training):
    """Return a line that describes the simulated noise."""
    names = [training[kind] for kind in ("lensing", "xray") if training[kind] is not None]
    if training["exposure"] is not None:
        names[-1] += f" for {training['exposure']:g} ks"
    return f"\nNoise    {', '.join(names)}" if names else ""


def print_scores(table, baseline, differences):
    """Print the `score_table` of a cross-validation and the difference of each network from a baseline."""
    click.echo(f"Balanced accuracy on held-out halos\n\n{table}\n")
    if differences:
        width = max(map(len, differences))
        for name, (mean, error) in differences.items():
            click.echo(f"{name:>{width}} - {baseline}: {mean:+.3f} ± {error:.3f}")
        click.echo(_STANDARD_ERROR_NOTE)


def write_probabilities(file, clusters, classes, probabilities):
    """Write one CSV row for each cluster."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["cluster_id", "redshift", "label", "predicted", *classes])
    predicted = classes[probabilities.argmax(axis=1)]
    labels = [""] * len(predicted) if clusters.target is None else clusters.target
    for record, label, guess, row in zip(clusters.data, labels, predicted, probabilities, strict=True):
        numbers = [f"{probability:.6f}" for probability in row]
        writer.writerow([record["cluster_id"], f"{record['redshift']:g}", label, guess, *numbers])


def print_cross_section(result):
    """Print the result of :func:`darkcnn.report.infer_cross_section` as a table."""
    first, *_ = result["posterior"]
    width = max(map(len, result["posterior"])) + 2
    lower, upper = result["lower_limit_95"], result["upper_limit_95"]
    limits = [f"above {lower:.2g}"] if lower > 0 else []
    limits += [f"below {upper:.2g}"] if upper is not None else []
    click.echo(result["summary"])
    click.echo(f"median {result['median']:.2g} cm2/g; limits at 95 %: {' and '.join(limits) or 'none'}")
    click.echo(f"\n{'model':{width}}posterior  ln(evidence / {first})")
    for label, probability in result["posterior"].items():
        click.echo(f"{label:{width}}{probability:9.3f}  {result['log_evidence_ratio'][label]:+9.1f}")
    if result["variances"] is None:
        click.echo(f"\noutlier fraction: {result['outlier_fraction']:.3f}")
        click.echo(f"systematic share of the variance: {result['systematic_fraction']:.0%}")
    else:
        total = sum(result["variances"].values())
        parts = ", ".join(f"{part} {each / total:.0%}" for part, each in result["variances"].items())
        click.echo(f"\nvariance: {parts}")
        click.echo(f"effective number of clusters, at most: {result['n_effective']:.0f}")
    if result["sample_pvalue"] is not None:
        click.echo(f"p-value of the sample relative to the calibration: {result['sample_pvalue']:.3f}")
    for message in result["warnings"]:
        click.echo(f"Warning: {message}", err=True)

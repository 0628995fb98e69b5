"""What the commands do, step by step; each step reports bad input in one line."""

import csv
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter

import click

from darkcnn._common.versions import __version__

_ABOUT_ERRORS = """\
± is the standard error of the mean. Training sets of different splits overlap, so it is that of Nadeau &
Bengio (2003), not the scatter over the square root of the number of splits, which would be too small."""


@contextmanager
def explained():
    """Turn what the library says about bad input into a message without traceback."""
    try:
        yield
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def distributed(scheduler):
    """Hand all fits to the workers of a dask scheduler, if there is one."""
    if scheduler is None:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise click.ClickException('--scheduler needs dask: pip install "darkcnn[dask]"') from error
    from joblib import parallel_config

    with explained(), Client(scheduler) as client, parallel_config("dask", client=client):
        yield


def check_output(path, suffixes=None):
    """Refuse an output file now rather than after the work."""
    if not path.absolute().parent.is_dir():
        raise click.ClickException(f"cannot write {path}: there is no folder {path.absolute().parent}")
    if suffixes is not None and path.suffix.lower() not in suffixes:
        raise click.ClickException(f"cannot write {path}: its name must end in one of {', '.join(suffixes)}")


def load(path, labelled=True):
    """Read a database, or the packaged example if `path` is None."""
    from darkcnn.datasets import load_clusters, load_example

    with explained():
        return load_example() if path is None else load_clusters(path, labelled=labelled)


def build_pipeline(clusters, *, network, epochs, n_views, maps, attributes, lensing, xray, exposure, seed):
    """Chain the steps that the options ask for, and check them against the clusters."""
    with explained():
        from darkcnn.networks import get_network
        from darkcnn.pipeline import default_pipeline
        from darkcnn.preprocessing import attribute_table

        get_network(network)
        attribute_table(clusters.data, attributes)
        noise = _noise(lensing, xray, exposure)
    return default_pipeline(
        network,
        maps=maps,
        attributes=attributes,
        noise=noise,
        n_views=n_views,
        random_state=seed,
        epochs=epochs,
        learning_rate_schedule="cosine",  # makes the most of few epochs
    )


def _noise(lensing, xray, exposure):
    """Return the observations that the options ask for."""
    from darkcnn.noise import WeakLensingNoise, XrayNoise

    if exposure is not None and xray is None:
        raise ValueError("--exposure needs a telescope: --xray chandra, for example")
    noise = []
    if lensing is not None:
        noise.append(WeakLensingNoise.of_survey(lensing))
    if xray is not None:
        changes = {} if exposure is None else {"exposure": 1000 * exposure}
        noise.append(XrayNoise.of_telescope(xray, **changes))
    return noise


def cross_validate(
    pipeline,
    clusters,
    database,
    *,
    training,
    n_repeats,
    train_size,
    n_jobs,
    quiet,
    silent=False,
    return_estimator=False,
):
    """Score the pipeline beside its baselines, tell the result, and return it with all metrics."""
    from darkcnn._common.versions import versions
    from darkcnn.model_selection import cross_validate_by_cluster
    from darkcnn.persistence import describe_clusters
    from darkcnn.report.evidence import BOOSTED, baselines
    from darkcnn.report.results import summarise

    network = training["network"]
    if not silent:
        click.echo(_describe(clusters, database, training, n_repeats, train_size))
    start = perf_counter()
    with explained():
        validation = cross_validate_by_cluster(
            {**baselines(pipeline, training["seed"]), network: pipeline},
            clusters.data,
            clusters.target,
            clusters.groups,
            n_repeats=n_repeats,
            train_size=train_size,
            random_state=training["seed"],
            return_estimator=return_estimator,
            n_jobs=n_jobs,
            verbose=not quiet,
        )
    if not silent:
        click.echo(_compare(validation, network, BOOSTED))
    metrics = {
        "versions": versions(),
        "data": describe_clusters(clusters, database),
        "training": training,
        "parameters": _plain_parameters(pipeline),
        "splits": {
            "n_repeats": n_repeats,
            "train_size": train_size,
            "n_splits": len(validation.splits),
            "seed": training["seed"],
        },
        "scores": summarise(validation),
        "seconds": round(perf_counter() - start, 1),
    }
    return validation, metrics


def _describe(clusters, database, training, n_repeats, train_size):
    n_haloes = len(set(clusters.groups.tolist()))
    n_pixels = clusters.data.dtype["total"].shape[0]
    if train_size is not None:
        splits = f"{n_repeats}, each with {train_size:g} of the haloes for training"
    else:
        splits = "5 folds of the haloes" + (f", dealt {n_repeats} times" if n_repeats > 1 else "")
    return f"""\
darkcnn {__version__}
Data     {database or "packaged example"}: {len(clusters.data)} clusters of {n_haloes} haloes
         {n_pixels} x {n_pixels} pixels; {", ".join(clusters.target_names)}
Network  {training["network"]}, {training["epochs"]} epochs, on maps {", ".join(training["maps"])}
         attributes: {", ".join(training["attributes"]) or "none"}{_observed(training)}
Splits   {splits}
Seed     {training["seed"]}
"""


def _observed(training):
    """Tell through what the clusters are seen, in a line of its own."""
    seen = [training[kind] for kind in ("lensing", "xray") if training[kind] is not None]
    if training["exposure"] is not None:
        seen[-1] += f" for {training['exposure']:g} ks"
    return f"\nSeen by  {', '.join(seen)}" if seen else ""


def _compare(validation, network, baseline):
    from darkcnn.report.results import score_table

    text = f"Balanced accuracy on haloes that were not trained on\n\n{score_table(validation)}\n"
    if len(validation.splits) == 1:
        return text
    difference, error = validation.difference(network, baseline)
    return f"{text}\n{network} - {baseline}: {difference:+.3f} ± {error:.3f}\n{_ABOUT_ERRORS}"


def fit(pipeline, clusters, quiet):
    """Train the pipeline on all clusters."""
    import keras
    from tqdm import tqdm

    epochs = pipeline.get_params()["cnn__epochs"]
    with (
        tqdm(total=epochs, desc="Training on all clusters", unit="epoch", disable=quiet) as progress,
        explained(),
    ):
        advance = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress.update())
        pipeline.set_params(cnn__callbacks=[advance]).fit(clusters.data, clusters.target)
    pipeline.set_params(cnn__callbacks=None)  # which would follow the pipeline into its file


def require_figures():
    """Refuse to begin what would end in an error without the packages that draw."""
    missing = [name for name in ("matplotlib", "jinja2") if find_spec(name) is None]
    if missing:
        raise click.ClickException(f'the figures need {" and ".join(missing)}: pip install "darkcnn[plot]"')


def write_table(file, clusters, classes, probabilities):
    """Write a row for each cluster, as CSV."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["cluster_id", "redshift", "label", "predicted", *classes])
    predicted = classes[probabilities.argmax(axis=1)]
    labels = [""] * len(predicted) if clusters.target is None else clusters.target
    rows = zip(clusters.data, labels, predicted, probabilities, strict=True)
    for record, label, guess, row in rows:
        numbers = [f"{probability:.6f}" for probability in row]
        writer.writerow([record["cluster_id"], f"{record['redshift']:g}", label, guess, *numbers])


def _plain_parameters(pipeline):
    """Return the parameters of all steps that are numbers, words or lists of them."""
    plain = (bool, int, float, str, list, tuple, dict, type(None))
    return {
        name: value
        for name, value in pipeline.get_params().items()
        if "__" in name and isinstance(value, plain)
    }


def as_observed(pipeline, records):
    """Return the steps after the noise, and the records as what a telescope saw, for them to take."""
    from darkcnn.noise.base import RecordNoise
    from darkcnn.records import ObservedRecords

    n_noises = sum(isinstance(step, RecordNoise) for _, step in pipeline.steps)
    return pipeline[n_noises:], ObservedRecords(records)


def infer(model, clusters, calibration, seed, observed):
    """Return the posterior of the cross-section, and all that there is to say about it as plain values."""
    import warnings

    from darkcnn.inference import CrossSectionPosterior, DomainTest, marginalize_feedback
    from darkcnn.persistence import load_model, load_notes

    held_out = None if calibration is None else load(calibration)
    with explained(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        pipeline, training = load_model(model), (load_notes(model) or {}).get("training")
        n_seen = _count_seen(training, clusters)
        if n_seen:
            warnings.warn(
                f"{n_seen} of {len(clusters.data)} clusters are of haloes that {model.name} was trained on: "
                "it is surer of them than of new ones",
                UserWarning,
                1,
            )
        if held_out is not None and (n_seen := _count_seen(training, held_out)):
            raise ValueError(
                f"--calibration must hold clusters that {model.name} was not trained on, but {n_seen} of "
                f"{len(held_out.data)} are of haloes of its training set"
            )
        last_steps, sample = as_observed(pipeline, clusters.data) if observed else (pipeline, clusters.data)
        probabilities, embedding = _judge(last_steps, sample)
        probabilities, classes = marginalize_feedback(probabilities, pipeline.classes_)
        posterior = CrossSectionPosterior(classes.tolist(), random_state=seed)
        pvalue = None
        if held_out is None:
            warnings.warn("not calibrated: errors are as over-confident as the network", UserWarning, 1)
        else:
            known, held_out_embedding = _judge(pipeline, held_out.data)
            known, _ = marginalize_feedback(known, pipeline.classes_)
            posterior.calibrate(known, held_out.target, held_out.groups, held_out.feedback)
            test = DomainTest(random_state=seed)
            test.fit(held_out_embedding, held_out.target, held_out.groups)
            pvalue = test.sample_pvalue(embedding, clusters.groups)
        posterior.fit(probabilities, clusters.groups)
    low, high = posterior.interval()
    return posterior, {
        "summary": posterior.summary(),
        "n_maps": len(clusters.data),
        "n_clusters": posterior.n_clusters_,
        "mean": posterior.mean_,
        "median": posterior.median_,
        "interval_68": [low, _finite(high)],
        "lower_limit_95": posterior.lower_limit(),
        "upper_limit_95": _finite(posterior.upper_limit()),
        "posterior": dict(zip(posterior.classes, posterior.posterior_.tolist(), strict=True)),
        "log_evidence_ratio": {
            label: posterior.log_evidence_ratio(label, posterior.classes[0]) for label in posterior.classes
        },
        "outlier_fraction": posterior.outlier_fraction_,
        "systematic_fraction": posterior.systematic_fraction_,
        "sample_pvalue": pvalue,
        "warnings": [str(each.message) for each in caught if each.category is UserWarning],
    }


def _judge(pipeline, records):
    """Return the probabilities and the embedding of clusters."""
    return pipeline[-1].predict_and_embed(pipeline[:-1].transform(records))


def _count_seen(training, clusters):
    """Count clusters of haloes of a training set; their ids may be those of another simulation."""
    from darkcnn.persistence import rows_of_new_haloes

    if training is None:
        return 0
    return len(clusters.data) - len(rows_of_new_haloes(training, clusters, compare_ids=False))


def tell_inference(result):
    """Print what was inferred."""
    first, *_ = result["posterior"]
    lower, upper = result["lower_limit_95"], result["upper_limit_95"]
    limits = [f"above {lower:.2g}"] if lower > 0 else []
    limits += [f"below {upper:.2g}"] if upper is not None else []
    click.echo(result["summary"])
    click.echo(f"median {result['median']:.2g} cm2/g; limits at 95 %: {' and '.join(limits) or 'none'}")
    click.echo(f"\n{'model':9}posterior  ln(evidence / {first})")
    for label, probability in result["posterior"].items():
        click.echo(f"{label:9}{probability:9.3f}  {result['log_evidence_ratio'][label]:+9.1f}")
    click.echo(f"\noutliers {result['outlier_fraction']:9.3f}")
    click.echo(f"variance that more clusters do not reduce {result['systematic_fraction']:.0%}")
    if result["sample_pvalue"] is not None:
        click.echo(f"p-value of the sample among held-out clusters {result['sample_pvalue']:.3f}")
    for message in result["warnings"]:
        click.echo(f"Warning: {message}", err=True)


def _finite(number):
    """Return the number, or None if infinite, which JSON cannot say."""
    return None if number == float("inf") else number

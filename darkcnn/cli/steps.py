"""Steps shared by several commands; each reports bad input in one line."""

import os
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter

import click

from darkcnn._common.maps import MAPS
from darkcnn.cli.printing import print_scores, print_task

_OR_PRETRAINED = "; with --pretrained, the packaged network replaces MODEL."


@contextmanager
def errors_as_messages():
    """Report errors caused by users as one line; other errors are bugs and keep their traceback."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def dask_client(scheduler):
    """Run all fits on the workers of a dask scheduler, if one is given."""
    if scheduler is None:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise click.ClickException('--scheduler needs dask: run pip install "darkcnn[dask]"') from error
    from joblib import parallel_config

    with errors_as_messages(), Client(scheduler) as client, parallel_config("dask", client=client):
        yield


def check_output(path, suffixes=None):
    """Check that an output file can be written, before the work."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise click.ClickException(f"cannot write {path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise click.ClickException(f"cannot write {path}: the folder {folder} is not writable")
    if suffixes is not None and path.suffix.lower() not in suffixes:
        raise click.ClickException(f"cannot write {path}: its name must end in one of {', '.join(suffixes)}")


def check_figure(path):
    """Check that matplotlib can write a figure, before the work."""
    require("matplotlib")
    from matplotlib.backend_bases import FigureCanvasBase

    check_output(path, suffixes=sorted(f".{kind}" for kind in FigureCanvasBase.get_supported_filetypes()))


def require(*packages):
    """Check that plotting packages are installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise click.ClickException(f'figures need {" and ".join(missing)}: run pip install "darkcnn[plot]"')


def load(path, labelled=True):
    """Load a database, or the packaged example if `path` is None."""
    from darkcnn.datasets import load_clusters, load_example

    with errors_as_messages():
        return load_example() if path is None else load_clusters(path, labelled=labelled)


def model_and_database(model, database, pretrained, cross_sections=None, *, needs_both=False):
    """Return MODEL (None for the packaged network) and DATABASE (None for the packaged example)."""
    if cross_sections is not None and not pretrained:
        raise click.UsageError("--cross-sections selects classes of the packaged network: add --pretrained")
    if not pretrained and model is None:
        raise click.UsageError(f"Missing argument 'MODEL'{_OR_PRETRAINED}")
    if pretrained and database is not None:
        raise click.UsageError("--pretrained replaces MODEL: give DATABASE only")
    if pretrained:
        model, database = None, model
    if needs_both and database is None:
        raise click.UsageError(f"Missing argument 'DATABASE'{'.' if pretrained else _OR_PRETRAINED}")
    return model, database


def load_trained(path, cross_sections=None):
    """Load a model and its training notes (None if it has none); None for the packaged network."""
    from darkcnn.persistence import check_training, load_model, load_notes
    from darkcnn.preprocessing import MapSelector
    from darkcnn.pretrained import PUBLISHED, PretrainedEmbedding, load_pretrained

    if path is None:
        with errors_as_messages():
            return load_pretrained(cross_sections=cross_sections or PUBLISHED), None
    with errors_as_messages():
        model, notes = load_model(path), load_notes(path)
        training = notes.get("training") if isinstance(notes, dict) else None
        if training is not None:
            check_training(training)
    takes_records = MapSelector, PretrainedEmbedding
    if not any(isinstance(step, takes_records) for _, step in getattr(model, "steps", [])):
        raise click.ClickException(
            f"{path} is a model of plain maps, not of cluster records: it has no MapSelector"
        )
    return model, training


def build_pipeline(
    clusters,
    *,
    network,
    pretrained,
    fine_tune,
    epochs,
    n_views,
    maps,
    attributes,
    lensing,
    xray,
    exposure,
    seed,
):
    """Build the pipeline that the options describe and check it against the clusters."""
    with errors_as_messages():
        from darkcnn.networks import get_network
        from darkcnn.pipeline import default_pipeline
        from darkcnn.preprocessing import attribute_table

        if pretrained and fine_tune:
            raise ValueError("--pretrained and --fine-tune cannot be combined: give one of them")
        get_network(network)
        attribute_table(clusters.data, attributes)
        options = {} if epochs is None else {"epochs": epochs}
        if not pretrained:
            options["learning_rate_schedule"] = "cosine"  # best for few epochs
        return default_pipeline(
            network,
            maps="all" if maps == MAPS else maps,
            attributes=attributes,
            noise=_noise(lensing, xray, exposure),
            n_views=n_views,
            pretrained="all" if fine_tune else pretrained,
            random_state=seed,
            **options,
        )


def _alternatives(pipeline, clusters, training):
    """Return the networks to compare with, by name: the same one pretrained, or trained from scratch."""
    from darkcnn.pipeline import default_pipeline
    from darkcnn.report.baselines import architecture_name

    network, maps = training["network"], training["maps"]
    if any(training[name] for name in ("attributes", "lensing", "xray")):
        return {}
    try:
        pretrained = default_pipeline(network, maps=maps, pretrained=True)
        pretrained[0].fit(clusters.data[:1])
    except ValueError:  # no such network is packaged, or it does not take such maps
        return {}
    options = {"learning_rate_schedule": "cosine", "random_state": training["seed"]}
    others = [default_pipeline(network, maps=maps, **options), pretrained]
    by_name = {architecture_name(each): each for each in others}
    by_name.pop(architecture_name(pipeline), None)
    return by_name


def _noise(lensing, xray, exposure):
    """Return the simulated noise that the options describe."""
    from darkcnn.noise import WeakLensingNoise, XrayNoise

    if exposure is not None and xray is None:
        raise ValueError("--exposure needs a telescope, such as --xray chandra")
    noise = []
    if lensing is not None:
        noise.append(WeakLensingNoise.from_survey(lensing))
    if xray is not None:
        changes = {} if exposure is None else {"exposure": 1000 * exposure}
        noise.append(XrayNoise.from_telescope(xray, **changes))
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
    """Cross-validate the pipeline and its baselines, print the scores, and return them and all metrics."""
    from darkcnn._common.versions import versions
    from darkcnn.persistence import describe_clusters
    from darkcnn.report import compare_with_baselines, score_table, summarise
    from darkcnn.report.baselines import MAJORITY, PROFILES, architecture_name

    network, training = (
        architecture_name(pipeline),
        {**training, "epochs": getattr(pipeline[-1], "epochs", None)},
    )
    if not silent:
        print_task(clusters, database, {**training, "network": network}, n_repeats, train_size)
    start = perf_counter()
    with errors_as_messages():
        validation = compare_with_baselines(
            pipeline,
            clusters,
            name=network,
            others=_alternatives(pipeline, clusters, training),
            n_repeats=n_repeats,
            train_size=train_size,
            random_state=training["seed"],
            return_estimator=return_estimator,
            n_jobs=n_jobs,
            verbose=not quiet,
        )
    if not silent:
        networks = [name for name in validation.scores if name not in (MAJORITY, PROFILES)]
        several = len(validation.splits) > 1  # or the errors are unknown
        differences = {name: validation.difference(name, PROFILES) for name in networks if several}
        print_scores(score_table(validation), PROFILES, differences)
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
        **summarise(validation),
        "seconds": round(perf_counter() - start, 1),
    }
    return validation, metrics


def fit(pipeline, clusters, quiet):
    """Train the pipeline on all clusters."""
    if "cnn" not in pipeline.named_steps:  # only a last layer, which trains in seconds
        with errors_as_messages():
            pipeline.fit(clusters.data, clusters.target)
        return
    from tqdm import tqdm

    from darkcnn.training.progress import AfterEpoch

    epochs = pipeline.get_params()["cnn__epochs"]
    with (
        tqdm(total=epochs, desc="Training on all clusters", unit="epoch", disable=quiet) as progress,
        errors_as_messages(),
    ):
        pipeline.set_params(cnn__callbacks=[AfterEpoch(progress.update)]).fit(clusters.data, clusters.target)
    pipeline.set_params(cnn__callbacks=None)  # so that it is not saved with the pipeline


def _plain_parameters(pipeline):
    """Return the parameters of all steps that are numbers, strings or lists of them."""
    plain = (bool, int, float, str, list, tuple, dict, type(None))
    return {
        name: value
        for name, value in pipeline.get_params().items()
        if "__" in name and isinstance(value, plain)
    }

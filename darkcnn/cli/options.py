"""Options that several commands share."""

from pathlib import Path

import click

from darkcnn.records import MAPS

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


class ValueList(click.ParamType):
    """Values between commas."""

    name = "list"

    def __init__(self, item):
        self.item = item

    def convert(self, value, param, ctx):
        """Convert each value."""
        if not isinstance(value, str):
            return value
        return tuple(self.item.convert(part.strip(), param, ctx) for part in value.split(","))


def _joined(context, parameter, lists):
    """Join the lists of an option that was repeated; a name counts once."""
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _options(*options):
    """Combine options into one decorator."""

    def decorate(command):
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Address of a dask scheduler, such as tcp://node1:8786, whose workers do the fits.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides every random draw."
)
observed_option = click.option(
    "--observed",
    is_flag=True,
    help="The maps of DATABASE are what a telescope saw: add no noise, whatever MODEL was trained through.",
)
training_options = _options(
    click.option(
        "-o",
        "--network",
        default="polar",
        show_default=True,
        help="Architecture: polar, simple, inception, …; an unknown name gives the full list.",
    ),
    click.option(
        "-n",
        "--epochs",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="How often training sees every map.",
    ),
    click.option(
        "--views",
        "n_views",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Rotated and flipped copies of each map, an epoch. Polar needs none and takes none.",
    ),
    click.option(
        "-c",
        "--channels",
        "maps",
        type=ValueList(click.Choice(MAPS)),
        metavar="MAPS",
        multiple=True,
        default=[MAPS],
        callback=_joined,
        help="Maps to learn from, between commas.  [default: total,xray,stellar]",
    ),
    click.option(
        "-a",
        "--attributes",
        type=ValueList(click.STRING),
        metavar="NAMES",
        multiple=True,
        callback=_joined,
        help="Attributes to learn from as well, such as redshift,log_mass.  [default: none]",
    ),
    click.option(
        "--lensing",
        metavar="SURVEY",
        help="See the mass through the weak lensing of euclid, hst, jwst, roman or superbit.  "
        "[default: noise-free]",
    ),
    click.option(
        "--xray",
        metavar="TELESCOPE",
        help="Count X-ray photons as chandra, erosita or xmm do.  [default: noise-free]",
    ),
    click.option(
        "--exposure",
        type=click.FloatRange(0, min_open=True),
        metavar="KS",
        help="Time of the X-ray observation, in ks.  [default: chandra and xmm 10, erosita 2]",
    ),
    seed_option,
)
splitting_options = _options(
    click.option(
        "-m",
        "--repeats",
        "n_repeats",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="How often to deal the clusters into five folds anew.",
    ),
    click.option(
        "-t",
        "--train-split",
        "train_size",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        help="Instead of five folds, train on this fraction of the clusters and test on the rest, once a "
        "repeat.",
    ),
    click.option(
        "--n-jobs", type=int, default=1, show_default=True, help="Fits at a time; -1 for one on each core."
    ),
)

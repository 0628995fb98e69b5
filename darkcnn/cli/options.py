"""Options that several commands share."""

from pathlib import Path

import click

from darkcnn._common.maps import MAPS

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


class ValueList(click.ParamType):
    """Values separated by commas."""

    name = "list"

    def __init__(self, item):
        self.item = item

    def convert(self, value, param, ctx):
        """Convert each value."""
        if not isinstance(value, str):
            return value
        return tuple(self.item.convert(part.strip(), param, ctx) for part in value.split(","))


def _joined(context, parameter, lists):
    """Join the lists of a repeated option, without duplicates."""
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _options(*options):
    """Combine options into one decorator."""

    def decorate(command):
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


quiet_option = click.option("-q", "--quiet", is_flag=True, help="Hide progress bars.")
scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Address of a dask scheduler to run the fits on, such as tcp://node1:8786.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
velocity_option = click.option(
    "--velocity",
    type=click.FloatRange(0),
    metavar="KM_S",
    help="Velocity in km/s at which velocity-dependent cross-sections are inferred.",
)
pretrained_options = _options(
    click.option("--pretrained", is_flag=True, help="Use the packaged network instead of MODEL."),
    click.option(
        "--cross-sections",
        type=ValueList(click.FLOAT),
        metavar="CM2_G",
        help="Classes of the packaged network, in cm2/g, such as 0,0.1,1.  [default: 0,0.1,0.3,1]",
    ),
)
training_options = _options(
    click.option(
        "--pretrained", is_flag=True, help="Train only the last layer of the packaged network (few halos)."
    ),
    click.option("--fine-tune", is_flag=True, help="Train all layers of the packaged network."),
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
        help="Number of training epochs.  [default: 48 for polar, 20 for others]",
    ),
    click.option(
        "--views",
        "n_views",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Rotated and flipped copies of each map per epoch; ignored by polar, which is invariant.",
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
        help="Input maps, separated by commas.  [default: total,xray,stellar]",
    ),
    click.option(
        "-a",
        "--attributes",
        type=ValueList(click.STRING),
        metavar="NAMES",
        multiple=True,
        callback=_joined,
        help="Input attributes, such as redshift,log_mass.  [default: none]",
    ),
    click.option(
        "--lensing",
        metavar="SURVEY",
        help="Simulate the weak-lensing noise of euclid, hst, jwst, roman or superbit.  [default: none]",
    ),
    click.option(
        "--xray",
        metavar="TELESCOPE",
        help="Simulate the X-ray noise of chandra, erosita or xmm.  [default: none]",
    ),
    click.option(
        "--exposure",
        type=click.FloatRange(0, min_open=True),
        metavar="KS",
        help="X-ray exposure time in ks.  [default: chandra and xmm 10, erosita 2]",
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
        help="Number of repetitions of the 5-fold cross-validation.",
    ),
    click.option(
        "-t",
        "--train-split",
        "train_size",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        help="Fraction of the halos for training, drawn at random for each repetition instead of 5 folds.",
    ),
    click.option(
        "--n-jobs", type=int, default=1, show_default=True, help="Number of parallel fits; -1 for all cores."
    ),
)

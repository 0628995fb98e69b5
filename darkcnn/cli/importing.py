"""The command ``darkcnn import``: clusters from maps in files."""

import click

from darkcnn._common.maps import MAPS
from darkcnn.cli import steps
from darkcnn.cli.options import INPUT_FILE, OUTPUT_FILE, quiet_option


def _quantity(context, parameter, text):
    """Read a number, with or without a unit."""
    if text is None:
        return None
    from astropy.units import Quantity

    try:
        value = Quantity(text)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(
            f"must be a number, with or without a unit such as '15 arcsec', got {text!r}"
        ) from error
    return value.value if value.unit == "" else value


def _units(context, parameter, assignments):
    """Read MAP=UNIT."""
    units = dict(assignment.partition("=")[::2] for assignment in assignments)
    if unknown := set(units) - set(MAPS):
        raise click.BadParameter(
            f"must be MAP=UNIT for a map of {', '.join(MAPS)}, got {sorted(unknown)[0]!r}"
        )
    return units


@click.command("import", epilog="\b\nExample:\n  darkcnn import table.csv -o clusters.h5 --pixel-scale 7.8")
@click.argument("table", type=INPUT_FILE)
@click.option("-f", "-o", "--output", type=OUTPUT_FILE, required=True, help="Database to write, .h5.")
@click.option(
    "--n-pixels",
    type=click.IntRange(min=4),
    default=50,
    show_default=True,
    help="Number of pixels along each side of the maps.",
)
@click.option(
    "--pixel-scale",
    callback=_quantity,
    help="Side of a pixel, in kpc or with a unit, if neither TABLE nor the files contain it.",
)
@click.option("--field-size", callback=_quantity, help="Side of the images, instead of --pixel-scale.")
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="MAP=UNIT",
    callback=_units,
    help="Unit of a map if the files contain none, such as total=Msun/kpc2. Can be repeated.",
)
@click.option("--middle", is_flag=True, help="Use the middle of each image as the cluster centre.")
@click.option("--fill-value", type=float, help="Value for gaps in the maps.  [default: gaps are an error]")
@click.option(
    "--max-gap",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Largest fraction of the field that may be filled.",
)
@click.option(
    "--allow-coarse", is_flag=True, help="Accept maps with larger pixels than the records; they are blurred."
)
@click.option(
    "--psf-fwhm",
    callback=_quantity,
    default="0",
    help="Full width at half maximum of the point spread function of the maps, in kpc or with a unit.",
)
@click.option("--skip-bad", is_flag=True, help="Skip clusters whose files cannot be read, and list them.")
@quiet_option
def import_(table, output, middle, skip_bad, quiet, **options):
    """Import clusters from the map files listed in TABLE.

    TABLE is CSV, ECSV or FITS, with one row for each cluster and the columns cluster_id, redshift, and
    total, xray or stellar: paths to FITS, HDF5 or .npy files. Optional columns: cross_section, label,
    total_hdu, total_row, total_unit (likewise for the other maps), pixel_scale, field_size, center_row,
    center_column, and attributes such as log_mass.

    The database may be larger than memory, and repeating the command resumes an interrupted import.
    """
    import warnings

    from darkcnn.datasets import import_clusters

    steps.check_output(output, suffixes=[".h5", ".hdf5"])
    with steps.errors_as_messages(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        clusters = import_clusters(
            table,
            output,
            center="middle" if middle else None,
            skip_bad=skip_bad,
            verbose=not quiet,
            **options,
        )
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    for _, fault in clusters.skipped:
        click.echo(f"Skipped {fault}", err=True)
    click.echo(f"Wrote {len(clusters.data)} clusters to {output}")

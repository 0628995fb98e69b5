"""Make the packaged database, darkcnn/datasets/data/example.h5: ``python benchmarks/make_example.py``.

Halos count for more than snapshots of one halo when a network learns, and the file should stay below 5 MB.
So each halo is kept at one redshift, and maps keep 9 significant bits, which lets them be compressed.
"""

from pathlib import Path

import numpy as np

import darkcnn
from darkcnn.datasets import make_clusters
from darkcnn.datasets.database import Database, check_database
from darkcnn.datasets.hdf5 import write_hdf5
from darkcnn.records import MAPS

N_HALOS = 108
RANDOM_STATE = 2024
SIGNIFICANT_BITS = 9

DESCRIPTION = """\
Mock clusters packaged with darkcnn: {n_clusters} clusters of {n_halos} halos, each halo in the models
{models} and at one of the redshifts {redshifts}.
Maps are {n_pixels} x {n_pixels} pixels of {pixel_scale:.0f} kpc.

Made by darkcnn {version} with "python benchmarks/make_example.py", which is
make_clusters({n_halos}, random_state={seed}), halo i being kept at redshift i modulo {n_redshifts}.
Values of maps are rounded to {bits} significant bits, a relative error of at most {error:.1%}.
Galaxies are left out.
The mock is not a simulation: how hard the models are to tell apart is calibrated, not predicted.
"""


def main():
    clusters = make_clusters(N_HALOS, random_state=RANDOM_STATE, n_jobs=-1)
    halos, redshifts = clusters.groups, clusters.data["redshift"]
    snapshots = np.unique(redshifts)
    kept = redshifts == snapshots[halos % len(snapshots)]
    records = clusters.data[kept]
    for name in MAPS:
        records[name] = rounded(records[name])
    description = DESCRIPTION.format(
        n_clusters=len(records),
        n_halos=N_HALOS,
        models=", ".join(clusters.target_names),
        redshifts=", ".join(f"{redshift:g}" for redshift in snapshots),
        n_redshifts=len(snapshots),
        n_pixels=records["total"].shape[1],
        pixel_scale=clusters.pixel_scale,
        version=darkcnn.__version__,
        seed=RANDOM_STATE,
        bits=SIGNIFICANT_BITS,
        error=0.5**SIGNIFICANT_BITS,
    )
    path = Path(darkcnn.__file__).parent / "datasets" / "data" / "example.h5"
    path.parent.mkdir(exist_ok=True)
    database = Database(records, clusters.target[kept], description=description, blur=clusters.blur)
    check_database(database)
    write_hdf5(path, database, compress=True)
    print(f"{path}: {len(records)} clusters, {path.stat().st_size / 1e6:.2f} MB")


def rounded(values):
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2**SIGNIFICANT_BITS) / 2**SIGNIFICANT_BITS, exponent)


if __name__ == "__main__":
    main()

"""Import clusters from FITS files: memory and speed, beside reading them with astropy alone.

Writes ``--n-clusters`` images of 100 pixels for each of the three maps, then imports them and reads
them, each in a process of its own. Prints a Markdown table.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.io import fits
from astropy.table import Table

from darkcnn.datasets import make_clusters
from darkcnn.records import MAPS, NORMS

CASE = """
import json, resource, sys, time, numpy as np
from astropy.io import fits
from astropy.table import Table
from darkcnn.datasets import import_clusters
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start, cpu = memory(), time.perf_counter(), time.process_time()
if sys.argv[1] == "import":
    import_clusters("table.csv", sys.argv[2] + ".h5", pixel_scale=20, center="middle")
else:
    table = Table.read("table.csv")
    for name in ("total", "xray", "stellar"):
        for path in table[name]:
            with fits.open(path) as hdus:
                np.asarray(hdus[0].data, dtype=float).sum()
print(json.dumps([memory() - before, time.perf_counter() - start, time.process_time() - cpu]))
"""


def write(folder, n_clusters):
    """Write images of mock clusters, which repeat, and the table."""
    mock = make_clusters(10, redshifts=(0.25,), n_pixels=100, random_state=0)
    rows = np.arange(n_clusters) % len(mock.data)
    table = Table({"cluster_id": mock.groups[rows], "label": mock.target[rows]})
    table["redshift"] = mock.data["redshift"][rows]
    for name, norm in zip(MAPS, NORMS, strict=True):
        table[name] = [f"{name}{number}.fits" for number in range(n_clusters)]
        for number, row in enumerate(rows):
            image = mock.data[name][row] * mock.data[norm][row]
            fits.writeto(folder / f"{name}{number}.fits", image.astype(">f4"))
    table.write(folder / "table.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-clusters", type=int, nargs="+", default=[2500, 10_000])
    print(
        "| what | clusters | peak memory above import, MB | CPU seconds | seconds of the clock "
        "|\n|---|---|---|---|---|"
    )
    for n_clusters in parser.parse_args().n_clusters:
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            write(Path(folder), n_clusters)
            print(f"<!-- wrote {3 * n_clusters} files in {time.perf_counter() - start:.0f} s -->", flush=True)
            for what in ("import", "astropy"):
                command = [sys.executable, "-c", CASE, what, f"{n_clusters}"]
                run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
                memory, seconds, cpu = json.loads(run.stdout.splitlines()[-1])
                print(f"| {what} | {n_clusters:,} | {memory:.0f} | {cpu:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()

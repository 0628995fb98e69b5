"""How much processor time it takes to combine what networks say about many clusters.

Probabilities are those of the stand-in of ``coverage.py``, five networks, each calibrated with 300 halos of
every class. Times are of the process, so that other work on the machine does not count. Run as
``python benchmarks/combining.py``; it prints a table in Markdown.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from coverage import StandIn

from darkcnn import CrossSectionPosterior

CLASSES = ("CDM", "SIDM0.1", "SIDM0.3", "SIDM1")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-clusters", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--n-networks", type=int, default=5)
    parser.add_argument("--n-repeats", type=int, default=5, help="of which the median counts")
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # most of the error is systematic, rightly
    stand_in = StandIn(
        CLASSES,
        "log",
        separation=4,
        overconfidence=2,
        skewed=False,
        network_scatter=0.1,
        n_networks=arguments.n_networks,
        n_calibration=300,
    )
    held_out, target, draw = stand_in.deal(np.random.default_rng(0))
    held_out = np.stack([held_out] * arguments.n_networks)
    lines = ["| clusters | networks | calibrate, s | combine, s |", "|---|---|---|---|"]
    for n_clusters in arguments.n_clusters:
        sample = draw(0.2, n_clusters)
        times = []
        for _ in range(arguments.n_repeats):
            posterior = CrossSectionPosterior(list(CLASSES), random_state=0)
            start = time.process_time()
            posterior.calibrate(held_out, target)
            calibrated = time.process_time()
            posterior.fit(sample)
            times.append([calibrated - start, time.process_time() - calibrated])
        calibrate, combine = np.median(times, axis=0)
        lines.append(f"| {n_clusters:,} | {len(sample)} | {calibrate:.2f} | {combine:.2f} |")
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

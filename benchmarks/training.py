"""Training: what the library costs beside keras alone, and what it saves from the second fit on.

Prints one table: ten fits of one epoch in one process beside one; fits of several epochs beside the rival, a
bare ``keras.Model.fit`` of the same network on the same maps in memory; cross-validation in two processes
beside one. It takes about ten minutes on 2 cores, which must have nothing else to do.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, cross_val_score

from darkcnn import DarkCNNClassifier
from darkcnn._common.writing import atomic_write
from darkcnn.training.network import CompiledNetwork

AIMS = {"epochs": 1.05, "ten fits": 4.0, "n_jobs=2": 1.0}


class Stopwatch:
    """Time spent since it was made, in seconds."""

    def __init__(self):
        self.start = time.perf_counter()

    def read(self):
        """Return the seconds."""
        return time.perf_counter() - self.start


def maps(n_maps, n_pixels):
    """Make noise maps of four classes; their values do not matter for the time."""
    rng = np.random.default_rng(0)
    return rng.random((n_maps, n_pixels, n_pixels, 3), dtype=np.float32), np.arange(n_maps) % 4


def throughput(architecture, n_pixels, n_maps, n_epochs, n_repeats):
    """Return seconds of fits, keras' and ours, in pairs one after the other; a pair before warms both up."""
    X, y = maps(n_maps, n_pixels)
    targets = np.eye(4, dtype=np.float32)[y]
    network = CompiledNetwork(architecture, X.shape[1:], 0, 4, options={})
    classifier = DarkCNNClassifier(architecture, epochs=n_epochs, random_state=0)
    trainings = (
        lambda: network.model.fit(X, targets, epochs=n_epochs, batch_size=32, verbose=0),
        lambda: classifier.fit(X, y),
    )
    seconds = np.empty((n_repeats + 1, 2))
    for repeat in range(n_repeats + 1):
        for which in (0, 1) if repeat % 2 else (1, 0):  # whatever drifts does so against both
            watch = Stopwatch()
            trainings[which]()
            seconds[repeat, which] = watch.read()
    return seconds[1:].T


def fits(architecture, n_pixels, n_maps):
    """Return seconds of the first fit of a process, and of that and nine more."""
    X, y = maps(n_maps, n_pixels)
    watch, readings = Stopwatch(), []
    for seed in range(10):
        DarkCNNClassifier(architecture, epochs=1, random_state=seed).fit(X, y)
        readings.append(watch.read())
    return readings[0], readings[-1]


def folds(architecture, n_pixels, n_maps, n_epochs):
    """Return seconds of four folds in one process and in two, which have traced the network before."""
    X, y = maps(n_maps, n_pixels)
    cv = KFold(4, shuffle=True, random_state=0)
    seconds, scores = [], []
    for n_jobs in (1, 2):
        for n_rows, epochs in ((64, 1), (n_maps, n_epochs)):
            classifier = DarkCNNClassifier(architecture, epochs=epochs, random_state=0)
            watch = Stopwatch()
            score = cross_val_score(
                classifier, X[:n_rows], y[:n_rows], cv=cv, scoring="neg_log_loss", n_jobs=n_jobs
            )
        seconds.append(watch.read())
        scores.append(score)
    np.testing.assert_array_equal(*scores)
    return seconds


def rows(n_repeats, scale, n_epochs):
    """Measure, and give what, the base line and its seconds, ours, the kind of aim; seconds may be many."""
    for architecture in ("inception", "polar"):
        first, ten = fits(architecture, 50, n_maps=32)
        yield f"ten fits, {architecture}", "one fit", first, ten, "ten fits"
    for architecture, n_maps in (("inception", 128), ("polar", 3200), ("simple", 1600)):
        seconds = throughput(architecture, 50, max(32, int(n_maps * scale)), n_epochs, n_repeats)
        yield f"{n_epochs} epochs, {architecture}", "keras alone", *seconds, "epochs"
    one, two = folds("polar", 50, max(64, int(2400 * scale)), n_epochs=max(1, int(12 * scale)))
    yield "four folds, polar, n_jobs=2", "n_jobs=1", one, two, "n_jobs=2"


def with_error(ratios):
    """Write the mean of repeats with its standard error, or the one that there is."""
    error = f" ± {np.std(ratios, ddof=1) / np.sqrt(np.size(ratios)):.2f}" if np.size(ratios) > 1 else ""
    return f"{np.mean(ratios):.2f}{error}"


def main():
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12, help="pairs of fits of several epochs")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of maps and epochs")
    parser.add_argument("--epochs", type=int, default=3, help="of each such fit")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = ["| what | beside | it takes, s | what takes, s | ratio | aim |", "|---|---|---|---|---|---|"]
    print("\n".join(lines))
    for what, beside, reference, ours, kind in rows(options.repeats, options.scale, options.epochs):
        lines.append(
            f"| {what} | {beside} | {np.median(reference):.2f} | {np.median(ours):.2f} "
            f"| {with_error(np.divide(ours, reference))} | at most {AIMS[kind]:.2f} |"
        )
        print(lines[-1], flush=True)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

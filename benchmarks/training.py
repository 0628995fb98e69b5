"""Training: what the library costs beside keras alone, and what it saves from the second fit on.

Prints two tables in Markdown. First, the time of an epoch, beside the rival: a bare ``keras.Model.fit`` of
the same network on the same maps, in memory. Second, ten fits of one epoch in one process beside one.
Run as ``python benchmarks/training.py``; the first table takes a few minutes on 2 cores.
"""

import argparse
import time

import numpy as np

from darkcnn import DarkCNNClassifier
from darkcnn.networks import compiled


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
    """Return seconds an epoch, ours and keras', the median of alternating runs after one to warm up."""
    X, y = maps(n_maps, n_pixels)
    targets = np.eye(4, dtype=np.float32)[y]
    network = compiled.CompiledNetwork(
        architecture, X.shape[1:], 0, 4, options={}, weight_decay=0.0, label_smoothing=0.0
    )
    classifier = DarkCNNClassifier(architecture, epochs=n_epochs, random_state=0)
    seconds = {"darkcnn": [], "keras": []}
    for _ in range(n_repeats + 1):
        watch = Stopwatch()
        network.model.fit(X, targets, epochs=n_epochs, batch_size=32, verbose=0)
        seconds["keras"].append(watch.read() / n_epochs)
        watch = Stopwatch()
        classifier.fit(X, y)
        seconds["darkcnn"].append(watch.read() / n_epochs)
    return {name: float(np.median(values[1:])) for name, values in seconds.items()}


def fits(architecture, n_pixels, n_maps):
    """Return seconds of the first fit of a process, and of that and nine more."""
    X, y = maps(n_maps, n_pixels)
    watch, readings = Stopwatch(), []
    for seed in range(10):
        DarkCNNClassifier(architecture, epochs=1, random_state=seed).fit(X, y)
        readings.append(watch.read())
    return readings[0], readings[-1]


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print("| network | pixels | first fit, s | ten fits, s | ratio |\n|---|---|---|---|---|")
    for architecture, n_pixels in (("inception", 50), ("polar", 50)):
        first, ten = fits(architecture, n_pixels, n_maps=32)
        print(f"| {architecture} | {n_pixels} | {first:.1f} | {ten:.1f} | {ten / first:.2f} |", flush=True)
    print("\n| network | pixels | keras, s/epoch | darkcnn, s/epoch | ratio |\n|---|---|---|---|---|")
    for architecture, n_pixels, n_maps in (("inception", 50, 256), ("polar", 50, 3200), ("simple", 50, 3200)):
        seconds = throughput(architecture, n_pixels, n_maps, 2, arguments.repeats)
        ratio = seconds["darkcnn"] / seconds["keras"]
        print(
            f"| {architecture} | {n_pixels} | {seconds['keras']:.2f} | {seconds['darkcnn']:.2f} "
            f"| {ratio:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

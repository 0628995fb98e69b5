"""Training and prediction: what the library costs beside keras alone, and what a second fit saves.

Prints one table, of pairs that were measured one after the other: fits and predictions beside the rival, bare
``keras.Model.fit`` and ``predict`` of the same network on the same maps in memory; training with noise beside
training without; ten fits beside the first; the first prediction of a new process beside keras; and
cross-validation in two processes beside one. Seconds are those of the processor, which other work on the
machine disturbs less than those of the clock, but for the cross-validation.
"""

import argparse
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score

from darkcnn import DarkCNNClassifier, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.training.network import CompiledNetwork

FIRST_PREDICTION = """
from darkcnn import load_pretrained
from darkcnn.datasets import load_example
load_pretrained().predict_proba(load_example().data[:8])
"""
BY_HAND = """
import keras
import numpy as np
from keras import layers
maps = keras.Input((50, 50, 3))
x = maps[:, 15:35, 17:33]  # 20 x 16, as many pixels as the polar network has on rings
for _ in range(2):
    x = layers.Conv2D(16, 3, padding="same")(x)
    x = layers.Activation("silu")(layers.BatchNormalization()(x))
scatter = keras.ops.sqrt(keras.ops.var(x, axis=2) + 1e-3)
x = layers.Concatenate()([keras.ops.mean(x, axis=2), keras.ops.max(x, axis=2), scatter])
x = layers.Conv1D(32, 3, padding="same", use_bias=False)(x)
x = layers.Flatten()(layers.Activation("silu")(layers.BatchNormalization()(x)))
x = layers.Dense(64, activation="silu")(layers.Dropout(0.3)(x))
network = keras.Model(maps, layers.Dense(4)(layers.Dropout(0.3)(x)))
network.predict_on_batch(np.zeros((8, 50, 50, 3), "f4"))
"""


def maps(n_maps, n_pixels):
    """Make noise maps of four classes; their values do not matter for the time."""
    rng = np.random.default_rng(0)
    return rng.random((n_maps, n_pixels, n_pixels, 3), dtype=np.float32), np.arange(n_maps) % 4


def pairs(reference, ours, n_repeats):
    """Return processor seconds of two functions, in pairs one after the other."""
    seconds = np.empty((n_repeats, 2))
    for repeat in range(n_repeats):
        for which in (0, 1) if repeat % 2 else (1, 0):  # whatever drifts does so against both
            start = time.process_time()
            (reference, ours)[which]()
            seconds[repeat, which] = time.process_time() - start
    return seconds.T


def beside_keras(architecture, n_pixels, n_maps, n_epochs, n_repeats, *, predict=False):
    """Measure fits, or predictions, beside those of keras, after one epoch and prediction of each."""
    X, y = maps(n_maps, n_pixels)
    targets = np.eye(4, dtype=np.float32)[y]
    model = CompiledNetwork(architecture, X.shape[1:], 0, 4, options={}).model
    classifier = DarkCNNClassifier(architecture, epochs=n_epochs, random_state=0)

    def fit(epochs=n_epochs):
        model.fit(X, targets, epochs=epochs, batch_size=32, verbose=0)

    fit(1)
    clone(classifier).set_params(epochs=1).fit(X, y)
    if not predict:
        return pairs(fit, lambda: classifier.fit(X, y), n_repeats)
    classifier.set_params(epochs=1).fit(X, y).predict_proba(X)
    model.predict(X, batch_size=256, verbose=0)
    return pairs(
        lambda: model.predict(X, batch_size=256, verbose=0), lambda: classifier.predict_proba(X), n_repeats
    )


def through_noise(n_halos, n_epochs, n_repeats):
    """Measure the training through both noises beside that without."""
    clusters = make_clusters(n_halos, n_pixels=100, random_state=0)
    free, noisy = (
        default_pipeline("polar", noise=noise, epochs=n_epochs, random_state=0)
        for noise in ((), (WeakLensingNoise(), XrayNoise()))
    )
    for pipeline in (free, noisy):
        clone(pipeline).set_params(cnn__epochs=1).fit(clusters.data, clusters.target)
    return pairs(*(partial(p.fit, clusters.data, clusters.target) for p in (free, noisy)), n_repeats)


def ten_fits(architecture, n_pixels, n_maps):
    """Return processor seconds of the first fit of a process, and of that and nine more."""
    X, y = maps(n_maps, n_pixels)
    start, readings = time.process_time(), []
    for seed in range(10):
        DarkCNNClassifier(architecture, epochs=1, random_state=seed).fit(X, y)
        readings.append(time.process_time() - start)
    return readings[0], readings[-1]


def new_process(code):
    """Return processor seconds of a new process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_predictions(n_repeats):
    """Return processor seconds of new processes, with keras alone and ours."""
    return [[new_process(code) for _ in range(n_repeats)] for code in (BY_HAND, FIRST_PREDICTION)]


def folds(architecture, n_pixels, n_maps, n_epochs):
    """Return seconds of the clock of four folds in one process and in two, once the network is traced."""
    X, y = maps(n_maps, n_pixels)
    cv = KFold(4, shuffle=True, random_state=0)
    seconds, scores = [], []
    for n_jobs in (1, 2):
        for n_rows, epochs in ((64, 1), (n_maps, n_epochs)):
            classifier = DarkCNNClassifier(architecture, epochs=epochs, random_state=0)
            start = time.perf_counter()
            score = cross_val_score(
                classifier, X[:n_rows], y[:n_rows], cv=cv, scoring="neg_log_loss", n_jobs=n_jobs
            )
        seconds.append(time.perf_counter() - start)
        scores.append(score)
    np.testing.assert_array_equal(*scores)
    return seconds


def rows(n_repeats, scale):
    """Return what is measured, beside what, how, and the aim."""

    def beside(*arguments, **options):
        return partial(beside_keras, *arguments, n_repeats, **options)

    for architecture in ("inception", "polar"):
        yield f"ten fits, {architecture}", "the first", partial(ten_fits, architecture, 50, 32), 4.0
    for architecture, aim in (("polar", 0.9), ("simple", 1.05)):
        for n_pixels in (50, 100):
            what = f"{architecture}, {n_pixels} pixels"
            n = int(scale * (1600 if architecture == "polar" else 40_000 // n_pixels))
            for n_epochs, n_maps, most in ((1, n, 1.05), (24, n // 2, aim)):
                fit = beside(architecture, n_pixels, n_maps, n_epochs)
                yield f"fit, {what}, epochs: {n_epochs}, maps: {n_maps:,}", "keras alone", fit, most
            predict = beside(architecture, n_pixels, n, 1, predict=True)
            yield f"predict, {what}, maps: {n:,}", "keras alone", predict, 1.05
    yield (
        "fit, inception, 50 pixels, 3 epochs",
        "keras alone",
        beside("inception", 50, int(128 * scale), 3),
        1.05,
    )
    noisy = partial(through_noise, max(2, int(20 * scale)), 6, n_repeats)
    yield "fit, polar, 100 pixels, 6 epochs, both noises", "without noise", noisy, 1.3
    yield "first prediction, pretrained", "keras alone", partial(first_predictions, n_repeats), 1.3
    yield "four folds, two processes", "one process", partial(folds, "polar", 50, int(2400 * scale), 12), 1.0


def with_error(ratios):
    """Write the mean of repeats with its standard error, or the one that there is."""
    error = f" ± {np.std(ratios, ddof=1) / np.sqrt(np.size(ratios)):.2f}" if np.size(ratios) > 1 else ""
    return f"{np.mean(ratios):.2f}{error}"


def main():
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=12, help="pairs of each comparison")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of maps")
    parser.add_argument("--only", default="", help="measure only the rows with this in their names")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = ["| what | beside | it takes, s | what takes, s | ratio | aim |", "|---|---|---|---|---|---|"]
    print("\n".join(lines))
    for what, beside, measure, aim in rows(options.repeats, options.scale):
        if options.only not in what:
            continue
        reference, ours = measure()
        lines.append(
            f"| {what} | {beside} | {np.median(reference):.2f} | {np.median(ours):.2f} "
            f"| {with_error(np.divide(ours, reference))} | at most {aim:.2f} |"
        )
        print(lines[-1], flush=True)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

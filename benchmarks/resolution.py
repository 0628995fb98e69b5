"""Resolution: what maps at another resolution than that of the training do to accuracy and cross-section.

The polar network and the linear classifier of radial profiles are trained on mock clusters with pixels of 20
and of 40 kpc, as in ``accuracy.py``, and tested on maps of other halos that are blurred, have another pixel
scale or centre than stated, or were stored with 8 bits. Halos that neither has seen calibrate the domain test
and the posterior of the cross-section, with maps as they should be.

Each network is a line of JSON in ``FOLDER/resolution.jsonl``; those that are there are not repeated. The
tables are made from all lines:

    python benchmarks/resolution.py FOLDER --output tables.md
"""

import argparse
import json
import warnings
from pathlib import Path

import cv2
import numpy as np
from accuracy import CROSS_SECTIONS, N_TEST, N_TRAIN, TEST_SEED, TRAIN_SEED, markdown, with_errors
from scipy.ndimage import gaussian_filter

from darkcnn import CrossSectionPosterior, default_pipeline, profile_baseline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.inference import DomainTest
from darkcnn.records import FIELD_SIZE, MAPS

HELD_OUT_SEED, N_HELD_OUT = 4, 150  # halos that calibrate
SAMPLE = 30  # halos
LEVEL = 0.05
LEAST = 1e-6  # value whose logarithm is that of empty pixels, where maps are interpolated


def blur(width):
    """Return a function that smooths maps with a Gaussian of this standard deviation in pixels."""
    return lambda maps: gaussian_filter(maps, (0, width, width, 0), mode="nearest")


def magnify(factor):
    """Return a function that shows the middle of maps only, this much larger."""
    return lambda maps: resample(maps, 1 / factor, np.zeros((len(maps), 2)))


def shift(kpc):
    """Return a function that moves the centre of each map by this distance in a random direction."""

    def moved(maps):
        angle = np.random.default_rng(0).uniform(0, 2 * np.pi, len(maps))
        offset = kpc * maps.shape[1] / FIELD_SIZE
        return resample(maps, 1, offset * np.stack([np.cos(angle), np.sin(angle)], axis=1))

    return moved


def resample(maps, step, offsets):
    """Return the maps on another grid, by windowed-sinc interpolation of their logarithms."""
    middle = (maps.shape[1] - 1) / 2
    resampled = np.empty_like(maps)
    for row, (each, offset) in enumerate(zip(np.log(np.maximum(maps, LEAST)), offsets, strict=True)):
        corner = middle * (1 - step) + offset  # what the first pixel shows
        grid = np.array([[step, 0, corner[0]], [0, step, corner[1]]])
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        resampled[row] = cv2.warpAffine(
            each, grid, each.shape[:2], flags=flags, borderMode=cv2.BORDER_REFLECT
        )
    return np.exp(resampled)


def store_log(maps):
    """Store the logarithms of four decades below the peak with 8 bits."""
    levels = np.round(np.clip(np.log10(np.maximum(maps, 1e-4)) / 4 + 1, 0, 1) * 255)
    return 10 ** ((levels / 255 - 1) * 4)


CHANGES = {
    "none": lambda maps: maps,
    "blur of 0.25 pixels": blur(0.25),
    "blur of 0.38 pixels": blur(0.38),
    "blur of 0.5 pixels": blur(0.5),
    "blur of 0.75 pixels": blur(0.75),
    "pixels 5 % smaller than stated": magnify(1.05),
    "pixels 10 % smaller than stated": magnify(1.1),
    "centre off by 10 kpc": shift(10),
    "centre off by 20 kpc": shift(20),
    "8 bits, logarithmic": store_log,
    "8 bits, linear": lambda maps: np.round(maps * 255) / 255,
}


def change(records, function):
    """Return records with their maps changed and divided by their new peaks."""
    changed = records.copy()
    maps = function(np.stack([records[name] for name in MAPS], axis=-1))
    for name, each in zip(MAPS, np.moveaxis(maps, -1, 0), strict=True):
        changed[name] = each / each.max(axis=(1, 2), keepdims=True)
    return changed


def samples_of(rows, groups):
    """Split rows into samples of whole halos."""
    halos = np.unique(groups)
    for first in range(0, len(halos) - SAMPLE + 1, SAMPLE):
        yield np.flatnonzero(rows & np.isin(groups, halos[first : first + SAMPLE]))


def measure(network, baseline, held_out, test):
    """Return what each change does to predictions, domain test and posterior."""
    domain = DomainTest(random_state=0).fit(
        network.transform(held_out.data), held_out.target, held_out.groups
    )
    posterior = CrossSectionPosterior(network.classes_, random_state=0)
    posterior.calibrate(network.predict_proba(held_out.data), held_out.target, held_out.groups)
    results = {}
    for name, function in CHANGES.items():
        records = change(test.data, function)
        probabilities, embeddings = network.predict_proba(records), network.transform(records)
        predicted = {
            "polar": network.classes_[probabilities.argmax(axis=1)],
            "profiles": baseline.predict(records),
        }
        result = {
            estimator: (labels == test.target).reshape(len(np.unique(test.groups)), -1).mean(axis=1).tolist()
            for estimator, labels in predicted.items()
        }
        result["flagged"] = float((domain.pvalues(embeddings) < LEVEL).mean())
        result["samples"] = []
        for rows in samples_of(test.target == "CDM", test.groups):
            fitted = posterior.fit(probabilities[rows], test.groups[rows])
            pvalue = domain.sample_pvalue(embeddings[rows], test.groups[rows])
            result["samples"].append([fitted.mean_, *map(float, fitted.interval(0.95)), pvalue])
        results[name] = result
    return results


def table(results):
    """Lay out the results of networks, one for each seed."""
    rows = []
    for name in results[0]:
        seeds = [each[name] for each in results]
        right = {key: np.array([seed[key] for seed in seeds]) for key in ("profiles", "polar")}
        samples = np.array([seed["samples"] for seed in seeds])  # seeds, samples, (mean, low, high, p-value)
        means, low, high, pvalues = samples.reshape(-1, 4).T
        rows.append([
            name,
            *(with_errors(right[key]) for key in ("profiles", "polar")),
            f"{np.mean([seed['flagged'] for seed in seeds]):.0%}",
            f"{(pvalues < LEVEL).sum()} of {len(pvalues)}",
            f"{means.mean():.3f}",
            f"{((low <= 0) & (high >= 0)).sum()} of {len(means)}",
        ])  # fmt: skip
    return markdown(
        ["maps", "profiles", "polar", "maps flagged", "samples flagged", "CDM: mean, cm²/g", "95 % holds 0"],
        rows,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--n-pixels", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--n-halos", type=int, default=N_TRAIN, help="to train on")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "resolution.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    parameters = {} if options.epochs is None else {"epochs": options.epochs}
    warnings.filterwarnings("ignore", category=UserWarning, module="__main__")  # of outliers and limits
    for seed in options.seeds:
        for n_pixels in options.n_pixels:
            if (n_pixels, seed) in [(each["n_pixels"], each["seed"]) for each in done]:
                continue
            shared = {"cross_sections": CROSS_SECTIONS[3], "n_pixels": n_pixels}
            train = make_clusters(options.n_halos, random_state=TRAIN_SEED + 100 * seed, **shared)
            held_out = make_clusters(N_HELD_OUT, random_state=HELD_OUT_SEED, **shared)
            test = make_clusters(N_TEST, random_state=TEST_SEED, **shared)
            network = default_pipeline("polar", random_state=seed, **parameters)
            baseline = profile_baseline()
            for estimator in (network, baseline):
                estimator.fit(train.data, train.target)
            line = {"n_pixels": n_pixels, "seed": seed, "results": measure(network, baseline, held_out, test)}
            done.append(line)
            with path.open("a") as file:
                file.write(json.dumps(line) + "\n")
    text = ""
    for n_pixels in options.n_pixels:
        results = [each["results"] for each in done if each["n_pixels"] == n_pixels]
        if results:
            text += f"Pixels of {FIELD_SIZE / n_pixels:g} kpc, {len(results)} seeds\n\n{table(results)}\n"
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

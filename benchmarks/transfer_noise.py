"""Transfer through telescopes: whether a network pretrained on noisy maps of many suites saves halos.

A polar network is trained on noisy maps of `N_SUITES` suites with physics of their own, new noise in every
epoch. In simulations of ``other_simulations.py`` it is compared, as it is and with a new last layer, with
networks and linear classifiers trained on noisy maps of that simulation, and with the packaged network, which
was trained without noise. All are tested on the same noise realisation of the same halos.

Each fit is a line of JSON in ``FOLDER/transfer_noise.jsonl``. Those that are there are not repeated. The
pretrained network is kept in ``FOLDER/noisy.joblib``.

    python benchmarks/transfer_noise.py FOLDER --output table.md
"""

import argparse
from functools import cache, partial
from itertools import product
from pathlib import Path

import joblib
import numpy as np
from accuracy import clocked_fit, markdown, with_errors
from other_simulations import CROSS_SECTIONS, N_TEST, test_set, training_set
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from transfer import Fit, difference, read, right_of, run_all

from darkcnn import ObservedRecords, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import profile_baseline
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.pretrained.files import HEAD
from darkcnn.records import label_of
from darkcnn.simulation import Physics

NOISES = [
    WeakLensingNoise.from_survey("euclid", random_state=0),
    XrayNoise.from_telescope("chandra", random_state=0),
]
TARGETS = ("fiducial", "B2", "feedback")
SIZES = (10, 40, 150)  # halos
N_SUITES, N_HALOS = 100, 12
PRETRAINING = {"epochs": 12, "network_options": {"width": 2.0}, "random_state": 0}
REDSHIFTS = (0, 0.125, 0.25, 0.375)
ALL_CROSS_SECTIONS = (0, 0.03, 0.06, 0.1, 0.17, 0.3, 0.5, 0.7, 1)
TEST_SEED = 1000  # of the noise
COLUMNS = ("profiles", "scratch", "polar-1, head", "noisy, head")


def plan(sizes, n_seeds):
    """List the fits."""
    for name in TARGETS:
        yield Fit("noisy", name, 0, tests=(name,))
    for n_halos, seed, name, estimator in product(sizes, range(n_seeds), TARGETS, COLUMNS):
        yield Fit(estimator, name, n_halos, seed, tests=(name,))


@cache
def observed_test_set(name, n_pixels):
    """Return noisy records, drawn once, and labels of a test set."""
    records, labels = test_set(name, n_pixels)
    for noise in NOISES:
        records = clone(noise).set_params(random_state=TEST_SEED).fit_transform(records)
    return ObservedRecords(np.array(records)), labels


def suites():
    """Return records and labels of suites in all cross-sections, half of the redshifts each."""
    parts = [
        make_clusters(
            N_HALOS,
            cross_sections=ALL_CROSS_SECTIONS,
            redshifts=REDSHIFTS[number % 2 :: 2],
            physics=Physics().draw(np.random.RandomState([77, number])),
            random_state=7000 + number,
            return_X_y=True,
        )
        for number in range(N_SUITES)
    ]
    records, labels = zip(*parts, strict=True)
    return np.concatenate(records), np.concatenate(labels)


@cache
def noisy_network(path):
    """Return the pretrained pipeline; train it if it is not there."""
    if not path.exists():
        records, labels = suites()
        pipeline = default_pipeline(noise=NOISES, **PRETRAINING)
        print(f"{len(records)} maps, {clocked_fit(pipeline, records, labels):.0f} s", flush=True)
        with atomic_write(path) as temporary:
            joblib.dump(pipeline, temporary)
    return joblib.load(path)[len(NOISES) :]  # classifies noisy records


def predict_untrained(network, records):
    """Predict among the models of the tests."""
    labels = np.array([label_of(each) for each in CROSS_SECTIONS])
    columns = [network.classes_.tolist().index(label) for label in labels]
    return labels[network.predict_proba(records)[:, columns].argmax(axis=1)]


def packaged_embedding(records):
    """Embed noisy records with the packaged network, as if they were noise-free."""
    records = np.array(records)
    for name in ("total", "xray"):
        peak = records[name].max(axis=(1, 2), keepdims=True)
        records[name] = np.maximum(records[name], 0) / np.maximum(peak, 1)
    return PretrainedEmbedding().fit_transform(records)


def build(fit, network):
    """Return the estimator of a fit, of records without noise."""
    if fit.estimator == "scratch":
        return default_pipeline(noise=NOISES, random_state=fit.seed)
    last = LogisticRegression(**HEAD)
    if fit.estimator == "profiles":
        steps = profile_baseline()
    elif fit.estimator == "noisy, head":
        steps = [FrozenEstimator(network), StandardScaler(), last]
    else:
        steps = [FunctionTransformer(packaged_embedding), last]
    return make_pipeline(*NOISES, *steps)


def run(fit, folder):
    """Train and test, and return the seconds and the fraction right of each halo."""
    observed, labels = observed_test_set(fit.data, fit.n_pixels)
    network = noisy_network(folder / "noisy.joblib") if fit.estimator.startswith("noisy") else None
    seconds = 0.0
    if fit.n_halos == 0:
        guess = predict_untrained(network, observed)
    else:
        estimator = build(fit, network)
        seconds = clocked_fit(estimator, *training_set(fit.data, fit.n_halos, fit.n_pixels, fit.seed))
        guess = estimator[len(NOISES) :].predict(observed)
    right = (guess == labels).reshape(N_TEST, -1).mean(axis=1).round(5).tolist()
    return {"seconds": round(seconds, 1), "right": {fit.data: right}}


def table(results):
    """Lay out the accuracy by the number of halos."""
    rows = []
    for name in TARGETS:
        enough = right_of(results, "scratch", data=name, n_halos=max(SIZES))
        for n_halos in (0, *SIZES):
            of = {each: right_of(results, each, data=name, n_halos=n_halos) for each in COLUMNS}
            if n_halos == 0:
                of["noisy, head"] = right_of(results, "noisy", data=name)
            gain = with_errors(difference(of["noisy, head"], enough), "+")
            rows.append([name, n_halos, *(with_errors(each) for each in of.values()), gain])
    return markdown(["simulation", "halos", *COLUMNS, f"noisy, head - scratch on {max(SIZES)}"], rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="halos to train on")
    parser.add_argument("--estimators", nargs="+", help="run the fits of these only")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "transfer_noise.jsonl"
    fits = [
        fit
        for fit in plan(options.sizes, options.seeds)
        if not options.estimators or fit.estimator in options.estimators
    ]
    run_all(fits, path, partial(run, folder=options.folder))
    text = table(read(path))
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

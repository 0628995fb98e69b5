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
import time
from functools import cache, partial
from itertools import product
from pathlib import Path

import joblib
import numpy as np
from accuracy import clocked_fit, markdown, with_errors
from other_simulations import CROSS_SECTIONS, N_TEST, test_set, training_set
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transfer import Fit, difference, read, right_of, run_all

from darkcnn import ObservedRecords, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import profile_baseline
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.pretrained.files import HEAD
from darkcnn.records import label_of
from darkcnn.simulation import Physics

NOISES = [WeakLensingNoise.from_survey("euclid"), XrayNoise.from_telescope("chandra")]
TARGETS = ("fiducial", "B2", "feedback")
SIZES = (10, 40, 150)  # halos
N_SUITES, N_HEAD_SUITES, N_HALOS = 100, 20, 12
PRETRAINING = {"epochs": 12, "network_options": {"width": 2.0}, "random_state": 0}
STRETCH = 3.0  # as for the packaged network
REDSHIFTS = (0, 0.125, 0.25, 0.375)
ALL_CROSS_SECTIONS = (0, 0.03, 0.06, 0.1, 0.17, 0.3, 0.5, 0.7, 1)
N_REALISATIONS = 4  # of each training map, for classifiers without epochs
TEST_REALISATION = 1000
COLUMNS = ("profiles", "scratch", "polar-1, head", "noisy, head")


def plan(sizes, n_seeds):
    """List the fits."""
    for name in TARGETS:
        yield Fit("noisy", name, 0, tests=(name,))
    for n_halos, seed, name, estimator in product(sizes, range(n_seeds), TARGETS, COLUMNS):
        yield Fit(estimator, name, n_halos, seed, tests=(name,))


def observe(records, realisation):
    """Return noisy records; the noise depends on the record and on the realisation."""
    for noise in NOISES:
        records = clone(noise).set_params(random_state=realisation).fit_transform(records)
    return records


@cache
def observed_test_set(name, n_pixels):
    """Return noisy records, drawn once, and labels of a test set."""
    records, labels = test_set(name, n_pixels)
    return ObservedRecords(np.array(observe(records, TEST_REALISATION))), labels


def suites(first, n_suites):
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
        for number in range(first, first + n_suites)
    ]
    records, labels = zip(*parts, strict=True)
    return np.concatenate(records), np.concatenate(labels)


class NoisyNetwork:
    """Network trained on noisy maps of many suites, and its last layer fitted to other suites."""

    def __init__(self):
        records, labels = suites(0, N_SUITES)
        pipeline = default_pipeline(noise=NOISES, **PRETRAINING)
        print(f"{len(records)} maps, {clocked_fit(pipeline, records, labels):.0f} s", flush=True)
        self.pipeline = pipeline[len(NOISES) :]  # classifies noisy records
        records, labels = suites(N_SUITES, N_HEAD_SUITES)
        features = [self.features(observe(records, realisation)) for realisation in range(2)]
        scaler = StandardScaler().fit(np.concatenate(features))
        head = LogisticRegression(C=0.1, max_iter=2000)
        head.fit(scaler.transform(np.concatenate(features)), np.tile(labels, len(features)))
        # As in make_pretrained.py: a ridge penalty hardly restrains directions that the last layer uses.
        responses = head.coef_ - head.coef_.mean(axis=0)
        values, vectors = np.linalg.eigh(np.eye(responses.shape[1]) + STRETCH**2 * responses.T @ responses)
        stretch = (vectors * np.sqrt(values)) @ vectors.T
        self.mean, self.matrix = scaler.mean_, stretch / scaler.scale_[:, np.newaxis]
        head.coef_ = np.linalg.solve(stretch, head.coef_.T).T
        self.head = head

    def features(self, records):
        """Return the input of the last layer."""
        return self.pipeline[-1].transform(self.pipeline[:-1].transform(records))

    def transform(self, records):
        """Return the embedding of noisy records."""
        return (self.features(records) - self.mean) @ self.matrix

    def predict(self, records):
        """Predict among the models of the tests, without training."""
        labels = np.array([label_of(each) for each in CROSS_SECTIONS])
        columns = [self.head.classes_.tolist().index(label) for label in labels]
        return labels[self.head.decision_function(self.transform(records))[:, columns].argmax(axis=1)]


@cache
def noisy_network(path):
    """Return the pretrained network; train it if it is not there."""
    if not path.exists():
        network = NoisyNetwork()
        with atomic_write(path) as temporary:
            joblib.dump(network, temporary)
    return joblib.load(path)


def packaged_embedding(records):
    """Embed noisy records with the packaged network, as if they were noise-free."""
    records = np.array(records)
    for name in ("total", "xray"):
        peak = records[name].max(axis=(1, 2), keepdims=True)
        records[name] = np.maximum(records[name], 0) / np.maximum(peak, 1)
    return PretrainedEmbedding().fit_transform(records)


def run(fit, folder):
    """Train and test, and return the seconds and the fraction right of each halo."""
    observed, labels = observed_test_set(fit.data, fit.n_pixels)
    start = time.process_time()
    if fit.estimator == "noisy":
        guess = noisy_network(folder / "noisy.joblib").predict(observed)
    else:
        X, y = training_set(fit.data, fit.n_halos, fit.n_pixels, fit.seed)
        if fit.estimator == "scratch":
            pipeline = default_pipeline(noise=NOISES, random_state=fit.seed).fit(X, y)
            guess = pipeline[len(NOISES) :].predict(observed)
        else:
            embed, classifier = np.array, make_pipeline(*profile_baseline())
            if fit.estimator != "profiles":
                classifier = LogisticRegression(**HEAD)
                noisy = fit.estimator == "noisy, head"
                embed = noisy_network(folder / "noisy.joblib").transform if noisy else packaged_embedding
            parts = [embed(observe(X, realisation)) for realisation in range(N_REALISATIONS)]
            classifier.fit(np.concatenate(parts), np.tile(y, N_REALISATIONS))
            guess = classifier.predict(embed(observed))
    right = (guess == labels).reshape(N_TEST, -1).mean(axis=1).round(5).tolist()
    return {"seconds": round(time.process_time() - start, 1), "right": {fit.data: right}}


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

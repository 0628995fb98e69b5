"""Do probabilities mean what they say? Networks and the linear classifier, as they are and calibrated.

The networks are those of ``make_probabilities.py``, whose file has their probabilities for halos of other
seeds; the linear classifier of radial profiles learns from the same halos and judges the same others.
Some of these calibrate, by scikit-learn's ``CalibratedClassifierCV``, and the rest are scored: no halo is in
both parts. Run as ``python benchmarks/reliability.py probabilities.npz``; it prints a table in Markdown.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import balanced_accuracy_score
from tqdm import tqdm

from darkcnn import cross_section_of
from darkcnn.datasets import make_clusters
from darkcnn.inference import expected_calibration_error
from darkcnn.preprocessing import profile_baseline

PER_SEED = 200  # halos, as in make_probabilities.py


class Given(ClassifierMixin, BaseEstimator):
    """Take probabilities for what they are."""

    def fit(self, X, y):
        """Learn nothing but the classes."""
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        """Return what is given."""
        return X

    def predict(self, X):
        """Return the most probable class."""
        return self.classes_[X.argmax(axis=1)]


def simulate(n_halos, classes, redshift, seed):
    """Make the halos of make_probabilities.py, in its classes."""
    cross_sections = [cross_section_of(label) for label in classes]
    return make_clusters(n_halos, cross_sections=cross_sections, redshifts=(redshift,), random_state=seed)


def judge_by_profiles(classes, n_training, n_halos, redshift, seed):
    """Return probabilities of the linear classifier, shape (n_halos, n_classes, n_classes)."""
    train = simulate(n_training, classes, redshift, seed)
    baseline = profile_baseline().fit(train.data, train.target)
    parts = [
        baseline.predict_proba(simulate(PER_SEED, classes, redshift, seed + 1000 + part).data)
        for part in tqdm(range(n_halos // PER_SEED), desc="profiles", unit="seed")
    ]
    return np.concatenate(parts).reshape(n_halos, len(classes), len(classes))


def row(name, calibration, probabilities, classes, rng):
    """Return a row of the table: scores of probabilities, shape (n_halos, n_classes, n_classes)."""
    n_halos, n_classes = probabilities.shape[:2]
    target = np.tile(classes, n_halos)
    flat = probabilities.reshape(-1, n_classes)
    accuracy = balanced_accuracy_score(target, np.array(classes)[flat.argmax(axis=1)])
    own = np.diagonal(probabilities, axis1=1, axis2=2)  # of the true class
    scores = -np.log(np.maximum(own, 1e-7)).mean(axis=1)  # of each halo
    errors = []
    for _ in range(100):  # halos drawn with replacement
        drawn = probabilities[rng.integers(n_halos, size=n_halos)].reshape(-1, n_classes)
        errors.append(expected_calibration_error(target, drawn, classes))
    error = expected_calibration_error(target, flat, classes)
    return (
        f"| {name} | {calibration} | {accuracy:.3f} | {scores.mean():.3f} ± "
        f"{scores.std(ddof=1) / np.sqrt(n_halos):.3f} | {error:.3f} ± {np.std(errors):.3f} |"
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help=".npz of make_probabilities.py")
    parser.add_argument("--n-training", type=int, default=300, help="halos that the networks learned from")
    parser.add_argument("--n-calibration", type=int, default=300, help="other halos, to calibrate with")
    parser.add_argument("--n-halos", type=int, default=1000, help="other halos, with those that calibrate")
    parser.add_argument("--redshift", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=0, help="that of make_probabilities.py")
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    n_halos, n_calibration = arguments.n_halos, arguments.n_calibration
    with np.load(arguments.file) as file:
        classes, cross_sections = file["classes"].tolist(), file["cross_sections"].tolist()
        columns = [cross_sections.index(cross_section_of(label)) for label in classes]
        networks = file["probabilities"][:, :n_halos, columns].astype(float)
    judges = {
        "one network": networks[0],
        f"mean of {len(networks)} networks": networks.mean(axis=0),
        "radial profiles": judge_by_profiles(
            classes, arguments.n_training, n_halos, arguments.redshift, arguments.seed
        ),
    }
    lines = ["| probabilities of | calibration | balanced accuracy | log score | calibration error |"]
    lines.append("|---" * 5 + "|")
    for name, probabilities in judges.items():
        known, rest = probabilities[:n_calibration], probabilities[n_calibration:]
        flat, target = known.reshape(-1, len(classes)), np.tile(classes, n_calibration)
        versions = {"none": rest}
        for method in ("temperature", "isotonic"):
            calibrated = CalibratedClassifierCV(FrozenEstimator(Given().fit(flat, target)), method=method)
            predicted = calibrated.fit(flat, target).predict_proba(rest.reshape(-1, len(classes)))
            versions[method] = predicted.reshape(rest.shape)
            if method == "temperature":
                temperature = 1 / calibrated.calibrated_classifiers_[0].calibrators[0].beta_
                versions[f"temperature {temperature:.2f}"] = versions.pop(method)
        rng = np.random.default_rng(arguments.seed)
        lines += [row(name, method, each, classes, rng) for method, each in versions.items()]
    guess = np.full_like(rest, 1 / len(classes))
    lines.append(row("guessing", "", guess, classes, rng))
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

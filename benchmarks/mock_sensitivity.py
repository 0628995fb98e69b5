"""Sensitivity: how far the accuracy on mock clusters hangs on each parameter of the mock.

Each parameter is set to the lowest and to the highest value of its plausible range, all others staying at
their defaults. The linear classifier of radial profiles is then trained and tested on such clusters, and
trained on clusters of the default and tested on such, in five folds by halo. With ``--polar`` the same for
the polar network and the parameters that moved the linear classifier most, with a single split. Parameters
of AGN feedback are measured in the same way, on clusters with CDM whose labels are the strength of feedback.

Each value is a line of JSON in ``FOLDER/sensitivity.jsonl``; those that are there are not repeated. The
tables are made from all lines:

    python benchmarks/mock_sensitivity.py FOLDER --polar 5 --output tables.md
"""

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from accuracy import CROSS_SECTIONS, markdown
from sklearn.base import clone
from tqdm import tqdm

from darkcnn import default_pipeline, profile_baseline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import RadialProfiles
from darkcnn.simulation import HEATING, Physics, Scatter

N_HALOS, N_FOLDS = 240, 5
N_TRAIN = 160  # halos that polar is trained on; the others test
REDSHIFT = 0.25
SEED = 1
N_ERRORS = 3  # standard errors from which a change is listed
STATUSES = ("guess", "tuned", "unverified", "literature", "simulation")  # in the order of running
DEFAULT = ("default", "")
ENDS = ("lowest", "highest")


def parameters():
    """Return all parameters, the least known first."""
    return sorted(fields(Physics), key=lambda each: STATUSES.index(each.metadata["status"]))


def is_of_feedback(name):
    """Return whether a parameter acts on clusters with another feedback than the fiducial only."""
    return name.startswith("feedback_")


def physics_at(name, end):
    """Return the physics with one parameter at an end of its spread."""
    if (name, end) == DEFAULT:
        return Physics()
    spread = Physics.__dataclass_fields__[name].metadata["spread"]
    value, column = getattr(Physics(), name), ENDS.index(end)
    if isinstance(value, Scatter):
        return Physics(**{name: replace(value, size=spread[column])})
    return Physics(
        **{name: tuple(pair[column] for pair in spread) if isinstance(value, tuple) else spread[column]}
    )


def simulate(estimator, name, end, n_halos, n_pixels):
    """Make clusters with one parameter at an end of its spread; the target of "feedback" is the feedback."""
    feedback = estimator == "feedback"
    clusters = make_clusters(
        n_halos,
        n_pixels=n_pixels,
        cross_sections=(0,) if feedback else CROSS_SECTIONS[3],
        feedback=tuple(HEATING) if feedback else "fiducial",
        redshifts=(REDSHIFT,),
        physics=physics_at(name, end),
        random_state=SEED,
    )
    if feedback:
        clusters.target = clusters.feedback
    return clusters


def by_halo(predicted, target, n_halos):
    """Return the fraction of the maps of each halo that are classified correctly."""
    return (predicted == target).reshape(n_halos, -1).mean(axis=1)


def test_linear(clusters, default, n_halos):
    """Return the accuracy for each halo, trained on such clusters and trained on those of the default.

    `default` holds the features and the labels of default clusters.
    """
    features = RadialProfiles().fit_transform(clusters.data)
    default = (features, clusters.target) if default is None else default
    classifier = profile_baseline()[1:]
    right = np.empty((2, n_halos))
    for fold in range(N_FOLDS):
        test = clusters.groups % N_FOLDS == fold
        for row, (X, y) in enumerate(((features, clusters.target), default)):
            fitted = clone(classifier).fit(X[~test], y[~test])
            halos = np.arange(n_halos) % N_FOLDS == fold
            right[row, halos] = by_halo(fitted.predict(features[test]), clusters.target[test], halos.sum())
    return right, default


def test_polar(clusters, default):
    """Return the same for the polar network, and the network that was trained on the default."""
    train = clusters.groups < N_TRAIN
    own = default_pipeline("polar", random_state=0).fit(clusters.data[train], clusters.target[train])
    default = own if default is None else default
    n_test = len(np.unique(clusters.groups[~train]))
    X, y = clusters.data[~train], clusters.target[~train]
    return np.array([by_halo(network.predict(X), y, n_test) for network in (own, default)]), default


def run(estimator, points, done, path, n_halos, n_pixels):
    """Measure the default, and each end of a parameter that is not done yet."""
    todo = [point for point in points if (estimator, *point) not in done]
    if not todo:
        return
    default = None
    for point in tqdm([DEFAULT, *todo], desc=estimator, unit="mock"):
        clusters = simulate(estimator, *point, n_halos, n_pixels)
        if estimator == "polar":
            right, default = test_polar(clusters, default)
        else:
            right, default = test_linear(clusters, default, n_halos)
        if (estimator, *point) in done:
            continue
        done[estimator, *point] = right
        with path.open("a") as file:
            line = {"estimator": estimator, "parameter": point[0], "end": point[1], "right": right.tolist()}
            file.write(json.dumps(line) + "\n")


def changes(done, estimator, name):
    """Return changes of accuracy, shape (2 ends, 2 trainings), and their standard errors; or None."""
    if any((estimator, name, end) not in done for end in ENDS):
        return None
    usual = done[estimator, *DEFAULT][0]
    change = np.array([done[estimator, name, end] for end in ENDS]) - usual
    return change.mean(axis=-1), change.std(axis=-1, ddof=1) / np.sqrt(change.shape[-1])


def ranked(done, estimator):
    """Return the names of the parameters, the one first that moves the accuracy most beyond its error."""
    beyond = {}
    for each in parameters():
        if (measured := changes(done, estimator, each.name)) is not None:
            change, error = measured
            beyond[each.name] = (np.abs(change) - error).max()
    return sorted(beyond, key=lambda name: -beyond[name])


def table(done, estimator):
    """Lay out the changes by parameters that clearly move the accuracy; name the largest of the others."""
    listed = {row["name"]: row for row in Physics.table()}
    rows, others = [], []
    for name in ranked(done, estimator):
        change, error = changes(done, estimator, name)
        texts = [f"{value:+.3f} ± {of:.3f}" for value, of in zip(change.T.flat, error.T.flat, strict=True)]
        row = listed[name]
        if estimator != "profiles" or (np.abs(change) > N_ERRORS * error).any():
            rows.append([f"`{name}`", row["status"], row["default"], row["spread"], *texts])
        else:
            others.append(f"`{name}` {texts[np.abs(change.T).argmax()]}")
    header = ["parameter", "status", "default", "plausible range", "both, lowest", "both, highest"]
    rows = markdown([*header, "tested only, lowest", "tested only, highest"], rows)
    return rows + (f"\nOthers, the largest change of each: {', '.join(others)}.\n" if others else "")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n-halos", type=int, default=N_HALOS)
    parser.add_argument("--n-pixels", type=int, default=50, help="other numbers need another folder")
    parser.add_argument("--parameters", nargs="+", default=[each.name for each in parameters()])
    parser.add_argument("--polar", type=int, default=0, help="number of parameters to repeat with polar")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "sensitivity.jsonl"
    done = {}
    for line in map(json.loads, path.read_text().splitlines() if path.exists() else ()):
        done[line["estimator"], line["parameter"], line["end"]] = np.array(line["right"])
    for estimator in ("profiles", "feedback"):
        names = [name for name in options.parameters if is_of_feedback(name) == (estimator == "feedback")]
        ends = [(name, end) for name in names for end in ENDS]
        run(estimator, ends, done, path, options.n_halos, options.n_pixels)
    if options.polar:
        most = ranked(done, "profiles")[: options.polar]
        run(
            "polar",
            [(name, end) for name in most for end in ENDS],
            done,
            path,
            options.n_halos,
            options.n_pixels,
        )
    text = ""
    for estimator in ("profiles", "polar", "feedback"):
        if (estimator, *DEFAULT) in done:
            usual = done[estimator, *DEFAULT][0]
            error = usual.std(ddof=1) / np.sqrt(len(usual))
            text += f"{estimator}, default: {usual.mean():.3f} ± {error:.3f}\n\n{table(done, estimator)}\n"
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

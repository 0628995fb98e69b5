"""Accuracy: how well each network tells dark-matter models apart on halos that it has never seen.

Five parts, each a list of fits:

grid
    Majority class, a linear classifier of radial profiles and the polar network, for every choice of maps,
    pixel and number of models; with attributes where all maps are given.
networks
    Other networks of the library, given at least ten times the training time of the polar network.
curve
    The polar network and the linear classifier for a growing number of training halos.
inception
    Both, and Inception given at least ten times the training time of polar, on smaller maps and up to 600
    halos.
variants
    The polar network and its recipe with one thing changed, on halos that no other part sees; and the
    simple network with the weight decay and the learning rate of polar.

Each fit is a line of JSON in ``FOLDER/fits.jsonl``. Those that are there are not repeated, so that an
interrupted part goes on. The tables are made from all lines:

    python benchmarks/accuracy.py FOLDER grid networks curve inception variants --output tables.md
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from itertools import product
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from darkcnn import MapSelector, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.networks import NETWORKS, get_network, get_recipe
from darkcnn.preprocessing import ATTRIBUTES, profile_baseline
from darkcnn.records import MAPS

TRAIN_SEED, TEST_SEED, TUNING_SEED = 1, 2, 3
N_TRAIN, N_TEST = 240, 150  # halos
CROSS_SECTIONS = {3: (0, 0.1, 1), 4: (0, 0.1, 0.3, 1)}
ESTIMATORS = ("majority", "profiles", "polar")
SELECTIONS = (MAPS, ("total", "stellar"), ("total",))
SIZES = (75, 150, 300, 600, 1200, 2400)
SIZES_OF_INCEPTION = (75, 150, 300, 600)
MAX_IN_MEMORY = 720  # halos; more are simulated in so many at a time, and trained on from disk
N_VIEWS = 4  # for networks that know nothing of symmetry: a pass over all maps is a quarter of an epoch
CLOCKED_ROWS = 320  # to find out how long a pass takes
VARIANTS = {
    "polar": {
        "as it is": {},
        "label smoothing of 0.1": {"label_smoothing": 0.1},
        "no weight decay": {"weight_decay": 0.0},
        "constant learning rate": {"learning_rate_schedule": "constant"},
        "48 epochs": {"epochs": 48},
        "no dropout": {"network_options": {"dropout": 0.0}},
        "half as wide": {"network_options": {"width": 0.5}},
        "twice as wide": {"network_options": {"width": 2.0}},
        "8 angles": {"network_options": {"n_angles": 8}},
        "10 rings": {"network_options": {"n_radii": 10}},
        "30 rings": {"network_options": {"n_radii": 30}},
    },
    "simple": {
        "as it is": {},
        "weight decay and learning rate of polar": {
            name: get_recipe("polar").parameters[name] for name in ("weight_decay", "learning_rate")
        },
    },
}


@dataclass(frozen=True)
class Fit:
    """One training: of what, and on which data."""

    estimator: str
    n_classes: int = 3
    n_pixels: int = 50
    maps: tuple = MAPS
    attributes: bool = False
    n_halos: int = N_TRAIN
    seed: int = 0  # of the training, and which halos it sees: `n_halos` from number `seed` * `n_halos` on
    times: float = 0  # training time over that of the polar network on `N_TRAIN` halos; 0 for the recipe's
    variant: str = ""  # of the recipe, tested on the halos of `TUNING_SEED`

    @property
    def setting(self):
        """What estimators are compared on."""
        return self.n_classes, self.n_pixels, self.maps, self.attributes

    @property
    def n_needed(self):
        """Number of halos to simulate."""
        return (self.seed + 1) * self.n_halos


def plan_grid(names, models, sizes, n_seeds):
    """List the fits of the grid, all inputs once before any a second time."""
    inputs = (MAPS, False), (MAPS, True), *((maps, False) for maps in SELECTIONS[1:])
    for n_pixels, n_classes in product(sizes, models):
        for seed, (maps, attributes), name in product(range(n_seeds), inputs, names):
            yield Fit(name, n_classes, n_pixels, maps, attributes, seed=seed)


def plan_networks(names, n_seeds):
    """List the fits of other networks, all of them once before any a second time."""
    for seed in range(n_seeds):
        for name in names:
            yield Fit(name, seed=seed, times=10)


def plan_curve(sizes, n_seeds):
    """List the fits on a growing number of halos."""
    for n_halos in sizes:
        for name in ("profiles", "polar"):
            for seed in range(n_seeds if n_halos <= N_TRAIN else 1):
                yield Fit(name, n_pixels=100, n_halos=n_halos, seed=seed)


def plan_inception():
    """List the fits of the curve of Inception, whose time grows with the halos as that of polar does."""
    for n_halos in SIZES_OF_INCEPTION:
        for name in ("profiles", "polar"):
            yield Fit(name, n_halos=n_halos)
        yield Fit("inception", n_halos=n_halos, times=10 * n_halos / N_TRAIN)


def plan_variants(n_seeds):
    """List the fits of the polar network with one thing changed, and of the simple one with its recipe."""
    for seed in range(n_seeds):
        for variant in VARIANTS["polar"]:
            yield Fit("polar", seed=seed, variant=variant)
    for variant in VARIANTS["simple"]:
        yield Fit("simple", times=10, variant=variant)


_DATA = {}


def data_sets(n_classes, n_pixels, n_halos, test_seed):
    """Return training set, as records and labels, and test set; the last ones again if they were the same."""
    key = n_classes, n_pixels, n_halos, test_seed
    if key not in _DATA:
        _DATA.clear()  # before the next are made
        options = {"cross_sections": CROSS_SECTIONS[n_classes], "n_pixels": n_pixels, "return_X_y": True}
        _DATA[key] = training_set(n_halos, options), make_clusters(N_TEST, random_state=test_seed, **options)
    return _DATA[key]


def training_set(n_halos, options):
    """Return records and labels of so many halos, in memory if they are few."""
    if n_halos <= MAX_IN_MEMORY:
        return make_clusters(n_halos, random_state=TRAIN_SEED, **options)
    labels = []
    for first in range(0, n_halos, MAX_IN_MEMORY):
        n_more = min(MAX_IN_MEMORY, n_halos - first)
        more, labels_of_more = make_clusters(n_more, random_state=TRAIN_SEED + 1000 * first, **options)
        if first == 0:
            shape = (len(more) // n_more * n_halos,)
            with TemporaryFile() as file:  # stays on disk until the memory map is gone
                records = np.memmap(file, more.dtype, "w+", shape=shape)
        done = sum(map(len, labels))
        records[done : done + len(more)] = more
        labels.append(labels_of_more)
    return records, np.concatenate(labels)


def build(fit, **parameters):
    """Return the estimator of a fit."""
    attributes = ATTRIBUTES if fit.attributes else ()
    if fit.estimator == "majority":
        return DummyClassifier(strategy="most_frequent")
    if fit.estimator == "profiles":
        return make_pipeline(MapSelector(fit.maps, attributes), *profile_baseline())
    return default_pipeline(
        fit.estimator, maps=fit.maps, attributes=attributes, random_state=fit.seed, **parameters
    )


def clocked_fit(estimator, X, y):
    """Return seconds of one core that a fit takes."""
    start = time.process_time()
    estimator.fit(X, y)
    return time.process_time() - start


def epochs_for(fit, seconds, X, y):
    """Return the fewest epochs of `N_VIEWS` passes in which a network trains for at least so many seconds."""
    rows = np.linspace(0, len(X) - 1, CLOCKED_ROWS).astype(int)
    # The first builds and traces the network; the others tell a pass from what comes before it.
    _, one, three = (
        clocked_fit(build(fit, n_views=1, epochs=epochs), X[rows], y[rows]) for epochs in (1, 1, 3)
    )
    per_pass = (three - one) / 2 * len(X) / CLOCKED_ROWS
    return ceil(seconds / per_pass / N_VIEWS)


def run(fit, n_simulated, polar_seconds):
    """Train and test, and return what there is to tell."""
    test_seed = TUNING_SEED if fit.variant else TEST_SEED
    (records, labels), (test_records, test_labels) = data_sets(
        fit.n_classes, fit.n_pixels, n_simulated, test_seed
    )
    per_halo = len(records) // n_simulated
    rows = slice(fit.seed * fit.n_halos * per_halo, fit.n_needed * per_halo)
    X, y = records[rows], labels[rows]
    parameters = dict(VARIANTS[fit.estimator][fit.variant]) if fit.variant else {}
    if fit.times:
        epochs = epochs_for(fit, fit.times * polar_seconds, X, y)
        parameters |= {"n_views": N_VIEWS, "epochs": epochs, "learning_rate_schedule": "cosine"}
    estimator = build(fit, **parameters)
    seconds = clocked_fit(estimator, X, y)
    right = estimator.predict(test_records) == test_labels
    result = {"seconds": round(seconds, 1), "right": right.reshape(N_TEST, per_halo).sum(axis=1).tolist()}
    if fit.estimator in NETWORKS:
        cnn = estimator["cnn"]
        network = get_network(fit.estimator)(cnn.map_shape_, fit.n_classes, n_attributes=cnn.n_attributes_)
        result |= {
            "parameters": network.count_params(),
            "passes": cnn.n_epochs_ * parameters.get("n_views", 1),
            "loss": cnn.loss_curve_[-1],
        }
    if fit.variant:
        result["log_loss"] = log_loss(
            test_labels, estimator.predict_proba(test_records), labels=estimator.classes_
        )
    return result


def read(path):
    """Return the results of all fits that are done."""
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            results[Fit(**{**entry["fit"], "maps": tuple(entry["fit"]["maps"])})] = entry["result"]
    return results


def polar_seconds(results, fit):
    """Return the mean training time of the polar network in the setting of a fit."""
    setting = "polar", fit.setting, N_TRAIN, ""
    like = [
        result["seconds"]
        for other, result in results.items()
        if (other.estimator, other.setting, other.n_halos, other.variant) == setting
    ]
    if fit.times and not like:
        raise SystemExit(f"{fit} needs the time of the polar network: run its part of the grid first")
    return np.mean(like) if like else None


def run_all(fits, path):
    """Run what is not done yet, one line a fit."""
    results = read(path)
    todo = [fit for fit in dict.fromkeys(fits) if fit not in results]
    progress = tqdm(todo, unit="fit")
    for fit in progress:
        progress.set_postfix_str(f"{fit.estimator}, {fit.n_halos} halos, {fit.n_pixels} px")
        n_simulated = fit.n_needed
        if n_simulated <= MAX_IN_MEMORY:  # simulate once for all such fits
            alike = [other for other in todo if other.setting[:2] == fit.setting[:2]]
            n_simulated = max(other.n_needed for other in alike if other.n_needed <= MAX_IN_MEMORY)
        results[fit] = run(fit, n_simulated, polar_seconds(results, fit))
        with path.open("a") as file:
            file.write(json.dumps({"fit": asdict(fit), "result": results[fit]}) + "\n")
    return results


def by_halo(results, estimator, setting, *, n_halos=N_TRAIN, variant=""):
    """Return the fraction of maps told right, of shape (n_seeds, `N_TEST`), by order of seed; or None."""
    fits = sorted(
        (
            fit
            for fit in results
            if (fit.estimator, fit.setting, fit.n_halos, fit.variant)
            == (estimator, setting, n_halos, variant)
        ),
        key=lambda fit: fit.seed,
    )
    n_maps = 4 * setting[0]
    return np.array([results[fit]["right"] for fit in fits]) / n_maps if fits else None


def with_errors(right, sign=""):
    """Write a mean with its standard errors, from seeds and from test halos."""
    if right is None:
        return ""
    n_seeds = len(right)
    of_seeds = f"{right.mean(axis=1).std(ddof=1) / np.sqrt(n_seeds):.3f}" if n_seeds > 1 else "-"
    of_halos = right.mean(axis=0).std(ddof=1) / np.sqrt(right.shape[1])
    return f"{right.mean():{sign}.3f} ± {of_seeds} ± {of_halos:.3f}"


def markdown(header, rows):
    """Write a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def grid_table(results):
    """Lay out the accuracy in every setting."""
    rows = []
    for setting in dict.fromkeys(fit.setting for fit in plan_grid(ESTIMATORS, CROSS_SECTIONS, (100, 50), 1)):
        n_classes, n_pixels, maps, attributes = setting
        scores = {name: by_halo(results, name, setting) for name in ESTIMATORS}
        if scores["profiles"] is None:
            continue
        n_seeds = 0 if scores["polar"] is None else len(scores["polar"])
        rows.append(
            [
                n_classes,
                f"{2000 // n_pixels} kpc",
                ", ".join(maps) + (", attributes" if attributes else ""),
                f"{scores['majority'].mean():.3f}",
                *(with_errors(scores[name]) for name in ("profiles", "polar")),
                with_errors(scores["polar"] - scores["profiles"][:n_seeds], "+") if n_seeds else "",
            ]
        )
    columns = "models", "pixel", "input", "majority", "profiles", "polar", "polar - profiles"
    return markdown(columns, rows)


def network_table(results):
    """Lay out what every network reaches, and what it takes."""
    setting = Fit("polar").setting
    rows = []
    for name in ("majority", "profiles", *NETWORKS):
        right = by_halo(results, name, setting)
        if right is None:
            continue
        alike = [
            result
            for fit, result in results.items()
            if (fit.estimator, fit.setting, fit.n_halos, fit.variant) == (name, setting, N_TRAIN, "")
        ]
        rows.append(
            [
                name,
                f"{alike[0].get('parameters', ''):,}" if name in NETWORKS else "",
                alike[0].get("passes", ""),
                f"{np.mean([result['seconds'] for result in alike]):.0f}",
                len(right),
                with_errors(right),
                right.mean(),
            ]
        )
    rows = [row[:-1] for row in sorted(rows, key=lambda row: -row[-1])]
    return markdown(["estimator", "parameters", "passes", "seconds", "seeds", "accuracy"], rows)


def curve_table(results):
    """Lay out the accuracy for a growing number of halos of 20 kpc a pixel."""
    rows = []
    for n_halos in sorted({fit.n_halos for fit in results}):
        scores = [
            by_halo(results, name, Fit(name, n_pixels=100).setting, n_halos=n_halos)
            for name in ("profiles", "polar")
        ]
        if scores[1] is not None:
            rows.append([f"{n_halos:,}", *map(with_errors, scores), with_errors(scores[1] - scores[0], "+")])
    return markdown(["halos", "profiles", "polar", "polar - profiles"], rows)


def inception_table(results):
    """Lay out the accuracy for a growing number of halos of 40 kpc a pixel, beside Inception."""
    rows = []
    for n_halos in sorted({fit.n_halos for fit in results if fit.estimator == "inception"}):
        names = "profiles", "polar", "inception"
        scores = [by_halo(results, name, Fit(name).setting, n_halos=n_halos) for name in names]
        rows.append([n_halos, *map(with_errors, scores)])
    return markdown(["halos", "profiles", "polar", "inception"], rows)


def variant_table(results):
    """Lay out what a change of the recipe does to accuracy, against the recipe as it is, and log loss."""
    rows = []
    for estimator, variants in VARIANTS.items():
        setting = Fit(estimator).setting
        first = by_halo(results, estimator, setting, variant="as it is")
        for variant in variants:
            right = by_halo(results, estimator, setting, variant=variant)
            if right is None or len(right) != len(first):
                continue
            losses = [
                result["log_loss"]
                for fit, result in results.items()
                if (fit.estimator, fit.variant) == (estimator, variant)
            ]
            error = f" ± {np.std(losses, ddof=1) / np.sqrt(len(losses)):.3f}" if len(losses) > 1 else ""
            change = "" if variant == "as it is" else with_errors(right - first, "+")
            loss = f"{np.mean(losses):.3f}{error}"
            rows.append([estimator, variant, with_errors(right), change, loss])
    return markdown(["network", "recipe", "accuracy", "change", "log loss"], rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "parts", nargs="*", default=[], metavar="part", help="grid, networks, curve, inception or variants"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=sorted(NETWORKS.keys() - {"polar"}))
    parser.add_argument("--n-pixels", nargs="+", type=int, default=(100, 50), help="of the grid")
    parser.add_argument("--estimators", nargs="+", default=ESTIMATORS, help="of the grid")
    parser.add_argument("--models", nargs="+", type=int, default=(3, 4), help="numbers of them in the grid")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="halos")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "fits.jsonl"
    plans = {
        "grid": plan_grid(options.estimators, options.models, options.n_pixels, options.seeds),
        "networks": plan_networks(options.networks, options.seeds),
        "curve": plan_curve(options.sizes, options.seeds),
        "inception": plan_inception(),
        "variants": plan_variants(options.seeds),
    }
    if unknown := set(options.parts) - plans.keys():
        parser.error(f"part must be one of {', '.join(plans)}, got {', '.join(unknown)}")
    for part in options.parts:
        run_all(plans[part], path)
    results = read(path)
    tables = grid_table, network_table, curve_table, inception_table, variant_table
    text = "\n".join(table(results) for table in tables)
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Accuracy of each network on held-out halos, beside the linear classifier of radial profiles.

Four parts, each a list of fits:

grid
    Majority class, a linear classifier of radial profiles and the polar network, for every choice of maps,
    pixel and number of models; with attributes where all maps are given.
curve
    The polar network and the linear classifier with fewer training halos.
networks
    Other networks, with few halos and at least five times the training time of the polar network.
variants
    The polar network with one change of its recipe and means with a second classifier, on halos that no
    other part uses.

Each fit is a line of JSON in ``FOLDER/fits.jsonl``. Completed fits are not repeated, so an interrupted part
can be resumed. The tables are made from all lines:

    python benchmarks/accuracy.py FOLDER grid curve networks variants --output tables.md
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import ceil
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from darkcnn import MapSelector, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.networks import NETWORKS, get_network
from darkcnn.preprocessing import ATTRIBUTES, profile_baseline
from darkcnn.records import MAPS

TRAIN_SEED, TEST_SEED, TUNING_SEED = 1, 2, 3
N_TRAIN, N_TEST = 240, 150  # halos
CROSS_SECTIONS = {3: (0, 0.1, 1), 4: (0, 0.1, 0.3, 1)}
ESTIMATORS = ("majority", "profiles", "polar")
INPUTS = (MAPS, False), (MAPS, True), (("total", "stellar"), False), (("total",), False)
"""Maps, and whether attributes are given."""

SIZES = (75, 108)  # halos of the curve; 108 as in the packaged example
N_FEW = 75  # halos on which networks are compared at equal cost
TIMES = 5  # their training time over that of the polar network on the same halos
N_VIEWS = 4  # of networks that are not invariant: a pass over all maps is a quarter of an epoch
CLOCKED_ROWS = 320  # to measure how long a pass takes
VARIANTS = {
    "as it is": {},
    "no weight decay": {"weight_decay": 0.0},
    "constant learning rate": {"learning_rate_schedule": "constant"},
    "twice as wide": {"network_options": {"width": 2.0}},
    "another seed": {},
    "profiles": {},
}
"""Changes of the recipe of the polar network, and the fits that its predictions are averaged with."""

MEANS = {"mean of two networks": "another seed", "mean with the linear classifier": "profiles"}
"""Averages of the probabilities of the polar network as it is with those of another fit."""


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
    slow: bool = False  # trained for `TIMES` times as long as the polar network on the same halos
    variant: str = ""  # of the recipe, tested on the halos of `TUNING_SEED`

    @property
    def setting(self):
        """What estimators are compared on."""
        return self.n_classes, self.n_pixels, self.maps, self.attributes

    @property
    def n_needed(self):
        """Number of halos to simulate."""
        return (self.seed + 1) * self.n_halos


def plan_grid(names, models, sizes, n_inputs, n_seeds):
    """List the fits of the grid, all inputs once before any a second time."""
    for n_pixels, n_classes in product(sizes, models):
        for seed, (maps, attributes), name in product(range(n_seeds), INPUTS[:n_inputs], names):
            yield Fit(name, n_classes, n_pixels, maps, attributes, seed=seed)


def plan_curve(sizes, n_pixels, n_seeds):
    """List the fits with fewer training halos."""
    for size, n_halos, name in product(n_pixels, sizes, ("profiles", "polar")):
        for seed in range(n_seeds):
            yield Fit(name, n_pixels=size, n_halos=n_halos, seed=seed)


def plan_networks(names, n_seeds):
    """List the fits of other networks and those that they are compared with."""
    for seed, name in product(range(n_seeds), (*ESTIMATORS, *names)):
        yield Fit(name, n_halos=N_FEW, seed=seed, slow=name not in ESTIMATORS)


def plan_variants(variants, n_seeds):
    """List the fits of the polar network with one change, with pixels of 20 kpc."""
    for seed, variant in product(range(n_seeds), variants):
        estimator = "profiles" if variant == "profiles" else "polar"
        yield Fit(estimator, n_pixels=100, seed=seed, variant=variant)


_DATA = {}


def data_sets(n_classes, n_pixels, n_halos, test_seed):
    """Return training set, as records and labels, and test set; the last ones again if they were the same."""
    key = n_classes, n_pixels, n_halos, test_seed
    if key not in _DATA:
        _DATA.clear()  # before the next are made
        options = {"cross_sections": CROSS_SECTIONS[n_classes], "n_pixels": n_pixels, "return_X_y": True}
        sizes = (n_halos, TRAIN_SEED), (N_TEST, test_seed)
        _DATA[key] = [make_clusters(size, random_state=seed, **options) for size, seed in sizes]
    return _DATA[key]


def build(fit, **parameters):
    """Return the estimator of a fit."""
    attributes = ATTRIBUTES if fit.attributes else ()
    if fit.estimator == "majority":
        return DummyClassifier(strategy="most_frequent")
    if fit.estimator == "profiles":
        return make_pipeline(MapSelector(fit.maps, attributes), *profile_baseline())
    seed = fit.seed + 100 if fit.variant == "another seed" else fit.seed
    options = {"maps": fit.maps, "attributes": attributes, "random_state": seed}
    return default_pipeline(fit.estimator, **options, **parameters)


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
    """Train and test, and return the results."""
    test_seed = TUNING_SEED if fit.variant else TEST_SEED
    (records, labels), (test_records, test_labels) = data_sets(
        fit.n_classes, fit.n_pixels, n_simulated, test_seed
    )
    per_halo = len(records) // n_simulated
    rows = slice(fit.seed * fit.n_halos * per_halo, fit.n_needed * per_halo)
    X, y = records[rows], labels[rows]
    parameters = dict(VARIANTS[fit.variant]) if fit.variant else {}
    if fit.slow:
        epochs = epochs_for(fit, TIMES * polar_seconds, X, y)
        parameters |= {"n_views": N_VIEWS, "epochs": epochs, "learning_rate_schedule": "cosine"}
    estimator = build(fit, **parameters)
    seconds = clocked_fit(estimator, X, y)
    probabilities = estimator.predict_proba(test_records)
    right = count_right(probabilities, estimator.classes_, test_labels)
    result = {"seconds": round(seconds, 1), "right": right.tolist()}
    if fit.estimator in NETWORKS:
        cnn = estimator["cnn"]
        network = get_network(fit.estimator)(cnn.map_shape_, fit.n_classes, n_attributes=cnn.n_attributes_)
        passes = cnn.n_epochs_ * parameters.get("n_views", 1)
        result |= {"parameters": network.count_params(), "passes": passes}
    if fit.variant:
        result |= {"labels": test_labels.tolist(), "probabilities": probabilities.round(4).tolist()}
    return result


def count_right(probabilities, classes, labels):
    """Return how many maps of each test halo are classified correctly."""
    right = np.asarray(classes)[np.argmax(probabilities, axis=1)] == labels
    return right.reshape(N_TEST, -1).sum(axis=1)


def read(path):
    """Return the results of all fits that are done."""
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            results[Fit(**{**entry["fit"], "maps": tuple(entry["fit"]["maps"])})] = entry["result"]
    return results


def run_all(fits, path):
    """Run what is not done yet, one line a fit."""
    results = read(path)
    todo = [fit for fit in dict.fromkeys(fits) if fit not in results]
    progress = tqdm(todo, unit="fit")
    for fit in progress:
        progress.set_postfix_str(f"{fit.estimator}, {fit.n_halos} halos, {fit.n_pixels} px")
        alike = [other for other in todo if other.setting[:2] == fit.setting[:2]]
        n_simulated = max(other.n_needed for other in alike)  # simulate once for all such fits
        polar = results.get(replace(fit, estimator="polar", slow=False))
        results[fit] = run(fit, n_simulated, polar and polar["seconds"])
        with path.open("a") as file:
            file.write(json.dumps({"fit": asdict(fit), "result": results[fit]}) + "\n")
    return results


def select(results, estimator, setting, *, n_halos=N_TRAIN, variant=""):
    """Return the results of all seeds, by order of seed."""
    key = estimator, setting, n_halos, variant
    fits = [fit for fit in results if (fit.estimator, fit.setting, fit.n_halos, fit.variant) == key]
    return [results[fit] for fit in sorted(fits, key=lambda fit: fit.seed)]


def by_halo(results, estimator, setting, **options):
    """Return the fraction of maps classified correctly, of shape (n_seeds, `N_TEST`); or None."""
    selected = select(results, estimator, setting, **options)
    return np.array([each["right"] for each in selected]) / (4 * setting[0]) if selected else None


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
    for setting in dict.fromkeys(
        fit.setting for fit in plan_grid(ESTIMATORS, CROSS_SECTIONS, (100, 50), len(INPUTS), 1)
    ):
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


def curve_table(results):
    """Lay out the accuracy for fewer training halos."""
    rows = []
    for n_pixels, n_halos in product((100, 50), sorted({fit.n_halos for fit in results})):
        setting = Fit("polar", n_pixels=n_pixels).setting
        scores = [by_halo(results, name, setting, n_halos=n_halos) for name in ("profiles", "polar")]
        if all(score is not None for score in scores):
            difference = with_errors(scores[1] - scores[0], "+")
            rows.append([f"{2000 // n_pixels} kpc", n_halos, *map(with_errors, scores), difference])
    return markdown(["pixel", "halos", "profiles", "polar", "polar - profiles"], rows)


def network_table(results):
    """Lay out the accuracy and the cost of every network on few halos."""
    setting = Fit("polar").setting
    first = by_halo(results, "polar", setting, n_halos=N_FEW)
    rows = []
    for name in ("majority", "profiles", *NETWORKS):
        alike = select(results, name, setting, n_halos=N_FEW)
        if not alike or first is None:
            continue
        right = by_halo(results, name, setting, n_halos=N_FEW)
        parameters = f"{alike[0]['parameters']:,}" if name in NETWORKS else ""
        seconds = f"{np.mean([result['seconds'] for result in alike]):.0f}"
        change = "" if name == "polar" else with_errors(right - first[: len(right)], "+")
        row = name, parameters, alike[0].get("passes", ""), seconds, len(right), with_errors(right), change
        rows.append((right.mean(), row))
    header = "estimator", "parameters", "passes", "seconds", "seeds", "accuracy", "change from polar"
    return markdown(header, [row for _, row in sorted(rows, key=lambda each: -each[0])])


def variant_table(results):
    """Lay out accuracy, its change from the recipe as it is, log loss and time."""
    setting = Fit("polar", n_pixels=100).setting
    fits = {
        variant: select(results, "profiles" if variant == "profiles" else "polar", setting, variant=variant)
        for variant in VARIANTS
    }
    names = {variant: [variant] for variant in VARIANTS}
    names |= {mean: ["as it is", other] for mean, other in MEANS.items()}
    rows, first = [], None
    for name, parts in names.items():
        rights, losses, seconds = [], [], []
        for seeds in zip(*(fits[part] for part in parts), strict=False):
            probabilities = np.mean([each["probabilities"] for each in seeds], axis=0)
            probabilities /= probabilities.sum(axis=1, keepdims=True)  # they were rounded
            labels = np.array(seeds[0]["labels"])
            classes = np.unique(labels)
            rights.append(count_right(probabilities, classes, labels) / (4 * setting[0]))
            losses.append(log_loss(labels, probabilities, labels=classes))
            seconds.append(sum(each["seconds"] for each in seeds))
        if rights:
            right = np.array(rights)
            first = right if first is None else first
            change = "" if name == "as it is" else with_errors(right - first[: len(right)], "+")
            loss = f"{np.mean(losses):.3f}"
            rows.append([name, with_errors(right), change, loss, f"{np.mean(seconds):.0f}"])
    return markdown(["recipe", "accuracy", "change", "log loss", "seconds"], rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "parts", nargs="*", default=[], metavar="part", help="grid, curve, networks or variants"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=sorted(NETWORKS.keys() - {"polar"}))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=tuple(VARIANTS))
    parser.add_argument("--n-pixels", nargs="+", type=int, default=(100, 50), help="of grid, curve")
    parser.add_argument("--estimators", nargs="+", default=ESTIMATORS, help="of the grid")
    parser.add_argument("--models", nargs="+", type=int, default=(3, 4), help="numbers of them in the grid")
    parser.add_argument("--inputs", type=int, default=len(INPUTS), help="how many of them in the grid")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="halos of the curve")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "fits.jsonl"
    plans = {
        "grid": plan_grid(
            options.estimators, options.models, options.n_pixels, options.inputs, options.seeds
        ),
        "curve": plan_curve(options.sizes, options.n_pixels, options.seeds),
        "networks": plan_networks(options.networks, options.seeds),
        "variants": plan_variants(options.variants, options.seeds),
    }
    if unknown := set(options.parts) - plans.keys():
        parser.error(f"part must be one of {', '.join(plans)}, got {', '.join(unknown)}")
    for part in options.parts:
        run_all(plans[part], path)
    results = read(path)
    tables = grid_table, curve_table, network_table, variant_table
    text = "\n".join(table(results) for table in tables)
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

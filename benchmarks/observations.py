"""Observations: what noise costs a network, what training through it brings back, and what biases do.

Prints Markdown tables; see docs/benchmarks/observations.md for what they mean. Every setting that is done is
a line of the file of results, which a second run goes on from, so that seeds may run one by one. Run
``python benchmarks/observations.py --results results.jsonl``; with ``--limit`` for what more halos, longer
training and more skies bring, with ``--speed`` for the cost in time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from darkcnn import CrossSectionPosterior, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn.datasets import make_clusters
from darkcnn.profiles import RadialProfiles, profile_baseline
from darkcnn.writing import replacing

KS = 1000.0
SHEAR = ("shear_t", "shear_x", "xray", "stellar")
SETTINGS = [
    ("kappa", 50, 10),
    ("kappa", 30, 10),
    ("kappa", 100, 10),
    ("kappa", 210, 10),
    ("shear", 50, 10),
    ("shear", 100, 10),
    ("kappa", 50, 1),
    ("kappa", 50, 100),
    ("shear", 30, 10),
    ("shear", 210, 10),
]
"""Input, galaxies per arcmin2, exposure in ks."""

BIASES = [
    {},
    {"multiplicative_bias": -0.1},
    {"multiplicative_bias": 0.1},
    {"additive_bias": -0.1},
    {"additive_bias": 0.1},
    {"photo_z_bias": -0.1},
    {"photo_z_bias": 0.1},
]


def noises(kind, n_gal, exposure, **biases):
    """Return the observations of a setting; their seeds are those of the pipeline."""
    output = "tangential" if kind == "shear" else "kappa"
    lensing = WeakLensingNoise(n_gal, output=output, random_state=0, **biases)
    return [lensing, XrayNoise(exposure * KS, random_state=0)]


def halves(n_train, n_test, n_pixels, seed):
    """Make clusters of two models of scattering and CDM, and split their halos."""
    clusters = make_clusters(
        n_train + n_test, cross_sections=(0, 0.1, 1), n_pixels=n_pixels, random_state=seed
    )
    train = np.isin(clusters.groups, np.unique(clusters.groups)[:n_train])
    return [(clusters.data[half], clusters.target[half], clusters.groups[half]) for half in (train, ~train)]


def polar(seed, kind="kappa", noise=(), maps="all"):
    """Return the network to train."""
    maps = SHEAR if kind == "shear" else maps
    return default_pipeline("polar", maps=maps, noise=noise, random_state=seed)


def accuracy(model, X, y):
    """Return the fraction of maps that a model is right on."""
    return float(np.mean(model.predict(X) == y))


def under_biases(model, kind, n_gal, exposure, X, y, groups):
    """Return accuracy and the inferred cross-section of each model's sample, for observations with biases.

    Half of the test halos calibrate the posterior, without bias; the other half are observed with it.
    """
    known = np.isin(groups, np.unique(groups)[::2])
    classify = model[len(noises(kind, n_gal, exposure)) :]
    rows = []
    for bias in BIASES:
        observed = X
        for noise in noises(kind, n_gal, exposure, **bias):
            observed = noise.fit_transform(observed)
        probabilities = classify.predict_proba(observed)
        if not bias:
            posterior = CrossSectionPosterior(model.classes_, random_state=0)
            posterior.calibrate(probabilities[known], y[known], groups[known])
        means = {}
        for label in model.classes_:
            sample = ~known & (y == label)
            means[str(label)] = float(posterior.fit(probabilities[sample], groups[sample]).mean_)
        right = model.classes_[probabilities.argmax(axis=1)] == y
        rows.append({"bias": bias, "accuracy": float(np.mean(right[~known])), "mean": means})
    return rows


def run(seed, arguments, done, save):
    """Measure every setting with one seed: of the halos, of the noise and of the training."""
    (X, y, _), (X_test, y_test, groups_test) = halves(
        arguments.n_train, arguments.n_test, arguments.n_pixels, seed
    )
    if ("clean", seed) not in done:
        boosted = profile_baseline(random_state=seed).fit(X, y)
        clean = polar(seed).fit(X, y)
        majority = float(np.unique(y_test, return_counts=True)[1].max() / len(y_test))
        row = {"majority": majority, "boosted": accuracy(boosted, X_test, y_test)}
        row["through"] = row["clean"] = accuracy(clean, X_test, y_test)
        # What the clean network says of noisy maps, which it sees as it sees clean ones.
        for kind, n_gal, exposure in SETTINGS:
            if kind == "kappa":
                observed = X_test
                for noise in noises(kind, n_gal, exposure):
                    observed = noise.fit_transform(observed)
                row[f"{n_gal} {exposure}"] = accuracy(clean, observed, y_test)
        without = polar(seed, noise=noises("kappa", 50, 10), maps=("xray", "stellar")).fit(X, y)
        row["without lensing"] = accuracy(without, X_test, y_test)
        save(("clean", seed), row)
    for kind, n_gal, exposure in SETTINGS:
        key = (f"{kind} {n_gal} {exposure}", seed)
        if key in done:
            continue
        noise = noises(kind, n_gal, exposure)
        through = polar(seed, kind, noise).fit(X, y)
        row = {"through": accuracy(through, X_test, y_test)}
        if kind == "kappa":
            boosted = make_pipeline(*noise, profile_baseline(random_state=seed)).fit(X, y)
            row["boosted"] = accuracy(boosted, X_test, y_test)
        if (n_gal, exposure) == (50, 10):
            row["biases"] = under_biases(through, kind, n_gal, exposure, X_test, y_test, groups_test)
        save(key, row)


def signed_profiles(observed, sky):
    """Return the profiles of one sky of each record, with the sign of the convergence.

    The logarithm of a ring takes no negative mean, and trees do not notice a constant.
    """
    drawn = observed.draw(np.arange(len(observed)), np.full(len(observed), sky))
    drawn["total"] += 10  # times the noise of a pixel
    return RadialProfiles().fit_transform(drawn)


def boosted_on_skies(observed, y, n_skies, seed):
    """Return boosted trees that learned from several skies of each record."""
    profiles = np.concatenate([signed_profiles(observed, 1 + sky) for sky in range(n_skies)])
    return profile_baseline(random_state=seed)[-1].fit(profiles, np.tile(y, n_skies))


def limit(seed, arguments, done, save):
    """Measure what more halos, a longer training and more skies bring at 50 galaxies / arcmin2 and 10 ks."""
    sizes = (arguments.n_train, 4 * arguments.n_train)
    (X, y, groups), (X_test, y_test, _) = halves(sizes[1], arguments.n_test, arguments.n_pixels, seed)
    noise = noises("kappa", 50, 10)

    def observe(records):
        return noise[1].fit_transform(noise[0].fit_transform(records))

    observed_test = observe(X_test)
    test_profiles = signed_profiles(observed_test, 0)
    for n_train in sizes:
        few = np.isin(groups, np.unique(groups)[:n_train])
        observed = observe(X[few])

        def fit_polar(few=few, **parameters):
            model = polar(seed, noise=noise).set_params(**parameters)
            return accuracy(model.fit(X[few], y[few]), X_test, y_test)

        def fit_boosted(n_skies, observed=observed, few=few):
            model = boosted_on_skies(observed, y[few], n_skies, seed)
            return accuracy(model, test_profiles, y_test)

        measures = {
            "noise-free": lambda few=few: accuracy(polar(seed).fit(X[few], y[few]), X_test, y_test),
            "through noise": fit_polar,
            "boosted, 1 sky": lambda: fit_boosted(1),
            "boosted, 8 skies": lambda: fit_boosted(8),
        }
        if n_train == sizes[0]:
            measures["through noise, 72 epochs"] = lambda: fit_polar(cnn__epochs=72)
        for name, measure in measures.items():
            if (f"limit {n_train}, {name}", seed) not in done:
                save((f"limit {n_train}, {name}", seed), measure())


def report_limit(done):
    """Return the table of what `limit` measured."""
    of = {}
    for (setting, seed), value in done.items():
        if setting.startswith("limit "):
            of.setdefault(tuple(setting.removeprefix("limit ").split(", ", 1)), {})[seed] = value
    rows = [(*key, len(seeds), mean_and_error(list(seeds.values()))) for key, seeds in of.items()]
    return table(("halos", "method", "seeds", "accuracy"), rows)


def mean_and_error(values):
    """Return the mean over seeds and its standard error, as text."""
    if not values:
        return ""
    error = f" ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{error}"


def table(header, rows):
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]) + "\n"


def report(done):
    """Return the tables of everything that was measured."""
    of = {}
    for (setting, seed), row in done.items():
        of.setdefault(setting, {})[seed] = row
    clean = of.get("clean", {})
    rows = [
        (
            *("noise-free", "", "", len(clean)),
            *(mean_and_error([row[name] for row in clean.values()]) for name in ("majority", "boosted")),
            *(mean_and_error([row["clean"] for row in clean.values()]),) * 2,
            "",
        )
    ]
    for kind, n_gal, exposure in sorted(SETTINGS, key=lambda s: (s[0], s[2] != 10, s[2], s[1])):
        seeds = of.get(f"{kind} {n_gal} {exposure}", {})
        if not seeds:
            continue
        noisy = [clean[seed].get(f"{n_gal} {exposure}") for seed in seeds if kind == "kappa"]
        recovered = [
            (row["through"] - clean[seed][f"{n_gal} {exposure}"])
            / (clean[seed]["clean"] - clean[seed][f"{n_gal} {exposure}"])
            for seed, row in seeds.items()
        ]
        rows.append(
            (
                *(kind, n_gal, exposure, len(seeds)),
                mean_and_error([clean[seed]["majority"] for seed in seeds]),
                mean_and_error([row["boosted"] for row in seeds.values() if "boosted" in row]),
                mean_and_error(noisy),
                mean_and_error([row["through"] for row in seeds.values()]),
                f"{np.mean(recovered):.2f}",
            )
        )
    header = ("input", "galaxies / arcmin2", "ks", "seeds", "majority", "boosted profiles")
    text = table((*header, "trained clean", "trained through noise", "recovered"), rows)
    without = [row["without lensing"] for row in clean.values()]
    text += f"\nWithout any map of the mass, at 10 ks: {mean_and_error(without)}.\n"
    for kind in ("kappa", "shear"):
        biased = [row["biases"] for row in of.get(f"{kind} 50 10", {}).values()]
        rows = []
        for bias, *measured in zip(BIASES, *biased, strict=True) if biased else ():
            name = ", ".join(f"{key} {value:+g}" for key, value in bias.items()) or "none"
            means = [
                mean_and_error([row["mean"][label] for row in measured]) for label in measured[0]["mean"]
            ]
            rows.append((name, mean_and_error([row["accuracy"] for row in measured]), *means))
        if rows:
            truths = [f"inferred from {label}, cm2/g" for label in biased[0][0]["mean"]]
            text += f"\n{table((f'bias, {kind}', 'accuracy', *truths), rows)}"
    return text


def print_speed(n_maps, n_epochs):
    """Print what noise adds to the time of an epoch of 100 × 100 pixels, by the processor's clock."""
    rows = []
    clusters = make_clusters(
        n_maps // 4, cross_sections=(0, 1), redshifts=(0.125, 0.25), n_pixels=100, random_state=0
    )
    records, y = clusters.data[:n_maps], clusters.target[:n_maps]
    exact = np.zeros((100, 100), bool)
    for name, noise in (
        ("lensing, drawn directly", WeakLensingNoise()),
        ("lensing, by way of the shear", WeakLensingNoise(mask=exact)),
        ("X-ray", XrayNoise()),
    ):
        observed = noise.fit_transform(records)
        start = time.process_time()
        for _ in range(n_epochs):
            np.asarray(observed)
        rows.append((name, f"{n_epochs * n_maps / (time.process_time() - start):.0f}"))
    print(table(("noise", "maps / s"), rows), flush=True)
    rows = []
    for network, n_views, size in (("polar", 1, n_maps), ("inception", 2, min(n_maps, 48))):
        seconds = []
        for noise in ([], [WeakLensingNoise()], [WeakLensingNoise(), XrayNoise()]):
            settings = {"noise": noise, "n_views": n_views, "epochs": n_epochs, "random_state": 0}
            pipeline = default_pipeline(network, **settings)
            X = pipeline[:-1].fit_transform(records[:size])
            classifier = pipeline[-1].fit(X, y[:size])  # which traces the network
            start = time.process_time()
            classifier.fit(X, y[:size])
            seconds.append((time.process_time() - start) / n_epochs / size / n_views * 1e3)
        added = [f"{100 * (value / seconds[0] - 1):+.0f} %" for value in seconds[1:]]
        rows.append((network, f"{seconds[0]:.2f}", *added))
    print(table(("network", "noise-free, ms / view", "lensing noise", "both noises"), rows), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n-train", type=int, default=160, help="halos to learn from")
    parser.add_argument("--n-test", type=int, default=100, help="other halos")
    parser.add_argument("--n-pixels", type=int, default=50)
    parser.add_argument("--results", type=Path, help="file to add to, and to go on from")
    parser.add_argument("--output", type=Path, help="file for the tables")
    parser.add_argument("--limit", action="store_true", help="measure what brings more instead")
    parser.add_argument("--speed", action="store_true", help="measure the time instead")
    parser.add_argument("--speed-maps", type=int, default=320)
    arguments = parser.parse_args()
    if arguments.speed:
        print_speed(arguments.speed_maps, n_epochs=3)
        return
    done = {}
    if arguments.results and arguments.results.exists():
        lines = map(json.loads, arguments.results.read_text().splitlines())
        done = {(line["setting"], line["seed"]): line["row"] for line in lines}

    def save(key, row):
        done[key] = row
        if arguments.results:
            with open(arguments.results, "a") as file:
                file.write(json.dumps({"setting": key[0], "seed": key[1], "row": row}) + "\n")

    for seed in arguments.seeds:
        (limit if arguments.limit else run)(seed, arguments, done, save)
    text = (report_limit if arguments.limit else report)(done)
    print(text)
    if arguments.output:
        with replacing(arguments.output) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

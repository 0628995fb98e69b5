"""Observations: what noise costs a network, what training through it brings back, and what biases do.

Shape noise and redshift of the galaxies are those of Euclid, and so is the lowest of the densities. Prints
Markdown tables; see docs/benchmarks/observations.md for what they mean. Every setting that is done is a line
of the file of results, which a second run goes on from, so that seeds may run one by one. Run
``python benchmarks/observations.py --results results.jsonl``, and with ``--speed`` for the cost in time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from darkcnn import CrossSectionPosterior, MapSelector, WeakLensingNoise, XrayNoise, default_pipeline
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import profile_baseline

KS = 1000.0
SHEAR = ("shear_t", "shear_x", "xray", "stellar")
SETTINGS = [
    ("kappa", 30, 10),
    ("kappa", 100, 10),
    ("kappa", 210, 10),
    ("shear", 30, 10),
    ("kappa", 50, 10),
    ("kappa", 30, 1),
    ("kappa", 30, 100),
    ("shear", 100, 10),
    ("shear", 50, 10),
    ("shear", 210, 10),
]
"""Input, galaxies per arcmin2, exposure in ks; those first that a claim hangs on."""

BIASED = 30, 10
"""Galaxies and exposure of the settings that are tested with biases."""

BIASES = [
    {},
    {"multiplicative_bias": -0.1},
    {"multiplicative_bias": 0.1},
    {"additive_bias": -0.1},
    {"additive_bias": 0.1},
    {"photo_z_bias": -0.1},
    {"photo_z_bias": 0.1},
    {"photo_z_scatter": 0.1},
    {"large_scale_structure": True},
]


def noises(kind, n_gal, exposure, **biases):
    """Return the observations of a setting; their seeds are those of the pipeline."""
    output = "tangential" if kind == "shear" else "kappa"
    lensing = WeakLensingNoise.from_survey("euclid", n_gal=n_gal, output=output, random_state=0, **biases)
    return [lensing, XrayNoise(exposure * KS, random_state=0)]


def halves(n_train, n_test, n_pixels, seed):
    """Make clusters of two models of scattering and CDM, and split their halos."""
    clusters = make_clusters(
        n_train + n_test, cross_sections=(0, 0.1, 1), n_pixels=n_pixels, random_state=seed
    )
    train = np.isin(clusters.groups, np.unique(clusters.groups)[:n_train])
    return [(clusters.data[half], clusters.target[half], clusters.groups[half]) for half in (train, ~train)]


def polar(seed, kind="kappa", noise=(), maps="all", **parameters):
    """Return the network to train."""
    maps = SHEAR if kind == "shear" else maps
    return default_pipeline("polar", maps=maps, noise=noise, random_state=seed, **parameters)


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
        baseline = profile_baseline().fit(X, y)
        clean = polar(seed).fit(X, y)
        majority = float(np.unique(y_test, return_counts=True)[1].max() / len(y_test))
        row = {"majority": majority, "baseline": accuracy(baseline, X_test, y_test)}
        row["clean"] = accuracy(clean, X_test, y_test)
        # What the clean network says of noisy maps, which it sees as it sees clean ones.
        for kind, n_gal, exposure in SETTINGS:
            if kind == "kappa":
                observed = X_test
                for noise in noises(kind, n_gal, exposure):
                    observed = noise.fit_transform(observed)
                row[f"{n_gal} {exposure}"] = accuracy(clean, observed, y_test)
        without = polar(seed, noise=noises("kappa", *BIASED), maps=("xray", "stellar")).fit(X, y)
        row["without lensing"] = accuracy(without, X_test, y_test)
        select = MapSelector(("xray", "stellar"))
        simple = make_pipeline(*noises("kappa", *BIASED), select, profile_baseline()).fit(X, y)
        row["baseline without lensing"] = accuracy(simple, X_test, y_test)
        save(("clean", seed), row)
    for kind, n_gal, exposure in SETTINGS[: arguments.settings]:
        key = (f"{kind} {n_gal} {exposure}", seed)
        if key in done:
            continue
        noise = noises(kind, n_gal, exposure)
        through = polar(seed, kind, noise).fit(X, y)
        select = MapSelector(SHEAR if kind == "shear" else "all")
        baseline = make_pipeline(*noise, select, profile_baseline()).fit(X, y)
        row = {"through": accuracy(through, X_test, y_test), "baseline": accuracy(baseline, X_test, y_test)}
        if (n_gal, exposure) == BIASED:
            row["biases"] = under_biases(through, kind, n_gal, exposure, X_test, y_test, groups_test)
        save(key, row)


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
            f"{np.mean([row['majority'] for row in clean.values()]):.3f}",
            *(mean_and_error([row[name] for row in clean.values()]) for name in ("baseline", "clean")),
            *("", ""),
        )
    ]
    for kind, n_gal, exposure in sorted(SETTINGS, key=lambda s: (s[0], s[2] != 10, s[2], s[1])):
        seeds = of.get(f"{kind} {n_gal} {exposure}", {})
        if not seeds:
            continue
        noisy = [clean[seed].get(f"{n_gal} {exposure}") for seed in seeds if kind == "kappa"]
        # Of what a noise-free map of the mass adds to X-rays and stars.
        recovered = [
            (row["through"] - clean[seed]["without lensing"])
            / (clean[seed]["clean"] - clean[seed]["without lensing"])
            for seed, row in seeds.items()
        ]
        rows.append(
            (
                *(kind, n_gal, exposure, len(seeds)),
                f"{np.mean([clean[seed]['majority'] for seed in seeds]):.3f}",
                mean_and_error([row["baseline"] for row in seeds.values()]),
                mean_and_error(noisy),
                mean_and_error([row["through"] for row in seeds.values()]),
                f"{np.mean(recovered):.2f}",
            )
        )
    header = ("input", "galaxies / arcmin2", "ks", "seeds", "majority", "baseline")
    text = table((*header, "trained clean", "trained through noise", "recovered"), rows)
    without, simple = (
        mean_and_error([row[f"{which}without lensing"] for row in clean.values()])
        for which in ("", "baseline ")
    )
    text += f"\nWithout any map of the mass, at {BIASED[1]} ks: {without}, the baseline {simple}.\n"
    for kind in ("kappa", "shear"):
        biased = [row["biases"] for row in of.get(f"{kind} {BIASED[0]} {BIASED[1]}", {}).values()]
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


def draw_biases(done, path):
    """Draw accuracy and inferred cross-section over the errors of shapes and redshifts."""
    from matplotlib.figure import Figure

    from darkcnn.plotting.canvas import LINES, MARKERS, class_styles

    errors = ("multiplicative_bias", "additive_bias", "photo_z_bias")
    inputs = [kind for kind in ("kappa", "shear") if (f"{kind} {BIASED[0]} {BIASED[1]}", 0) in done]
    n_rows = 1 + len(inputs)
    figure = Figure(figsize=(10, 0.4 + 2.2 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, len(errors), sharex=True, sharey="row")
    for row, kind in enumerate(inputs):
        seeds = [
            value["biases"]
            for (setting, _), value in done.items()
            if setting == f"{kind} {BIASED[0]} {BIASED[1]}"
        ]
        labels = list(seeds[0][0]["mean"])
        accuracies = np.array([[each["accuracy"] for each in seed] for seed in seeds])
        means = np.array([[list(each["mean"].values()) for each in seed] for seed in seeds])
        for column, name in enumerate(errors):
            positions = [0, *(i for i, bias in enumerate(BIASES) if name in bias)]
            size = np.array([BIASES[i].get(name, 0.0) for i in positions])
            order = np.argsort(size)

            def points(ax, values, shift=0.0, positions=positions, size=size, order=order, **style):
                values = values[:, positions][:, order]
                error = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None
                ax.errorbar(size[order] + shift, values.mean(axis=0), error, capsize=2, **style)

            style = {"color": LINES[row], "marker": MARKERS[row], "label": kind}
            points(panels[0, column], accuracies, 0.004 * row, **style)
            panels[0, column].set_title(name.replace("_", " ").replace("photo z", "photo-z"))
            for which, (label, own) in enumerate(class_styles(labels).items()):
                change = means[..., which] - means[:, :1, which]
                points(panels[1 + row, column], change, 0.004 * (which - 1), label=label, **own)
    panels[0, 0].set_ylabel("accuracy")
    beside = {"bbox_to_anchor": (1, 1), "loc": "upper left"}
    panels[0, -1].legend(title="input", **beside)
    for row, kind in enumerate(inputs, 1):
        panels[row, 0].set_ylabel(f"{kind}: change of the\ninferred cross-section, cm$^2$/g")
        for ax in panels[row]:
            ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    panels[1, -1].legend(title="sample", **beside)
    figure.supxlabel("error")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=100)


def print_speed(n_maps, n_epochs):
    """Print what noise adds to the time of a training on 100 × 100 pixels.

    By the processor's clock, and by that on the wall, which drawing in a second thread does not delay.
    """
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
        seconds = []  # of the processor, and on the wall
        for noise in ([], [WeakLensingNoise()], [WeakLensingNoise(), XrayNoise()]):
            settings = {"noise": noise, "n_views": n_views, "epochs": n_epochs, "random_state": 0}
            pipeline = default_pipeline(network, **settings)
            X = pipeline[:-1].fit_transform(records[:size])
            classifier = pipeline[-1].fit(X, y[:size])  # which traces the network
            start = np.array([time.process_time(), time.perf_counter()])
            classifier.fit(X, y[:size])
            seconds.append(np.array([time.process_time(), time.perf_counter()]) - start)
        for clock, (free, *noisy) in zip(("processor", "wall"), np.transpose(seconds), strict=True):
            added = [f"{100 * (value / free - 1):+.0f} %" for value in noisy]
            rows.append((network, clock, f"{free / n_epochs / size / n_views * 1e3:.2f}", *added))
    header = ("network", "clock", "noise-free, ms / view", "lensing noise", "both noises")
    print(table(header, rows), flush=True)


def results_in(path):
    """Return the results in a file, if there are any, and the function that adds one."""
    done = {}
    if path and path.exists():
        lines = map(json.loads, path.read_text().splitlines())
        done = {(line["setting"], line["seed"]): line["row"] for line in lines}

    def save(key, row):
        done[key] = row
        if path:
            with open(path, "a") as file:
                file.write(json.dumps({"setting": key[0], "seed": key[1], "row": row}) + "\n")

    return done, save


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n-train", type=int, default=160, help="halos to learn from")
    parser.add_argument("--n-test", type=int, default=100, help="other halos")
    parser.add_argument("--n-pixels", type=int, default=50)
    parser.add_argument("--settings", type=int, default=len(SETTINGS), help="how many of them to run")
    parser.add_argument("--results", type=Path, help="file to add to, and to go on from")
    parser.add_argument("--output", type=Path, help="file for the tables")
    parser.add_argument("--figure", type=Path, help="file for the figure of the biases")
    parser.add_argument("--speed", action="store_true", help="measure the time instead")
    parser.add_argument("--speed-maps", type=int, default=320)
    arguments = parser.parse_args()
    if arguments.speed:
        print_speed(arguments.speed_maps, n_epochs=3)
        return
    done, save = results_in(arguments.results)
    for seed in arguments.seeds:
        run(seed, arguments, done, save)
    text = report(done)
    print(text)
    if arguments.output:
        with atomic_write(arguments.output) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")
    if arguments.figure:
        draw_biases(done, arguments.figure)


if __name__ == "__main__":
    main()

"""Observations: accuracy with noise, of networks trained without and with it, and the effect of biases.

Shape noise and redshift of the galaxies are those of Euclid, and so is the lowest of the densities. Prints
Markdown tables; see docs/benchmarks/observations.md. Every completed setting is a line of the file of
results. A second run continues from it, so that seeds may run one by one. Run
``python benchmarks/observations.py --results results.jsonl``.
"""

import argparse
import json
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
    ("shear", 30, 10),
    ("kappa", 210, 10),
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
    """Return the fraction of maps that a model classifies correctly."""
    return float(np.mean(model.predict(X) == y))


def by_halo(model, X, y, groups):
    """Return the fraction of maps of each halo that a model classifies correctly."""
    _, halos = np.unique(groups, return_inverse=True)
    return (np.bincount(halos, model.predict(X) == y) / np.bincount(halos)).tolist()


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
    test = X_test, y_test, groups_test
    if ("clean", seed) not in done:
        clean = polar(seed).fit(X, y)
        row = {"baseline": by_halo(profile_baseline().fit(X, y), *test), "clean": by_halo(clean, *test)}
        for kind, n_gal, exposure in SETTINGS[: arguments.settings]:
            if kind == "kappa":
                observed = X_test
                for noise in noises(kind, n_gal, exposure):
                    observed = noise.fit_transform(observed)
                # Without the mark of observations, which a network trained without noise refuses.
                row[f"{n_gal} {exposure}"] = by_halo(clean, observed, y_test, groups_test)
        without = polar(seed, noise=noises("kappa", *BIASED), maps=("xray", "stellar")).fit(X, y)
        row["without lensing"] = by_halo(without, *test)
        select = MapSelector(("xray", "stellar"))
        simple = make_pipeline(*noises("kappa", *BIASED), select, profile_baseline()).fit(X, y)
        row["baseline without lensing"] = by_halo(simple, *test)
        save(("clean", seed), row)
    for kind, n_gal, exposure in SETTINGS[: arguments.settings]:
        key = (f"{kind} {n_gal} {exposure}", seed)
        if key in done:
            continue
        noise = noises(kind, n_gal, exposure)
        through = polar(seed, kind, noise).fit(X, y)
        select = MapSelector(SHEAR if kind == "shear" else "all")
        baseline = make_pipeline(*noise, select, profile_baseline()).fit(X, y)
        row = {"through": by_halo(through, *test), "baseline": by_halo(baseline, *test)}
        if (kind, n_gal, exposure) == ("kappa", *BIASED):
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


def with_errors(right, sign=""):
    """Return the mean over seeds and halos with its standard errors, from seeds and from test halos.

    Each seed has its own halos.
    """
    right = np.array(right)
    of_seeds = f"{right.mean(axis=1).std(ddof=1) / np.sqrt(len(right)):.3f}" if len(right) > 1 else "-"
    return f"{right.mean():{sign}.3f} ± {of_seeds} ± {right.std(ddof=1) / np.sqrt(right.size):.3f}"


def report(done):
    """Return the tables of everything that was measured."""
    of = {}
    for (setting, seed), row in done.items():
        of.setdefault(setting, {})[seed] = row
    clean = of["clean"]

    def columns(seeds, name):
        """Return baseline, accuracy and its difference from the network without a map of the mass."""
        right = np.array([row[name] for row in seeds.values()])
        gain = right - np.array([clean[seed]["without lensing"] for seed in seeds])
        return with_errors([row["baseline"] for row in seeds.values()]), with_errors(right), gain

    baseline, right, most = columns(clean, "clean")
    rows = [("noise-free", "", "", len(clean), baseline, right, "", with_errors(most, "+"), "")]
    for kind, n_gal, exposure in sorted(SETTINGS, key=lambda s: (s[0], s[2] != 10, s[2], s[1])):
        seeds = of.get(f"{kind} {n_gal} {exposure}", {})
        if not seeds:
            continue
        baseline, right, gain = columns(seeds, "through")
        noisy = with_errors([clean[seed][f"{n_gal} {exposure}"] for seed in seeds]) if kind == "kappa" else ""
        recovered = f"{gain.mean() / most.mean():.0%}"
        gain = with_errors(gain, "+")
        rows.append((kind, n_gal, exposure, len(seeds), baseline, noisy, right, gain, recovered))
    simple, without = (
        with_errors([row[name] for row in clean.values()])
        for name in ("baseline without lensing", "without lensing")
    )
    rows.append(("no mass map", "", BIASED[1], len(clean), simple, "", without, "", ""))
    header = ("input", "galaxies / arcmin2", "ks", "seeds", "baseline", "trained clean")
    text = table((*header, "trained with noise", "gain from the mass map", "recovered"), rows)
    biased = [row["biases"] for row in of.get(f"kappa {BIASED[0]} {BIASED[1]}", {}).values()]
    rows = []
    for bias, *measured in zip(BIASES, *biased, strict=True) if biased else ():
        name = ", ".join(key if value is True else f"{key} {value:+g}" for key, value in bias.items())
        name = name.replace("photo_z", "photo-z").replace("large_scale", "large-scale").replace("_", " ")
        means = [mean_and_error([row["mean"][label] for row in measured]) for label in measured[0]["mean"]]
        rows.append((name or "none", mean_and_error([row["accuracy"] for row in measured]), *means))
    if rows:
        truths = [f"inferred from {label}, cm2/g" for label in biased[0][0]["mean"]]
        text += f"\n{table(('error', 'accuracy', *truths), rows)}"
    return text


def draw_biases(done, path):
    """Draw accuracy and inferred cross-section over the errors of shapes and redshifts."""
    from matplotlib.figure import Figure

    from darkcnn.plotting.canvas import LINES, MARKERS, class_styles

    errors = ("multiplicative_bias", "additive_bias", "photo_z_bias")
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    panels = figure.subplots(2, len(errors), sharex=True, sharey="row")
    seeds = [
        row["biases"] for (setting, _), row in done.items() if setting == f"kappa {BIASED[0]} {BIASED[1]}"
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

        points(panels[0, column], accuracies, color=LINES[0], marker=MARKERS[0])
        panels[0, column].set_title(name.replace("_", " ").replace("photo z", "photo-z"))
        for which, (label, own) in enumerate(class_styles(labels).items()):
            change = means[..., which] - means[:, :1, which]
            points(panels[1, column], change, 0.004 * (which - 1), label=label, **own)
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("change of the inferred\ncross-section, cm$^2$/g")
    for ax in panels[1]:
        ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    panels[1, -1].legend(title="sample", bbox_to_anchor=(1, 1), loc="upper left")
    figure.supxlabel("error")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=100)


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
    parser.add_argument("--n-train", type=int, default=120, help="halos to train on")
    parser.add_argument("--n-test", type=int, default=100, help="halos to test on")
    parser.add_argument("--n-pixels", type=int, default=50)
    parser.add_argument("--settings", type=int, default=len(SETTINGS), help="how many of them to run")
    parser.add_argument("--results", type=Path, help="file to add to, and to go on from")
    parser.add_argument("--output", type=Path, help="file for the tables")
    parser.add_argument("--figure", type=Path, help="file for the figure of the biases")
    arguments = parser.parse_args()
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

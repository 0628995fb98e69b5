"""Limits of a network trained with noise: number of halos, epochs, noise realisations or the maps.

The maps are those of Euclid, with 30 galaxies per square arcminute, and of 10 ks. Prints a Markdown table;
see docs/benchmarks/observations.md for what it means. Run
``python benchmarks/observation_limits.py --results limits.jsonl``.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from observations import BIASED, accuracy, halves, mean_and_error, noises, polar, results_in, table

from darkcnn import WeakLensingNoise
from darkcnn._common.writing import atomic_write
from darkcnn.preprocessing import RadialProfiles, profile_baseline


def observe(records):
    """Return records as both telescopes see them."""
    for noise in noises("kappa", *BIASED):
        records = noise.fit_transform(records)
    return records


def signed_profiles(observed, realisation):
    """Return the profiles of one noise realisation of each record, with the sign of the convergence.

    The logarithm of a ring takes no negative mean.
    """
    drawn = observed.draw(np.arange(len(observed)), np.full(len(observed), realisation))
    drawn["total"] += 10  # times the noise of a pixel
    return RadialProfiles().fit_transform(drawn)


def baseline_on_realisations(observed, y, n_realisations):
    """Return the linear classifier, trained on several noise realisations of each record."""
    profiles = np.concatenate(
        [signed_profiles(observed, 1 + realisation) for realisation in range(n_realisations)]
    )
    return profile_baseline()[1:].fit(profiles, np.tile(y, n_realisations))


def accuracy_for_known_halos(clusters, groups, n_gal, seed, *, rings, n_realisations=20):
    """Return how often the convergence tells the models apart to one who knows the halo in each of them.

    It is compared with the noise-free maps of the same halo in each model, or with their means in rings.
    """
    exact = 1e12  # galaxies / arcmin2
    euclid = WeakLensingNoise.from_survey("euclid", n_gal=exact, random_state=0)
    kappa = euclid.fit_transform(clusters)["total"] * np.sqrt(n_gal / exact)
    kappa = kappa.reshape(len(kappa), -1)
    if rings:
        y, x = np.indices(clusters["total"].shape[1:]) - (clusters["total"].shape[1] - 1) / 2
        ring = np.hypot(x, y).astype(int).ravel()
        means = np.stack([np.bincount(ring, image) for image in kappa]) / np.bincount(ring)
        kappa = means[:, ring]
    order = np.lexsort([clusters["redshift"], groups])
    models = kappa[order].reshape(-1, 3, kappa.shape[1])  # of one halo at one redshift
    # White noise of variance one, which is too much for cores, by 1 / (1 - kappa): the likeliest model is the
    # nearest one. For model t, and noise e, that is the one of least |m - t|^2 - 2 e (m - t).
    rng = np.random.default_rng(seed)
    right = []
    for truth in range(3):
        away = models - models[:, truth : truth + 1]
        noise = rng.standard_normal((n_realisations, len(models), models.shape[2]))
        distance = (away**2).sum(axis=-1) - 2 * np.einsum("skp,kmp->skm", noise, away)
        right.append(distance.argmin(axis=-1) == truth)
    return float(np.mean(right))


def measures(seed, n_train, n_test, n_pixels, networks):
    """Yield what can be measured with one seed: halos to learn from, method, and a function that measures."""
    (X, y, groups), (X_test, y_test, groups_test) = halves(4 * n_train, n_test, n_pixels, seed)
    for name, rings in {"profiles": True, "maps": False}.items():
        for n_gal in (30, 50, 100, 210):
            known = partial(accuracy_for_known_halos, X_test, groups_test, n_gal, seed, rings=rings)
            yield "known", f"{name} at {n_gal}", known
    test_profiles = signed_profiles(observe(X_test), 0)
    noise = noises("kappa", *BIASED)

    def with_network(size, **parameters):
        few = np.isin(groups, np.unique(groups)[:size])
        return accuracy(polar(seed, **parameters).fit(X[few], y[few]), X_test, y_test)

    def with_baseline(size, n_realisations):
        few = np.isin(groups, np.unique(groups)[:size])
        return accuracy(
            baseline_on_realisations(observe(X[few]), y[few], n_realisations), test_profiles, y_test
        )

    for size in (n_train, 4 * n_train):
        yield size, "baseline, 1 realisation", partial(with_baseline, size, 1)
        yield size, "baseline, 8 realisations", partial(with_baseline, size, 8)
        if networks:
            yield size, "noise-free", partial(with_network, size)
            yield size, "through noise", partial(with_network, size, noise=noise)
    if networks:
        longer = partial(with_network, n_train, noise=noise, epochs=144)
        yield n_train, "through noise, three times as long", longer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--n-train", type=int, default=120, help="halos to learn from, and four times as many"
    )
    parser.add_argument("--n-test", type=int, default=100, help="other halos")
    parser.add_argument("--n-pixels", type=int, default=50)
    parser.add_argument("--no-networks", action="store_true", help="leave out what takes long")
    parser.add_argument("--results", type=Path, help="file to add to, and to go on from")
    parser.add_argument("--output", type=Path, help="file for the table")
    arguments = parser.parse_args()
    done, save = results_in(arguments.results)
    for seed in arguments.seeds:
        sizes = arguments.n_train, arguments.n_test, arguments.n_pixels
        for size, name, measure in measures(seed, *sizes, not arguments.no_networks):
            if (f"limit {size}, {name}", seed) not in done:
                save((f"limit {size}, {name}", seed), measure())
    of = {}
    for (setting, seed), value in done.items():
        of.setdefault(tuple(setting.removeprefix("limit ").split(", ", 1)), {})[seed] = value
    rows = [(*key, len(seeds), mean_and_error(list(seeds.values()))) for key, seeds in of.items()]
    text = table(("halos", "method", "seeds", "accuracy"), rows)
    print(text)
    if arguments.output:
        with atomic_write(arguments.output) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

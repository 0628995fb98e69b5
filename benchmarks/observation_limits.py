"""Limits of the accuracy with noise: known halos, and noise realisations of the linear classifier.

The maps are those of Euclid, with 30 galaxies per square arcminute, and of 10 ks. Prints a Markdown table;
see docs/benchmarks/observations.md. Run ``python benchmarks/observation_limits.py``.
"""

import argparse

import numpy as np
from observations import BIASED, accuracy, halves, mean_and_error, noises, table

from darkcnn import WeakLensingNoise
from darkcnn.preprocessing import RadialProfiles, profile_baseline


def observe(records):
    """Return simulated observations of records."""
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
    """Return the accuracy of a classifier that has the noise-free convergence of the halo in each model.

    It returns the model with the nearest map, or with the nearest means in rings.
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


def measures(seed, n_train, n_test, n_pixels):
    """Yield the name of each measurement with one seed, and its accuracy."""
    (X, y, _), (X_test, y_test, groups) = halves(n_train, n_test, n_pixels, seed)
    for name, rings in {"profiles": True, "maps": False}.items():
        for n_gal in (30, 50, 100, 210):
            right = accuracy_for_known_halos(X_test, groups, n_gal, seed, rings=rings)
            yield f"known {name}, {n_gal} galaxies", right
    observed, test_profiles = observe(X), signed_profiles(observe(X_test), 0)
    for n_realisations in (1, 8):
        model = baseline_on_realisations(observed, y, n_realisations)
        yield f"baseline, noise realisations: {n_realisations}", accuracy(model, test_profiles, y_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n-train", type=int, default=120, help="halos to train on")
    parser.add_argument("--n-test", type=int, default=100, help="halos to test on")
    parser.add_argument("--n-pixels", type=int, default=50)
    arguments = parser.parse_args()
    sizes = arguments.n_train, arguments.n_test, arguments.n_pixels
    of = {}
    for seed in arguments.seeds:
        for name, value in measures(seed, *sizes):
            of.setdefault(name, []).append(value)
    rows = [(name, len(values), mean_and_error(values)) for name, values in of.items()]
    print(table(("method", "seeds", "accuracy"), rows))


if __name__ == "__main__":
    main()

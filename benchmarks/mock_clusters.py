"""Mock clusters: how fast they are made, whether they look like the published maps and how hard they are.

Prints Markdown tables. Run ``python benchmarks/mock_clusters.py --n-halos 1500``; it takes minutes, most of
them for the cross-validation of the last table.
"""

import argparse
import time

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.utils import Bunch

from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import RadialProfiles, profile_baseline
from darkcnn.records import MAPS, join_labels
from darkcnn.simulation import HEATING

ATTRIBUTES = (
    "redshift",
    "log_mass",
    "xray_concentration",
    "xray_norm",
    "lensing_norm",
    "bcg_stellar_concentration",
    "bcg_ellipticity",
)
RADII = (25, 75, 125, 225, 525, 975)  # kpc

# Read off published figures of the maps of the BAHAMAS-SIDM simulations; a few per cent uncertain.
PUBLISHED_MASSES = {0: "14.60", 0.125: "14.56", 0.25: "14.50", 0.375: "14.42"}
PUBLISHED_PROFILES = {
    "total": "1 .64 .43 .25 .10 .040",
    "xray": "1 .79 .57 .30 .061 .012",
    "stellar": "1 .33 .137 .060 .017 .0060",
}
PUBLISHED_XRAY_CONCENTRATION = "mean .225; .145 .205 .30"

SELECTIONS = (
    *((name,) for name in MAPS),
    ("total", "stellar"),
    ("total", "xray"),
    ("xray", "stellar"),
    MAPS,
)
# Of simple networks, read off noisy curves of validation: two per cent uncertain.
PUBLISHED_ACCURACIES = {
    "3 models, 20 kpc": {
        "total": "0.76",
        "total, stellar": "0.79",
        "total, xray": "0.76",
        "xray, stellar": "0.59",
        "total, xray, stellar": "0.77",
    },
    "3 models, 40 kpc": {"total, xray, stellar": "0.67"},
    "4 models, 20 kpc": {"total, xray, stellar": "0.61"},
}


def print_table(header, rows):
    print(f"\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


def print_speed():
    make_clusters(1, random_state=0)  # the table of cores is made once
    rows = []
    for n_pixels in (50, 100):
        wall, cpu = time.perf_counter(), time.process_time()
        n_clusters = len(make_clusters(60, n_pixels=n_pixels, random_state=0).data)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        rows.append((n_pixels, f"{n_clusters / cpu:.0f}", f"{n_clusters / wall:.0f}"))
    print_table(("pixels", "clusters per second of one core", "clusters per second of the clock"), rows)


def profile(maps):
    """Return the mean map in rings of 50 kpc, over the innermost, as text."""
    n_pixels = maps.shape[1]
    axis = (np.arange(n_pixels) + 0.5) * 2000 / n_pixels - 1000
    distance = np.hypot(*np.meshgrid(axis, axis))
    mean = maps.mean(axis=0)
    values = np.array([mean[np.abs(distance - radius) < 25].mean() for radius in RADII])
    return " ".join(f"{value:.2g}" for value in values / values[0])


def print_appearance(clusters):
    records = clusters.data
    rows = []
    for redshift, published in PUBLISHED_MASSES.items():
        masses = records["log_mass"][np.isclose(records["redshift"], redshift)]
        mock = f"{masses.mean():.2f} ± {masses.std():.2f}"
        rows.append((f"log10 M200/Msun at z = {redshift}", published, mock))
    rows += [
        (f"mean `{name}` at {RADII} kpc", PUBLISHED_PROFILES[name], profile(records[name])) for name in MAPS
    ]
    concentration = records["xray_concentration"]
    percentiles = " ".join(f"{value:.3f}" for value in np.percentile(concentration, (16, 50, 84)))
    mock = f"mean {concentration.mean():.3f}; {percentiles}"
    rows.append(("X-ray concentration, 16 50 84 %", PUBLISHED_XRAY_CONCENTRATION, mock))
    print_table(("quantity", "published", "mock"), rows)


def accuracy(features, clusters):
    """Return accuracy and its standard error by cross-validation that keeps the maps of a halo together."""
    classifier = profile_baseline()[1:]  # without the profiles, which are computed
    cv = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(classifier, features, clusters.target, groups=clusters.groups, cv=cv)
    right = predicted == clusters.target
    by_halo = np.bincount(clusters.groups, right - right.mean())  # maps of one halo are not independent
    return f"{right.mean():.3f} ± {np.sqrt((by_halo**2).sum()) / len(right):.3f}"


def print_difficulty(clusters_by_name):
    """Compare how well dark matter is told from profiles of some maps with published networks."""
    columns = {}
    for name, clusters in clusters_by_name.items():
        features = RadialProfiles(attributes=ATTRIBUTES).fit_transform(clusters.data)
        profiles, attributes = np.split(features, [-len(ATTRIBUTES)], axis=1)
        of = dict(zip(MAPS, np.split(profiles, len(MAPS), axis=1), strict=True))
        counts = np.unique(clusters.target, return_counts=True)[1]
        column = {"majority class": f"{counts.max() / counts.sum():.3f}"}
        for maps in SELECTIONS:
            column[", ".join(maps)] = accuracy(np.hstack([of[each] for each in maps]), clusters)
        column["all maps and attributes"] = accuracy(features, clusters)
        column["attributes"] = accuracy(attributes, clusters)
        columns[name] = column
        if name in PUBLISHED_ACCURACIES:
            columns[f"{name}, published"] = PUBLISHED_ACCURACIES[name]
    rows = [[label, *(column.get(label, "") for column in columns.values())] for label in column]
    print_table(["maps", *columns], rows)


def print_feedback(n_halos, **shared):
    """Compare how well feedback is told, alone and together with dark matter, with published networks.

    The published maps of the five classes are split by image, ours by halo.
    """
    cold = make_clusters(n_halos, cross_sections=(0,), feedback=tuple(HEATING), n_pixels=100, **shared)
    scattering = make_clusters(n_halos * 2 // 3, cross_sections=(0.1, 1), n_pixels=100, **shared)
    scattering.groups = scattering.groups + n_halos
    profiles = [RadialProfiles().fit_transform(clusters.data) for clusters in (cold, scattering)]
    five = Bunch(
        target=np.append(join_labels(cold.target, cold.feedback), scattering.target),
        groups=np.append(cold.groups, scattering.groups),
    )
    rows = []
    for name, columns, published_feedback, published_five in (
        ("`total` and `stellar`", (0, 2), "", "0.50"),
        ("`xray`", (1,), "0.65-0.70", ""),
        ("all", (0, 1, 2), "", "0.63-0.67"),
    ):
        kept = [
            np.hstack([np.split(features, len(MAPS), axis=1)[k] for k in columns]) for features in profiles
        ]
        feedback = accuracy(kept[0], Bunch(target=cold.feedback, groups=cold.groups))
        rows.append(
            (name, published_feedback, feedback, published_five, accuracy(np.concatenate(kept), five))
        )
    header = (
        "profiles of",
        "published: 3 feedback",
        "mock",
        "published: 3 feedback of CDM, SIDM0.1, SIDM1",
        "mock",
    )
    print_table(header, [("majority class", "0.333", "0.333", "0.200", "0.200"), *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-halos", type=int, default=1500, help="independent clusters of each kind")
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=None)
    parser.add_argument("--only-feedback", action="store_true", help="print the table on feedback alone")
    options = parser.parse_args()
    shared = {"paired": False, "random_state": options.random_state, "n_jobs": options.n_jobs}
    print_feedback(options.n_halos, **{**shared, "random_state": options.random_state + 1})
    if options.only_feedback:
        return
    print_speed()
    clusters = {
        f"{len(cross_sections)} models, {2000 // n_pixels} kpc": make_clusters(
            options.n_halos, cross_sections=cross_sections, n_pixels=n_pixels, **shared
        )
        for cross_sections in ((0, 0.1, 1), (0, 0.1, 0.3, 1))
        for n_pixels in (100, 50)
    }
    print_appearance(clusters["4 models, 20 kpc"])
    print_difficulty(clusters)


if __name__ == "__main__":
    main()

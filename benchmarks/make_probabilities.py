"""Probabilities of real networks for mock clusters that they have not seen, for ``coverage.py --file``.

Two ensembles of polar networks are trained on the same halos, with all classes and without SIDM0.3; each
network has its own seed. They then predict halos of other seeds, at the cross-sections of the calibration and
between these. All clusters are at one redshift and 40 kpc a pixel, without noise.

Run as ``python benchmarks/make_probabilities.py probabilities.npz --models networks``. Networks that exist in
the folder are loaded instead of trained.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from darkcnn import cross_section_of, default_pipeline, label_of, load_model, save_model
from darkcnn.datasets import make_clusters

CLASSES = ("CDM", "SIDM0.1", "SIDM0.3", "SIDM1")
BLIND = ("CDM", "SIDM0.1", "SIDM1")
CALIBRATED = (0, 0.02, 0.05, 0.1, 0.18, 0.3, 0.5, 0.7, 1)  # for the calibration, cm2/g
BETWEEN = (0.01, 0.03, 0.075, 0.14, 0.24, 0.4, 0.6, 0.85)  # truths that no calibration contains
CROSS_SECTIONS = tuple(sorted(CALIBRATED + BETWEEN))


def train(classes, paths, *, n_halos, redshift, epochs, seed):
    """Return networks trained on the same halos, each with its own seed; load those that have a file."""
    clusters = make_clusters(
        n_halos,
        cross_sections=[cross_section_of(label) for label in classes],
        redshifts=(redshift,),
        random_state=seed,
    )
    for number, path in enumerate(tqdm(paths, desc=f"training on {len(classes)} classes", unit="network")):
        if not path.exists():
            network = default_pipeline("polar", random_state=seed + number, **epochs)
            save_model(network.fit(clusters.data, clusters.target), path)
    return [load_model(path) for path in paths]


def predict(networks, maps):
    """Return probabilities, shape (n_networks, n_maps, n_classes)."""
    return np.stack([network[-1].predict_proba(maps) for network in networks]).astype(np.float32)


def main():
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help=".npz to write")
    parser.add_argument("--models", type=Path, required=True, help="folder of the networks")
    parser.add_argument("--n-training", type=int, default=300, help="halos of the training set")
    parser.add_argument("--n-halos", type=int, default=2000, help="other halos to predict")
    parser.add_argument("--n-networks", type=int, default=5)
    parser.add_argument("--n-blind", type=int, default=1, help="networks without SIDM0.3")
    parser.add_argument("--redshift", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    epochs = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    arguments.models.mkdir(parents=True, exist_ok=True)
    ensembles = [
        train(
            classes,
            [arguments.models / f"{name}{number}.keras" for number in range(n_networks)],
            n_halos=arguments.n_training,
            redshift=arguments.redshift,
            epochs=epochs,
            seed=arguments.seed,
        )
        for name, classes, n_networks in (
            ("all", CLASSES, arguments.n_networks),
            ("blind", BLIND, arguments.n_blind),
        )
    ]
    per_seed = min(200, arguments.n_halos)
    predictions = []
    for part in tqdm(range(arguments.n_halos // per_seed), desc="predicting other halos", unit="seed"):
        clusters = make_clusters(
            per_seed,
            cross_sections=CROSS_SECTIONS,
            redshifts=(arguments.redshift,),
            random_state=arguments.seed + 1000 + part,
        )
        maps = np.asarray(ensembles[0][0][:-1].transform(clusters.data))
        predictions.append([predict(networks, maps) for networks in ensembles])
    shape = (-1, len(CROSS_SECTIONS))  # halos in rows, cross-sections in columns
    probabilities, blind = (
        np.concatenate(parts, axis=1).reshape(len(parts[0]), *shape, parts[0].shape[-1])
        for parts in zip(*predictions, strict=True)
    )
    np.savez_compressed(
        arguments.file,
        classes=CLASSES,
        probabilities=probabilities,
        blind_classes=BLIND,
        blind_probabilities=blind,
        cross_sections=CROSS_SECTIONS,
    )
    predicted = np.array(CLASSES)[probabilities.mean(axis=0).argmax(axis=-1)]
    columns = [CROSS_SECTIONS.index(cross_section_of(label)) for label in CLASSES]
    target = [label_of(CROSS_SECTIONS[column]) for column in columns]
    print(f"Accuracy of the mean of {arguments.n_networks}: {(predicted[:, columns] == target).mean():.3f}")


if __name__ == "__main__":
    main()

"""Probabilities of real networks for mock clusters that they have not seen, for ``coverage.py --file``.

Two ensembles of polar networks learn from the same halos, in all classes and with SIDM0.3 left out; each
network has a seed of its own. Then they judge halos of other seeds at cross-sections on and between the
classes, and beyond the highest. All clusters are at one redshift and 40 kpc a pixel, without noise.

Run as ``python benchmarks/make_probabilities.py probabilities.npz --models networks``. On one core, the
committed table's file took about 12 minutes.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from darkcnn import cross_section_of, default_pipeline, label_of, save_model
from darkcnn.datasets import make_clusters

CLASSES = ("CDM", "SIDM0.1", "SIDM0.3", "SIDM1")
BLIND = ("CDM", "SIDM0.1", "SIDM1")
CROSS_SECTIONS = (0, 0.02, 0.05, 0.1, 0.18, 0.3, 0.5, 0.7, 1, 2)


def train(classes, n_networks, n_halos, redshift, epochs, seed):
    """Return networks that learned from the same halos, each with its own seed."""
    clusters = make_clusters(
        n_halos,
        cross_sections=[cross_section_of(label) for label in classes],
        redshifts=(redshift,),
        random_state=seed,
    )
    return [
        default_pipeline("polar", random_state=seed + number, **epochs).fit(clusters.data, clusters.target)
        for number in tqdm(range(n_networks), desc=f"training on {len(classes)} classes", unit="network")
    ]


def predict(networks, maps):
    """Return probabilities, shape (n_networks, n_maps, n_classes)."""
    return np.stack([network[-1].predict_proba(maps) for network in networks]).astype(np.float32)


def main():
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help=".npz to write")
    parser.add_argument("--models", type=Path, help="folder to keep the networks in")
    parser.add_argument("--n-training", type=int, default=300, help="halos to learn from")
    parser.add_argument("--n-halos", type=int, default=4000, help="other halos to judge")
    parser.add_argument("--n-networks", type=int, default=5)
    parser.add_argument("--n-blind", type=int, default=3, help="networks without SIDM0.3")
    parser.add_argument("--redshift", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    epochs = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    ensembles = [
        train(classes, n_networks, arguments.n_training, arguments.redshift, epochs, arguments.seed)
        for classes, n_networks in ((CLASSES, arguments.n_networks), (BLIND, arguments.n_blind))
    ]
    if arguments.models is not None:
        arguments.models.mkdir(parents=True, exist_ok=True)
        for name, networks in zip(("all", "blind"), ensembles, strict=True):
            for number, network in enumerate(networks):
                save_model(network, arguments.models / f"{name}{number}.keras")
    per_seed = min(200, arguments.n_halos)
    judged = []
    for part in tqdm(range(arguments.n_halos // per_seed), desc="judging other halos", unit="seed"):
        clusters = make_clusters(
            per_seed,
            cross_sections=CROSS_SECTIONS,
            redshifts=(arguments.redshift,),
            random_state=arguments.seed + 1000 + part,
        )
        maps = np.asarray(ensembles[0][0][:-1].transform(clusters.data))
        judged.append([predict(networks, maps) for networks in ensembles])
    shape = (-1, len(CROSS_SECTIONS))  # halos in rows, cross-sections in columns
    probabilities, blind = (
        np.concatenate(parts, axis=1).reshape(len(parts[0]), *shape, parts[0].shape[-1])
        for parts in zip(*judged, strict=True)
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

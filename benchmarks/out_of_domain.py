"""Out of domain: how often clusters unlike those of the training are flagged, singly and as samples.

``DomainTest`` is fitted to the embedding of held-out mock clusters of the default physics. It then tests
other halos: of the same physics, at other cross-sections, with other physics, blurred, on another pixel
scale, and pure noise. Run as ``python benchmarks/out_of_domain.py`` for the packaged network, or with a file
of ``make_probabilities.py``; it prints a table in Markdown.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, zoom
from shift import CHANGES

from darkcnn import load_model, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.inference import DomainTest
from darkcnn.records import MAPS
from darkcnn.simulation import Physics

LEVEL = 0.05


def simulate(n_halos, seed, *, cross_sections=(0, 0.1, 0.3, 1), **options):
    """Make clusters at one redshift."""
    return make_clusters(
        n_halos, cross_sections=cross_sections, redshifts=(0.25,), random_state=seed, **options
    )


def change(records, function):
    """Return records with their maps changed and divided by their new peaks."""
    changed = records.copy()
    for name in MAPS:
        maps = np.array([function(each) for each in records[name]])
        changed[name] = maps / maps.max(axis=(1, 2), keepdims=True)
    return changed


def magnify(each):
    """Show the middle two thirds only, as if a pixel were 27 kpc and not 40."""
    edge = len(each) // 6
    inside = each[edge : len(each) - edge, edge : len(each) - edge]
    return np.maximum(zoom(inside, len(each) / len(inside), order=1), 0)


def embed(transform, n_halos, seed):
    """Return embeddings of held-out clusters and their labels, and of each kind of clusters to test."""
    held_out, usual = simulate(3 * n_halos, seed), simulate(n_halos, seed + 1)
    between = simulate(n_halos, seed + 2, cross_sections=(0.05, 0.18, 0.5, 0.7))
    rng = np.random.default_rng(seed)
    kinds = {
        "same physics": usual.data,
        "cross-sections between the classes": between.data,
        "2 cm2/g": simulate(n_halos, seed + 3, cross_sections=(2,)).data,
        "weak feedback": simulate(n_halos, seed + 4, feedback="weak").data,
        "strong feedback": simulate(n_halos, seed + 5, feedback="strong").data,
        **{
            name: simulate(n_halos, seed + 6 + number, physics=Physics(**change)).data
            for number, (name, change) in enumerate(CHANGES.items())
            if change
        },
        "smoothed by 2 pixels": change(usual.data, lambda each: gaussian_filter(each, 2)),
        "27 kpc a pixel": change(usual.data, magnify),
        "pure noise": change(usual.data, lambda each: rng.random(each.shape)),
    }
    embeddings = {name: transform(records) for name, records in kinds.items()}
    return transform(held_out.data), held_out.target, embeddings


def rates(test, embeddings, n_models, sizes, n_samples, rng):
    """Return how often p < 0.05: of single maps, and of samples of one model."""
    single = (test.pvalues(embeddings) < LEVEL).mean()
    by_halo = embeddings.reshape(-1, n_models, embeddings.shape[1])
    samples = [
        np.mean([
            test.sample_pvalue(by_halo[rng.permutation(len(by_halo))[:size], rng.integers(n_models)]) < LEVEL
            for _ in range(n_samples)
        ])
        for size in sizes
    ]  # fmt: skip
    return [single, *samples]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="file of a network; the packaged network without it")
    parser.add_argument("--n-halos", type=int, default=200, help="of each kind; three times as many held out")
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 30, 100])
    parser.add_argument("--n-samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    model = load_model(arguments.model) if arguments.model else load_pretrained()[:-1]
    held_out, target, kinds = embed(model.transform, arguments.n_halos, arguments.seed)
    groups = np.repeat(np.arange(3 * arguments.n_halos), len(np.unique(target)))
    test = DomainTest(random_state=arguments.seed).fit(held_out, target, groups)
    rng = np.random.default_rng(arguments.seed)
    lines = [
        "| clusters | single | " + " | ".join(f"N = {size}" for size in arguments.sizes) + " |",
        "|---" * (2 + len(arguments.sizes)) + "|",
    ]
    for name, embeddings in kinds.items():
        n_models = len(embeddings) // arguments.n_halos
        row = rates(test, embeddings, n_models, arguments.sizes, arguments.n_samples, rng)
        lines.append(f"| {name} | " + " | ".join(f"{rate:.0%}" for rate in row) + " |")
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Out of domain: how often clusters unlike the held-out ones are flagged, singly and as samples.

``DomainTest`` is fitted to held-out mock clusters of the default physics, by their radial profiles and by the
embedding of the packaged network, and by both as ``darkcnn infer`` combines them. It then tests pools of
other halos: of the same physics, at other cross-sections, with other physics, blurred, on another pixel
scale, and pure noise. Samples of one pool share halos, so errors are the scatter between pools. Run as
``python benchmarks/out_of_domain.py``; it prints a table in Markdown.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, zoom
from shift import CHANGES
from tqdm import tqdm

from darkcnn import RadialProfiles, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.inference import DomainTest
from darkcnn.records import MAPS
from darkcnn.report.cross_section import combine_pvalues
from darkcnn.simulation import Physics

LEVEL = 0.05
POOL = 100  # halos
SIZES = 10, 30, 100  # clusters of a sample
CLASSES = 0, 0.1, 0.3, 1  # cm2/g
COMPARED = 30  # size of the samples that are tested by the embedding as well


def simulate(n_halos, seed, *, cross_sections=CLASSES, **options):
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


@dataclass(frozen=True)
class Kind:
    """Clusters to test: options of the simulation, and a change of their maps."""

    options: dict = field(default_factory=dict)
    cross_sections: tuple = CLASSES
    function: object = None

    def pool(self, number, seed):
        """Make a pool of clusters of one cross-section; pools take turns."""
        cross_section = self.cross_sections[number % len(self.cross_sections)]
        records = simulate(POOL, seed, cross_sections=(cross_section,), **self.options).data
        return records if self.function is None else change(records, self.function)


NOISE = np.random.default_rng(0)
KINDS = {
    "same physics": Kind(),
    "cross-sections between the classes": Kind(cross_sections=(0.05, 0.18, 0.5, 0.7)),
    "2 cm²/g": Kind(cross_sections=(2,)),
    "weak feedback": Kind({"feedback": "weak"}),
    "strong feedback": Kind({"feedback": "strong"}),
    **{name: Kind({"physics": Physics(**each)}) for name, each in CHANGES.items() if each},
    "smoothed by 2 pixels": Kind(function=lambda each: gaussian_filter(each, 2)),
    "27 kpc a pixel": Kind(function=magnify),
    "pure noise": Kind(function=lambda each: NOISE.random(each.shape)),
}


def flagged(test, features, sizes):
    """Return the fractions of maps, and of the samples of each size in a pool, with p < 0.05."""
    fractions = [(test.pvalues(features) < LEVEL).mean()]
    for size in sizes:
        samples = features[: len(features) // size * size].reshape(-1, size, features.shape[1])
        fractions.append(np.mean([test.sample_pvalue(sample) < LEVEL for sample in samples]))
    return fractions


def flagged_by_both(tests, features, sizes):
    """Return the fractions of the samples of each size with p < 0.05 by two tests together."""
    fractions = []
    for size in sizes:
        n_samples = len(features[0]) // size
        pvalues = [
            [test.sample_pvalue(sample) for sample in each[: n_samples * size].reshape(n_samples, size, -1)]
            for test, each in zip(tests, features, strict=True)
        ]
        fractions.append(np.mean(combine_pvalues(pvalues) < LEVEL))
    return fractions


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n-halos", type=int, default=600, help="held-out halos of a fit of the test")
    parser.add_argument("--n-fits", type=int, default=4, help="fits to other halos; pools take turns")
    parser.add_argument("--n-pools", type=int, default=20, help="pools of 100 halos of each kind of clusters")
    parser.add_argument("--n-usual", type=int, default=100, help="pools of the same physics")
    parser.add_argument("--seed", type=int, default=6000)
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    transforms = RadialProfiles().fit(simulate(1, 0).data).transform, load_pretrained()[:-1].transform
    fits = []
    for number in tqdm(range(arguments.n_fits), desc="fitting"):
        held_out = simulate(arguments.n_halos, arguments.seed + number)
        fits.append([
            DomainTest(random_state=number).fit(transform(held_out.data), held_out.target, held_out.groups)
            for transform in transforms
        ])  # fmt: skip
    sizes = " | ".join(f"N = {size}" for size in SIZES)
    lines = [
        f"| clusters | profiles: single | {sizes} | embedding: single | N = {COMPARED} | both: {sizes} |",
        "|---" * (4 + 2 * len(SIZES)) + "|",
    ]
    for row, (name, kind) in enumerate(KINDS.items()):
        rates = []
        n_pools = arguments.n_pools if row else arguments.n_usual
        for number in tqdm(range(n_pools), desc=name, unit="pool"):
            records = kind.pool(number, arguments.seed + 1000 * (row + 1) + number)
            features = profiles, embedding = [transform(records) for transform in transforms]
            tests = by_profiles, by_embedding = fits[number % len(fits)]
            rates.append(
                [
                    *flagged(by_profiles, profiles, SIZES),
                    *flagged(by_embedding, embedding, [COMPARED]),
                    *flagged_by_both(tests, features, SIZES),
                ]
            )
        errors = np.std(rates, axis=0, ddof=1) / np.sqrt(n_pools)
        cells = [
            f"{100 * rate:.0f} ± {100 * error:.0f} %"
            for rate, error in zip(np.mean(rates, axis=0), errors, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Pure noise in a sample: how far a tenth of it moves the cross-section, with real networks.

Maps of noise, uniform or the absolute value of normal pixels, are judged by the networks of
``make_probabilities.py``; in samples of its halos they replace a tenth. The shift of the median is measured
on the axis of ``CrossSectionPosterior``, in halves of the 68 % interval of the sample with the noise. Run as
``python benchmarks/noise_maps.py networks probabilities.npz``; it prints a table in Markdown.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from out_of_domain import change, simulate
from tqdm import tqdm

from darkcnn import CrossSectionPosterior, cross_section_of, load_model

KINDS = {
    "uniform": lambda rng, shape: rng.random(shape),
    "normal": lambda rng, shape: np.abs(rng.normal(size=shape)),
}


def judge_noise(folder, n_maps, seed):
    """Return the mean probabilities of the networks for each kind of noise, shape (n_maps, n_classes)."""
    networks = [load_model(path) for path in sorted(folder.glob("all*.keras"))]
    clusters = simulate(n_maps, seed, cross_sections=(0,)).data
    rng = np.random.default_rng(seed)
    judged = {}
    for name, draw in KINDS.items():
        noise = change(clusters, lambda each, draw=draw: draw(rng, each.shape))
        judged[name] = np.mean([network.predict_proba(noise) for network in networks], axis=0)
    return judged


def measure(posterior, sample, noise, truth):
    """Return the shift in errors, and whether the 95 % interval has the truth, without noise and with it."""
    position = posterior._axis.position
    inside, medians = [], []
    for probabilities in (sample, np.concatenate([noise, sample[len(noise) :]])):
        posterior.fit(probabilities)
        low, high = posterior.interval(0.95)
        inside.append(low <= truth <= high)
        medians.append(position(posterior.median_))
    low, high = position(np.minimum(posterior.interval(), posterior.grid_[-1]))
    return [abs(medians[1] - medians[0]) / ((high - low) / 2), *inside]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", type=Path, help="folder of the networks")
    parser.add_argument("file", help=".npz of make_probabilities.py")
    parser.add_argument("--n-clusters", nargs="+", type=int, default=[10, 100, 1000])
    parser.add_argument("--n-samples", type=int, default=100)
    parser.add_argument("--n-calibration", type=int, default=300, help="held-out halos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # of outliers and limits beyond the classes, rightly
    with np.load(arguments.file) as file:
        classes, cross_sections = file["classes"].tolist(), file["cross_sections"].tolist()
        probabilities = file["probabilities"].mean(axis=0, dtype=float)  # halos, cross-sections, classes
    noise = judge_noise(arguments.networks, max(arguments.n_clusters) // 10, arguments.seed)
    columns = [cross_sections.index(cross_section_of(label)) for label in classes]
    results = {}
    for number in tqdm(range(arguments.n_samples), unit="sample"):
        rng = np.random.default_rng([arguments.seed, number])
        halos = rng.permutation(len(probabilities))
        known, others = np.split(halos, [arguments.n_calibration])
        posterior = CrossSectionPosterior(classes, random_state=number).calibrate(
            probabilities[known][:, columns].reshape(-1, len(classes)),
            np.tile(classes, len(known)),
            np.repeat(known, len(classes)),
        )
        for n_clusters in arguments.n_clusters:
            for label, column in zip(classes, columns, strict=True):
                sample = probabilities[rng.permutation(others)[:n_clusters], column]
                for kind, judged in noise.items():
                    drawn = judged[rng.permutation(len(judged))[: n_clusters // 10]]
                    row = measure(posterior, sample, drawn, cross_section_of(label))
                    results.setdefault((n_clusters, kind, label), []).append(row)
    lines = [
        "| N | noise | truth | shift, in errors | truth in 95 %, no noise | with noise |",
        "|---" * 6 + "|",
    ]
    for key, rows in results.items():
        shift, *inside = np.mean(rows, axis=0)
        lines.append(f"| {' | '.join(map(str, key))} | {shift:.2f} | {inside[0]:.0%} | {inside[1]:.0%} |")
    table = "\n".join(lines) + "\n"
    print(
        *(f"{kind}: mean probabilities {judged.mean(axis=0).round(2)}" for kind, judged in noise.items()),
        sep="\n",
    )
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Coverage: how often errors of a cross-section contain the truth, ours and those of the published method.

Without a file, probabilities come from a stand-in for a network: a cluster has one feature, its response to
the cross-section plus scatter of unit variance, and the network knows the classes' distributions but states
its log-probabilities ``--overconfidence`` times too large. With ``--file`` they are real, of
``make_probabilities.py``. Halos are dealt anew, for every few samples, into those that calibrate and those
that samples are drawn from. Ours calibrates the mean of the networks, or ``--separate`` each; the published
method takes each, as it does.

``coverage_check`` draws the samples of ours; those of the published method are other draws from the same
clusters, and its interval is its estimate and one, or two, of its errors either way. Averages over the prior
are over truths up to the highest class, uniformly on the axis; errors are the scatter between calibrations.
Run ``python benchmarks/coverage.py``; it prints tables in Markdown, with widths in cm2/g.
"""

import argparse
import warnings
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from make_probabilities import CALIBRATED
from scipy.special import softmax
from tqdm import tqdm

from darkcnn.inference import CrossSectionPosterior, coverage_check, published_estimate
from darkcnn.records import cross_section_of, label_of

RESPONSES = {  # of the feature to the cross-section in cm2/g, from 0 at 0 to 1 at 1
    "log": lambda cross_section: np.log1p(cross_section / 0.1) / np.log(11),
    "early": lambda cross_section: np.log1p(cross_section / 0.04) / np.log(26),
    "late": lambda cross_section: np.log1p(cross_section / 0.25) / np.log(5),
    "root": np.sqrt,
}
LEVELS = (0.68, 0.95)
TRUTHS = (0, 0.02, 0.05, 0.1, 0.18, 0.3, 0.5, 0.7, 1)  # cm2/g
N_BINS = 5  # of ranks


@dataclass(frozen=True)
class StandIn:
    """Probabilities of a network that does not exist."""

    classes: tuple
    response: str
    separation: float
    overconfidence: float
    skewed: bool
    network_scatter: float
    n_networks: int
    n_calibration: int

    def deal(self, rng):
        """Draw the networks, and clusters of every class to calibrate with."""
        offsets = rng.normal(0, self.network_scatter, self.n_networks)
        target = np.repeat(np.arange(len(self.classes)), self.n_calibration)
        # Network offsets are not seen in held-out clusters, as if these were of other networks.
        features = self._features(np.array(self._nodes)[target], rng)
        labels = np.array(self.classes)[target]
        return (
            self._probabilities(features),
            labels,
            lambda true, n: self._probabilities(
                self._features(np.full(n, true), rng) + offsets[:, np.newaxis]
            ),
        )

    @property
    def _nodes(self):
        return [cross_section_of(label) for label in self.classes]

    def _features(self, cross_sections, rng):
        shape = len(cross_sections)
        scatter = (rng.gamma(3, 1, shape) - 3) / np.sqrt(3) if self.skewed else rng.normal(size=shape)
        return self.separation * RESPONSES[self.response](cross_sections) + scatter

    def _probabilities(self, features):
        means = self.separation * RESPONSES[self.response](np.array(self._nodes))
        return softmax(-self.overconfidence * (features[..., np.newaxis] - means) ** 2 / 2, axis=-1)


@dataclass(frozen=True)
class HeldOut:
    """Probabilities from a file: the same halos at every cross-section."""

    classes: list
    probabilities: np.ndarray  # (n_networks, n_halos, n_cross_sections, n_classes)
    cross_sections: list
    n_calibration: int
    between: bool

    @property
    def calibrated_at(self):
        """Cross-sections of held-out clusters: of the classes, or some between them as well."""
        return list(CALIBRATED) if self.between else [cross_section_of(label) for label in self.classes]

    def deal(self, rng):
        """Deal some halos to calibrate with, the others to draw samples from."""
        halos = rng.permutation(self.probabilities.shape[1])
        columns = [self.cross_sections.index(each) for each in self.calibrated_at]
        calibrating = self.probabilities[:, halos[: self.n_calibration]][:, :, columns]
        calibrating = calibrating.reshape(len(calibrating), -1, len(self.classes))
        rest = halos[self.n_calibration :]

        def draw(true, n):
            return self.probabilities[:, rng.permutation(rest)[:n], self.cross_sections.index(true)]

        labels = [label_of(each) for each in self.calibrated_at]
        return calibrating, np.tile(labels, self.n_calibration), draw


def measure(source, truths, sizes, *, n_deals, n_samples, average, outlier_fraction, seed):
    """Return results for each size, an array (n_deals, n_truths, 6 + N_BINS).

    Contained twice and width of ours; the same of the published method; fractions of the ranks in bins.
    """
    rng = np.random.default_rng(seed)
    nodes = [cross_section_of(label) for label in source.classes]
    results = {size: [] for size in sizes}
    for _ in tqdm(range(n_deals), unit="calibration"):
        probabilities, target, draw = source.deal(rng)
        posterior = CrossSectionPosterior(
            source.classes, outlier_fraction=outlier_fraction, random_state=int(rng.integers(2**31))
        )
        # The same halo at every cross-section: one group.
        groups = None
        if isinstance(source, HeldOut):
            groups = np.arange(len(target)) // len(source.calibrated_at)
        posterior.calibrate(average(probabilities), target, groups)
        pools = [draw(true, n_samples * max(sizes)) for true in truths]
        n_pool = pools[0].shape[1]
        for size in sizes:
            check = coverage_check(
                posterior,
                average(np.concatenate(pools, axis=1)),
                np.repeat([label_of(true) for true in truths], n_pool),
                np.tile(np.arange(n_pool), len(truths)),
                n_clusters=size,
                n_samples=n_samples,
                levels=LEVELS,
                random_state=int(rng.integers(2**31)),
            )
            rows = []
            for true, pool in zip(truths, pools, strict=True):
                own = np.isclose(check.cross_sections, true)
                width = np.diff(np.minimum(check.intervals[own, 0], max(nodes))).mean()
                samples = [pool[:, rng.permutation(n_pool)[:size]] for _ in range(n_samples)]
                theirs = np.array([published_estimate(sample, nodes) for sample in samples])
                distance, errors = np.abs(theirs[:, 0] - true), theirs[:, 1]
                rows.append(
                    [
                        *check.contained[own].mean(axis=0),
                        width,
                        *((distance <= n_errors * errors).mean() for n_errors in (1, 2)),
                        2 * errors.mean(),
                        *np.histogram(check.ranks[own], N_BINS, (0, 1))[0] / n_samples,
                    ]
                )
            results[size].append(rows)
    return {size: np.array(rows) for size, rows in results.items()}


def average_over_prior(results, truths, highest):
    """Average results over a prior that is uniform on the axis, by the trapezoidal rule, for each deal."""
    inside = np.array(truths) <= highest
    steps = np.diff(np.log1p(np.array(truths)[inside] / 0.1))
    weights = (np.append(steps, 0) + np.append(0, steps)) / 2
    return np.average(results[:, inside], axis=1, weights=weights)


def percent(by_deal):
    """Return a mean over calibrations in per cent, with its error."""
    return f"{100 * by_deal.mean():.1f} ± {100 * by_deal.std(ddof=1) / np.sqrt(len(by_deal)):.1f}"


def tables(results, truths, highest):
    """Return the tables: averages over the prior, their ranks, and coverage by truth."""
    prior = [
        "| N | in 68 % | in 95 % | width | published: in 1 error | in 2 | width |",
        "|---" * 7 + "|",
    ]
    edges = np.linspace(0, 100, N_BINS + 1)
    names = [f"{low:.0f} to {high:.0f} %" for low, high in pairwise(edges)]
    ranks = [f"| N | {' | '.join(names)} |", "|---" * (1 + N_BINS) + "|"]
    for size, rows in results.items():
        if len(truths) > 1:
            mean = average_over_prior(rows, truths, highest)
            cells = [percent(mean[:, 0]), percent(mean[:, 1]), f"{mean[:, 2].mean():.3f}"]
            cells += [f"{100 * mean[:, 3].mean():.0f}", f"{100 * mean[:, 4].mean():.0f}"]
            prior.append(f"| {size} | {' | '.join(cells)} | {mean[:, 5].mean():.3f} |")
            ranks.append(f"| {size} | {' | '.join(map(percent, mean[:, 6:].T))} |")
    by_truth = [
        "| truth | " + " | ".join(f"N = {size}: 68 % | 95 % | width" for size in results) + " |",
        "|---" * (1 + 3 * len(results)) + "|",
    ]
    for row, true in enumerate(truths):
        cells = [
            cell
            for rows in results.values()
            for cell in (*map(percent, rows[:, row, :2].T), f"{rows[:, row, 2].mean():.3f}")
        ]
        by_truth.append(f"| {true:g} | {' | '.join(cells)} |")
    parts = [by_truth] if len(truths) == 1 else [prior, ranks, by_truth]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help=".npz of make_probabilities.py")
    parser.add_argument("--blind", action="store_true", help="the file's networks without SIDM0.3")
    parser.add_argument(
        "--between",
        action="store_true",
        help="calibrate with nine cross-sections, not with the classes alone",
    )
    parser.add_argument("--separate", action="store_true", help="calibrate each network, not their mean")
    parser.add_argument(
        "--truths", nargs="+", type=float, help="by default those of the file, or of the stand-in"
    )
    parser.add_argument("--n-clusters", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--n-deals", type=int, default=100, help="calibrations, each with other halos")
    parser.add_argument("--n-samples", type=int, default=5, help="of each truth and calibration")
    parser.add_argument("--n-calibration", type=int, default=300, help="held-out clusters of each class")
    parser.add_argument("--outlier-fraction", type=float, default=0.05, help="prior mean")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="file to write the table to")
    stand_in = parser.add_argument_group("stand-in, without --file")
    stand_in.add_argument("--classes", nargs="+", default=["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"])
    stand_in.add_argument("--response", choices=RESPONSES, default="log")
    stand_in.add_argument("--separation", type=float, default=4.0, help="of 0 and 1 cm2/g, in scatters")
    stand_in.add_argument("--overconfidence", type=float, default=2.0)
    stand_in.add_argument("--skewed", action="store_true", help="scatter of skewness 1.15")
    stand_in.add_argument("--network-scatter", type=float, default=0.0, help="of offsets, in scatters")
    stand_in.add_argument("--n-networks", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.file:
        prefix = "blind_" if arguments.blind else ""
        with np.load(arguments.file) as file:
            source = HeldOut(
                file[f"{prefix}classes"].tolist(),
                file[f"{prefix}probabilities"].astype(float),
                file["cross_sections"].tolist(),
                arguments.n_calibration,
                arguments.between,
            )
    else:
        names = [field.name for field in fields(StandIn) if field.name != "classes"]
        options = {name: getattr(arguments, name) for name in names}
        source = StandIn(classes=tuple(arguments.classes), **options)
    warnings.simplefilter("ignore", UserWarning)  # of outliers and limits beyond the classes, rightly

    def average(probabilities):
        if arguments.separate or probabilities.ndim == 2:
            return probabilities
        return probabilities.mean(axis=0)

    highest = max(cross_section_of(label) for label in source.classes)
    truths = arguments.truths
    if truths is None:
        truths = source.cross_sections if arguments.file else TRUTHS
        truths = [each for each in truths if each <= highest]
    results = measure(
        source,
        truths,
        arguments.n_clusters,
        n_deals=arguments.n_deals,
        n_samples=arguments.n_samples,
        average=average,
        outlier_fraction=arguments.outlier_fraction,
        seed=arguments.seed,
    )
    table = tables(results, truths, highest)
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

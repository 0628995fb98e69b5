"""Coverage: how often errors of a cross-section contain the truth, ours and those of the published method.

Without a file, probabilities come from a stand-in for a network: a cluster has one feature, its response to
the cross-section plus scatter of unit variance, and the network knows the classes' distributions but states
its log-probabilities ``--overconfidence`` times too large. With ``--file`` they are real: an .npz of held-out
``probabilities`` (n_maps, n_classes), ``target``, ``groups`` and ``classes``. Clusters are then dealt anew
into those that calibrate and those that samples are drawn from, one map a cluster.

Both estimators see the same samples. The interval of the published method is its estimate and one, or two, of
its errors either way. Run ``python benchmarks/coverage.py``; it prints a table in Markdown,
in cm2/g.
"""

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from darkcnn.inference import CrossSectionPosterior, published_estimate
from darkcnn.records import cross_section_of, label_of

RESPONSES = {  # of the feature to the cross-section in cm2/g, from 0 at 0 to 1 at 1
    "log": lambda cross_section: np.log1p(cross_section / 0.1) / np.log(11),
    "early": lambda cross_section: np.log1p(cross_section / 0.04) / np.log(26),
    "late": lambda cross_section: np.log1p(cross_section / 0.25) / np.log(5),
    "root": np.sqrt,
}
LEVELS = (0.68, 0.95)


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
    """Probabilities from a file."""

    probabilities: np.ndarray
    target: np.ndarray
    groups: np.ndarray

    def deal(self, rng):
        """Deal half of the clusters to calibrate with, half to draw samples from."""
        clusters = rng.permutation(np.unique(self.groups))
        calibrates = np.isin(self.groups, clusters[: len(clusters) // 2])

        def draw(true, n):
            rows = rng.permutation(np.flatnonzero(~calibrates & (self.target == label_of(true))))
            rows = rows[np.unique(self.groups[rows], return_index=True)[1]]  # one map a cluster
            if len(rows) < 2 * n:
                raise ValueError(f"too few clusters for samples of {n}: {len(rows)}")
            return self.probabilities[rng.permutation(rows)[:n]]

        return self.probabilities[calibrates], self.target[calibrates], draw


def measure(source, classes, truths, n_clusters, *, n_samples, samples_a_deal, seed):
    """Return, for each truth, an array (n_samples, 8): contained twice, error and width, of both methods."""
    rng = np.random.default_rng(seed)
    nodes = [cross_section_of(label) for label in classes]
    results = {true: [] for true in truths}
    for _ in range(n_samples // samples_a_deal):
        probabilities, target, draw = source.deal(rng)
        posterior = CrossSectionPosterior(classes, random_state=int(rng.integers(2**31)))
        posterior.calibrate(probabilities, target)
        for true in truths:
            for _ in range(samples_a_deal):
                sample = draw(true, n_clusters)
                posterior.fit(sample)
                intervals = [posterior.interval(level) for level in LEVELS]
                contained = [low <= true <= high for low, high in intervals]
                low, high = np.minimum(intervals[0], max(nodes))
                estimate, error = published_estimate(sample, nodes)
                theirs = [abs(estimate - true) <= n_errors * error for n_errors in (1, 2)]
                results[true].append(
                    [*contained, posterior.median_ - true, high - low, *theirs, estimate - true, 2 * error]
                )
    return {true: np.array(rows, dtype=float) for true, rows in results.items()}


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help=".npz of held-out probabilities, target, groups and classes")
    parser.add_argument("--classes", nargs="+", default=["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"])
    parser.add_argument("--truths", nargs="+", type=float, default=[0, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2])
    parser.add_argument("--n-clusters", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--n-samples", type=int, default=500)
    parser.add_argument("--samples-a-deal", type=int, default=5, help="samples before calibrating anew")
    parser.add_argument("--response", choices=RESPONSES, default="log")
    parser.add_argument("--separation", type=float, default=4.0, help="of 0 and 1 cm2/g, in units of scatter")
    parser.add_argument("--overconfidence", type=float, default=2.0)
    parser.add_argument("--skewed", action="store_true", help="scatter of skewness 1.15")
    parser.add_argument("--network-scatter", type=float, default=0.0, help="of offsets, in units of scatter")
    parser.add_argument("--n-networks", type=int, default=1)
    parser.add_argument("--n-calibration", type=int, default=300, help="held-out clusters of each class")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.file:
        with np.load(arguments.file) as file:
            classes = file["classes"].tolist()
            source = HeldOut(file["probabilities"], file["target"], file["groups"])
        truths = [cross_section_of(label) for label in classes]
    else:
        classes, truths = arguments.classes, arguments.truths
        source = StandIn(
            classes=tuple(classes),
            response=arguments.response,
            separation=arguments.separation,
            overconfidence=arguments.overconfidence,
            skewed=arguments.skewed,
            network_scatter=arguments.network_scatter,
            n_networks=arguments.n_networks,
            n_calibration=arguments.n_calibration,
        )
    warnings.filterwarnings("ignore", "[0-9]+% of the maps are outliers")  # beyond the classes, rightly
    print("| N | truth | in 68 % | in 95 % | bias | width | published: in 1 error | in 2 | bias | width |")
    print("|---" * 10 + "|")
    for n_clusters in arguments.n_clusters:
        results = measure(
            source,
            classes,
            truths,
            n_clusters,
            n_samples=arguments.n_samples,
            samples_a_deal=arguments.samples_a_deal,
            seed=arguments.seed,
        )
        for true, rows in results.items():
            mean = rows.mean(axis=0)
            cells = [f"{mean[0]:.1%}", f"{mean[1]:.1%}", f"{mean[2]:+.3f}", f"{mean[3]:.3f}"]
            cells += [f"{mean[4]:.1%}", f"{mean[5]:.1%}", f"{mean[6]:+.3f}", f"{mean[7]:.3f}"]
            print("| " + " | ".join([str(n_clusters), f"{true:g}", *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()

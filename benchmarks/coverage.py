"""Coverage: how often errors of a cross-section contain the truth, ours and those of the published method.

Without a file, probabilities come from a stand-in for a network: a cluster has one feature, its response to
the cross-section plus scatter of unit variance, and the network knows the classes' distributions but states
its log-probabilities ``--overconfidence`` times too large. With ``--file`` they are real, of
``make_probabilities.py``. Halos are dealt anew, for every few samples, into those that calibrate and those
that samples are drawn from. Ours calibrates the mean of the networks, or ``--separate`` each; the published
method takes each, as it does.

Both estimators see the same samples. The interval of the published method is its estimate and one, or two, of
its errors either way. Rows "prior" average over truths up to the highest class, uniformly on the axis. Run
``python benchmarks/coverage.py``; it prints a table in Markdown, in cm2/g.
"""

import argparse
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.special import softmax
from tqdm import tqdm

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
    """Probabilities from a file: the same halos at every cross-section."""

    classes: list
    probabilities: np.ndarray  # (n_networks, n_halos, n_cross_sections, n_classes)
    cross_sections: list
    n_calibration: int
    between: bool

    @property
    def calibrated_at(self):
        """Cross-sections of held-out clusters: of the classes, or all up to the highest class."""
        nodes = [cross_section_of(label) for label in self.classes]
        return [each for each in self.cross_sections if each <= max(nodes)] if self.between else nodes

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


def measure(source, classes, truths, n_clusters, *, n_samples, samples_a_deal, average, seed):
    """Return, for each truth, an array (n_samples, 9).

    Contained twice, error, width and part that is systematic of ours; the first four of the published method.
    """
    rng = np.random.default_rng(seed)
    nodes = [cross_section_of(label) for label in classes]
    results = {true: [] for true in truths}
    for _ in tqdm(range(n_samples // samples_a_deal), desc=f"N = {n_clusters}", unit="calibration"):
        probabilities, target, draw = source.deal(rng)
        posterior = CrossSectionPosterior(classes, random_state=int(rng.integers(2**31)))
        # The same halo at every cross-section: one group.
        groups = None
        if isinstance(source, HeldOut):
            groups = np.arange(len(target)) // len(source.calibrated_at)
        posterior.calibrate(average(probabilities), target, groups)
        for true in truths:
            for _ in range(samples_a_deal):
                sample = draw(true, n_clusters)
                posterior.fit(average(sample))
                intervals = [posterior.interval(level) for level in LEVELS]
                contained = [low <= true <= high for low, high in intervals]
                low, high = np.minimum(intervals[0], max(nodes))
                estimate, error = published_estimate(sample, nodes)
                theirs = [abs(estimate - true) <= n_errors * error for n_errors in (1, 2)]
                results[true].append(
                    [
                        *contained,
                        posterior.median_ - true,
                        high - low,
                        posterior.systematic_fraction_,
                        *theirs,
                        estimate - true,
                        2 * error,
                    ]
                )
    return {true: np.array(rows, dtype=float) for true, rows in results.items()}


def average_over_prior(results, highest):
    """Average results over a prior that is uniform on the axis, by the trapezoidal rule."""
    inside = [true for true in results if true <= highest]
    position = np.log1p(np.array(inside) / 0.1)
    steps = np.diff(position)
    weights = (np.append(steps, 0) + np.append(0, steps)) / 2
    return np.average([results[true].mean(axis=0) for true in inside], axis=0, weights=weights)


def cells(n_clusters, truth, mean):
    """Return a row of the table."""
    texts = [str(n_clusters), truth, f"{mean[0]:.1%}", f"{mean[1]:.1%}", f"{mean[2]:+.3f}", f"{mean[3]:.3f}"]
    texts += [f"{mean[4]:.0%}", f"{mean[5]:.1%}", f"{mean[6]:.1%}", f"{mean[7]:+.3f}", f"{mean[8]:.3f}"]
    return "| " + " | ".join(texts) + " |"


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
        help="calibrate with all cross-sections of the file up to the highest class, not the classes alone",
    )
    parser.add_argument("--separate", action="store_true", help="calibrate each network, not their mean")
    parser.add_argument("--truths", nargs="+", type=float, default=[0, 0.05, 0.1, 0.18, 0.3, 0.5, 0.7, 1, 2])
    parser.add_argument("--n-clusters", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--n-samples", type=int, default=500)
    parser.add_argument("--samples-a-deal", type=int, default=5, help="samples before calibrating anew")
    parser.add_argument("--n-calibration", type=int, default=300, help="held-out clusters of each class")
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

    lines = [
        "| N | truth | in 68 % | in 95 % | bias | width | systematic "
        "| published: in 1 error | in 2 | bias | width |",
        "|---" * 11 + "|",
    ]
    for n_clusters in arguments.n_clusters:
        results = measure(
            source,
            source.classes,
            arguments.truths,
            n_clusters,
            n_samples=arguments.n_samples,
            samples_a_deal=arguments.samples_a_deal,
            average=average,
            seed=arguments.seed,
        )
        lines += [cells(n_clusters, f"{true:g}", rows.mean(axis=0)) for true, rows in results.items()]
        highest = max(cross_section_of(label) for label in source.classes)
        if len(results) > 1:
            lines.append(cells(n_clusters, "prior", average_over_prior(results, highest)))
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

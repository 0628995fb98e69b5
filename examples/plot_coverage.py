"""
Do intervals contain the truth in another simulation?
=====================================================

A 95 % interval should contain the true cross-section in 95 % of all samples, also when the simulation of the
sample is not that of the calibration. We count, for a calibration with one simulation and with many.
"""

# %%
# Twenty-four other simulations
# -----------------------------
#
# Each suite of mock clusters draws its own gas, galaxies, resolution and selection. In every suite, twenty
# clusters of each cross-section are a sample. Nothing is trained: the packaged network predicts.

import numpy as np

from darkcnn import CrossSectionPosterior, cross_section_of, load_pretrained
from darkcnn.datasets import make_clusters

options = {"redshifts": (0.25,), "n_pixels": 50}
samples = make_clusters(20, n_suites=24, random_state=0, **options)
network = load_pretrained("polar")
probabilities = network.predict_proba(samples.data)

# %%
# Two calibrations
# ----------------
#
# Three hundred halos of the default physics, or twenty halos in each of twenty-four suites. The suites are
# others than those of the samples.

one = make_clusters(300, random_state=1, **options)
many = make_clusters(20, n_suites=24, random_state=2, **options)
posteriors = {
    "not calibrated": CrossSectionPosterior(network.classes_),
    "one simulation": CrossSectionPosterior(network.classes_, random_state=0).calibrate(
        network.predict_proba(one.data), one.target, one.groups
    ),
    "many simulations": CrossSectionPosterior(network.classes_).calibrate(
        network.predict_proba(many.data), many.target, many.groups, suites=many.suite
    ),
}

# %%
# Count
# -----
#
# For each level, the fraction of the samples whose interval contains the truth. Errors are the scatter
# between suites, as the four samples of a suite are not independent.

import warnings

from scipy.stats import sem

levels = (0.5, 0.68, 0.8, 0.9, 0.95)
suites, labels = np.unique(samples.suite), samples.target_names
truths = np.array([cross_section_of(label) for label in labels])
intervals = {name: np.empty((len(suites), len(labels), len(levels), 2)) for name in posteriors}
for name, posterior in posteriors.items():
    for i, suite in enumerate(suites):
        for j, label in enumerate(labels):
            rows = (samples.suite == suite) & (samples.target == label)
            with warnings.catch_warnings(action="ignore"):  # limits at the ends of the axis
                posterior.fit(probabilities[rows], samples.groups[rows])
            intervals[name][i, j] = [posterior.interval(level) for level in levels]
contained = {
    name: (ends[..., 0] <= truths[:, np.newaxis]) & (truths[:, np.newaxis] <= ends[..., 1])
    for name, ends in intervals.items()
}
for name, is_in in contained.items():
    for column, level in ((1, "68 %"), (4, "95 %")):
        by_suite = is_in[..., column].mean(axis=1)
        print(f"{name:16s} {level} intervals contain {by_suite.mean():.2f} ± {sem(by_suite):.2f}")

# %%
# The 95 % intervals of the samples with 0.1 cm²/g, one bar for each simulation. Those that miss the truth are
# orange.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(9.5, 4), layout="constrained", sharey=True)
truth = truths.tolist().index(0.1)
for ax, (name, ends) in zip(axes, intervals.items(), strict=True):
    low, high = ends[:, truth, levels.index(0.95)].clip(0, 1).T
    is_in = contained[name][:, truth, levels.index(0.95)]
    colors = np.where(is_in, "#0072B2", "#D55E00")
    ax.hlines(np.arange(len(suites)), np.log1p(low / 0.1), np.log1p(high / 0.1), colors, linewidth=4)
    ax.axvline(np.log1p(1), color="black", linestyle=":")
    ax.set_xticks(np.log1p(truths / 0.1), [f"{each:g}" for each in truths])
    ax.set(title=f"{name}: {is_in.mean():.0%} contain it", xlabel="Cross-section [cm²/g]", yticks=[])
axes[0].set_ylabel("Simulation of the sample")

# %%
# The fraction against the level, for all cross-sections.

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
for (name, is_in), style in zip(contained.items(), ("C2^", "C1s", "C0o"), strict=True):
    by_suite = is_in.mean(axis=1)
    ax.errorbar(levels, by_suite.mean(axis=0), sem(by_suite), fmt=f"{style}-", capsize=3, label=name)
ax.plot([0.45, 1], [0.45, 1], color="0.5", linestyle=":", label="as stated")
ax.set(xlabel="Level of the interval", ylabel="Fraction that contains the truth")
ax.legend()
plt.show()

# %%
# With more clusters in a sample, the first two intervals shrink, but the shift of a simulation does not. The
# packaged network brings suites of its own, and ``darkcnn infer --pretrained`` uses them. All of these
# simulations come from one mock generator, so other simulations may differ by more. Larger counts:
# :doc:`/benchmarks/shift`.

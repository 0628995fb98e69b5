"""
Which cross-section does a sample of clusters have?
===================================================

One cluster hardly tells. We train an ensemble without SIDM0.3, give it samples of clusters that it never saw,
SIDM0.3 among them, and ask how sure it may be.
"""

# %%
# Train, and keep clusters to calibrate with
# ------------------------------------------
#
# 300 halos in three models. Each network leaves out a third of the halos, so that every cluster has been
# judged by a network that had not seen it.

import matplotlib.pyplot as plt
import numpy as np

from darkcnn import CrossSectionPosterior, DarkCNNEnsemble
from darkcnn.datasets import make_clusters

view = {"redshifts": (0.25,), "n_pixels": 50}
train = make_clusters(300, cross_sections=(0, 0.1, 1), random_state=1, **view)
ensemble = DarkCNNEnsemble(n_networks=3, random_state=0).fit(train.data, train.target)
print("balanced accuracy on halos left out:", ensemble.scores_.round(3), "guessing: 0.333")

# %%
# What a probability is worth
# ---------------------------
#
# Where the curve leaves the diagonal, probabilities do not mean what they say. Other halos show it, of which
# one half stretches the probabilities by a temperature (scikit-learn 1.8) and the other half is drawn.

from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from darkcnn.plotting import ReliabilityDisplay

others = make_clusters(300, cross_sections=(0, 0.1, 1), random_state=3, **view)
is_known = others.groups < 150
calibrated = CalibratedClassifierCV(FrozenEstimator(ensemble), method="temperature")
calibrated.fit(others.data[is_known], others.target[is_known])
display = None
for name, classifier in {"networks": ensemble, "calibrated": calibrated}.items():
    display = ReliabilityDisplay.from_estimator(
        classifier,
        others.data[~is_known],
        others.target[~is_known],
        groups=others.groups[~is_known],
        estimator_name=name,
        ax=display and display.ax_,
    )

# %%
# The posterior asks for less: it takes probabilities for scores only, and learns from the clusters left out
# how the scores of each class are distributed.

posterior = CrossSectionPosterior(ensemble.classes_, random_state=0)
posterior.calibrate(ensemble.held_out_probabilities_, train.target, train.groups)

# %%
# More clusters, smaller errors
# -----------------------------
#
# Other halos, with a cross-section that no network was trained on. The published estimator counts votes for
# the classes it knows; its error falls with the number of clusters, wherever it is. Of ours, most is
# systematic in the end, and the posterior warns: the course of scores between 0.1 and 1 cm2/g, is unknown.

from darkcnn.inference import published_estimate
from darkcnn.plotting import PosteriorDisplay

blind = make_clusters(200, cross_sections=(0.3,), random_state=2, **view)
probabilities = ensemble.predict_proba(blind.data)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, n_clusters in zip(axes, (1, 10, 100), strict=True):
    sample = probabilities[:n_clusters]
    PosteriorDisplay.from_estimator(posterior.fit(sample), truth=0.3, name=f"N = {n_clusters}", ax=ax)
    estimate, error = published_estimate(sample, [0, 0.1, 1])
    print(f"{posterior.summary()}; published estimator: {estimate:.3f} ± {error:.3f}")

# %%
# Is the error right?
# -------------------
#
# Of many samples, drawn from these halos and from those of the known models, the interval should contain the
# truth in 68 % or more. The published error does at the classes, for which it votes, and hardly ever at 0.3
# cm2/g, once samples are large. These samples share halos and one calibration; with new ones for each, and
# more cross-sections: :doc:`../benchmarks/coverage`.

import warnings

from darkcnn import cross_section_of

rng = np.random.default_rng(0)
judged = ensemble.predict_proba(others.data)
pools = {cross_section_of(name): judged[others.target == name] for name in ensemble.classes_}
pools[0.3] = probabilities
sizes, n_samples = [1, 3, 10, 30, 100], 50
contained = {truth: np.zeros((len(sizes), 2)) for truth in pools}
for row, n_clusters in enumerate(sizes):
    for truth, pool in pools.items():
        for _ in range(n_samples):
            sample = pool[rng.permutation(len(pool))[:n_clusters]]
            with warnings.catch_warnings(action="ignore"):  # of systematics and limits, as above
                low, high = posterior.fit(sample).interval(0.68)
            estimate, error = published_estimate(sample, posterior.cross_sections_)
            contained[truth][row] += [low <= truth <= high, abs(estimate - truth) <= error]
left_out = contained.pop(0.3)

figure, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for column, (name, color) in enumerate({"posterior": "C0", "published": "C1"}.items()):
    ax.plot(sizes, left_out[:, column] / n_samples, color=color, marker="o", label=f"{name}, 0.3 cm²/g")
    known = np.mean([each[:, column] for each in contained.values()], axis=0) / n_samples
    ax.plot(sizes, known, color=color, marker="o", linestyle="--", label=f"{name}, mean of the classes")
ax.axhline(0.68, color="0.6", linestyle=":", label="nominal")
ax.set(xscale="log", ylim=(-0.03, 1.03), xlabel="Clusters in a sample", ylabel="Samples with truth in 68 %")
figure.legend(loc="outside right upper", fontsize="small")

# %%
# Clusters of another kind
# ------------------------
#
# All of this holds for clusters like those of the training. What if black holes heat the gas more strongly
# than there? The embedding of a cluster, what the last layer of a network sees, is compared with that of
# other halos. Of clusters like those, a p-value below 0.05 should happen to one in twenty. One cluster with
# strong feedback is no stranger than that; a hundred of them are.

from darkcnn.inference import DomainTest

network = ensemble.estimators_[0]
is_reference = others.groups < 200
test = DomainTest(random_state=0).fit(
    network.transform(others.data[is_reference]), others.target[is_reference], others.groups[is_reference]
)
cold = others.data[~is_reference & (others.target == "CDM")]
strong = make_clusters(100, cross_sections=(0,), feedback="strong", random_state=4, **view).data
noise = cold.copy()
noise["total"] = np.random.default_rng(0).random(noise["total"].shape)

figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
for name, clusters in {"as trained": cold, "strong feedback": strong, "noise for the mass": noise}.items():
    embedding = network.transform(clusters)
    pvalues = np.sort(test.pvalues(embedding))
    ax.plot(pvalues, np.linspace(0, 1, len(pvalues)), label=name)
    flagged, sample = np.mean(pvalues < 0.05), test.sample_pvalue(embedding)
    print(f"{name}: {flagged:.0%} of the clusters have p < 0.05; all together have p = {sample:.3f}")
ax.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="uniform")
ax.set(xlabel="p-value of a cluster", ylabel="Fraction of clusters below")
ax.legend()
plt.show()

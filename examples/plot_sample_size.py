"""
How many clusters do I need?
============================

The posterior of the cross-section narrows with the number of clusters, until the differences between
simulations dominate its width. We draw it for samples of 1 to 300 clusters.
"""

# %%
# Samples of growing size
# -----------------------
#
# Clusters of SIDM0.3 from one mock simulation with drawn physics. The packaged network predicts them without
# training. One posterior is calibrated with the same simulation, as if its physics were known; the other with
# the many suites that come with the network, as for real clusters.

import warnings

from darkcnn import CrossSectionPosterior, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.report import infer_cross_section
from darkcnn.simulation import Physics

options = {"redshifts": (0.25,), "n_pixels": 50, "physics": Physics().draw(7)}
network = load_pretrained("polar")
held_out = make_clusters(300, random_state=0, **options)
known = CrossSectionPosterior(network.classes_, random_state=0)
known.calibrate(network.predict_proba(held_out.data), held_out.target, held_out.groups)

sizes = (1, 3, 10, 30, 100, 300)
posteriors = {"physics known": [], "physics not known": []}
for size in sizes:
    sample = make_clusters(size, cross_sections=(0.3,), random_state=1, **options)
    with warnings.catch_warnings(action="ignore"):  # of the systematic share, which is shown below
        known.fit(network.predict_proba(sample.data))
    posteriors["physics known"].append((known.grid_, known.density_, known.interval(0.68)))
    many, result = infer_cross_section(network, sample)
    posteriors["physics not known"].append((many.grid_, many.density_, many.interval(0.68)))
    print(f"N = {size:3d}  known: {known.summary()}\n         not known: {result['summary']}")

# %%
# The posteriors narrow
# ---------------------

import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(1, 2, figsize=(8.5, 4.6), layout="constrained", sharey=True)
for ax, (name, rows), color in zip(axes, posteriors.items(), ("#0072B2", "#D55E00"), strict=True):
    for height, (sigma, density, (low, high)) in enumerate(rows):
        x = np.log1p(sigma / 0.1)
        curve = density * (0.1 + sigma)  # per unit of x
        curve = height + 0.85 * curve / curve.max()
        inside = (sigma >= low) & (sigma <= high)
        ax.fill_between(x, height, curve, color=color, alpha=0.15, linewidth=0)
        ax.fill_between(x, height, curve, where=inside, color=color, alpha=0.5, linewidth=0)
        ax.plot(x, curve, color=color)
    ticks = np.array([0, 0.1, 0.3, 1])
    ax.axvline(np.log1p(3), color="black", linestyle=":")
    ax.set_xticks(np.log1p(ticks / 0.1), [f"{each:g}" for each in ticks])
    ax.set(title=name, xlabel="Cross-section per unit mass [cm²/g]", xlim=(0, np.log1p(10)))
axes[0].set_yticks(range(len(sizes)), sizes)
axes[0].set_ylabel("Number of clusters")
plt.show()

# %%
# Dark shades are 68 % intervals, and the dotted line is the truth. With the physics known, the width falls
# with the number of clusters. With the physics not known, it stops falling after a few: more clusters do not
# separate the effect of baryons from that of the cross-section. A few labelled halos of the same simulation
# do (:doc:`/guide/inference`).

"""
How much do simulations differ?
===============================

Gas, galaxies, resolution and selection shift the maps of all clusters of a simulation together. We compare
this shift with the effect of the cross-section, in the features that the packaged network computes.
"""

# %%
# Sixteen suites
# --------------
#
# Each suite of mock clusters draws its own physics. Thirty halos in each are simulated with four
# cross-sections, and the network reduces every cluster to the input of its last layer.

import numpy as np

from darkcnn import load_pretrained
from darkcnn.datasets import make_clusters

clusters = make_clusters(30, n_suites=16, redshifts=(0.25,), n_pixels=50, random_state=0)
features = load_pretrained("polar")[:-1].transform(clusters.data)
labels = clusters.target_names
print(features.shape, "features of clusters in", len(clusters.suites), "suites")

# %%
# Two directions
# --------------
#
# The first direction leads from the mean of all CDM clusters to that of all SIDM1 clusters. The second is,
# among those perpendicular to it, the direction along which the suites differ most.

means = np.array(
    [
        [features[(clusters.suite == suite) & (clusters.target == label)].mean(axis=0) for label in labels]
        for suite in np.unique(clusters.suite)
    ]
)  # (n_suites, n_labels, n_features)
response = means[:, -1].mean(axis=0) - means[:, 0].mean(axis=0)
response /= np.linalg.norm(response)
shifts = means.mean(axis=1) - means.mean(axis=(0, 1))
shifts -= np.outer(shifts @ response, response)
directions = np.stack([response, np.linalg.svd(shifts)[2][0]], axis=1)

# %%
# Dots are clusters. Each line is a suite, from its mean CDM cluster to its mean SIDM1 cluster.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4.8), layout="constrained")
colors = plt.colormaps["viridis"](np.linspace(0, 0.85, len(labels)))
for label, color in zip(labels, colors, strict=True):
    ax.plot(*(features[clusters.target == label] @ directions).T, ".", color=color, alpha=0.25, markersize=3)
for suite in means @ directions:
    ax.plot(*suite.T, color="black", linewidth=0.8)
for column, (label, color) in enumerate(zip(labels, colors, strict=True)):
    ax.plot(*(means[:, column] @ directions).T, "o", color=color, markeredgecolor="black", label=label)
ax.set(xlabel="Along the response to the cross-section", ylabel="Along the largest difference of suites")
ax.legend()
plt.show()

# %%
# A network that is calibrated with one line reads the horizontal position of another as a cross-section.

along = means @ response
step = np.diff(along.mean(axis=0))[0]
is_cold = clusters.target == "CDM"
within = features[is_cold] @ response - along[clusters.suite[is_cold], 0]
print(
    f"scatter of CDM between suites: {along[:, 0].std(ddof=1) / step:.1f} times the step from CDM to SIDM0.1"
)
print(f"scatter of CDM clusters within a suite: {within.std() / step:.1f} times that step")

# %%
# The second scatter falls with the number of clusters in a sample, the first does not. Calibrate with many
# suites (:doc:`plot_calibrations`), or train the last layer on halos of your own (:doc:`plot_ten_halos`).

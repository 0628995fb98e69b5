"""
Which views of a map does a network train on?
=============================================

Self-interactions are isotropic, so a rotated or mirrored map is as good an example as the original. We draw
such views, and test how far the predictions of three networks depend on the orientation of a cluster.
"""

# %%
# Views of one cluster
# --------------------
#
# The pipeline scales the maps, and :class:`~darkcnn.RotationFlipAugmenter` adds the views. In training, the
# angles change in every epoch. What rotates into the corners of a map is filled from its edge.

from darkcnn import default_pipeline
from darkcnn.datasets import load_example
from darkcnn.plotting import ViewsDisplay

example = load_example()
row = example.data["log_mass"].argmax()
steps = default_pipeline("simple", n_views=8, random_state=0)[:-1].fit(example.data)
_ = ViewsDisplay.from_estimator(steps, example.data[row : row + 1], n_views=6)

# %%
# Do predictions depend on the orientation?
# -----------------------------------------
#
# A small convolutional network is trained on one view of each map, then on ten with a tenth of the epochs,
# which costs the same. The polar network transforms maps to polar coordinates and averages over angles: it
# is invariant and needs no views. Each held-out halo is then predicted in twelve orientations.

from darkcnn import augment, profile_baseline
from darkcnn.datasets import make_clusters
from darkcnn.model_selection import split_by_cluster

clusters = make_clusters(150, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=25, random_state=0)
X, y = clusters.data, clusters.target
train, test = split_by_cluster(y, clusters.groups, n_splits=3, random_state=0)[0]
views, _, _ = augment(X[test], y[test], 12, random_state=0)
networks = {
    "simple, one view": default_pipeline("simple", n_views=1, epochs=100, random_state=0),
    "simple, ten views": default_pipeline("simple", n_views=10, epochs=10, random_state=0),
    "polar": default_pipeline("polar", epochs=20, random_state=0),
}
predicted = {}
for name, network in networks.items():
    network.fit(X[train], y[train])
    sidm = network.classes_.tolist().index("SIDM1")
    predicted[name] = network.predict_proba(views)[:, sidm].reshape(len(test), 12)

# %%
# Each column is a held-out SIDM1 halo, each dot one of its views. The scatter within a column is the error
# that a change of the orientation makes.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import sem

shown = np.flatnonzero(y[test] == "SIDM1")[:20]
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.2), layout="constrained", sharey=True)
for ax, (name, probabilities) in zip(axes, predicted.items(), strict=True):
    order = shown[np.argsort(probabilities[shown].mean(axis=1))]
    ax.plot(range(len(shown)), probabilities[order], ".", color="C0", alpha=0.4, markeredgewidth=0)
    ax.plot(range(len(shown)), probabilities[order].mean(axis=1), "_", color="black", markersize=9)
    scatter = probabilities.std(axis=1)
    is_right = (probabilities > 0.5) == (y[test] == "SIDM1")[:, np.newaxis]
    by_halo = [is_right[clusters.groups[test] == halo].mean() for halo in np.unique(clusters.groups[test])]
    print(f"{name:18s} scatter {scatter.mean():.3f}, accuracy {np.mean(by_halo):.2f} ± {sem(by_halo):.2f}")
    ax.set(title=f"{name}: scatter {scatter.mean():.3f}", xlabel="Held-out SIDM1 halo", xticks=[])
axes[0].set(ylabel="Predicted probability of SIDM1", ylim=(0, 1))
baseline = profile_baseline().fit(X[train], y[train])
print(f"linear classifier of radial profiles: accuracy {baseline.score(X[test], y[test]):.2f}")
plt.show()

# %%
# Accuracies are per view, of 50 held-out halos; guessing is right in one half. Even the invariant network
# scatters a little, because a rotated map is interpolated. Views of one map belong to one halo, so add them
# in the pipeline, after the split: :doc:`/guide/views`.

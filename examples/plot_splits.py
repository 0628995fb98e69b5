"""
Why split by halo and not at random?
====================================

A random split puts images of one halo into the training set and into the test set. We draw such a split, and
measure what it does to the accuracy of three classifiers.
"""

# %%
# Two splits of the same images
# -----------------------------
#
# Each row is a halo, each square one of its images: two dark-matter models at four redshifts. A random split
# leaves every halo on both sides. A split by halo never does.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from darkcnn.datasets import make_clusters

clusters = make_clusters(100, cross_sections=(0, 1), n_pixels=25, random_state=0)
y, halos = clusters.target, clusters.groups
splits = {
    "at random": lambda y, halos: StratifiedKFold(5, shuffle=True, random_state=0).split(y, y),
    "by halo": lambda y, halos: StratifiedGroupKFold(5, shuffle=True, random_state=0).split(y, y, halos),
}
order = np.lexsort([clusters.data["redshift"], y, halos])  # the eight images of a halo in a row

figure, axes = plt.subplots(1, 2, figsize=(6.4, 4.6), layout="constrained", sharey=True)
for ax, (name, split) in zip(axes, splits.items(), strict=True):
    is_test = np.zeros(len(y), dtype=bool)
    is_test[next(split(y, halos))[1]] = True
    images = is_test[order].reshape(-1, 8)
    ax.pcolormesh(images[:12], cmap=ListedColormap(["#c9d3e3", "#D55E00"]), edgecolors="white", linewidth=4)
    ax.set(title=f"split {name}", xticks=[2, 6], xticklabels=["CDM", "SIDM1"], aspect="equal")
    ax.tick_params(length=0)
    n_mixed = np.sum(images.any(axis=1) & ~images.all(axis=1))
    print(f"{name}: {n_mixed} of {len(images)} halos are on both sides")
axes[0].set(ylabel="12 of 100 halos", yticks=[])
figure.legend(
    handles=[Patch(color="#c9d3e3", label="training set"), Patch(color="#D55E00", label="test set")],
    loc="outside lower center",
    ncols=2,
)

# %%
# What a random split does to the accuracy
# ----------------------------------------
#
# In the first database, each halo has one dark-matter model, and its other images have the same label: a
# classifier that recognises the halo is right. In the second, each halo has both models, and the most similar
# image often has the other label: the same classifier is wrong. A linear classifier of radial profiles can
# recognise no halo.

from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from darkcnn import profile_baseline
from darkcnn.model_selection import corrected_standard_error
from darkcnn.records import MAPS


def flatten(records):
    """Return the logarithm of all pixels, shape (n_samples, n_features)."""
    maps = np.stack([records[name] for name in MAPS], axis=1)
    return np.log10(np.maximum(maps, 1e-4)).reshape(len(maps), -1)


pixels = FunctionTransformer(flatten)
classifiers = {
    "nearest neighbour": make_pipeline(pixels, KNeighborsClassifier(1)),
    "100 random trees": make_pipeline(pixels, ExtraTreesClassifier(100, random_state=0)),
    "linear, radial profiles": profile_baseline(),
}
databases = {
    "one model for each halo": np.flatnonzero((halos % 2 == 0) == (y == "CDM")),
    "both models for each halo": np.arange(len(y)),
}

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharex=True, sharey=True)
for ax, (title, rows) in zip(axes, databases.items(), strict=True):
    for height, (method, classifier) in enumerate(classifiers.items()):
        for (name, split), style, shift in zip(splits.items(), ("C1s", "C0o"), (0.1, -0.1), strict=True):
            folds = list(split(y[rows], halos[rows]))
            scores = cross_val_score(classifier, clusters.data[rows], y[rows], cv=folds)
            mean, error = scores.mean(), corrected_standard_error(scores, test_over_train=1 / 4)
            print(f"{title}, {method}, {name}: {mean:.3f} ± {error:.3f}")
            label = name if height == 0 else None
            ax.errorbar(mean, height + shift, xerr=error, fmt=style, capsize=3, label=label)
    ax.axvline(0.5, color="0.6", linestyle=":")
    ax.set(title=title, xlabel="Accuracy (dotted: guessing)")
axes[0].set_yticks(range(3), classifiers)
axes[0].margins(y=0.2)
axes[1].legend(title="split", loc="upper left")
plt.show()

# %%
# A random split can be wrong by more than its error in both directions, and the size of the bias depends on
# the classifier: it cannot be corrected afterwards. All scores of darkcnn are from splits by halo
# (:doc:`/guide/splits`).

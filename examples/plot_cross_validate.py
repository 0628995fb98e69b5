"""
How accurate is a network on new halos?
=======================================

We cross-validate a network on the packaged clusters with splits by halo, and compare it with two methods that
need no network.
"""

# %%
# The data
# --------
#
# 108 mock halos, each in four dark-matter models: 432 records of three maps and a dozen numbers.

# sphinx_gallery_thumbnail_number = 2
import numpy as np

from darkcnn.datasets import load_example

clusters = load_example()
X, y, groups = clusters.data, clusters.target, clusters.groups
print(len(X), "records of", len(np.unique(groups)), "halos:", *clusters.target_names)

# %%
# The four clusters of one halo in projected mass. Self-interactions flatten the core a little.

import matplotlib.pyplot as plt

halo = groups == groups[0]
edge = 1000  # kpc
figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="compressed", sharey=True)
for ax, record, label in zip(axes, X[halo], y[halo], strict=True):
    ax.imshow(
        np.log10(record["total"] * record["lensing_norm"]),
        vmin=12.5,
        vmax=15.2,
        origin="lower",
        extent=(-edge, edge, -edge, edge),
        cmap="magma",
    )
    ax.set(title=label, xlabel="kpc")
axes[0].set_ylabel("kpc")
figure.colorbar(axes[-1].images[0], ax=axes, label="log10 of Msun / Mpc$^2$")

# %%
# Three methods, the same splits
# ------------------------------
#
# All four clusters of a halo are either in the training set or in the test set (:doc:`plot_splits`). The most
# frequent class is right in a quarter of the cases. A linear classifier of radial profiles is the baseline
# that a network has to beat.

from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from darkcnn import default_pipeline
from darkcnn.preprocessing import profile_baseline

methods = {
    "most frequent class": DummyClassifier(),
    "radial profiles": profile_baseline(),
    "polar network": default_pipeline("polar", random_state=0),
}
splits = StratifiedGroupKFold(3, shuffle=True, random_state=0)
predictions = {
    name: cross_val_predict(method, X, y, groups=groups, cv=splits) for name, method in methods.items()
}

# %%
# The training sets of any two of the three folds share half of their halos. The standard error takes this
# into account, and is 1.6 times the usual one. The last line compares network and profiles fold by fold,
# because both were tested on the same halos.

from darkcnn.model_selection import corrected_standard_error


def report(name, values):
    """Print the mean over folds and its error."""
    error = corrected_standard_error(values, test_over_train=1 / 2)
    print(f"{name:20s} {values.mean():+.3f} ± {error:.3f}")


folds = [test for _, test in splits.split(X, y, groups)]
scores = {
    name: np.array([np.mean(predicted[test] == y[test]) for test in folds])
    for name, predicted in predictions.items()
}
for name, values in scores.items():
    report(name, values)
report("network - profiles", scores["polar network"] - scores["radial profiles"])

# %%
# A hundred halos are few, and the errors are large. :func:`~darkcnn.datasets.make_clusters` simulates more.
#
# Confusion matrix
# ----------------
#
# Most mistakes are between neighbouring cross-sections.

from sklearn.metrics import ConfusionMatrixDisplay

display = ConfusionMatrixDisplay.from_predictions(
    y,
    predictions["polar network"],
    labels=clusters.target_names,
    normalize="true",
    cmap="Blues",
    values_format=".2f",
)
display.ax_.set_title("Polar network, splits by halo")

# %%
# These clusters are mocks that were tuned to be about as hard to classify as those of published simulations.
# The score shows that the method works, not what it reaches on observations.

"""
Which part of a cluster does a network use?
===========================================

We train a network on two thirds of the packaged halos. On the other halos, we measure how much its score
drops when one ring of one map is replaced by that of another cluster of similar mass.
"""

# %%
# A network and held-out halos
# ----------------------------

# sphinx_gallery_thumbnail_number = 2
from darkcnn import default_pipeline, profile_baseline
from darkcnn.datasets import load_example
from darkcnn.model_selection import split_by_cluster

clusters = load_example()
X, y = clusters.data, clusters.target
train, test = split_by_cluster(y, clusters.groups, n_splits=3, random_state=0)[0]
network = default_pipeline("polar", random_state=0).fit(X[train], y[train])
baseline = profile_baseline().fit(X[train], y[train])
for name, classifier in {"polar network": network, "linear classifier of profiles": baseline}.items():
    print(f"{name}: accuracy {classifier.score(X[test], y[test]):.2f} on {len(test)} held-out clusters")

# %%
# Channels and annuli
# -------------------
#
# The importance is the drop of the mean log-probability, which is more sensitive than the accuracy. Bars are
# standard errors from leaving out halos. A ring of no importance may still contain information, if its
# neighbours contain the same.

from darkcnn.inspection import annulus_importance, channel_importance
from darkcnn.plotting import ImportanceDisplay

settings = {"scoring": "neg_log_loss", "n_repeats": 2, "random_state": 0}
channels = channel_importance(network, X[test], y[test], **settings)
_ = ImportanceDisplay(channels).plot()

# %%

rings = annulus_importance(network, X[test], y[test], n_annuli=6, **settings)
_ = ImportanceDisplay(rings).plot()

# %%
# Pixels
# ------
#
# The gradient of the log-probability of SIDM1 by each pixel, averaged over noise and over the held-out SIDM1
# clusters. Where it is red, more light or mass raises the probability. This is another question than the
# importance: a network may react to a pixel that it does not need.

from darkcnn.inspection import saliency
from darkcnn.plotting import ImportanceMapsDisplay

is_sidm = y[test] == "SIDM1"
gradients = saliency(network, X[test][is_sidm], y[test][is_sidm], n_repeats=4, random_state=0)
display = ImportanceMapsDisplay(gradients).plot()
for ax in display.ax_.flat:
    ax.set(xlim=(-300, 300), ylim=(-300, 300), xticks=(-200, 0, 200), yticks=(-200, 0, 200))

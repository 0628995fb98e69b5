"""
Which part of a cluster does a network look at?
===============================================

We train a network on two thirds of the packaged halos and ask, on the others, what it loses when one ring
of one map comes from another cluster of like mass.
"""

# %%
# A network and halos that it never saw
# --------------------------------------

from darkcnn import default_pipeline
from darkcnn.datasets import load_example
from darkcnn.model_selection import split_by_cluster

clusters = load_example()
X, y = clusters.data, clusters.target
train, test = split_by_cluster(y, clusters.groups, n_splits=3, random_state=0)[0]
network = default_pipeline("polar", random_state=0).fit(X[train], y[train])
print(f"accuracy on {len(test)} held-out clusters: {network.score(X[test], y[test]):.2f}")

# %%
# Channels and annuli
# -------------------
#
# The loss of log-probability sees more than that of accuracy, as it changes before a label does. Bars are
# standard errors from leaving out halos: importances that are not a few of them above zero may be chance.
# A ring that lost nothing need not be without information: its neighbours may tell the same.

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
# The gradient of the log-probability, smoothed over noise, is another question: not what the network relies
# on, but what a little more light or mass would change. Here averaged over the held-out clusters of one
# model: red where more would speak for it.

from darkcnn.inspection import saliency
from darkcnn.plotting import ImportanceMapsDisplay

is_sidm = y[test] == "SIDM1"
gradients = saliency(network, X[test][is_sidm], y[test][is_sidm], n_repeats=4, random_state=0)
_ = ImportanceMapsDisplay(gradients).plot()

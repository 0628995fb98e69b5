"""
What do the clusters look like, and what does a network see?
============================================================

Three maps of each cluster, the same halo in four models of dark matter, and the views that a network learns
from.
"""

# %%
# One halo in four models
# -----------------------
#
# Scattering flattens the middle of the cluster, but hardly anything that the eye could rely on. Every
# channel has one scale, in physical units, so that rows can be compared.

from darkcnn.datasets import load_example
from darkcnn.plotting import RecordsDisplay

clusters = load_example()
_ = RecordsDisplay.from_records(clusters.data, clusters.target, random_state=3)

# %%
# Three halos of one model
# -------------------------
#
# Halos of one model differ among themselves far more than models do: that is what makes it hard.

is_cdm = clusters.target == "CDM"
_ = RecordsDisplay.from_records(clusters.data[is_cdm], clusters.target[is_cdm], n_per_class=3, random_state=0)

# %%
# Views
# -----
#
# A network gets the logarithm of each map over its peak, turned and mirrored at random.

from darkcnn import default_pipeline
from darkcnn.plotting import ViewsDisplay

steps = default_pipeline("inception", n_views=8, random_state=0)[:-1].fit(clusters.data)
_ = ViewsDisplay.from_estimator(steps, clusters.data[is_cdm], n_views=5)

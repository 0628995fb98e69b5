"""
What do the maps of clusters look like?
=======================================

The packaged clusters in total mass, X-rays and stellar mass: one halo in four dark-matter models, and several
halos in one model.
"""

# %%
# One halo in four models
# -----------------------
#
# Self-interactions flatten the core, but the difference is small. Each column has one scale in physical
# units, so that rows can be compared.

from darkcnn.datasets import load_example
from darkcnn.plotting import RecordsDisplay

clusters = load_example()
_ = RecordsDisplay.from_records(clusters.data, clusters.target, random_state=3)

# %%
# Three halos in one model
# ------------------------
#
# Halos of one model differ among themselves far more than models do. A classifier has to separate the models
# in spite of that.

is_cdm = clusters.target == "CDM"
_ = RecordsDisplay.from_records(clusters.data[is_cdm], clusters.target[is_cdm], n_per_class=3, random_state=0)

# %%
# Mean profiles
# -------------
#
# The mean surface density of all halos shows the effect: it is lower within 60 kpc. The
# shade is the standard deviation between CDM halos, which is much larger than the differences.

import matplotlib.pyplot as plt
import numpy as np

axis = (np.arange(50) - 24.5) * clusters.pixel_scale
radius = np.hypot(axis, axis[:, np.newaxis])
edges = np.array([0, 60, 110, 160, 230, 330, 480, 680, 950])  # kpc
middle = (edges[:-1] + edges[1:]) / 2
ring = np.digitize(radius, edges) - 1
density = clusters.data["total"] * clusters.data["lensing_norm"][:, np.newaxis, np.newaxis]
profiles = np.log10(
    [density[:, ring == i].mean(axis=1) for i in range(len(middle))]
).T  # (n_samples, n_rings)
cold = profiles[is_cdm].mean(axis=0)

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
colors = plt.colormaps["viridis"](np.linspace(0, 0.85, len(clusters.target_names)))
scatter = profiles[is_cdm].std(axis=0)
ax.fill_between(middle, -scatter, scatter, color="0.9", label="scatter of CDM halos")
for label, color in zip(clusters.target_names, colors, strict=True):
    mean = profiles[clusters.target == label].mean(axis=0)
    ax.plot(middle, mean - cold, color=color, marker="o", label=label)
ax.set(xscale="log", xlabel="Radius [kpc]", ylabel="Mean log10 of density, minus CDM")
ax.set_xticks([30, 100, 300, 800], ["30", "100", "300", "800"])
ax.minorticks_off()
ax.legend(loc="lower right")
plt.show()

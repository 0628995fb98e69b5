"""
What does self-interacting dark matter do to a cluster?
=======================================================

The same halo with cold and with self-interacting dark matter, in three maps, and the cross-section that is
inferred from thirty such clusters.
"""

# %%
# Thirty halos, simulated twice
# -----------------------------
#
# The same initial conditions, once with CDM and once with SIDM1, whose cross-section is 1 cm²/g. The packaged
# network predicts class probabilities without any training, and the sample gives a posterior. Its width
# includes the differences between many mock simulations (:doc:`/guide/inference`).

from darkcnn import load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.report import infer_cross_section

options = {"redshifts": (0.25,), "n_pixels": 100, "random_state": 0}
samples = {
    "CDM": make_clusters(30, cross_sections=(0,), **options),
    "SIDM1": make_clusters(30, cross_sections=(1,), **options),
}
network = load_pretrained("polar")
posteriors = {}
for name, sample in samples.items():
    posteriors[name], result = infer_cross_section(network, sample)
    print(f"{name}: {result['summary']}")

# %%
# One halo, and the whole sample
# ------------------------------
#
# The inner megaparsec of the heaviest halo; both models share one logarithmic scale. Scattering makes the
# core less dense and rounder: blue in the difference is what SIDM1 lacks. Galaxies move as well, which says
# little about dark matter. Triangles mark the true cross-sections.

import matplotlib.pyplot as plt
import numpy as np

MAPS = {"total": "total mass", "xray": "X-ray", "stellar": "stellar mass"}
DARKEST = {"total": -2.0, "xray": -2.2, "stellar": -3.0}  # log10 of the peak of the CDM map
NORMS = {"total": "lensing_norm", "xray": "xray_norm", "stellar": "stellar_norm"}
heaviest = samples["CDM"].data["log_mass"].argmax()
halo = {name: sample.data[heaviest] for name, sample in samples.items()}
inner = slice(25, 75)  # of 100 pixels, 2 Mpc

plt.rc("font", size=13)
figure = plt.figure(figsize=(10, 5.4), layout="compressed")
left, right = figure.subfigures(1, 2, width_ratios=(1.5, 1))
axes = left.subplots(3, 3, subplot_kw={"xticks": [], "yticks": []})
for column, (field, title) in zip(axes.T, MAPS.items(), strict=True):
    cdm, sidm = (record[field] * record[NORMS[field]] / halo["CDM"][NORMS[field]] for record in halo.values())
    for ax, image in zip(column, (cdm, sidm), strict=False):
        logarithm = np.log10(np.maximum(image, 1e-4))
        ax.imshow(logarithm[inner, inner], vmin=DARKEST[field], vmax=0, cmap="magma", origin="lower")
    change = np.arcsinh(100 * (sidm - cdm))  # linear below 1 % of the peak
    column[2].imshow(change[inner, inner], vmin=-4, vmax=4, cmap="RdBu_r", origin="lower")
    column[0].set_title(title)
for ax, name in zip(axes[:, 0], ("CDM", "SIDM1", "difference"), strict=True):
    ax.set_ylabel(name)
axes[0, 0].plot([3, 15.5], [4, 4], color="white", linewidth=3)  # pixels of 20 kpc
axes[0, 0].text(3, 6, "250 kpc", color="white", fontsize="small")

ax = right.subplots()
for name, color, truth in (("CDM", "#0072B2", 0), ("SIDM1", "#D55E00", 1)):
    sigma = posteriors[name].grid_
    density = posteriors[name].density_ * (0.1 + sigma)  # per unit of the axis
    ax.fill_between(sigma, density, color=color, alpha=0.35)
    ax.plot(sigma, density, color=color)
    ax.plot(truth, 0, marker="^", markersize=12, color=color, clip_on=False, zorder=3)
    peak = (sigma[density.argmax()], density.max())
    ax.annotate(
        name, peak, (12, 4), textcoords="offset points", color=color, ha="left" if truth == 0 else "right"
    )
ax.set_xscale("function", functions=(lambda x: np.log1p(x / 0.1), lambda x: 0.1 * np.expm1(x)))
ax.set_xticks([0, 0.1, 0.3, 1], ["0", "0.1", "0.3", "1"])
ax.set(xlim=(0, 1), ylim=(0, None), yticks=[], ylabel="posterior density")
ax.set(title="30 clusters each", xlabel="cross-section per mass [cm²/g]")
plt.show()

# %%
# The sample has 30 halos of one mock simulation. A real sample differs from every simulation by more:
# :doc:`/guide/pretrained` says what to check before the numbers are used.

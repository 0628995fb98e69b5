"""
What could Euclid see?
======================

One simulated cluster, as it is and as telescopes would show it.
"""

# %%
# The mass through weak lensing
# -----------------------------
#
# Each survey measures the shapes of so many galaxies behind the cluster. Maps are in units of their noise:
# a pixel of empty sky scatters by one.

import matplotlib.pyplot as plt
import numpy as np

from darkcnn import WeakLensingNoise, XrayNoise
from darkcnn.datasets import load_example

clusters = load_example()
at_redshift = np.flatnonzero(clusters.data["redshift"] > 0)
heaviest = at_redshift[clusters.data["log_mass"][at_redshift].argmax()]
record = clusters.data[heaviest : heaviest + 1]
side = {"origin": "lower", "extent": (-1, 1, -1, 1)}  # Mpc

figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained", sharey=True)
mass = np.log10(record["total"][0] * record["lensing_norm"][0])
figure.colorbar(axes[0].imshow(mass, cmap="magma", **side), ax=axes[0], shrink=0.8)
axes[0].set(title="log10 of Msun / Mpc$^2$", ylabel="Mpc")
for ax, survey in zip(axes[1:], ("euclid", "hst", "jwst"), strict=True):
    noise = WeakLensingNoise.from_survey(survey, random_state=0)
    image = ax.imshow(noise.fit_transform(record)["total"][0], cmap="RdBu_r", vmin=-6, vmax=6, **side)
    ax.set(title=f"{survey}: {noise.n_gal} / arcmin$^2$", xlabel="Mpc")
figure.colorbar(image, ax=axes[1:], label="convergence / noise", shrink=0.8)

# %%
# The gas in X-rays
# -----------------
#
# Photons are counted, one by one. Ten times the exposure shows gas further out.

figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained", sharey=True)
axes[0].imshow(np.log10(np.maximum(record["xray"][0], 1e-4)), cmap="inferno", **side)
axes[0].set(title="log10, noise-free", ylabel="Mpc")
for ax, exposure in zip(axes[1:], (1_000, 10_000, 100_000), strict=True):
    counts = XrayNoise(exposure, random_state=0).fit_transform(record)["xray"][0]
    image = ax.imshow(np.arcsinh(counts), cmap="inferno", **side)
    ax.set(title=f"Chandra, {exposure // 1000} ks", xlabel="Mpc")
    figure.colorbar(image, ax=ax, label="arcsinh of counts", shrink=0.8)
plt.show()

"""
How noisy are maps of Euclid, Hubble, Webb and Chandra?
=======================================================

One simulated cluster, without noise and as telescopes would observe it.
"""

# %%
# The mass through weak lensing
# -----------------------------
#
# The noise depends on how many background galaxies a survey measures in each square arcminute. Maps are in
# units of their noise: pixels far from the cluster have a standard deviation of one.

import matplotlib.pyplot as plt
import numpy as np

from darkcnn import WeakLensingNoise, XrayNoise
from darkcnn.datasets import load_example

clusters = load_example()
at_redshift = np.flatnonzero(clusters.data["redshift"] > 0)
heaviest = at_redshift[clusters.data["log_mass"][at_redshift].argmax()]
record = clusters.data[heaviest : heaviest + 1]
side = {"origin": "lower", "extent": (-1, 1, -1, 1)}  # Mpc
surveys = {"euclid": "Euclid", "hst": "Hubble", "jwst": "Webb"}

figure, axes = plt.subplots(1, 4, figsize=(10.5, 2.5), layout="constrained", sharey=True)
mass = np.log10(record["total"][0] * record["lensing_norm"][0])
image = axes[0].imshow(mass, cmap="magma", **side)
figure.colorbar(image, ax=axes[0], label="log10 of Msun / Mpc$^2$")
axes[0].set(title="without noise", xlabel="Mpc", ylabel="Mpc")
for ax, (survey, name) in zip(axes[1:], surveys.items(), strict=True):
    noise = WeakLensingNoise.from_survey(survey, random_state=0)
    image = ax.imshow(noise.fit_transform(record)["total"][0], cmap="RdBu_r", vmin=-6, vmax=6, **side)
    ax.set(title=f"{name}: {noise.n_gal} / arcmin$^2$", xlabel="Mpc")
figure.colorbar(image, ax=axes[1:], label="convergence / noise")

# %%
# The gas in X-rays
# -----------------
#
# X-ray telescopes count photons. With ten times the exposure, the gas is detected at larger radii.

figure, axes = plt.subplots(1, 4, figsize=(10.5, 2.5), layout="constrained", sharey=True)
image = axes[0].imshow(np.log10(np.maximum(record["xray"][0], 1e-4)), cmap="inferno", **side)
figure.colorbar(image, ax=axes[0], label="log10 of the peak")
axes[0].set(title="without noise", xlabel="Mpc", ylabel="Mpc")
for ax, exposure in zip(axes[1:], (1_000, 10_000, 100_000), strict=True):
    counts = XrayNoise(exposure, random_state=0).fit_transform(record)["xray"][0]
    image = ax.imshow(np.arcsinh(counts), cmap="inferno", vmin=0, vmax=7, **side)
    ax.set(title=f"Chandra, {exposure // 1000} ks", xlabel="Mpc")
figure.colorbar(image, ax=axes[1:], label="arcsinh of counts")
plt.show()

# %%
# What such noise costs in accuracy: :doc:`/guide/observations`.

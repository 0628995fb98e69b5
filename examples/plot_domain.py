"""
Are my clusters like those of the training?
===========================================

A cross-section is valid for clusters like those that the network was calibrated with. We test single clusters
and samples, whose gas is heated more strongly or whose maps are wrong.
"""

# %%
# Held-out clusters as the reference
# ----------------------------------
#
# :class:`~darkcnn.inference.DomainTest` compares features of clusters. Single maps are compared by the input
# of the last layer of a network, here of the packaged one, and samples by radial profiles, which respond to
# more changes. The directions along which the cross-section changes the features are left out.

from darkcnn import RadialProfiles, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.inference import DomainTest

options = {"redshifts": (0.25,), "n_pixels": 50}
held_out = make_clusters(300, cross_sections=(0, 0.1, 1), random_state=0, **options)
embedding = load_pretrained("polar")[:-1]  # without the last layer
profiles = RadialProfiles().fit(held_out.data)
by_embedding, by_profiles = (
    DomainTest(random_state=0).fit(features.transform(held_out.data), held_out.target, held_out.groups)
    for features in (embedding, profiles)
)

# %%
# Four samples of forty clusters
# ------------------------------
#
# The first is like the reference. In the second, black holes heat the gas more strongly. The third is blurred
# by a point spread function of 50 kpc. In the last, the X-ray map is random noise.

import numpy as np
from scipy.ndimage import gaussian_filter

options["cross_sections"] = (0,)
like = make_clusters(40, random_state=1, **options).data
heated = make_clusters(40, random_state=1, feedback="strong", **options).data
blurred, noise = like.copy(), like.copy()
blur = 50 / 2.355 / held_out.pixel_scale  # full width at half maximum to standard deviation, in pixels
for name in ("total", "xray", "stellar"):
    blurred[name] = gaussian_filter(like[name], (0, blur, blur))
noise["xray"] = np.random.default_rng(0).random(like["xray"].shape)
samples = {
    "like the reference": like,
    "strong feedback": heated,
    "blurred": blurred,
    "X-rays are noise": noise,
}

# %%
# Single clusters and whole samples
# ---------------------------------
#
# The p-values of clusters like the reference lie on the diagonal, within the scatter of forty. Strong
# feedback and blur change each cluster too little to be detected in it. The p-value of the whole sample, in
# the legend, is more sensitive.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for name, clusters in samples.items():
    pvalues = np.sort(by_embedding.pvalues(embedding.transform(clusters)))
    together = by_profiles.sample_pvalue(profiles.transform(clusters))
    print(f"{name}: {np.mean(pvalues < 0.05):.0%} have p < 0.05; as a sample, p = {together:.3f}")
    label = f"{name}: sample p = {together:.3f}"
    ax.step([0, *pvalues, 1], [0, *np.linspace(0, 1, len(pvalues)), 1], where="post", label=label)
ax.plot([0, 1], [0, 1], color="0.6", linestyle=":")
ax.set(xlabel="p-value of a cluster", ylabel="Fraction of clusters below")
ax.legend(loc="lower right")
plt.show()

# %%
# A high p-value is no proof: what the features do not contain is not tested, and a shift along the response
# to the cross-section is never detected.

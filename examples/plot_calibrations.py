"""
An error that holds in another universe
=======================================

A sample of clusters is never of the simulation that a network was calibrated with. We give the packaged
network a sample of mock clusters whose baryons differ from those of the default physics, and turn its answers
into a cross-section three times: as they are, calibrated with one simulation, and calibrated with many.
"""

# %%
# A sample of another world
# -------------------------
#
# Sixty clusters with SIDM0.1, whose galaxies are lighter and whose gas is more concentrated than usual.
# Nothing is trained: the network comes with its weights.

import matplotlib.pyplot as plt

from darkcnn import CrossSectionPosterior, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.plotting import PosteriorDisplay
from darkcnn.report import infer_cross_section
from darkcnn.simulation import Physics

view = {"redshifts": (0.25,), "n_pixels": 50}
baryons = Physics(
    galaxy_log_mass=11.7, core_galaxy_mass=0.6, gas_fraction=0.145, gas_core=150.0, cool_core=0.9
)
sample = make_clusters(60, cross_sections=(0.1,), physics=baryons, random_state=1, **view)
network = load_pretrained()

# %%
# One simulation
# --------------
#
# Held-out clusters of the default physics tell what an answer of the network is worth there.

held_out = make_clusters(300, random_state=2, **view)
one = CrossSectionPosterior(network.classes_, random_state=0)
one.calibrate(network.predict_proba(held_out.data), held_out.target, held_out.groups)
one.fit(network.predict_proba(sample.data))
print(one.summary())

# %%
# Many simulations
# ----------------
#
# The packaged network brings the answers that it gave in a hundred suites of mock clusters, which differ in
# all that is not known. The world of the sample is taken to be another draw from their population.

many, result = infer_cross_section(network, sample)
print(result["summary"])
print("p-value of the sample among the suites:", round(result["sample_pvalue"], 2))
total = sum(result["variances"].values())
print({part: f"{value / total:.0%}" for part, value in result["variances"].items()})

# %%
# As they are
# -----------

plain = CrossSectionPosterior(network.classes_).fit(network.predict_proba(sample.data))

figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), sharex=True, layout="constrained")
titles = "not calibrated", "calibrated with one simulation", "calibrated with many"
for ax, title, posterior in zip(axes, titles, (plain, one, many), strict=True):
    PosteriorDisplay.from_estimator(posterior, truth=0.1, ax=ax)
    ax.set_title(title)

# %%
# The narrower two take the sample for one of the default physics. The last is wide, and it says why: most of
# its variance is between suites, so that more clusters would not help. Knowing the baryons better would.
#
# A shift of the answers that looks just like another cross-section is seen by no calibration, and by no test.

"""
How do I get an error that holds in another simulation?
=======================================================

One sample of clusters, from a simulation whose baryons differ from those of the default physics, and three
posteriors: without calibration, calibrated with one simulation, and calibrated with many.
"""

# %%
# A sample with other baryons
# ---------------------------
#
# Sixty clusters of SIDM0.1 with lighter galaxies and more concentrated gas than usual. Nothing is trained:
# the packaged network predicts their class probabilities.

from darkcnn import CrossSectionPosterior, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.simulation import Physics

options = {"redshifts": (0.25,), "n_pixels": 50}
baryons = Physics(
    galaxy_log_mass=11.7, core_galaxy_mass=0.6, gas_fraction=0.145, gas_core=150.0, cool_core=0.9
)
sample = make_clusters(60, cross_sections=(0.1,), physics=baryons, random_state=1, **options)
network = load_pretrained("polar")
probabilities = network.predict_proba(sample.data)

# %%
# Without calibration
# -------------------
#
# The likelihood of the sample is the product of the likelihoods of its clusters.

posteriors = {"not calibrated": CrossSectionPosterior(network.classes_).fit(probabilities)}

# %%
# One simulation
# --------------
#
# Held-out clusters of the default physics show how the probabilities are distributed for each cross-section.

held_out = make_clusters(600, random_state=2, **options)
one = CrossSectionPosterior(network.classes_, random_state=0)
one.calibrate(network.predict_proba(held_out.data), held_out.target, held_out.groups)
posteriors["one simulation"] = one.fit(probabilities)

# %%
# Many simulations
# ----------------
#
# The packaged network brings its response in many suites of mock clusters, each with its own physics. The
# simulation of the sample is treated as another draw from this population.

from darkcnn.report import infer_cross_section

posteriors["many simulations"], result = infer_cross_section(network, sample)
print(f"p-value of the sample among the suites: {result['sample_pvalue']:.2f}")
total = sum(result["variances"].values())
for part, value in result["variances"].items():
    print(f"{value / total:4.0%} of the variance: {part}")

# %%
# One sample, three posteriors
# ----------------------------

import matplotlib.pyplot as plt

from darkcnn.plotting import PosteriorDisplay

figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharex=True, layout="constrained")
for ax, (name, posterior) in zip(axes, posteriors.items(), strict=True):
    PosteriorDisplay.from_estimator(posterior, truth=0.1, ax=ax)
    ax.set(title=name, ylabel=None, yticks=[])
    print(f"{name}: {posterior.summary()}")
axes[0].set_ylabel("Posterior density")
plt.show()

# %%
# The first two treat the sample as one of the default physics. The third is wide: most of its variance
# is between suites, so that a better knowledge of the baryons helps, and more clusters do not. No calibration
# corrects a shift of the predictions that looks like another cross-section. How often each interval contains
# the truth: :doc:`plot_coverage`.

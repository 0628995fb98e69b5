"""
How do I go from a shear catalogue to a cross-section?
======================================================

A catalogue of galaxy shapes becomes a map of the convergence, an observed record, and a posterior: first for
a simulated catalogue, whose truth is known, then for the public one of the Bullet Cluster, 1E 0657-558.
"""

# %%
# A simulated catalogue
# ---------------------
#
# A mock cluster distorts the shapes of galaxies behind it. The catalogue has positions in degrees and the two
# components of the shapes, of 100 galaxies in each square arcminute.

import numpy as np

from darkcnn.cosmology import BAHAMAS
from darkcnn.datasets import make_clusters
from darkcnn.noise import critical_surface_density, reduced_shear

REDSHIFT, SOURCE_REDSHIFT, SMOOTHING = 0.296, 0.9, 80  # smoothing in kpc
record = make_clusters(20, cross_sections=(1,), redshifts=(REDSHIFT,), random_state=3).data
record = record[record["log_mass"].argmax()]
surface_density = record["total"] * record["lensing_norm"]  # Msun / Mpc2
kappa = surface_density / critical_surface_density(REDSHIFT, SOURCE_REDSHIFT)

rng = np.random.default_rng(0)
degree = BAHAMAS.kpc_proper_per_arcmin(REDSHIFT).value * 60 / 1000  # Mpc
n_galaxies = int(100 * (2 / degree * 60) ** 2)  # in the field of 2 Mpc
column, row = rng.uniform(0, 50, size=(2, n_galaxies))  # pixels
g1, g2 = (
    shear[row.astype(int), column.astype(int)] + rng.normal(scale=0.26, size=n_galaxies)
    for shear in reduced_shear(kappa)
)
ra, dec = (25 - column) * 0.04 / degree, (row - 25) * 0.04 / degree  # east is left, north is up
print(f"{n_galaxies} galaxies")

# %%
# The convergence
# ---------------

from darkcnn.observations import reconstruct_convergence

lensing = reconstruct_convergence(
    ra,
    dec,
    g1,
    g2,
    center=(0, 0),
    redshift=REDSHIFT,
    source_redshift=SOURCE_REDSHIFT,
    smoothing=SMOOTHING,
)
print(f"{lensing.n_gal:.0f} galaxies per arcmin2; noise of the convergence {lensing.noise:.3f}")

import matplotlib.pyplot as plt


def compare(lensing, other, titles):
    """Draw two convergence maps, and return their correlation."""
    is_seen = np.isfinite(other) & ~lensing.mask
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="compressed", sharey=True)
    for ax, title, image in zip(axes, titles, (other, lensing.values * lensing.noise), strict=True):
        image = np.where(is_seen, image, np.nan)
        shown = ax.imshow(image, origin="lower", extent=(-1, 1, -1, 1), cmap="magma")
        figure.colorbar(shown, ax=ax, label="convergence")
        ax.set(title=title, xlabel="Mpc to the west")
    axes[0].set(ylabel="Mpc to the north")
    return np.corrcoef(lensing.values[is_seen], other[is_seen])[0, 1]


print(f"correlation with the truth: {compare(lensing, kappa, ('truth', 'reconstructed')):.2f}")

# %%
# The cross-section
# -----------------
#
# A network is trained on mock clusters that are observed in the same way: the same density of galaxies and
# the same smoothing. Four epochs are enough to show the steps, not to classify well.

from darkcnn import CrossSectionPosterior, WeakLensingNoise, default_pipeline
from darkcnn.observations import make_observations

training = make_clusters(60, redshifts=(0.25,), random_state=0)


def infer(lensing, name):
    """Return the posterior of one cluster."""
    observed = make_observations(total=lensing, redshift=REDSHIFT, cluster_id=name)
    noise = WeakLensingNoise(
        lensing.n_gal, source_redshift=SOURCE_REDSHIFT, smoothing=SMOOTHING, mask=lensing.mask
    )
    pipeline = default_pipeline("polar", maps=("total",), noise=[noise], epochs=4, random_state=0)
    pipeline.fit(training.data, training.target)
    return CrossSectionPosterior(pipeline.classes_).fit(pipeline.predict_proba(observed))


print(infer(lensing, "mock").summary())

# %%
# The Bullet Cluster
# ------------------
#
# The same steps for the catalogue of Clowe et al. (2006), beside their published convergence. The data are
# not part of darkcnn: this part is skipped unless the environment variable ``DARKCNN_TEST_DATA`` names the
# folder of ``bullet/``. Right ascension is in hours in this catalogue.

import os
from pathlib import Path

from darkcnn.observations import cut_out

if "DARKCNN_TEST_DATA" in os.environ:
    folder = Path(os.environ["DARKCNN_TEST_DATA"], "bullet")
    hours, dec, g1, g2, weight, *_, z = np.loadtxt(folder / "1e0657.release1.shear.dat", usecols=range(8)).T
    center = (104.62, -55.945)  # degrees
    sky = {"center": center, "redshift": REDSHIFT, "source_redshift": z, "weight": weight}
    bullet = reconstruct_convergence(15 * hours, dec, g1, g2, smoothing=SMOOTHING, **sky)
    kappa_map = folder / "1e0657.release1.kappa.fits"
    published = cut_out(kappa_map, center, REDSHIFT, fill_value=np.nan, max_gap=0.5)
    print(f"correlation: {compare(bullet, published, ('published', 'reconstructed here')):.2f}")
    print(infer(bullet, "1E 0657-558").summary())
else:
    print("skipped: DARKCNN_TEST_DATA is not set")
plt.show()

# %%
# What this is worth
# ------------------
#
# One cluster gives no limit, or a weak one. For the Bullet Cluster, in addition:
#
# * No mock cluster is as violent a merger.
# * The galaxies cover 1.7 by 1.3 Mpc, and shear determines the mass only up to the mass-sheet degeneracy.
# * Both maps come from one catalogue: their agreement tests the reconstruction, not the data.
# * The network was trained for four epochs, with one shape noise and one redshift of the galaxies.
#
# This is an example of the steps from files to a posterior, not a measurement.

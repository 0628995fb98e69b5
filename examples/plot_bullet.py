"""
How do I go from a shear catalogue to a cross-section?
======================================================

The public shear catalogue of the Bullet Cluster, 1E 0657-558 (Clowe et al. 2006), its published convergence,
and the prediction of a network that was trained on mock clusters. The data are not part of darkcnn: the
example is skipped unless the environment variable ``DARKCNN_TEST_DATA`` names the folder of ``bullet/``.
"""

# %%
# From files to a posterior
# -------------------------
#
# The convergence is reconstructed from the shapes of the galaxies. A network is trained on mock clusters that
# are observed in the same way: the same density of galaxies, smoothing, and gaps. Right ascension is in hours
# in this catalogue.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from darkcnn import CrossSectionPosterior, WeakLensingNoise, default_pipeline
from darkcnn.datasets import make_clusters
from darkcnn.observations import cut_out, make_observations, reconstruct_convergence

CENTER, REDSHIFT, SMOOTHING = (104.62, -55.945), 0.296, 80  # degrees, kpc


def infer(folder):
    """Return the reconstruction, and the posterior of a network that was trained for few epochs."""
    hours, dec, g1, g2, weight, *_, z = np.loadtxt(folder / "1e0657.release1.shear.dat", usecols=range(8)).T
    sky = {"center": CENTER, "redshift": REDSHIFT, "source_redshift": z, "weight": weight}
    lensing = reconstruct_convergence(15 * hours, dec, g1, g2, smoothing=SMOOTHING, **sky)
    observed = make_observations(total=lensing, redshift=REDSHIFT, cluster_id="1E 0657-558")
    noise = WeakLensingNoise(lensing.n_gal, source_redshift=0.9, smoothing=SMOOTHING, mask=lensing.mask)
    pipeline = default_pipeline("polar", maps=("total",), noise=[noise], epochs=4, random_state=0)
    clusters = make_clusters(60, redshifts=(0.25,), random_state=0)
    pipeline.fit(clusters.data, clusters.target)
    posterior = CrossSectionPosterior(pipeline.classes_.tolist()).fit(pipeline.predict_proba(observed))
    return lensing, posterior


def compare(folder, lensing):
    """Draw the convergence beside the published one, and return their correlation."""
    published = cut_out(
        folder / "1e0657.release1.kappa.fits", CENTER, REDSHIFT, fill_value=np.nan, max_gap=0.5
    )
    seen = np.isfinite(published) & ~lensing.mask
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained", sharey=True)
    maps = {"here": lensing.values * lensing.noise, "published": published}
    for ax, (title, image) in zip(axes, maps.items(), strict=True):
        shown = ax.imshow(np.where(seen, image, np.nan), origin="lower", extent=(-1, 1, -1, 1), cmap="magma")
        figure.colorbar(shown, ax=ax, shrink=0.8, label="convergence")
        ax.set(title=title, xlabel="Mpc to the west")
    axes[0].set(ylabel="Mpc to the north")
    return np.corrcoef(lensing.values[seen], published[seen])[0, 1]


if "DARKCNN_TEST_DATA" in os.environ:
    bullet = Path(os.environ["DARKCNN_TEST_DATA"], "bullet")
    lensing, posterior = infer(bullet)
    print(f"{lensing.n_gal:.0f} galaxies per arcmin2; noise of the convergence {lensing.noise:.3f}")
    print(f"correlation with the published convergence: {compare(bullet, lensing):.2f}")
    print(posterior.summary())
    plt.show()
else:
    print("skipped: DARKCNN_TEST_DATA is not set")

# %%
# What this is worth
# ------------------
#
# One cluster gives no limit, as expected. In addition:
#
# * No mock cluster is as violent a merger.
# * The galaxies cover 1.7 by 1.3 Mpc, and shear determines the mass only up to the mass-sheet degeneracy.
# * Both maps come from one catalogue: their agreement tests the reconstruction, not the data.
# * The network was trained for four epochs, with one shape noise and one redshift of the galaxies.
#
# This is an example of the steps from files to a posterior, not a measurement.

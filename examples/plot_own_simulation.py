"""
How do I use my own simulation?
===============================

From the particles of a snapshot to maps, from maps to records, and from records to predictions.
"""

# %%
# Particles
# ---------
#
# Toy halos stand for your snapshots: triaxial, with a cusp as in CDM or a core of 100 kpc as in SIDM. Read
# real ones with pynbody, swiftsimio or yt (:doc:`/guide/own_simulation`). Positions are proper, in kpc.

import numpy as np


def make_particles(seed, core):
    """Return positions of shape (n_particles, 3) in kpc, and masses in Msun."""
    rng = np.random.default_rng(seed)
    radius = np.geomspace(1, 2000, 2000)
    density = 1 / ((radius + core) * (radius + 350) ** 2)  # NFW if there is no core
    mass = np.cumsum(density * radius**2 * np.gradient(radius))
    r = np.interp(rng.uniform(size=50_000), mass / mass[-1], radius)
    direction = rng.normal(size=(len(r), 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    axes = np.array([1, 0.8, 0.65]) if core == 0 else np.array([1, 0.9, 0.85])
    return r[:, np.newaxis] * direction * axes, np.full(len(r), 1e10)


# %%
# Maps and records
# ----------------
#
# :func:`~darkcnn.records.project_particles` smooths each particle to the distance of its neighbours, and
# :func:`~darkcnn.make_records` puts the maps into the format of all other functions: 50 pixels of 40 kpc. The
# same halo has the same ``cluster_id`` in both models, so that no split separates them.

from darkcnn import make_records
from darkcnn.records import project_particles

CORES = {0: 0, 1: 100}  # kpc, of each cross-section in cm2/g
rows = [(halo, sigma) for halo in range(6) for sigma in CORES]
maps = [project_particles(*make_particles(halo, CORES[sigma]), center=(0, 0, 0)) for halo, sigma in rows]
halos, cross_sections = zip(*rows, strict=True)
clusters = make_records(
    total=np.array(maps), pixel_scale=20, redshift=0.25, cluster_id=halos, cross_section=cross_sections
)
print(clusters.data.shape, clusters.data["total"].shape, *clusters.target_names)

# %%
# Look at every step, here for one halo in both models.

import matplotlib.pyplot as plt

style = {"vmin": 13, "vmax": 15.3, "cmap": "magma", "origin": "lower", "extent": (-1000, 1000) * 2}
figure, axes = plt.subplots(2, 3, figsize=(8.5, 4.9), layout="compressed", sharex=True, sharey=True)
for row, ((halo, sigma), panels) in enumerate(zip(rows, axes, strict=False)):
    x, y = make_particles(halo, CORES[sigma])[0][::5, :2].T
    panels[0].plot(x, y, ",", color="0.2", alpha=0.5)
    images = maps[row], clusters.data["total"][row] * clusters.data["lensing_norm"][row]
    for ax, image in zip(panels[1:], images, strict=True):
        drawn = ax.imshow(np.log10(image), **style)
    panels[0].set(
        ylabel=f"{clusters.target[row]}\nkpc", aspect="equal", xlim=(-1000, 1000), ylim=(-1000, 1000)
    )
for ax, title in zip(axes[0], ("particles", "map, 20 kpc", "record, 40 kpc"), strict=True):
    ax.set_title(title)
axes[0, 0].set(xticks=(-500, 0, 500), yticks=(-500, 0, 500))
figure.colorbar(drawn, ax=axes, label="log10 of Msun / Mpc$^2$", shrink=0.8)

# %%
# Predictions
# -----------
#
# The packaged network takes the total mass alone. It was not trained on toy halos without substructure and
# baryons, so the probabilities test the format, not the network. Before you use its predictions, test them on
# labelled halos of your own simulation (:doc:`plot_ten_halos`).

from darkcnn import load_pretrained

network = load_pretrained("polar", cross_sections=(0, 1), maps=("total",))
probabilities = network.predict_proba(clusters.data)[:, network.classes_.tolist().index("SIDM1")]
for label in clusters.target_names:
    print(f"{label}: probability of SIDM1", *probabilities[clusters.target == label].round(2))

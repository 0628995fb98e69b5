"""
How many halos of my own do I need?
===================================

Your simulation has another physics than those that the packaged network was trained on. We train its last
layer on 4 to 40 of your halos, and compare it with a linear classifier of radial profiles.
"""

# %%
# Another simulation
# ------------------
#
# A mock simulation stands for yours. Its physics is drawn from the plausible range of every parameter: gas,
# galaxies, inner halo and resolution all differ from the defaults. The network was not trained on this draw,
# but on others of the same generator; a real simulation differs by more.

import numpy as np

from darkcnn.datasets import make_clusters
from darkcnn.simulation import Physics

clusters = make_clusters(
    90, cross_sections=(0, 0.1, 1), redshifts=(0.25,), physics=Physics().draw(2026), random_state=0
)
X, y, groups = clusters.data, clusters.target, clusters.groups
halos = np.unique(groups)
test = np.isin(groups, halos[40:])  # 50 halos
print(len(X), "records of", len(halos), "halos:", *clusters.target_names)

# %%
# Without training
# ----------------
#
# The packaged network predicts without training.

from scipy.stats import sem

from darkcnn import load_pretrained


def report(name, right):
    """Print an accuracy and its standard error, from the scatter between halos."""
    by_halo = [right[..., groups[test] == halo].mean() for halo in halos[40:]]
    mean, error = np.mean(by_halo), sem(by_halo)
    print(f"{name:34s} {mean:.3f} ± {error:.3f}")
    return mean, error


at_once = load_pretrained("polar", cross_sections=(0, 0.1, 1))
zero = report("no halo, as packaged", at_once.predict(X[test]) == y[test])

# %%
# A few halos
# -----------
#
# ``default_pipeline("polar", pretrained=True)`` trains a logistic regression on the embedding. Each number of
# halos is drawn three times, and every halo has three models. Errors are those of the 50 test halos.

from darkcnn import default_pipeline
from darkcnn.preprocessing import profile_baseline

methods = {
    "pretrained, last layer": default_pipeline("polar", pretrained=True),
    "radial profiles": profile_baseline(),
}
sizes = (4, 10, 20, 40)
curves = {name: [] for name in methods}
for n_halos in sizes:
    draws = [np.random.default_rng(i).choice(halos[:40], n_halos, replace=False) for i in range(3)]
    for name, method in methods.items():
        fits = [method.fit(X[rows], y[rows]).predict(X[test]) for rows in (np.isin(groups, d) for d in draws)]
        curves[name].append(report(f"{n_halos} halos, {name}", np.array(fits) == y[test]))

# %%
# The learning curve
# ------------------

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
for name, curve in curves.items():
    mean, error = np.transpose(curve)
    ax.errorbar(sizes, mean, error, marker="o", capsize=3, label=name)
ax.axhline(zero[0], color="0.5", linestyle="--", label="pretrained, without training")
ax.axhline(1 / 3, color="0.7", linestyle=":", label="guessing")
ax.set(xscale="log", xlabel="Halos to train on", ylabel="Accuracy on other halos")
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
ax.legend()

# %%
# Both curves are tested on the same halos, so the error of their difference is smaller than the bars suggest.
# Compare both on your own halos. More on the choice: :doc:`/guide/pretrained`.

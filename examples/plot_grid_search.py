"""
How do I tune hyper-parameters?
===============================

A grid search over the steps of a pipeline, with splits by halo and an error for every candidate.
"""

# %%
# A grid over two steps
# ---------------------
#
# The last layer of the packaged network is trained on sixty halos. We search for the maps and for the
# regularisation. :func:`~darkcnn.run_study` scores the grid like scikit-learn's ``GridSearchCV``, keeps every
# fit in a folder, so that an interrupted search continues, and adds standard errors.

from tempfile import TemporaryDirectory

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from darkcnn import default_pipeline, profile_baseline, run_study
from darkcnn.datasets import load_example

clusters = load_example()
is_tuned = np.isin(clusters.groups, np.unique(clusters.groups)[:60])
X, y, groups = clusters.data[is_tuned], clusters.target[is_tuned], clusters.groups[is_tuned]
grid = {
    "embed__maps": [("total",), ("total", "stellar"), ("total", "xray"), ("total", "xray", "stellar")],
    "head__C": [0.0001, 0.001, 0.01, 0.1],
}
pipeline = default_pipeline("polar", pretrained=True)
cv = StratifiedGroupKFold(5, shuffle=True, random_state=0)
with TemporaryDirectory() as folder:
    results = run_study(
        pipeline, X, y, groups=groups, cv=cv, folder=folder, param_grid=grid, scoring="balanced_accuracy"
    )
best = results["params"][results["rank_test_score"].argmin()]
print("best:", best)

# %%
# Differences and errors
# ----------------------
#
# The errors take into account that the training sets of the folds overlap. Candidates within one error of
# the best are as good as the best. Guessing is right in 0.25.

import matplotlib.pyplot as plt

means = results["mean_test_score"].reshape(4, 4)
errors = results["standard_error_test_score"].reshape(4, 4)
figure, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
ax.imshow(means, cmap="Blues", vmin=2 * means.min() - means.max(), vmax=means.max() + 0.05, aspect="auto")
for (row, column), mean in np.ndenumerate(means):
    ax.text(column, row, f"{mean:.2f} ± {errors[row, column]:.2f}", ha="center", va="center")
ax.set(xlabel="Inverse regularisation C of the last layer", title="Balanced accuracy of held-out halos")
ax.set_xticks(range(4), [f"{C:g}" for C in grid["head__C"]])
ax.set_yticks(range(4), [" + ".join(maps) for maps in grid["embed__maps"]])
plt.show()

# %%
# A fair score of the winner
# --------------------------
#
# The best score of a grid is too high, because it is the best of many noisy ones. The other 48 halos give an
# unbiased one, beside that of the default and of the linear classifier of radial profiles.

from scipy.stats import sem

methods = {
    "tuned": pipeline.set_params(**best),
    "default": default_pipeline("polar", pretrained=True),
    "radial profiles": profile_baseline(),
}
print(f"in the grid: {results['mean_test_score'].max():.3f}")
for name, method in methods.items():
    is_right = method.fit(X, y).predict(clusters.data[~is_tuned]) == clusters.target[~is_tuned]
    halos = clusters.groups[~is_tuned]
    by_halo = [is_right[halos == halo].mean() for halo in np.unique(halos)]
    print(f"{name}: {np.mean(by_halo):.3f} ± {sem(by_halo):.3f} on other halos")

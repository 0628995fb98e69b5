"""
Does my network overfit?
========================

A learning curve shows whether a network memorises its training set. We draw it with and without the
regularisation of the default recipe.
"""

# %%
# Train, and follow other halos
# -----------------------------
#
# With ``early_stopping=True``, the loss on ``X_val`` is computed after every epoch, and the weights of the
# best epoch are kept. Here the training goes on to the end, to show what happens later. The epoch is chosen
# on the validation halos, so the accuracy is measured on further ones.

from scipy.stats import sem

from darkcnn import default_pipeline, profile_baseline
from darkcnn.datasets import make_clusters

options = {"cross_sections": (0, 1), "redshifts": (0.25,), "n_pixels": 25}
train = make_clusters(80, random_state=0, **options)
validation = make_clusters(100, random_state=1, **options)
test = make_clusters(200, random_state=2, **options)


def report(name, classifier):
    """Print the accuracy and its standard error, from the scatter between test halos."""
    is_right = classifier.predict(test.data) == test.target
    by_halo = is_right.reshape(200, 2).mean(axis=1)  # CDM and SIDM1
    print(f"{name}: {by_halo.mean():.3f} ± {sem(by_halo):.3f}")


histories = {}
for name, weight_decay in {"no weight decay": 0.0, "weight decay 0.1": 0.1}.items():
    pipeline = default_pipeline(
        "polar", weight_decay=weight_decay, early_stopping=True, n_iter_no_change=48, random_state=0
    )
    X_val = pipeline[:-1].fit_transform(validation.data)
    pipeline.fit(train.data, train.target, cnn__X_val=X_val, cnn__y_val=validation.target)
    histories[name] = pipeline["cnn"].history_
    report(f"polar network, {name}", pipeline)
report("linear classifier of radial profiles", profile_baseline().fit(train.data, train.target))

# %%
# Learning curves
# ---------------
#
# Without weight decay, the loss on the training set falls to zero and that on other halos rises again: the
# network memorises, and its probabilities become over-confident. With the weight decay of the recipe, both
# losses end at the same value.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 2, figsize=(8.5, 5), layout="constrained", sharex=True, sharey="row")
for column, (name, history) in zip(axes.T, histories.items(), strict=True):
    for ax, score in zip(column, ("loss", "accuracy"), strict=True):
        ax.plot(range(1, len(history[score]) + 1), history[score], label="80 halos, trained on")
        ax.plot(range(1, len(history[score]) + 1), history[f"val_{score}"], label="100 other halos")
    column[0].set_title(name)
    column[1].set_xlabel("Epoch")
axes[0, 0].set(ylabel="Loss", ylim=(0, None))
axes[1, 0].set(ylabel="Accuracy")
axes[0, 1].legend()
plt.show()

# %%
# More halos reduce overfitting as well. More on early stopping, weights and checkpoints:
# :doc:`/guide/training`.

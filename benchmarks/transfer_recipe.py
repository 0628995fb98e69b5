"""How to train the packaged network further: the penalty of a new last layer, and the recipe of all layers.

    python benchmarks/transfer_recipe.py head
    python benchmarks/transfer_recipe.py all

Simulations are drawn from the plausible range of every parameter; they are neither those that the network was
trained on nor the targets of ``transfer.py``. Scores are of held-out halos of the same simulation.

head
    Last layers with several penalties, on embeddings whose directions to which the packaged last layer
    responds are stretched more or less, trained on 10, 40 and 150 halos and tested on 75 others.
all
    3-fold cross-validation by halo on 225 halos, so that each fit has 150: the last layer alone, the linear
    classifier of radial profiles, and all layers at several learning rates.
"""

import argparse

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from darkcnn import default_pipeline
from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import profile_baseline
from darkcnn.pretrained import PretrainedEmbedding, read_pretrained
from darkcnn.simulation import Physics

SEED = 500  # of the first simulation
N_HALOS, N_TEST = 225, 75
SIZES = (10, 40, 150)
PENALTIES = (0.003, 0.01, 0.03)
STRETCHES = (0, 1, 3, 10)
DEFAULT = 3, 0.01
RECIPES = (
    {"learning_rate": 1e-4},
    {"learning_rate": 3e-4},
    {"learning_rate": 1e-3},
    {"learning_rate": 3e-4, "epochs": 24},
    {"learning_rate": 3e-4, "weight_decay": 0.1},
)


def simulation(number, redshifts):
    """Return the clusters of one drawn simulation."""
    physics = Physics().draw(SEED + number)
    return make_clusters(
        N_HALOS, cross_sections=(0, 0.1, 1), redshifts=redshifts, physics=physics, random_state=SEED + number
    )


def by_halo(right, groups):
    """Return the fraction of maps of each halo that were right."""
    return np.array([right[groups == halo].mean() for halo in np.unique(groups)])


def mean_and_error(values):
    """Write a mean and its standard error."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def stretches():
    """Return, for each stretch, the matrix that takes the packaged embedding there.

    The packaged one is stretched by the root of 1 + STRETCH² R'R, R being the response of the last layer to
    standardised features. Its coefficients, times that root, give R.
    """
    coef = read_pretrained().arrays["head/coef"]
    responses = coef - coef.mean(axis=0)
    # The eigenvalues v of the first are r / (1 + STRETCH² r), where r are those of R'R.
    values, vectors = np.linalg.eigh(responses.T @ responses)
    standardised = values / (1 - DEFAULT[0] ** 2 * values)
    return {
        stretch: (vectors * np.sqrt((1 + stretch**2 * standardised) / (1 + DEFAULT[0] ** 2 * standardised)))
        @ vectors.T
        for stretch in STRETCHES
    }


def choose_head(n_simulations):
    """Print accuracy and log loss for each stretch and penalty, with errors between simulations."""
    scores = {}
    for number in range(n_simulations):
        clusters = simulation(number, (0.25,))
        embedding, y = PretrainedEmbedding().fit_transform(clusters.data), clusters.target
        halos = np.unique(clusters.groups)
        test = np.isin(clusters.groups, halos[-N_TEST:])
        for n_halos in SIZES:
            train = np.isin(clusters.groups, halos[:n_halos])
            for stretch, matrix in stretches().items():
                X = embedding @ matrix
                for C in PENALTIES:
                    head = LogisticRegression(C=C, max_iter=2000)
                    probabilities = head.fit(X[train], y[train]).predict_proba(X[test])
                    true = np.searchsorted(head.classes_, y[test])
                    loss = -np.log(probabilities[np.arange(len(true)), true]).mean()
                    right = (probabilities.argmax(axis=1) == true).mean()
                    scores.setdefault((n_halos, stretch, C), []).append((right, loss))
    print("| halos | stretch | C | accuracy | log loss | accuracy - that of the default |")
    print("|" + " --- |" * 6)
    for (n_halos, stretch, C), pairs in scores.items():
        right, loss = np.transpose(pairs)
        better = right - np.transpose(scores[n_halos, *DEFAULT])[0]
        cells = n_halos, stretch, C, mean_and_error(right), mean_and_error(loss), mean_and_error(better)
        print(f"| {' | '.join(map(str, cells))} |")


def choose_recipe(n_simulations):
    """Print accuracies of all layers trained further, beside the last layer and the linear classifier."""
    methods = {
        "last layer": default_pipeline("polar", pretrained=True),
        "linear on profiles": profile_baseline(),
    }
    for recipe in RECIPES:
        methods[f"all layers, {recipe}"] = default_pipeline(
            "polar", pretrained="all", random_state=0, **recipe
        )
    scores = {name: [] for name in methods}
    for number in range(n_simulations):
        clusters = simulation(number, (0.25,))
        data = {"X": clusters.data, "y": clusters.target, "groups": clusters.groups}
        for name, method in methods.items():
            guess = cross_val_predict(method, **data, cv=GroupKFold(3))
            scores[name].append(by_halo(guess == clusters.target, clusters.groups))
            better = np.concatenate(scores[name]) - np.concatenate(scores["last layer"])
            print(
                f"{number + 1} simulations, {name}: {mean_and_error(np.concatenate(scores[name]))}; "
                f"more than the last layer: {mean_and_error(better)}",
                flush=True,
            )


def main():
    """Run the part that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["head", "all"])
    parser.add_argument("--n-simulations", type=int, default=8)
    options = parser.parse_args()
    {"head": choose_head, "all": choose_recipe}[options.part](options.n_simulations)


if __name__ == "__main__":
    main()

"""How to train the packaged network further: the penalty of a new last layer, and the recipe of all layers.

    python benchmarks/transfer_recipe.py head
    python benchmarks/transfer_recipe.py alternatives --folder FOLDER
    python benchmarks/transfer_recipe.py all

Simulations are drawn from the plausible range of every parameter. All choices are made in them; they are
neither those that the network was trained on nor the targets of ``transfer.py``. Scores are of held-out
halos of the same simulation.

head
    Last layers with several penalties, on embeddings whose directions to which the packaged last layer
    responds are stretched more or less, trained on 10, 40 and 150 halos and tested on 75 others.
alternatives
    Other ways to train a last layer, in 8 drawn simulations and 8 of doubled ranges: averaged with the
    packaged one, shrunk towards it, without intercept, a discriminant analysis, and with a penalty learned
    from 160 other simulations, in groups of 8. The learned penalty also on the targets of ``transfer.py``.
    Embeddings are written to FOLDER and not computed again.
all
    3-fold cross-validation by halo on 225 halos, so that each fit has 150: the last layer alone, the linear
    classifier of radial profiles, and all layers at several learning rates.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from other_simulations import SIZES as TARGET_SIZES
from other_simulations import TARGETS, test_set, training_set
from scipy.optimize import minimize
from scipy.special import log_softmax
from shift import doubled
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from darkcnn import default_pipeline, load_pretrained
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
FEW = {10: 5, 20: 3, 40: 2, 150: 1}  # halos to train on, and how many times, each with other halos
N_POOL, N_OTHERS, N_GROUPED = 150, 160, 8
N_PACKAGED = 50  # training maps for which a trained last layer counts as much as the packaged one
IDENTITY = 0.6  # share of the identity in the learned penalty


def simulation(number, redshifts):
    """Return the clusters of one drawn simulation."""
    physics = Physics().draw(SEED + number)
    return make_clusters(
        N_HALOS, cross_sections=(0, 0.1, 1), redshifts=redshifts, physics=physics, random_state=SEED + number
    )


def by_halo(right, groups):
    """Return the fraction of maps of each halo that were right."""
    return np.array([right[groups == halo].mean() for halo in np.unique(groups)])


def mean_and_error(values, sign=""):
    """Write a mean and its standard error."""
    return f"{np.mean(values):{sign}.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


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


def embedded(purpose, number, folder):
    """Return embedding, labels and halos of a drawn simulation, of doubled ranges for every second number."""
    path = folder / f"{purpose}_{number:03d}.npz"
    if not path.exists():
        if purpose == "others":
            random_state = np.random.RandomState([90, number])
            n_halos, models, redshifts = 75, (0, 0.1, 0.3, 1), (0, 0.125, 0.25, 0.375)[number // 2 % 2 :: 2]
        else:
            random_state = 700 + number // 2 + 100 * (number % 2)
            n_halos, models, redshifts = N_POOL + 100, (0, 0.1, 1), (0, 0.125, 0.25, 0.375)
        physics = Physics().draw(random_state)
        clusters = make_clusters(
            n_halos,
            cross_sections=models,
            redshifts=redshifts,
            physics=doubled(physics) if number % 2 else physics,
            random_state=random_state,
        )
        embedding = PretrainedEmbedding().fit_transform(clusters.data)
        np.savez(path, X=embedding, y=clusters.target, halos=clusters.groups)
    with np.load(path) as arrays:
        return arrays["X"].astype(float), arrays["y"], arrays["halos"]


def logistic(X, y, matrix=None):
    """Return coefficients and intercepts, from a penalty on the embedding times a matrix."""
    matrix = np.eye(X.shape[1]) if matrix is None else matrix
    head = LogisticRegression(C=DEFAULT[1], max_iter=2000).fit(X @ matrix, y)
    return head.coef_ @ matrix.T, head.intercept_


def averaged(X, y, packaged, matrix=None):
    """Return a mean of a trained and the packaged last layer, with more of the former for more maps."""
    share = N_PACKAGED / (N_PACKAGED + len(X))
    trained = logistic(X, y, matrix)
    return [share * old + (1 - share) * new for old, new in zip(packaged, trained, strict=True)]


def shrunk(X, y, packaged):
    """Return a logistic regression with a penalty on the difference from the packaged last layer."""
    start = np.column_stack(packaged)
    X, true = np.column_stack([X, np.ones(len(X))]), y[:, np.newaxis] == np.unique(y)

    def loss(flat):
        scores = log_softmax(X @ flat.reshape(start.shape).T, axis=1)
        moved = flat - start.ravel()
        gradient = (np.exp(scores) - true).T @ X
        return moved @ moved / 2 / DEFAULT[1] - scores[true].sum(), gradient.ravel() + moved / DEFAULT[1]

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B").x.reshape(start.shape)
    return found[:, :-1], found[:, -1]


def centred(X, y):
    """Return a logistic regression without intercept on the embedding without its mean."""
    mean = X.mean(axis=0)
    coef = LogisticRegression(C=DEFAULT[1], max_iter=2000, fit_intercept=False).fit(X - mean, y).coef_
    return coef, -coef @ mean


def discriminant(X, y):
    """Return a linear discriminant analysis with a covariance halfway to a multiple of the identity."""
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5).fit(X, y)
    return fitted.coef_, fitted.intercept_


def learned_penalty(folder):
    """Return the root of the second moment of the coefficients of last layers in other simulations."""
    moment = 0
    for first in range(0, N_OTHERS, N_GROUPED):
        parts = [embedded("others", first + i, folder)[:2] for i in range(N_GROUPED)]
        coef, _ = logistic(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        moment = moment + coef.T @ coef
    n_features = len(moment)
    moment = (1 - IDENTITY) * moment * n_features / np.trace(moment) + IDENTITY * np.eye(n_features)
    return np.linalg.cholesky(moment)


def compare_alternatives(n_simulations, folder):
    """Print accuracies of other last layers minus that of the default, with errors between simulations."""
    folder.mkdir(exist_ok=True)
    matrix = learned_penalty(folder)
    head = load_pretrained(cross_sections=(0, 0.1, 1))[-1]
    packaged = head.coef_, head.intercept_
    ways = {
        "default": logistic,
        "without training": lambda X, y: packaged,
        "mean with the packaged one": partial(averaged, packaged=packaged),
        "shrunk towards the packaged one": partial(shrunk, packaged=packaged),
        "centred, no intercept": centred,
        "discriminant analysis": discriminant,
        "learned penalty": partial(logistic, matrix=matrix),
        "learned penalty, mean with the packaged one": partial(averaged, packaged=packaged, matrix=matrix),
    }
    accuracy = np.zeros((len(ways), n_simulations, len(FEW)))
    for number in range(n_simulations):
        X, y, halos = embedded("tested", number, folder)
        halo = np.unique(halos, return_inverse=True)[1]
        test = halo >= N_POOL
        for j, (n_halos, n_repeats) in enumerate(FEW.items()):
            for train in (halo // n_halos == repeat for repeat in range(n_repeats)):
                for i, way in enumerate(ways.values()):
                    coef, intercept = way(X[train], y[train])
                    guess = head.classes_[(X[test] @ coef.T + intercept).argmax(axis=1)]
                    accuracy[i, number, j] += (guess == y[test]).mean() / n_repeats
    for ranges, some in {"plausible": accuracy[:, ::2], "doubled": accuracy[:, 1::2]}.items():
        print(f"| {ranges} ranges | {' | '.join(f'{n} halos' for n in FEW)} |")
        print("|" + " --- |" * (1 + len(FEW)))
        for name, values in zip(ways, some, strict=True):
            cells = [
                mean_and_error(each, "" if name == "default" else "+")
                for each in (values if name == "default" else values - some[0]).T
            ]
            print(f"| {name} | {' | '.join(cells)} |")
        print()


def embed_once(path, simulate):
    """Return the embedding and labels of maps, written to a file."""
    if not path.exists():
        records, y = simulate()
        np.savez(path, X=PretrainedEmbedding().fit_transform(records), y=y)
    with np.load(path) as arrays:
        return arrays["X"].astype(float), arrays["y"]


def compare_on_targets(folder, n_seeds=3):
    """Print what the learned penalty gains on the targets of ``transfer.py``, with errors between them."""
    matrix, gains = learned_penalty(folder), np.zeros((len(TARGETS), len(TARGET_SIZES)))
    for i, name in enumerate(TARGETS):
        X_test, y_test = embed_once(folder / f"{name}_test.npz", partial(test_set, name, 50))
        for seed in range(n_seeds):
            simulate = partial(training_set, name, N_POOL, 50, seed)
            X, y = embed_once(folder / f"{name}_{seed}.npz", simulate)
            for j, n_halos in enumerate(TARGET_SIZES):
                train = slice(n_halos * len(X) // N_POOL)  # rows are sorted by halo
                right = []
                for penalty in (matrix, None):
                    coef, intercept = logistic(X[train], y[train], penalty)
                    guess = np.unique(y)[(X_test @ coef.T + intercept).argmax(axis=1)]
                    right.append((guess == y_test).mean())
                gains[i, j] += (right[0] - right[1]) / n_seeds
    for n_halos, gain in zip(TARGET_SIZES, gains.T, strict=True):
        print(f"{n_halos} halos of the targets, learned penalty - default: {mean_and_error(gain, '+')}")


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
    parser.add_argument("part", choices=["head", "alternatives", "all"])
    parser.add_argument("--n-simulations", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=Path("transfer_recipe"), help="of `alternatives`")
    options = parser.parse_args()
    if options.part == "alternatives":
        compare_alternatives(2 * options.n_simulations, options.folder)
        compare_on_targets(options.folder)
    else:
        {"head": choose_head, "all": choose_recipe}[options.part](options.n_simulations)


if __name__ == "__main__":
    main()

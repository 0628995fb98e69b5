"""Simple classifiers of radial profiles, from which the baseline was chosen.

Accuracy in 5-fold cross-validation by halo of the training halos of ``accuracy.py``; test halos are not used.
Run ``python benchmarks/baselines.py``; it takes minutes.
"""

import argparse
import warnings

import numpy as np
from accuracy import CROSS_SECTIONS, N_TRAIN, TRAIN_SEED, markdown, with_errors
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import RadialProfiles, profile_baseline

CLASSIFIERS = {
    "shrinkage discriminant (`profile_baseline`)": profile_baseline()[-1],
    "logistic regression": LogisticRegression(C=0.1, max_iter=500),
    "support vectors, Gaussian kernel": SVC(C=10, gamma=0.001),
    "perceptron, one hidden layer, 60 epochs": MLPClassifier((32,), alpha=10, max_iter=60, random_state=0),
    "boosted trees": HistGradientBoostingClassifier(random_state=0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-pixels", nargs="+", type=int, default=(100, 50))
    parser.add_argument("--n-halos", type=int, default=N_TRAIN)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)  # of the perceptron, stopped early
    rows = []
    for n_pixels in options.n_pixels:
        clusters = make_clusters(
            options.n_halos, cross_sections=CROSS_SECTIONS[3], n_pixels=n_pixels, random_state=TRAIN_SEED
        )
        profiles, labels = RadialProfiles().fit_transform(clusters.data), clusters.target
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        first = None
        for name, classifier in CLASSIFIERS.items():
            model = make_pipeline(StandardScaler(), classifier)
            predicted = cross_val_predict(model, profiles, labels, groups=clusters.groups, cv=folds)
            _, halos = np.unique(clusters.groups, return_inverse=True)
            right = (np.bincount(halos, predicted == labels) / np.bincount(halos))[np.newaxis]
            first = right if first is None else first
            change = with_errors(right - first, "+") if right is not first else ""
            rows.append([f"{2000 // n_pixels} kpc", name, with_errors(right), change])
    print(markdown(["pixel", "classifier", "accuracy", "change"], rows))


if __name__ == "__main__":
    main()

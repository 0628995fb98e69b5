"""scikit-learn's own checks, on the public classes."""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils.estimator_checks import parametrize_with_checks

from darkcnn import DarkCNNClassifier, DarkCNNEnsemble, MapScaler

ESTIMATORS = [
    MapScaler(),
    MapScaler("asinh", "mean"),
    DarkCNNClassifier("simple", epochs=1, random_state=0),
    DarkCNNEnsemble(LogisticRegression(), n_networks=2, random_state=0),
]

EXPECTED_FAILURES = {
    "DarkCNNClassifier": {
        "check_sample_weight_equivalence_on_dense_data": "in mini-batches, a weight of 2 is not two rows",
    },
    "DarkCNNEnsemble": {
        "check_fit2d_1sample": "says that one cluster is too few, in words of its own",
    },
}


@pytest.mark.slow
@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {})
)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_classifier_is_seen_as_one():
    assert is_classifier(DarkCNNClassifier())
    splitter = check_cv(3, np.tile(["a", "b"], 6), classifier=is_classifier(DarkCNNClassifier()))
    assert isinstance(splitter, StratifiedKFold)

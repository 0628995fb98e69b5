"""scikit-learn's own checks, on the public classes."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import darkcnn
from darkcnn import (
    CrossSectionPosterior,
    DarkCNNClassifier,
    DarkCNNEnsemble,
    MapScaler,
    MapSelector,
    RotationFlipAugmenter,
    WeakLensingNoise,
    XrayNoise,
)
from darkcnn.inference import DomainTest
from darkcnn.noise import Miscentring
from darkcnn.preprocessing import RadialProfiles
from darkcnn.pretrained import PretrainedEmbedding

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
        **dict.fromkeys(
            (
                "check_sample_weight_equivalence_on_dense_data",
                "check_sample_weight_equivalence_on_sparse_data",
            ),
            "a weight of 2 is not two rows, which may be in two folds",
        ),
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


EVERY_ESTIMATOR = [
    CrossSectionPosterior(["CDM", "SIDM1"]),
    DarkCNNClassifier(),
    DarkCNNEnsemble(),
    DomainTest(),
    MapScaler(),
    MapSelector(),
    Miscentring(),
    PretrainedEmbedding(),
    RadialProfiles(),
    RotationFlipAugmenter(),
    WeakLensingNoise(),
    XrayNoise(),
]
"""Most of them take no table of numbers, so that scikit-learn has no data to check them with."""

CHECKS_WITHOUT_DATA = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_param_validation",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


def test_every_public_estimator_is_checked():
    public = [getattr(darkcnn, name) for name in darkcnn.__all__]
    estimators = {each for each in public if isinstance(each, type) and issubclass(each, BaseEstimator)}
    assert estimators <= {type(estimator) for estimator in EVERY_ESTIMATOR}


@pytest.mark.parametrize("check", CHECKS_WITHOUT_DATA)
@pytest.mark.parametrize("estimator", EVERY_ESTIMATOR, ids=lambda estimator: type(estimator).__name__)
def test_scikit_learn_without_data(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)

import joblib
import numpy as np
import pytest
from scipy.stats import sem
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB

from darkcnn.model_selection import corrected_standard_error, cross_validate_by_cluster, split_by_cluster


@pytest.fixture(scope="module")
def numbers():
    """Three columns, three classes and 20 clusters that each hold every class."""
    rng = np.random.default_rng(0)
    y = np.tile(["CDM", "SIDM0.1", "SIDM1"], 20)
    X = rng.normal(size=(60, 3)) + np.eye(3)[np.tile(np.arange(3), 20)]
    return X, y, np.repeat(np.arange(20), 3)


def test_folds_share_no_cluster_and_test_every_row_once_a_repeat(numbers):
    _, y, groups = numbers
    splits = split_by_cluster(y, groups, n_splits=4, n_repeats=3, random_state=0)
    assert len(splits) == 12
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
    for repeat in range(3):
        tested = np.concatenate([test for _, test in splits[4 * repeat : 4 * repeat + 4]])
        assert sorted(tested) == list(range(60))


def test_each_repeat_deals_the_clusters_anew_and_the_seed_decides_how(numbers):
    _, y, groups = numbers
    first, again, other = (
        [test.tolist() for _, test in split_by_cluster(y, groups, n_repeats=2, random_state=seed)]
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert first[:5] != first[5:]


def test_train_size_is_a_fraction_of_the_clusters(numbers):
    _, y, groups = numbers
    splits = split_by_cluster(y, groups, train_size=0.7, n_repeats=3, random_state=0)
    assert [len(set(groups[train])) for train, _ in splits] == [14, 14, 14]
    assert [len(set(groups[test])) for _, test in splits] == [6, 6, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_splits": 21}, "n_splits must be from 2 to the number of clusters, 20, got 21"),
        ({"n_splits": 1}, "got 1"),
        ({"n_repeats": 0}, "n_repeats must be at least 1, got 0"),
        ({"train_size": 1.0}, "train_size must be a fraction between 0 and 1, got 1.0"),
    ],
)
def test_impossible_splits_are_refused(numbers, arguments, message):
    _, y, groups = numbers
    with pytest.raises(ValueError, match=message):
        split_by_cluster(y, groups, **arguments)


def test_a_split_without_a_class_is_refused():
    y, groups = ["CDM", "CDM", "SIDM1", "SIDM1"], [0, 0, 1, 1]
    with pytest.raises(ValueError, match="set has none of class"):
        split_by_cluster(y, groups, train_size=0.5, random_state=0)


def test_scores_are_those_of_scikit_learn(numbers):
    X, y, groups = numbers
    validation = cross_validate_by_cluster(
        {"linear": LogisticRegression(), "majority": DummyClassifier()}, X, y, groups, random_state=0
    )
    expected = cross_val_score(LogisticRegression(), X, y, cv=validation.splits, scoring="balanced_accuracy")
    assert validation.scores["linear"] == pytest.approx(expected)
    assert validation.scores["majority"] == pytest.approx(np.full(5, 1 / 3))
    assert validation.test_over_train == pytest.approx(1 / 4)


def test_results_do_not_depend_on_the_number_of_jobs(numbers):
    X, y, groups = numbers
    estimators = {"linear": LogisticRegression(), "majority": DummyClassifier()}
    one = cross_validate_by_cluster(estimators, X, y, groups, random_state=0)
    with joblib.parallel_config("threading"):
        two = cross_validate_by_cluster(estimators, X, y, groups, random_state=0, n_jobs=2)
    for name in estimators:
        np.testing.assert_array_equal(
            np.concatenate(one.probabilities[name]), np.concatenate(two.probabilities[name])
        )


def test_confusion_counts_every_row_once_a_repeat_in_the_order_asked_for(numbers):
    X, y, groups = numbers
    validation = cross_validate_by_cluster(
        {"linear": LogisticRegression()}, X, y, groups, n_repeats=2, random_state=0
    )
    counts = validation.confusion("linear")
    assert counts.sum(axis=1).tolist() == [40, 40, 40]
    assert np.trace(counts) / counts.sum() == pytest.approx(validation.scores["linear"].mean())
    reverse = validation.confusion("linear", labels=["SIDM1", "SIDM0.1", "CDM"])
    np.testing.assert_array_equal(reverse, counts[::-1, ::-1])


def test_an_estimator_does_not_differ_from_itself_and_a_good_one_differs_from_guessing(numbers):
    X, y, groups = numbers
    estimators = {"linear": LogisticRegression(), "twin": LogisticRegression(), "majority": DummyClassifier()}
    validation = cross_validate_by_cluster(estimators, X, y, groups, random_state=0)
    assert validation.difference("linear", "twin") == (0, 0)
    difference, error = validation.difference("linear", "majority")
    assert difference == pytest.approx(validation.scores["linear"].mean() - 1 / 3)
    assert error == pytest.approx(validation.standard_error("linear"))


def test_standard_error_is_the_usual_one_for_tiny_test_sets_and_never_vanishes():
    scores = np.random.default_rng(0).normal(0.6, 0.1, 1000)
    assert corrected_standard_error(scores, 0) == pytest.approx(sem(scores))
    assert corrected_standard_error(scores, 1 / 4) == pytest.approx(0.05, rel=0.1)
    assert np.isnan(corrected_standard_error(scores[:1], 1 / 4))


def test_corrected_standard_error_covers_the_scatter_between_data_sets():
    """The mean over folds scatters from one data set to the next by no more than the error says."""
    rng = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(30):
        y, groups = np.tile(["CDM", "SIDM1"], 20), np.repeat(np.arange(20), 2)
        X = rng.normal(size=(40, 1)) + (y == "SIDM1")[:, np.newaxis]
        validation = cross_validate_by_cluster(
            {"gaussian": GaussianNB()}, X, y, groups, n_repeats=2, random_state=0
        )
        means.append(validation.scores["gaussian"].mean())
        errors.append(validation.standard_error("gaussian"))
    uncorrected = np.array(errors) * np.sqrt(0.1 / (0.1 + 1 / 4))  # as if the 10 splits were independent
    assert np.mean(uncorrected) < np.std(means) < np.mean(errors)


def test_rows_of_a_table_are_those_of_an_array(numbers, table_of):
    X, y, groups = numbers
    scores = [
        cross_validate_by_cluster({"linear": LogisticRegression()}, form, y, groups, random_state=0).scores
        for form in (X, table_of(X))
    ]
    np.testing.assert_array_equal(*(each["linear"] for each in scores))

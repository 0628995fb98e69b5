import numpy as np
import pytest


def test_weights_of_rows_and_classes(small, marked_maps):
    X, y = marked_maps
    weight = np.where(y == "CDM", 1.0, 0.0)
    before = weight.copy()
    one_sided = small(class_weight=None).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(weight, before)
    assert (one_sided.predict(X) == "CDM").all()  # the other class weighs nothing
    by_class = small(class_weight={"CDM": 1.0, "SIDM1": 0.0}).fit(X, y)
    np.testing.assert_array_equal(by_class.predict_proba(X), one_sided.predict_proba(X))


def test_bad_labels_are_refused(small, marked_maps):
    X, y = marked_maps
    with pytest.raises(ValueError, match=r"floats such as .*0\.1.*label_of\(0\.1\) is 'SIDM0\.1'"):
        small().fit(X, np.where(y == "CDM", 0.1, 0.3))
    with pytest.raises(ValueError, match=r"at least two classes, got one class: \['CDM'\]"):
        small().fit(X[y == "CDM"], y[y == "CDM"])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[40, 39\]"):
        small().fit(X, y[1:])


def same(first, second):
    assert first.history_ == second.history_
    for a, b in zip(first.weights_, second.weights_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"CDM": 3.0, "SIDM1": 1.0}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_weight_of_zero_leaves_a_row_out(small, marked_maps, early_stopping, class_weight):
    X, y = marked_maps[0].copy(), marked_maps[1]
    weights = np.ones(40)
    weights[[0, 2, 4, 5]] = 0
    X[weights == 0] *= 100  # nor does it take part in the standardisation
    model = small(
        epochs=1, early_stopping=early_stopping, validation_fraction=0.25, class_weight=class_weight
    )
    weighted = model.fit(X, y, sample_weight=weights)
    kept = weights > 0
    same(weighted, small(**model.get_params()).fit(X[kept], y[kept]))


def test_only_the_ratio_of_weights_matters(small, marked_maps):
    X, y = marked_maps
    weights = np.where(y == "CDM", 1.0, 4.0)
    same(
        small(epochs=2).fit(X, y, sample_weight=weights * 2.0**-40),
        small(epochs=2).fit(X, y, sample_weight=weights),
    )


def test_bad_weights_are_refused(small, marked_maps):
    X, y = marked_maps
    weights = np.ones(40)
    for value, message in (
        (-1, r"sample_weight must be non-negative, got -1.0 in row 3"),
        (np.nan, "sample_weight contains NaN"),
    ):
        weights[3] = value
        with pytest.raises(ValueError, match=message):
            small().fit(X, y, sample_weight=weights)
        with pytest.raises(ValueError, match=message):
            small().partial_fit(X, y, sample_weight=weights)
    with pytest.raises(ValueError, match="must leave at least one row with a positive weight, got none"):
        small(class_weight={"CDM": 0.0, "SIDM1": 1.0}).fit(X, y, sample_weight=(y == "CDM").astype(float))
    masked = np.ma.array(np.ones(40), mask=np.arange(40) == 3)
    with pytest.raises(ValueError, match="sample_weight must have a value in every row, but row 3 is masked"):
        small().fit(X, y, sample_weight=masked)
    with pytest.raises(ValueError, match="y must have a value in every row, but row 3 is masked"):
        small().fit(X, np.ma.array(y, mask=masked.mask))

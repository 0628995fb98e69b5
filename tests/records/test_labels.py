import numpy as np
import pytest

from darkcnn.records import (
    DarkMatter,
    canonical_labels,
    cross_section_of,
    join_labels,
    label_of,
    sort_labels,
    split_labels,
)


@pytest.mark.parametrize("cross_section", [0, 0.1, 0.3, 1, 0.01, 2.5, 1e-6, 1 / 3])
def test_label_and_cross_section_are_inverse(cross_section):
    assert cross_section_of(label_of(cross_section)) == pytest.approx(cross_section, rel=1e-11)


def test_labels_are_those_of_the_published_models():
    assert [label_of(value) for value in (0, 0.1, 0.3, 1.0)] == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]


def test_labels_of_single_precision_are_the_same():
    assert label_of(np.float32(0.1)) == "SIDM0.1"
    assert label_of(np.float32(3.04), velocity_scale=np.float32(560.1)) == "vdSIDM3.04w560.1"


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, "0.1", None])
def test_label_of_refuses(value):
    with pytest.raises(ValueError, match=r"cross_section must be a number of cm2/g.*got " + repr(value)[:3]):
        label_of(value)


@pytest.mark.parametrize(
    "label", ["WDM", "SIDM", "SIDM-1", "SIDMx", "cdm", 0.1, "CDM/", "CDM/a/b", "vdSIDM3", "vdSIDM", "SIDM1 "]
)
def test_cross_section_of_refuses(label):
    with pytest.raises(ValueError, match="label must be 'CDM' or 'SIDM' and a number"):
        cross_section_of(label)


def test_velocity_lowers_the_cross_section_by_the_published_formula():
    label = label_of(3.04, velocity_scale=560)
    assert label == "vdSIDM3.04w560"
    velocity = np.array([0, 560, 1120, 5600])
    np.testing.assert_allclose(cross_section_of(label, velocity), [3.04, 3.04 / 2, 3.04 / 5, 3.04 / 101])
    assert cross_section_of(label_of(0.5, velocity_scale=1e12), 1000) == pytest.approx(0.5)
    assert cross_section_of("SIDM0.5", velocity=1000) == 0.5
    assert label_of(0, velocity_scale=560) == "CDM"
    with pytest.raises(ValueError, match=r"'vdSIDM3\.04w560' depends on velocity"):
        cross_section_of(label)


@pytest.mark.parametrize("value", [0, -1, np.inf, np.nan, "560"])
def test_velocity_scale_must_be_positive(value):
    with pytest.raises(ValueError, match="velocity_scale must be a number of km/s above zero, got"):
        label_of(1, velocity_scale=value)


def test_labels_of_dark_matter_and_feedback_come_apart_as_they_were_joined():
    dark_matter = ["CDM", "SIDM0.1", "vdSIDM3.04w560", "CDM"]
    feedback = ["strong", "fiducial", "weak", "TNG-100"]
    labels = join_labels(dark_matter, feedback)
    assert labels.tolist() == ["CDM/strong", "SIDM0.1", "vdSIDM3.04w560/weak", "CDM/TNG-100"]
    again, variants = split_labels(labels)
    assert (again.tolist(), variants.tolist()) == (dark_matter, feedback)
    assert [cross_section_of(label, velocity=0) for label in labels] == [0, 0.1, 3.04, 0]


@pytest.mark.parametrize("feedback", ["", "a/b", "a b"])
def test_feedback_must_be_a_word(feedback):
    with pytest.raises(ValueError, match="feedback must be words"):
        join_labels(["CDM"], [feedback])


SAME = [
    ("SIDM1", "SIDM1.0"),
    ("SIDM0.1", "SIDM1e-1"),
    ("CDM", "CDM/fiducial"),
    ("CDM", "SIDM0"),
    ("CDM", "vdSIDM0w560"),
    ("vdSIDM3.04w560", "vdSIDM3.040w560.0/fiducial"),
    ("SIDM0.3/strong", "SIDM0.30/strong"),
]


@pytest.mark.parametrize(("label", "other"), SAME)
def test_labels_that_say_the_same_are_equal(label, other):
    assert DarkMatter.parse(label) == DarkMatter.parse(other)
    assert hash(DarkMatter.parse(label)) == hash(DarkMatter.parse(other))
    assert str(DarkMatter.parse(other)) == label
    assert canonical_labels([label, other]).tolist() == [label, label]
    for part in split_labels([label, other]):
        assert part[0] == part[1]


def test_models_differ_where_labels_say_so():
    labels = ["CDM", "CDM/strong", "SIDM1", "SIDM1/strong", "SIDM1.001", "vdSIDM1w560", "vdSIDM1w100"]
    assert len({DarkMatter.parse(label) for label in labels}) == len(labels)
    assert canonical_labels(labels).tolist() == labels


def test_canonical_labels_leave_other_classes_alone():
    assert canonical_labels(["relaxed", "SIDM1.0"]).tolist() == ["relaxed", "SIDM1"]
    np.testing.assert_array_equal(canonical_labels(np.array([2, 1])), [2, 1])
    assert canonical_labels(np.array(["SIDM1.0"], object)).dtype.kind == "U"
    assert canonical_labels([]).shape == (0,)


def test_labels_sort_by_cross_section_at_any_velocity():
    ordered = ["CDM", "CDM/strong", "SIDM0.1", "vdSIDM3w100", "vdSIDM3w560", "vdSIDM3w560/weak", "SIDM3"]
    for seed in range(3):
        assert sort_labels(np.random.default_rng(seed).permutation(ordered * 2)) == ordered
    assert sorted(DarkMatter.parse(label) for label in ordered[::-1]) == [*map(DarkMatter.parse, ordered)]
    assert sort_labels(["relaxed", "SIDM1", "merging", "CDM"]) == ["CDM", "SIDM1", "merging", "relaxed"]
    assert sort_labels([10, 9]) == [9, 10]


def test_models_are_evaluated_at_a_velocity():
    model = DarkMatter(3.04, velocity_scale=560)
    assert model.depends_on_velocity
    assert not DarkMatter(1).depends_on_velocity
    assert (model.at(0), model.at(560), DarkMatter(1).at(560)) == (3.04, 1.52, 1)


def test_feedback_is_joined_once():
    assert join_labels(["CDM/strong", "SIDM1"], ["strong", "weak"]).tolist() == ["CDM/strong", "SIDM1/weak"]
    with pytest.raises(ValueError, match="label 'CDM/strong' where feedback is 'weak'"):
        join_labels(["CDM/strong"], ["weak"])

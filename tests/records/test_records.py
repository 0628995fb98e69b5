import numpy as np
import pytest

from darkcnn.records import check_records, cross_section_of, join_labels, label_of, record_dtype, split_labels


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
    "label", ["WDM", "SIDM", "SIDM-1", "SIDMx", "cdm", 0.1, "CDM/", "CDM/a/b", "vdSIDM3"]
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


def test_check_records_names_what_is_wrong():
    with pytest.raises(TypeError, match=r"X must be records.*got ndarray of shape \(2,\) and dtype float64"):
        check_records(np.zeros(2))
    with pytest.raises(ValueError, match=r"lacks the fields \['stellar_norm'\]"):
        check_records(np.zeros(2, [d for d in record_dtype(4).descr if d[0] != "stellar_norm"]))
    with pytest.raises(ValueError, match=r"at least one record.*got shape \(0,\)"):
        check_records(np.zeros(0, record_dtype(4)))

import numpy as np
import pytest

from darkcnn.records import check_records, cross_section_of, label_of, record_dtype


@pytest.mark.parametrize("cross_section", [0, 0.1, 0.3, 1, 0.01, 2.5, 1e-6, 1 / 3])
def test_label_and_cross_section_are_inverse(cross_section):
    assert cross_section_of(label_of(cross_section)) == pytest.approx(cross_section, rel=1e-11)


def test_labels_are_those_of_the_published_models():
    assert [label_of(value) for value in (0, 0.1, 0.3, 1.0)] == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, "0.1", None])
def test_label_of_refuses(value):
    with pytest.raises(ValueError, match=r"cross_section must be a number of cm2/g.*got " + repr(value)[:3]):
        label_of(value)


@pytest.mark.parametrize("label", ["WDM", "SIDM", "SIDM-1", "SIDMx", "cdm", 0.1])
def test_cross_section_of_refuses(label):
    with pytest.raises(ValueError, match="label must be 'CDM' or 'SIDM' and a number"):
        cross_section_of(label)


def test_check_records_names_what_is_wrong():
    with pytest.raises(TypeError, match=r"X must be records.*got ndarray of shape \(2,\) and dtype float64"):
        check_records(np.zeros(2))
    with pytest.raises(ValueError, match=r"lacks the fields \['stellar_norm'\]"):
        check_records(np.zeros(2, [d for d in record_dtype(4).descr if d[0] != "stellar_norm"]))
    with pytest.raises(ValueError, match=r"at least one record.*got shape \(0,\)"):
        check_records(np.zeros(0, record_dtype(4)))

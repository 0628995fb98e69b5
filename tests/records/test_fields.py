import numpy as np
import pytest

from darkcnn.records import check_records, record_dtype


def test_check_records_names_what_is_wrong():
    with pytest.raises(TypeError, match=r"X must be records.*got ndarray of shape \(2,\) and dtype float64"):
        check_records(np.zeros(2))
    with pytest.raises(ValueError, match=r"lacks the fields \['stellar_norm'\]"):
        check_records(np.zeros(2, [d for d in record_dtype(4).descr if d[0] != "stellar_norm"]))
    with pytest.raises(ValueError, match=r"at least one record.*got shape \(0,\)"):
        check_records(np.zeros(0, record_dtype(4)))

import numpy as np
import pytest

from darkcnn.records import record_dtype


@pytest.fixture
def blank_records():
    """Make records of empty sky, apart from what is asked for."""

    def make(n_samples, n_pixels=20, **fields):
        records = np.zeros(n_samples, record_dtype(n_pixels))
        records["cluster_id"] = np.arange(n_samples)
        fields = {"lensing_norm": 1e15, "xray_norm": 1e-13, "redshift": 0.3} | fields
        for name, values in fields.items():
            records[name] = values
        return records

    return make


@pytest.fixture
def within_five_errors():
    """Check the mean over the rows against what it should be, by the scatter of the rows."""

    def check(rows, expected):
        rows = np.asarray(rows, dtype=float)
        error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
        deviation = np.abs(rows.mean(axis=0) - expected) / error
        assert deviation.max() < 5, f"{deviation.max():.1f} standard errors off"

    return check

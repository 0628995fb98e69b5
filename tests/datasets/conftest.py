import numpy as np
import pytest

from darkcnn.datasets.bunch import make_bunch
from darkcnn.records import GALAXY_DTYPE, MAPS, SCALARS, record_dtype


@pytest.fixture
def clusters():
    """Eight clusters of 6 × 6 pixels with numbers that any loss of a bit would change."""
    rng = np.random.default_rng(0)
    records = np.empty(8, record_dtype(6))
    for name in MAPS:
        records[name] = rng.random((8, 6, 6)) ** 9
    for name in SCALARS:
        records[name] = rng.lognormal(size=8)
    records["cluster_id"] = np.arange(8) // 4 + 2**62
    records["stellar_norm"][3] = np.nan
    target = np.array(["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"] * 2)
    galaxies = np.empty(20, GALAXY_DTYPE)
    for name in GALAXY_DTYPE.names:
        galaxies[name] = rng.normal(size=20)
    galaxies["row"] = np.arange(20) // 3
    return make_bunch(records, target, galaxies=galaxies, description="Eight clusters,\nin Å and cm²/g. ")

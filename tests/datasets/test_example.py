from collections import Counter
from importlib.resources import files

import numpy as np

from darkcnn.datasets import load_example, make_clusters
from darkcnn.records import MAPS, record_dtype


def test_halos_are_in_every_model_at_one_redshift():
    example = load_example()
    assert example.data.dtype == record_dtype(50)
    assert example.pixel_scale == 40
    assert example.target_names.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
    halos = Counter(zip(example.groups.tolist(), example.data["redshift"].tolist(), strict=True))
    assert len(halos) == len(set(example.groups.tolist())) == 108
    assert set(halos.values()) == {4}
    assert set(Counter(example.data["redshift"].tolist()).values()) == {108}
    assert set(Counter(example.target.tolist()).values()) == {108}


def test_it_is_what_make_clusters_makes():
    example, made = load_example(), make_clusters(2, random_state=2024)
    snapshots = np.unique(made.data["redshift"])
    kept = made.data["redshift"] == snapshots[made.groups]
    ours = example.groups < 2
    np.testing.assert_array_equal(example.target[ours], made.target[kept])
    for name in record_dtype(50).names:
        rounding = 2**-9 if name in MAPS else 1e-6
        np.testing.assert_allclose(example.data[name][ours], made.data[name][kept], rtol=rounding)


def test_provenance_and_size():
    assert 'with "python benchmarks/make_example.py"' in load_example().DESCR
    assert "make_clusters(108, random_state=2024)" in load_example().DESCR
    assert len((files("darkcnn.datasets") / "data" / "example.h5").read_bytes()) < 5e6


def test_return_x_y():
    X, y = load_example(return_X_y=True)
    assert X.shape == y.shape == (432,)
    X["redshift"] = 1  # in memory, so the caller may change it
    assert load_example().data["redshift"].max() < 1

import numpy as np
import pytest
from astropy.table import Table
from sklearn.base import clone

from darkcnn import MapScaler, MapSelector
from darkcnn.preprocessing import ATTRIBUTES


def test_selector_takes_maps_in_the_order_asked_for(clusters):
    maps = MapSelector(maps=("stellar", "total")).fit_transform(clusters.data)
    assert maps.shape == (24, 20, 20, 2)
    np.testing.assert_array_equal(np.asarray(maps)[..., 0], clusters.data["stellar"])
    np.testing.assert_array_equal(np.asarray(maps)[..., 1], clusters.data["total"])
    np.testing.assert_array_equal(maps.groups, clusters.groups)
    assert maps.attributes is None


def test_selector_takes_attributes(clusters):
    names = ("log_mass", "lensing_norm", "bcg_ellipticity")
    attributes = MapSelector(attributes=names).fit_transform(clusters.data).attributes
    expected = [
        clusters.data["log_mass"],
        np.log10(clusters.data["lensing_norm"]),
        np.sqrt(clusters.data["bcg_e1"] ** 2 + clusters.data["bcg_e2"] ** 2),
    ]
    np.testing.assert_allclose(attributes, np.transpose(expected), rtol=1e-6)


def test_every_attribute_is_finite(clusters):
    attributes = MapSelector(attributes=ATTRIBUTES).fit_transform(clusters.data).attributes
    assert attributes.shape == (24, len(ATTRIBUTES))
    assert np.isfinite(attributes).all()


def test_selector_works_on_plain_arrays():
    X = np.random.default_rng(0).random((4, 8, 8, 3), dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(MapSelector().fit_transform(X)), X)
    picked = MapSelector(maps=("stellar", "total")).fit_transform(X)
    np.testing.assert_array_equal(np.asarray(picked), X[..., [2, 0]])


def test_selector_is_a_function_of_each_row(clusters):
    selector = MapSelector(attributes=("redshift",)).fit(clusters.data)
    whole, some = selector.transform(clusters.data), selector.transform(clusters.data[[7, 2]])
    np.testing.assert_array_equal(np.asarray(some), np.asarray(whole)[[7, 2]])
    np.testing.assert_array_equal(some.attributes, whole.attributes[[7, 2]])


def test_selector_reads_memory_mapped_records(clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    mapped = np.load(tmp_path / "records.npy", mmap_mode="r")
    lazy = MapScaler().fit_transform(MapSelector().fit_transform(mapped))
    assert len(lazy.steps) == 2
    eager = MapScaler().fit_transform(MapSelector().fit_transform(clusters.data))
    np.testing.assert_array_equal(np.asarray(lazy), np.asarray(eager))


def test_selector_changes_neither_data_nor_parameters(clusters):
    data = clusters.data.copy()
    selector = MapSelector(maps=["total"], attributes=["redshift"])
    before = clone(selector).get_params()
    selector.fit_transform(clusters.data)
    assert selector.get_params() == before
    np.testing.assert_array_equal(clusters.data, data)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"maps": ("totl",)}, r"maps must be 'all' or some of .*got \('totl',\)"),
        ({"maps": ()}, r"maps must be 'all' or some of .*got \(\)"),
        ({"maps": "total"}, r"'maps' parameter.*Got 'total'"),
        ({"attributes": ("mass",)}, r"attributes must be among .*got 'mass'"),
        ({"attributes": ("bcg_e1",)}, r"got 'bcg_e1' \(not invariant; use 'bcg_ellipticity'\)"),
        ({"attributes": ("cluster_id",)}, r"got 'cluster_id'"),
    ],
)
def test_selector_refuses_unknown_names(clusters, parameters, message):
    with pytest.raises(ValueError, match=message):
        MapSelector(**parameters).fit(clusters.data)


def test_selector_refuses_arrays_that_lack_what_is_asked():
    with pytest.raises(ValueError, match=r"needs arrays of the three channels.*got 2"):
        MapSelector(maps=("total",)).fit(np.zeros((4, 8, 8, 2)))
    with pytest.raises(ValueError, match="need records, got an array of plain maps"):
        MapSelector(attributes=("redshift",)).fit(np.zeros((4, 8, 8, 3)))


def test_selector_refuses_values_that_are_not_finite(clusters):
    selector = MapSelector(attributes=("redshift", "xray_norm")).fit(clusters.data)
    data = clusters.data.copy()
    data["xray"][13, 3, 3] = np.nan
    with pytest.raises(ValueError, match=f"'xray' of cluster_id {data['cluster_id'][13]} at redshift"):
        selector.transform(data)
    data = clusters.data.copy()
    data["xray_norm"][13] = 0
    with pytest.raises(ValueError, match=r"'xray_norm' must be finite and positive, got 0.0 in row 13"):
        selector.transform(data)


def test_selector_refuses_maps_of_another_size(clusters):
    selector = MapSelector().fit(clusters.data)
    with pytest.raises(ValueError, match=r"maps of shape \(8, 8, 3\), but \(20, 20, 3\) were seen at fit"):
        selector.transform(np.zeros((4, 8, 8, 3)))


def test_selector_tells_what_a_table_of_astropy_needs(clusters):
    table = Table(clusters.data)
    with pytest.raises(TypeError, match=r"got Table; its as_array\(\) is one"):
        MapSelector().fit(table)
    MapSelector().fit(table.as_array())

import numpy as np
import pytest
from astropy.table import Table
from sklearn import config_context
from sklearn.base import clone

from darkcnn import MapScaler, MapSelector
from darkcnn.preprocessing import ATTRIBUTES, as_maps


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
        ({"attributes": ("bcg_e1",)}, r"got 'bcg_e1' \(it turns with the map; use 'bcg_ellipticity'\)"),
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


def test_scaler_with_known_answers():
    X = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(MapScaler("linear").fit_transform(X), X / 4)
    np.testing.assert_allclose(MapScaler("linear", "mean").fit_transform(X), X / 2.5)
    np.testing.assert_allclose(MapScaler("linear", "none").fit_transform(X), X)
    np.testing.assert_allclose(
        MapScaler("log", "none", floor=2).fit_transform(X), np.log10([[[[2], [2]], [[3], [4]]]])
    )
    np.testing.assert_allclose(MapScaler("asinh", "max", floor=0.5).fit_transform(X), np.arcsinh(X / 2))


def test_scaler_treats_each_map_by_itself():
    X = np.random.default_rng(0).random((3, 6, 6, 2), dtype=np.float32)
    brighter = X * np.float32([[[[1, 4]]], [[[1 / 8, 2]]], [[[16, 1]]]])
    scaler = MapScaler()
    np.testing.assert_array_equal(scaler.fit_transform(brighter), scaler.fit_transform(X))


@pytest.mark.parametrize("norm", ["max", "mean"])
def test_scaler_keeps_signs_and_maps_of_zeros(norm):
    X = np.zeros((2, 4, 4, 1), np.float32)
    X[0, 0] = [[-2], [-1], [1], [2]]
    scaled = MapScaler("asinh", norm, floor=0.1).fit_transform(X)
    np.testing.assert_array_equal(np.sign(scaled), np.sign(X))


def test_scaler_keeps_the_type():
    for dtype in (np.float32, np.float64):
        assert MapScaler().fit_transform(np.ones((2, 3, 3, 1), dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"stretch": ("lg", "log")}, r"'stretch' parameter of MapScaler must be a str among .*Got 'lg'"),
        ({"norm": ("max", "peak")}, r"'norm' parameter.*Got 'peak'"),
        ({"floor": (1.0, -1.0)}, r"'floor' parameter.*Got -1.0"),
        ({"floor": (1.0,)}, r"floor must have a value for each of 2 channels, got \(1.0,\)"),
    ],
)
@pytest.mark.parametrize("form", [np.asarray, as_maps])
def test_scaler_refuses_unknown_values_of_a_channel(parameters, message, form):
    X = form(np.ones((2, 4, 4, 2), np.float32))
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=message):
            getattr(MapScaler(**parameters), method)(X)


def test_scaler_without_a_fit_refuses_what_a_fit_would():
    with pytest.raises(ValueError, match=r"'stretch' parameter.*Got 'lg'"):
        MapScaler("lg").transform(np.ones((2, 4, 4, 1)))


def test_maps_on_disk_keep_the_settings_that_they_were_scaled_with(clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    scaler = MapScaler("linear").fit(
        maps := MapSelector().fit_transform(np.load(tmp_path / "records.npy", "r"))
    )
    scaled = scaler.transform(maps)
    expected = np.asarray(scaled)
    scaler.set_params(stretch="log")
    np.testing.assert_array_equal(np.asarray(scaled), expected)


def test_maps_are_no_table_even_if_scikit_learn_is_to_return_tables():
    X = np.ones((2, 4, 4, 1))
    with config_context(transform_output="pandas"):
        np.testing.assert_array_equal(MapScaler().fit_transform(X), np.zeros((2, 4, 4, 1)))


def test_scaler_refuses_records(clusters):
    with pytest.raises(TypeError, match="put a MapSelector before"):
        MapScaler().fit(clusters.data)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_selector_warns_of_norms_in_other_units(clusters, factor):
    selector = MapSelector().fit(clusters.data)
    shifted = clusters.data.copy()
    shifted["lensing_norm"] *= factor
    with pytest.warns(UserWarning, match=r"'lensing_norm' of 24 of 24 clusters, such as .* seen at fit"):
        selector.transform(shifted)
    shifted["lensing_norm"][5:] = clusters.data["lensing_norm"][5:]
    selector.transform(shifted)  # a few odd clusters are no other unit, and warnings are errors here


def test_selector_does_not_miss_norms_that_a_database_lacks(clusters):
    data = clusters.data.copy()
    data["stellar_norm"] = np.nan
    selector = MapSelector().fit(data)
    assert list(selector.norm_ranges_) == ["lensing_norm", "xray_norm"]
    selector.transform(data)


def test_logarithms_are_not_taken_twice(clusters):
    logarithms = np.log10(np.maximum(MapSelector().fit_transform(clusters.data), 1e-4))
    for X in (logarithms, MapSelector().fit_transform(logarithms)):
        with pytest.raises(ValueError, match=r"values above zero, got none in channel 0, from -\S+ to 0"):
            MapScaler().fit(X)
        with pytest.raises(ValueError, match=r"got none in channel 2"):
            MapScaler(("linear", "asinh", "log")).fit(X)
    one = np.concatenate([np.ones_like(logarithms[..., :1]), logarithms[..., :1]], axis=-1)
    with pytest.raises(ValueError, match=r"got none in channel 1"):
        MapScaler().fit(one)
    MapScaler("asinh").fit(logarithms)
    MapScaler().fit(np.zeros((2, 4, 4, 1)))


def test_selector_tells_what_a_table_of_astropy_needs(clusters):
    table = Table(clusters.data)
    with pytest.raises(TypeError, match=r"got Table; its as_array\(\) is one"):
        MapSelector().fit(table)
    MapSelector().fit(table.as_array())

import numpy as np
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline

from darkcnn import MapScaler, MapSelector, RotationFlipAugmenter, XrayNoise
from darkcnn.preprocessing import as_maps


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
        ({"floor": (1.0,)}, r"floor must have one value for each of 2 channels, got \(1.0,\)"),
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


@pytest.mark.parametrize("shape", [(4, 3, 3, 1), (4, 3)])
def test_scaler_refuses_masked_values(shape):
    X = np.ma.array(np.ones(shape), mask=False)
    np.testing.assert_array_equal(MapScaler("linear").fit_transform(X), X.data)
    X.mask[2, 1] = True
    for use in (MapScaler().fit, MapScaler().transform):
        with pytest.raises(ValueError, match="X must have no masked pixels, got some in row 2"):
            use(X)


def test_pipelines_can_be_asked_for_tables(clusters):
    steps = [XrayNoise(random_state=0), MapSelector(), MapScaler(), RotationFlipAugmenter(2, random_state=0)]
    expected = np.asarray(make_pipeline(*steps).fit_transform(clusters.data))
    asked = make_pipeline(*steps).set_output(transform="pandas")
    np.testing.assert_array_equal(np.asarray(asked.fit_transform(clusters.data)), expected)


def test_scaler_refuses_records(clusters):
    with pytest.raises(TypeError, match="add a MapSelector before"):
        MapScaler().fit(clusters.data)


def test_logarithms_are_not_taken_twice(clusters):
    logarithms = np.log10(np.maximum(MapSelector().fit_transform(clusters.data), 1e-4))
    for X in (logarithms, MapSelector().fit_transform(logarithms)):
        with pytest.raises(ValueError, match=r"needs maps with positive values, got -\S+ to 0 in channel 0"):
            MapScaler().fit(X)
        with pytest.raises(ValueError, match=r"got \S+ to \S+ in channel 2"):
            MapScaler(("linear", "asinh", "log")).fit(X)
    one = np.concatenate([np.ones_like(logarithms[..., :1]), logarithms[..., :1]], axis=-1)
    with pytest.raises(ValueError, match=r"got \S+ to \S+ in channel 1"):
        MapScaler().fit(one)
    MapScaler("asinh").fit(logarithms)
    MapScaler().fit(np.zeros((2, 4, 4, 1)))

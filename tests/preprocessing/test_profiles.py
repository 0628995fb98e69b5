import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import MapSelector, RadialProfiles, profile_baseline
from darkcnn.records import MAPS


@pytest.fixture(scope="module")
def clusters():
    return make_clusters(6, redshifts=(0, 0.3), random_state=2)


@pytest.fixture
def maps():
    return np.random.default_rng(0).random((5, 20, 20, 2)) + 0.1


def feature(transformer, X, name):
    return transformer.fit_transform(X)[:, transformer.get_feature_names_out().tolist().index(name)]


def test_rings_of_a_power_law_have_its_slope():
    axis = np.arange(100) - 49.5
    distance = np.hypot(*np.meshgrid(axis, axis))
    rings = RadialProfiles(n_rings=10).fit_transform(distance[np.newaxis, :, :, np.newaxis] ** -1.5)[0, :10]
    inner = 3 * np.sinh(np.arange(11) / 10 * np.arcsinh(50 / 3))
    middle = np.log((inner[6:-1] + inner[7:]) / 2)  # the outer rings, many pixels wide
    slope = np.polyfit(middle, rings[6:], 1)[0]
    assert slope == pytest.approx(-1.5, abs=0.05)


def test_ellipticity_of_a_quadrupole():
    axis = np.arange(40) - 19.5
    x, y = np.meshgrid(axis, axis)
    amplitude = 0.3
    quadrupole = 1 + amplitude * np.cos(2 * (np.arctan2(y, x) - 0.4))
    X = quadrupole[np.newaxis, :, :, np.newaxis]
    for ring in (5, 9):
        # The mean of cos(2 angle) over a ring is half the amplitude.
        assert feature(RadialProfiles(), X, f"channel0_ellipticity{ring}") == pytest.approx(0.15, abs=0.01)
        assert feature(RadialProfiles(), X, f"channel0_ring{ring}") == pytest.approx(0, abs=0.01)


def test_dipole_of_a_gradient_about_the_centre():
    axis = np.arange(40) - 19.5
    x, y = np.meshgrid(axis, axis)
    X = (1 + 0.3 * np.cos(np.arctan2(y, x) - 0.4))[np.newaxis, :, :, np.newaxis]
    for ring in (5, 9):
        assert feature(RadialProfiles(), X, f"channel0_dipole{ring}") == pytest.approx(0.15, abs=0.01)
        assert feature(RadialProfiles(), X, f"channel0_ellipticity{ring}") == pytest.approx(0, abs=0.01)


def test_scatter_and_peak_of_pixels_that_take_two_values():
    X = np.ones((1, 40, 40, 1))
    X[0, ::2] = 3  # every second row: mean 2, scatter 1, brightest 3
    assert feature(RadialProfiles(), X, "channel0_scatter9") == pytest.approx(np.log(1 / 2), abs=0.01)
    assert feature(RadialProfiles(), X, "channel0_peak9") == pytest.approx(np.log(3 / 2), abs=0.01)
    assert feature(RadialProfiles(), np.ones_like(X), "channel0_scatter9") == pytest.approx(np.log(1e-4))


def test_turning_and_reflecting_change_nothing(maps):
    expected = RadialProfiles().fit_transform(maps)
    for image in (np.rot90(maps, axes=(1, 2)), maps[:, ::-1], maps[:, :, ::-1]):
        np.testing.assert_allclose(RadialProfiles().fit_transform(image), expected, rtol=1e-4, atol=1e-5)


def test_units_shift_the_logarithms_only(maps):
    names = RadialProfiles().fit(maps).get_feature_names_out()
    change = RadialProfiles().fit_transform(maps * 1e15) - RadialProfiles().fit_transform(maps)
    is_level = np.array([name.rstrip("0123456789").endswith(("ring", "pixel", "mean")) for name in names])
    assert 0 < is_level.sum() < len(names)
    np.testing.assert_allclose(change[:, ~is_level], 0, atol=1e-5)
    np.testing.assert_allclose(change[:, is_level], 15 * np.log(10), rtol=1e-5)


@pytest.mark.parametrize("maps", [np.zeros((2, 8, 8, 1)), -np.ones((2, 8, 8, 1)), np.ones((2, 3, 5, 1))])
def test_signed_empty_and_tiny_maps_give_finite_numbers(maps):
    features = RadialProfiles().fit(maps).transform(maps)
    assert np.isfinite(features).all()
    assert features.shape[1] == len(RadialProfiles().fit(maps).get_feature_names_out())


def test_rows_are_independent(maps):
    transformer = RadialProfiles().fit(maps)
    np.testing.assert_allclose(transformer.transform(maps[3:4]), transformer.transform(maps)[3:4], rtol=1e-6)


def test_records_and_their_maps_give_the_same_profiles(clusters):
    plain = np.stack([clusters.data[name] for name in MAPS], axis=-1)
    of_records = RadialProfiles().fit_transform(clusters.data)
    np.testing.assert_array_equal(of_records, RadialProfiles().fit_transform(plain))
    selected = MapSelector(attributes=("redshift",)).fit_transform(clusters.data)
    joined = RadialProfiles().fit_transform(selected)
    np.testing.assert_array_equal(joined[:, :-1], of_records)
    np.testing.assert_array_equal(joined[:, -1], clusters.data["redshift"])


def test_attributes_are_appended_and_named(clusters):
    transformer = RadialProfiles(attributes=("lensing_norm", "bcg_ellipticity"))
    features = transformer.fit_transform(clusters.data)
    table = dict(zip(transformer.get_feature_names_out(), features.T, strict=True))
    np.testing.assert_allclose(table["lensing_norm"], np.log10(clusters.data["lensing_norm"]), rtol=1e-6)
    ellipticity = np.hypot(clusters.data["bcg_e1"], clusters.data["bcg_e2"])
    np.testing.assert_allclose(table["bcg_ellipticity"], ellipticity, rtol=1e-6)
    assert (table["total_pixel0"] == 0).mean() > 0.9  # the peak is one and lies in the middle


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({}, np.ones((4, 8, 8)), r"shape \(4, 8, 8\)"),
        ({"attributes": ("redshift",)}, np.ones((4, 8, 8, 1)), "attributes=.* need records"),
        ({"n_rings": 0}, np.ones((4, 8, 8, 1)), "n_rings"),
        ({}, np.full((4, 8, 8, 1), np.nan), "finite"),
    ],
)
def test_wrong_input_is_named(parameters, X, message):
    with pytest.raises(ValueError, match=message):
        RadialProfiles(**parameters).fit_transform(X)


def test_other_shapes_than_at_fit_are_refused(maps):
    with pytest.raises(ValueError, match=r"\(20, 10, 2\).*\(20, 20, 2\) were seen at fit"):
        RadialProfiles().fit(maps).transform(maps[:, :, :10])


def test_unknown_attributes_are_refused(clusters):
    with pytest.raises(ValueError, match="cluster_id"):
        RadialProfiles(attributes=("cluster_id",)).fit(clusters.data)


def test_the_baseline_is_a_classifier_that_clones_and_searches(clusters):
    baseline = clone(profile_baseline(attributes=("redshift", "log_mass")))
    search = GridSearchCV(baseline, {"radialprofiles__n_rings": [4, 8]}, cv=2)
    search.fit(clusters.data, clusters.target)
    probabilities = search.predict_proba(clusters.data)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert search.score(clusters.data, clusters.target) > 0.4  # four models; on the training data


@pytest.mark.slow
def test_the_baseline_tells_strong_self_interaction_from_none():
    records, target = make_clusters(
        400, cross_sections=(0, 1), redshifts=(0,), paired=False, random_state=4, return_X_y=True
    )
    baseline = profile_baseline().fit(records[:300], target[:300])
    assert baseline.score(records[300:], target[300:]) > 0.8


def test_channels_that_were_chosen_before_are_not_given_names_of_others(clusters):
    chosen = MapSelector(("stellar", "xray", "total")).fit_transform(clusters.data)
    assert RadialProfiles().fit(chosen).get_feature_names_out()[0] == "channel0_ring0"
    assert RadialProfiles().fit(np.asarray(chosen)).get_feature_names_out()[0] == "total_ring0"

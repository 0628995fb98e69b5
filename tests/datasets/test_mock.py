from dataclasses import fields

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM, Planck18
from joblib import parallel_config
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from darkcnn.datasets import make_clusters
from darkcnn.preprocessing import RadialProfiles, profile_baseline
from darkcnn.records import MAPS, NORMS, check_records
from darkcnn.simulation import Physics, Scatter

# Finds what is not linear as well, where nothing must be found.
TREES = HistGradientBoostingClassifier(
    max_iter=150, learning_rate=0.06, max_leaf_nodes=12, max_bins=63, early_stopping=False, random_state=0
)

ATTRIBUTES = (
    "redshift",
    "log_mass",
    "xray_concentration",
    "xray_norm",
    "lensing_norm",
    "bcg_stellar_concentration",
    "bcg_ellipticity",
)


PARAMETERS = [
    pytest.param(field, id=field.name) for field in fields(Physics) if not isinstance(field.default, tuple)
]


@pytest.fixture(scope="module")
def clusters():
    return make_clusters(4, redshifts=(0, 0.375), random_state=5)


@pytest.fixture(scope="module")
def many():
    return make_clusters(320, paired=False, n_pixels=100, random_state=5).data


def test_records_hold_sound_maps(clusters):
    check_records(clusters.data)
    for name in MAPS:
        maps = clusters.data[name]
        np.testing.assert_array_equal(maps.max(axis=(1, 2)), 1)
        assert maps.min() > 0
        assert np.isfinite(maps).all()
    for name in (*NORMS, *ATTRIBUTES[:-1]):
        assert np.isfinite(clusters.data[name]).all()
    assert clusters.pixel_scale == 40
    assert "4 halos at redshifts 0, 0.375" in clusters.DESCR


@pytest.mark.parametrize("field", PARAMETERS)
def test_maps_are_sound_at_the_ends_of_every_parameter(field):
    for end in field.metadata["bounds"]:
        value = Scatter(end) if isinstance(field.default, Scatter) else end
        physics = Physics(**{field.name: value})
        clusters = make_clusters(
            1, physics=physics, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=20, random_state=0
        )
        check_records(clusters.data)
        assert all(np.isfinite(clusters.data[name]).all() for name in (*MAPS, *NORMS, *ATTRIBUTES[:-1]))


def test_every_halo_appears_in_each_model_and_snapshot(clusters):
    assert clusters.target_names.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
    rows = list(zip(clusters.groups, clusters.data["redshift"], clusters.target, strict=True))
    assert len(set(rows)) == len(rows) == 4 * 4 * 2
    for halo in range(4):
        early = (clusters.groups == halo) & (clusters.data["redshift"] == 0)
        assert len(np.unique(clusters.data["log_mass"][early])) == 1
        assert len(np.unique(clusters.data["lensing_norm"][early])) == 4


def test_independent_clusters_are_balanced():
    clusters = make_clusters(12, cross_sections=(0, 1), redshifts=(0, 0.2, 0.4), paired=False, random_state=0)
    assert clusters.groups.tolist() == list(range(12))
    assert clusters.target.tolist() == ["CDM", "SIDM1"] * 6
    np.testing.assert_allclose(clusters.data["redshift"], np.repeat([0, 0.2, 0.4] * 2, 2), rtol=1e-6)


def test_an_integer_seed_repeats_and_others_differ():
    first, again, other = (make_clusters(1, random_state=seed).data for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first["log_mass"], other["log_mass"])
    drawn, redrawn = (make_clusters(1, random_state=np.random.RandomState(7)).data for _ in range(2))
    np.testing.assert_array_equal(drawn, redrawn)


def test_a_cluster_does_not_depend_on_the_others(clusters):
    fewer = make_clusters(2, redshifts=(0, 0.375), random_state=5)
    np.testing.assert_array_equal(fewer.data, clusters.data[: len(fewer.data)])
    chosen = (clusters.target == "SIDM1") & (clusters.data["redshift"] > 0)
    alone = make_clusters(4, cross_sections=(1,), redshifts=(0.375,), random_state=5)
    np.testing.assert_array_equal(alone.data, clusters.data[chosen])


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_clusters_do_not_depend_on_the_number_of_jobs(backend):
    arguments = {"redshifts": (0,), "n_pixels": 10, "random_state": 1}
    alone = make_clusters(40, **arguments)
    with parallel_config(backend=backend):
        together = make_clusters(40, **arguments, n_jobs=2)
    np.testing.assert_array_equal(alone.data, together.data)
    np.testing.assert_array_equal(alone.galaxies, together.galaxies)
    np.testing.assert_array_equal(alone.core_radius, together.core_radius)


def test_coarse_maps_are_block_means_of_fine_ones(clusters):
    fine = make_clusters(1, redshifts=(0,), n_pixels=100, random_state=5).data
    coarse = clusters.data[:4]
    for name, norm in zip(MAPS, NORMS, strict=True):
        blocks = (fine[name].astype(float) * fine[norm][:, None, None]).reshape(4, 50, 2, 50, 2)
        np.testing.assert_allclose(
            coarse[name] * coarse[norm][:, None, None], blocks.mean(axis=(2, 4)), rtol=1e-5
        )
    for name in ATTRIBUTES[:3]:
        np.testing.assert_array_equal(coarse[name], fine[name])


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("total", [0.64, 0.43, 0.25, 0.10, 0.040]),
        ("xray", [0.79, 0.57, 0.30, 0.061, 0.012]),
        ("stellar", [0.33, 0.137, 0.060, 0.017, 0.0060]),
    ],
)
def test_mean_profiles_are_those_of_the_published_maps(many, name, published):
    """Digitised from figures of BAHAMAS-SIDM: rings at 75 to 975 kpc over that at 25 kpc."""
    axis = np.arange(-990, 1000, 20)
    distance = np.hypot(*np.meshgrid(axis, axis))
    mean = many[name].mean(axis=0)
    inner, *rings = (mean[abs(distance - radius) < 25].mean() for radius in (25, 75, 125, 225, 525, 975))
    np.testing.assert_allclose(rings / inner, published, rtol=0.15)


def test_galaxies_belong_to_their_records(clusters):
    galaxies = clusters.galaxies
    assert np.unique(galaxies["row"]).tolist() == list(range(len(clusters.data)))
    first = np.searchsorted(galaxies["row"], np.arange(len(clusters.data)))
    central_mass = galaxies["m200"][first]
    np.testing.assert_allclose(central_mass, clusters.data["log_mass"])
    assert np.abs(galaxies["x"][first] - 1000).max() <= 10
    for position in ("x", "y"):
        assert 0 <= galaxies[position].min() < galaxies[position].max() <= 2000
    assert (galaxies["mstar_30"] < galaxies["mstar_100"]).all()


def test_cores_grow_with_the_cross_section(clusters):
    by_model = clusters.core_radius.reshape(-1, 4)
    assert (by_model[:, 0] == 0).all()
    assert (np.diff(np.median(by_model, axis=0)) > 0).all()
    norms = np.log10(clusters.data["lensing_norm"]).reshape(-1, 4).mean(axis=0)
    assert norms[0] > norms[2] > norms[3]


def test_cross_sections_fall_with_velocity_as_published():
    """Harvey (2024): from about 1 cm2/g at 10^14.4 to 0.33 at 10^15.3 Msun, at z = 0."""
    heavy = make_clusters(
        1,
        cross_sections=(3.04,),
        velocity_scale=560,
        redshifts=(0,),
        physics=Physics(log_mass_range=(15.3, 15.3)),
        random_state=0,
    )
    assert heavy.target.tolist() == ["vdSIDM3.04w560"]
    assert heavy.cross_sections.tolist() == [3.04]
    np.testing.assert_allclose(heavy.effective_cross_section, 0.33, atol=0.01)
    clusters = make_clusters(20, cross_sections=(3.04,), velocity_scale=560, redshifts=(0,), random_state=0)
    order = np.argsort(clusters.data["log_mass"])
    assert (np.diff(clusters.effective_cross_section[order]) <= 0).all()
    light = clusters.data["log_mass"] < 14.4
    assert (clusters.effective_cross_section[light] > 0.97).all()


def test_a_huge_velocity_scale_gives_constant_cross_sections(clusters):
    constant = make_clusters(2, redshifts=(0, 0.375), velocity_scale=1e12, random_state=5)
    np.testing.assert_array_equal(constant.data, clusters.data[: len(constant.data)])
    assert constant.target[:2].tolist() == ["CDM", "vdSIDM0.1w1e+12"]
    np.testing.assert_allclose(constant.effective_cross_section[:4], [0, 0.1, 0.3, 1])
    assert clusters.effective_cross_section[:4].tolist() == [0, 0.1, 0.3, 1]


def test_another_seed_is_an_independent_simulation():
    """Other initial conditions under the same settings: halos differ, their distribution does not."""
    first, other = (
        make_clusters(300, cross_sections=(0,), redshifts=(0,), n_pixels=10, random_state=seed).data[
            "log_mass"
        ]
        for seed in (0, 1)
    )
    assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(300)
    assert abs(first.mean() - other.mean()) < 4 * np.hypot(first.std(), other.std()) / np.sqrt(300)


def test_returns_data_and_target_when_asked(clusters):
    data, target = make_clusters(4, redshifts=(0, 0.375), random_state=5, return_X_y=True)
    np.testing.assert_array_equal(data, clusters.data)
    np.testing.assert_array_equal(target, clusters.target)


def test_physics_can_be_changed():
    heavy = make_clusters(1, physics=Physics(log_mass_range=(15.5, 15.5)), random_state=0).data
    np.testing.assert_allclose(heavy["log_mass"], 15.5)


def test_cosmology_can_be_changed(clusters):
    planck = make_clusters(4, redshifts=(0, 0.375), cosmology=Planck18, random_state=5)
    np.testing.assert_array_equal(planck.data["log_mass"], clusters.data["log_mass"])
    assert (planck.data["lensing_norm"] != clusters.data["lensing_norm"]).all()
    assert "Planck18" in planck.DESCR
    assert "BAHAMAS" in clusters.DESCR


def test_progress_is_shown_when_asked(capsys):
    make_clusters(1, n_pixels=10, random_state=0)
    assert capsys.readouterr() == ("", "")
    make_clusters(1, n_pixels=10, random_state=0, verbose=1)
    assert "16/16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_halos": 0}, "n_halos must be .* got 0"),
        ({"n_halos": 2.5}, "n_halos must be .* got 2.5"),
        ({"n_pixels": 64}, "n_pixels must be .* got 64"),
        ({"cross_sections": (0, -1)}, r"cross_sections must be .* got \(0, -1\)"),
        ({"cross_sections": ()}, r"cross_sections must be .* got \(\)"),
        ({"cross_sections": (0.1, 0.1)}, "cross_sections must not repeat"),
        ({"cross_sections": (0.1, 0.1 + 1e-15)}, "cross_sections must differ in 12 digits"),
        ({"feedback": "none"}, "feedback must be .* got 'none'"),
        ({"feedback": ("weak", "weak")}, "feedback must be .* got"),
        ({"cosmology": "Planck18"}, "cosmology must be .* got 'Planck18'"),
        ({"cosmology": FlatLambdaCDM(70, 0.3)}, "cosmology must be .* Ob0 > 0, got FlatLambdaCDM"),
        ({"velocity_scale": 0}, "velocity_scale must be .* got 0"),
        ({"redshifts": (-0.1,)}, "redshifts must be .* got"),
        ({"redshifts": (np.nan,)}, "redshifts must be .* got"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_clusters(**{"n_halos": 1, **arguments})


def test_physics_must_be_physics():
    with pytest.raises(TypeError, match=r"physics must be .*Physics, got dict"):
        make_clusters(1, physics={"concentration": 4})


@pytest.mark.slow
def test_equal_models_cannot_be_told_apart():
    """Cross-sections of almost nothing leave no trace, so neither do seeds, order or noise."""
    records, target = make_clusters(
        900, cross_sections=(0, 1e-6, 2e-6), paired=False, random_state=3, return_X_y=True
    )
    trees = make_pipeline(RadialProfiles(attributes=ATTRIBUTES), TREES)
    accuracy = cross_val_score(trees, records, target, cv=5).mean()
    assert abs(accuracy - 1 / 3) < 4 * np.sqrt(2 / 9 / 900)


@pytest.fixture(scope="module")
def three_models():
    return make_clusters(
        1500, cross_sections=(0, 0.1, 1), paired=False, random_state=3, n_pixels=100, return_X_y=True
    )


@pytest.mark.slow
def test_difficulty_is_that_of_the_published_maps(three_models):
    """A small network reads three models from the maps of the simulations with an accuracy of 0.77."""
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracy = cross_val_score(profile_baseline(), *three_models, cv=cv).mean()
    assert 0.70 < accuracy < 0.80


@pytest.mark.slow
def test_outskirts_do_not_tell_the_model(three_models):
    """Self-interaction acts in the core: beyond 800 kpc, maps in physical units hold no information."""
    records, target = three_models
    axis = (np.arange(100) + 0.5) * 20 - 1000
    outside = np.hypot(*np.meshgrid(axis, axis)) > 800
    quantiles = [
        np.log(
            np.quantile(
                records[name][:, outside] * records[norm][:, None], [0.05, 0.25, 0.5, 0.75, 0.95], axis=1
            )
        )
        for name, norm in (("total", "lensing_norm"), ("xray", "xray_norm"))
    ]
    features = np.column_stack([*np.concatenate(quantiles), records["redshift"], records["log_mass"]])
    assert cross_val_score(TREES, features, target, cv=5).mean() < 0.38


@pytest.mark.slow
def test_shared_initial_conditions_do_not_leak():
    """Seeing a halo in other models and snapshots does not help to tell its model."""
    clusters = make_clusters(75, cross_sections=(0, 0.1, 1), random_state=3)
    features = RadialProfiles(attributes=ATTRIBUTES).fit_transform(clusters.data)
    random = cross_val_score(
        TREES, features, clusters.target, cv=StratifiedKFold(5, shuffle=True, random_state=0)
    )
    by_halo = cross_val_score(TREES, features, clusters.target, cv=GroupKFold(5), groups=clusters.groups)
    assert random.mean() - by_halo.mean() < 4 * np.sqrt(2 * 0.2 / len(features))

"""Noise that is drawn when asked for: fresh in training, fixed in evaluation."""

import pickle
from itertools import pairwise

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score

from darkcnn import (
    MapScaler,
    MapSelector,
    RotationFlipAugmenter,
    WeakLensingNoise,
    XrayNoise,
    default_pipeline,
    load_model,
    save_model,
)
from darkcnn.preprocessing import as_views, profile_baseline
from darkcnn.records import ObservedRecords, RecordsOnDisk
from darkcnn.training.batches import Batches

TURNS = ("total", "shear1", "shear2", "shear_t", "shear_x")


def observe(records, **parameters):
    """Records seen through both noises."""
    lensed = WeakLensingNoise(**{"n_gal": 30, "random_state": 0} | parameters).fit_transform(records)
    return XrayNoise(random_state=0).fit_transform(lensed)


def tiny(architecture="simple", **parameters):
    """A pipeline that trains through noise in a second."""
    defaults = {
        "noise": [WeakLensingNoise(), XrayNoise()],
        "n_views": 2,
        "epochs": 2,
        "network_options": {"width": 0.25},
        "random_state": 0,
    }
    return default_pipeline(architecture, **{**defaults, **parameters})


def drawn_in_training(X, epoch, batch_size=5):
    """All maps of an epoch, in the order of the rows and views."""
    views = as_views(X)
    batches = Batches(views, batch_size, targets=np.zeros((len(views), 2)), seed=7)
    batches.start_epoch(epoch)
    drawn = np.concatenate([batches[i][0] for i in range(len(batches))])
    return drawn[np.argsort(batches.order)]


@pytest.fixture(params=["polar", "views"])
def chain(request):
    """Steps from records to what the classifier gets, with and without an augmenter."""
    pipeline = tiny("polar" if request.param == "polar" else "simple", network_options=None)
    return pipeline[:-1]


def test_observed_records_look_like_an_array(clusters):
    observed = observe(clusters.data)
    whole = np.asarray(observed)
    assert (observed.shape, observed.dtype, len(observed)) == (whole.shape, whole.dtype, len(whole))
    for name in whole.dtype.names:
        np.testing.assert_array_equal(observed[name], whole[name])
    np.testing.assert_array_equal(np.asarray(observed[[5, 2]]), whole[[5, 2]])
    np.testing.assert_array_equal(np.asarray(observed[::-2, ...]), whole[::-2])
    assert observed[3] == whole[3]
    assert isinstance(observed[:4], ObservedRecords)
    with pytest.raises(IndexError, match="indexed by rows"):
        observed[2, 3]


@pytest.mark.parametrize("architecture", ["simple", "polar"])
def test_what_was_observed_gets_no_more_noise(clusters, architecture):
    pipeline = tiny(architecture).fit(clusters.data, clusters.target)
    seen = ObservedRecords(np.asarray(pipeline[:2].transform(clusters.data)))
    assert seen.are_real
    assert pipeline[:2].transform(seen) is seen
    np.testing.assert_array_equal(pipeline.predict_proba(seen), pipeline.predict_proba(clusters.data))


def test_pipelines_with_noise_are_fitted_to_what_was_observed(clusters):
    seen = ObservedRecords(np.asarray(observe(clusters.data)))
    fitted, bare = tiny().fit(seen, clusters.target), tiny(noise=[])
    bare.set_params(scale=clone(fitted["scale"])).fit(seen, clusters.target)
    np.testing.assert_array_equal(fitted.predict_proba(seen), bare.predict_proba(seen))


def test_realisations_differ_and_repeat(clusters):
    observed = observe(clusters.data)
    rows = np.array([3, 3, 1])
    first, again = observed.draw(rows, [0, 9, 9]), observed.draw(rows[::-1], [9, 9, 0])[::-1]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[0], np.asarray(observed)[3])
    for name in ("total", "xray"):
        assert (first[name][0] != first[name][1]).any()


def test_each_epoch_has_noise_of_its_own(clusters, chain):
    X = chain.fit_transform(clusters.data)
    first, again, second = (drawn_in_training(X, epoch, size) for epoch, size in ((0, 5), (0, 7), (1, 5)))
    np.testing.assert_array_equal(first, again)  # whatever the batches
    fixed = np.asarray(as_views(X)).reshape(first.shape)
    for one, other in pairwise((first, second, fixed)):
        noise = (one - other)[..., 0]
        # Corner pixels show hardly a cluster: the difference of two draws has a variance of two.
        assert noise[:, :2, :2].var() == pytest.approx(2, abs=0.8)


def test_views_of_a_training_are_observed_independently(blank_records):
    records = blank_records(30)
    X = RotationFlipAugmenter(4, random_state=0).fit_transform(
        MapSelector(("total",)).fit_transform(observe(records))
    )
    views = drawn_in_training(X, 0).reshape(30 * 4, -1)
    correlation = np.corrcoef(views) - np.eye(120)
    assert np.abs(correlation).max() < 6 / np.sqrt(400)  # of 7140 pairs


def test_turned_clusters_have_noise_as_it_was(blank_records, within_five_errors):
    """Not smoothed by interpolation: the variance of each pixel is one, and neighbours are independent."""
    X = RotationFlipAugmenter(3, random_state=0).fit_transform(
        MapSelector(("total",)).fit_transform(observe(blank_records(300)))
    )
    for drawn in (drawn_in_training(X, 0), np.asarray(X)[:, 1]):
        realisation = drawn[..., 0]
        within_five_errors((realisation**2).mean(axis=(1, 2)), 1)
        within_five_errors((realisation[:, 1:] * realisation[:, :-1]).mean(axis=(1, 2)), 0)
        within_five_errors((realisation[:, :, 1:] * realisation[:, :, :-1]).mean(axis=(1, 2)), 0)


def test_views_of_an_evaluation_share_one_realisation(clusters):
    maps = MapSelector().fit_transform(observe(clusters.data))
    views = RotationFlipAugmenter(8, random_state=0).fit_transform(maps)
    realisation = np.asarray(maps)
    for view, angle, flip in zip(np.asarray(views).swapaxes(0, 1), views.angles, views.flips, strict=True):
        turned = np.rot90(
            realisation[:, :, ::-1] if flip else realisation, round(angle / (np.pi / 2)), axes=(1, 2)
        )
        np.testing.assert_array_equal(view, turned)


@pytest.mark.parametrize("output", ["shear", "tangential"])
def test_shear_turns_with_the_cluster(clusters, output):
    """What is seen and then turned is what is seen of a turned cluster, but for the noise."""
    records = clusters.data[:3]
    seen = WeakLensingNoise(1e20, output=output).fit_transform(records)
    rows, realisations = np.arange(3), np.zeros(3, int)
    for quarters in range(4):
        for flip in (False, True):

            def turned(_, image, quarters=quarters, flip=flip):
                return np.rot90(image[:, ::-1] if flip else image, quarters)

            after = seen.draw_rotated(rows, realisations, np.full(3, quarters), np.full(3, flip))
            before = seen.draw(rows, realisations, turned)
            for name in set(TURNS) & set(seen.dtype.names):
                np.testing.assert_allclose(
                    after[name], before[name], rtol=1e-4, atol=1e-5 * before["total"].max()
                )


def test_training_does_not_interpolate_real_observations(clusters):
    seen = np.asarray(XrayNoise(random_state=0).fit_transform(clusters.data))
    maps = MapSelector(("xray",)).fit_transform(ObservedRecords(seen))
    views = drawn_in_training(RotationFlipAugmenter(3, random_state=0).fit_transform(maps), 0)
    np.testing.assert_array_equal(
        np.sort(views.reshape(len(seen), 3, -1)), np.sort(seen["xray"].reshape(-1, 1, 400)).repeat(3, 1)
    )


def test_evaluation_does_not_depend_on_the_other_rows(clusters, chain):
    X = clusters.data
    whole = np.asarray(chain.fit_transform(X))
    rows = np.random.default_rng(0).permutation(len(X))[:7]
    np.testing.assert_array_equal(np.asarray(chain.transform(X[rows])), whole[rows])
    np.testing.assert_array_equal(np.asarray(chain.transform(X)[rows]), whole[rows])


def test_records_that_stay_on_disk_give_the_same(clusters, chain, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    mapped = np.load(tmp_path / "records.npy", mmap_mode="r")
    on_disk = RecordsOnDisk(tmp_path / "records.npy", mapped.dtype, mapped.offset, len(mapped))
    expected = np.asarray(chain.fit_transform(clusters.data))
    for records in (mapped, on_disk):
        assert chain[:2].fit_transform(records).records is records
        np.testing.assert_array_equal(np.asarray(chain.fit_transform(records)), expected)


@pytest.mark.parametrize("architecture", ["simple", "polar"])
def test_same_seed_same_bits(clusters, architecture):
    X, y = clusters.data, clusters.target
    pipeline = tiny(architecture).fit(X, y)
    probabilities = pipeline.predict_proba(X)
    for other in (clone(pipeline).fit(X, y), pickle.loads(pickle.dumps(pipeline))):
        np.testing.assert_array_equal(other.predict_proba(X), probabilities)
    np.testing.assert_array_equal(pipeline.predict_proba(X[[9, 4]]), probabilities[[9, 4]])
    assert (tiny(architecture, random_state=1).fit(X, y).predict_proba(X) != probabilities).any()


def test_a_training_sees_other_noise_than_a_fixed_draw(clusters):
    """Else training through noise would be no more than training on noisy maps."""
    X, y = clusters.data, clusters.target
    pipeline = tiny("polar").fit(X, y)
    fixed = np.asarray(pipeline[:2].transform(X))
    on_fixed = clone(pipeline[2:]).fit(fixed, y)
    assert any((a != b).any() for a, b in zip(pipeline[-1].weights_, on_fixed[-1].weights_, strict=True))


@pytest.mark.slow
def test_predictions_average_over_draws(clusters):
    X, y = clusters.data, clusters.target
    pipeline = tiny("polar").fit(X, y)
    maps, classifier = pipeline[:-1].transform(X), pipeline[-1]
    realisations = [
        maps.finish(maps.source.draw(np.arange(len(X)), np.full(len(X), realisation)))
        for realisation in range(3)
    ]
    mean = np.mean([classifier.predict_proba(realisation) for realisation in realisations], axis=0)
    averaged = pipeline.set_params(cnn__n_draws=3).predict_proba(X)
    np.testing.assert_allclose(averaged, mean, atol=1e-6)
    # Of noise-free maps, there is but one draw.
    clean = default_pipeline("polar", epochs=1, random_state=0).fit(X, y)
    once = clean.predict_proba(X)
    np.testing.assert_array_equal(clean.set_params(cnn__n_draws=3).predict_proba(X), once)


@pytest.mark.slow
def test_cross_validation_is_the_same_for_any_n_jobs(clusters):
    scores = [
        cross_val_score(
            tiny(), clusters.data, clusters.target, groups=clusters.groups, cv=StratifiedGroupKFold(2),
            scoring="neg_log_loss", n_jobs=n_jobs, error_score="raise",
        )
        for n_jobs in (1, 2)
    ]  # fmt: skip
    np.testing.assert_array_equal(*scores)


@pytest.mark.slow
def test_grid_search_over_the_noise_and_over_observed_records(clusters):
    grid = {"observe_total__n_gal": [30, 200], "select__maps": ["all"]}
    search = GridSearchCV(tiny(epochs=1), grid, cv=StratifiedGroupKFold(2), error_score="raise")
    search.fit(clusters.data, clusters.target, groups=clusters.groups)
    assert search.best_params_["observe_total__n_gal"] in (30, 200)
    # Records that are observed before the split are split as well, and still drawn anew.
    search = GridSearchCV(
        tiny(epochs=1, noise=()), {"scale__norm": ["none"], "scale__stretch": ["asinh"]}, cv=2
    )
    search.fit(observe(clusters.data), clusters.target)
    assert np.isfinite(search.best_score_)


@pytest.mark.parametrize("architecture", ["simple", "polar"])
def test_saved_models_observe_as_before(clusters, tmp_path, architecture):
    mask = np.zeros((20, 20), bool)
    mask[3:5] = True
    noise = [WeakLensingNoise(mask=mask), XrayNoise()]
    pipeline = tiny(architecture, noise=noise).fit(clusters.data, clusters.target)
    save_model(pipeline, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), pipeline.predict_proba(clusters.data))


@pytest.mark.parametrize("architecture", ["simple", "polar"])
def test_an_interrupted_training_ends_with_the_same_bits(clusters, tmp_path, architecture):
    def interrupt(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    X, y = clusters.data, clusters.target
    whole = tiny(architecture, epochs=3).fit(X, y)
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        tiny(architecture, epochs=3, checkpoint=tmp_path, callbacks=[stop]).fit(X, y)
    resumed = tiny(architecture, epochs=3, checkpoint=tmp_path).fit(X, y)
    for a, b in zip(resumed[-1].weights_, whole[-1].weights_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_boosted_profiles_see_the_same_noise(clusters):
    observed = observe(clusters.data)
    trees = profile_baseline().fit(observed, clusters.target)
    np.testing.assert_array_equal(trees.predict_proba(observed), trees.predict_proba(np.asarray(observed)))


def test_observed_maps_keep_their_unit():
    lensing, xray = WeakLensingNoise(), XrayNoise()
    scaler = default_pipeline("polar", noise=[lensing, xray])["scale"]
    assert (scaler.stretch, scaler.norm) == (("linear", "asinh", "log"), ("none", "none", "max"))
    scaler = default_pipeline("polar", maps=("stellar", "total"), noise=[lensing])["scale"]
    assert scaler.stretch == ("log", "linear")
    assert default_pipeline("polar", maps=("stellar",), noise=[lensing])["scale"].stretch == "log"


def test_noise_takes_the_seed_of_the_pipeline_unless_it_has_one():
    own = WeakLensingNoise(random_state=3)
    pipeline = default_pipeline("polar", noise=[own, XrayNoise()], random_state=5)
    assert list(pipeline.named_steps) == ["observe_total", "observe_xray", "select", "scale", "cnn"]
    assert (pipeline["observe_total"].random_state, pipeline["observe_xray"].random_state) == (3, 5)
    assert own.random_state == 3


def test_scaler_takes_settings_for_each_channel():
    X = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype(np.float32)
    scaled = MapScaler(("linear", "asinh"), ("none", "max"), floor=(1.0, 0.1)).fit_transform(X)
    np.testing.assert_array_equal(scaled[..., 0], X[..., 0])
    np.testing.assert_array_equal(scaled[..., 1], MapScaler("asinh", floor=0.1).fit_transform(X)[..., 1])
    with pytest.raises(
        ValueError, match=r"stretch must have one value for each of 2 channels, got \('log',\)"
    ):
        MapScaler(("log",)).fit_transform(X)


def test_shear_is_no_map_of_records_without_it(clusters):
    with pytest.raises(ValueError, match=r"some of \['total', 'xray', 'stellar'\], got \('shear1',\)"):
        MapSelector(("shear1",)).fit(clusters.data)
    maps = MapSelector(("shear1", "shear2")).fit_transform(observe(clusters.data, output="shear"))
    assert maps.shape == (24, 20, 20, 2)

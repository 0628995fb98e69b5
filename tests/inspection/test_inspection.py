import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from darkcnn import MapScaler, RotationFlipAugmenter, load_pretrained
from darkcnn.inspection import (
    annulus_importance,
    attribute_importance,
    channel_importance,
    occlusion,
    saliency,
)
from darkcnn.inspection.permutation import Permutation, annuli
from darkcnn.plotting import ImportanceDisplay, ImportanceMapsDisplay
from darkcnn.pretrained import read_pretrained
from darkcnn.records import MAPS


def flatten(X):
    return X.reshape(len(X), -1)


@pytest.fixture(scope="module")
def planted():
    """Noise whose second class is brighter in annulus 2 of 4 of channel 1, and a classifier."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(800, 16, 16, 2)), np.tile(["CDM", "SIDM1"], 400)
    masks, _ = annuli(X.shape[1:], 4)
    X[y == "SIDM1"] += 0.4 * masks[2][..., np.newaxis] * [0, 1]
    classifier = make_pipeline(FunctionTransformer(flatten), LogisticRegression(C=0.01))
    return classifier.fit(X[:400], y[:400]), X[400:], y[400:]


@pytest.fixture(scope="module")
def planted_records():
    """Records whose second class has more X-rays in annulus 2 of 5, and a classifier that reads annuli."""
    from darkcnn.datasets import make_clusters

    clusters = make_clusters(80, cross_sections=(0,), redshifts=(0, 0.25), n_pixels=20, random_state=0)
    X, groups = clusters.data, clusters.groups
    y = np.where(groups % 2 == np.unique(groups)[0] % 2, "CDM", "SIDM1")
    masks, _ = annuli((20, 20), 5)
    for row in np.flatnonzero(y == "SIDM1"):
        X["xray"][row, masks[2]] *= 16  # beyond all scatter, so that no neighbour is needed to see it
    train = np.isin(groups, np.unique(groups)[:40])

    def profiles(X):
        return np.log(
            np.stack([X[name][:, mask].mean(axis=1) for name in MAPS for mask in masks], axis=1) + 1e-6
        )

    reads = make_pipeline(FunctionTransformer(profiles), StandardScaler(), LogisticRegression())
    return reads.fit(X[train], y[train]), X[~train], y[~train]


def is_only(found, *place):
    """Whether one part alone is important: at 3.5 errors, one of a dozen is by chance in 1 of 180."""
    pulls = found.importances_mean / np.maximum(found.importances_error, 1e-3)
    others = np.ones(pulls.shape, bool)
    others[place] = False
    return pulls[place] > 5 and (np.abs(pulls[others]) < 3.5).all()


def test_importance_finds_the_marked_ring_and_channel(planted):
    assert is_only(channel_importance(*planted, random_state=0), 1)
    found = annulus_importance(*planted, n_annuli=4, random_state=0)
    assert found.importances.shape == (2, 4, 5)
    assert found.edges.tolist() == [0, 250, 500, 750, 1000]
    assert is_only(found, 1, 2)


@pytest.mark.slow
def test_importance_finds_the_marked_ring_of_records(planted_records):
    found = annulus_importance(*planted_records, n_annuli=5, random_state=0)
    assert found.names == ["total", "xray", "stellar"]
    assert is_only(found, 1, 2)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
def test_any_scorer_scores(planted, scoring):
    found = annulus_importance(*planted, n_annuli=4, n_repeats=2, scoring=scoring, random_state=0)
    assert is_only(found, 1, 2)
    assert found.scoring == scoring


def test_one_seed_decides(planted):
    found = [channel_importance(*planted, random_state=seed).importances for seed in (0, 0, 1)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.slow
def test_error_is_the_scatter_between_samples_of_clusters():
    """It agrees with the scatter of the importance over many independent samples."""
    classifier = make_pipeline(FunctionTransformer(flatten), LogisticRegression())
    rng = np.random.default_rng(0)

    def draw(n_samples):
        y = np.tile(["CDM", "SIDM1"], n_samples // 2)
        return (rng.normal(size=n_samples) + 1.5 * (y == "SIDM1")).reshape(-1, 1, 1, 1), y

    classifier.fit(*draw(2000))
    found = [channel_importance(classifier, *draw(200), n_repeats=3, random_state=0) for _ in range(60)]
    scatter = np.std([each.importances_mean for each in found])
    error = np.sqrt(np.mean([each.importances_error**2 for each in found]))
    assert error == pytest.approx(
        scatter, rel=0.35
    )  # 60 samples tell a scatter to 9 %, 20 blocks an error to 16 %


def test_attributes_that_are_not_read_do_not_matter(clusters):
    X = clusters.data.copy()
    X["redshift"] = 0.1 + 0.1 * (clusters.target == "SIDM1")
    reads = make_pipeline(
        FunctionTransformer(lambda X: X["redshift"][:, np.newaxis]), LogisticRegression(C=1e6)
    )
    found = attribute_importance(reads.fit(X, clusters.target), X, clusters.target, random_state=0)
    important = dict(zip(found.names, found.importances_mean, strict=True))
    assert important.pop("redshift") == pytest.approx(0.5, abs=0.2)
    assert set(important.values()) == {0}


def test_donors_are_other_halos_of_like_mass_and_of_any_model():
    from darkcnn.datasets import make_clusters

    clusters = make_clusters(60, cross_sections=(0, 1), redshifts=(0,), n_pixels=10, random_state=0)
    permutation = Permutation(clusters.data)
    rng = np.random.RandomState(0)
    donors = np.array([permutation.donors(rng) for _ in range(50)])
    assert (clusters.groups[donors] != clusters.groups).all()
    mass = clusters.data["log_mass"]
    ranks = np.unique(mass, return_inverse=True)[1]
    assert np.abs(ranks[donors] - ranks).max() <= 10
    same_model = (clusters.target[donors] == clusters.target).mean()
    assert same_model == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(donors.size))


def test_donors_of_unknown_mass_are_of_any_mass(clusters):
    X = clusters.data.copy()
    X["log_mass"][0] = np.nan
    donors = Permutation(X).donors(np.random.RandomState(0))
    anyone = Permutation(clusters.data).donors(np.random.RandomState(0), similar_mass=False)
    np.testing.assert_array_equal(donors, anyone)


def test_labels_that_say_the_same_are_one_class(planted):
    classifier, X, y = planted
    other = np.where(y == "CDM", "SIDM0", "SIDM1.0")
    options = {"scoring": "neg_log_loss", "n_repeats": 1, "random_state": 0}
    one, two = (channel_importance(classifier, X, labels, **options) for labels in (y, other))
    np.testing.assert_array_equal(one.importances, two.importances)
    options = {"background": X, "size": 8, "n_repeats": 1, "random_state": 0}
    one, two = (occlusion(classifier, X[:4], labels[:4], **options) for labels in (y, other))
    np.testing.assert_array_equal(one.importances_mean, two.importances_mean)
    with pytest.raises(
        ValueError, match=r"y must contain classes of estimator, \['CDM', 'SIDM1'\], got \['SIDM2'"
    ):
        occlusion(classifier, X[:4], ["SIDM2"] * 4, background=X, size=8)


@pytest.mark.parametrize("groups", [np.full(400, np.nan), np.arange(3)])
def test_importance_needs_a_cluster_for_every_row(planted, groups):
    classifier, X, y = planted
    with pytest.raises(ValueError, match=r"must name the cluster of every row|inconsistent numbers"):
        channel_importance(classifier, X, y, groups=groups)


def test_exchange_needs_another_cluster(clusters):
    X = clusters.data[clusters.groups == clusters.groups[0]]
    with pytest.raises(ValueError, match="must contain clusters other than"):
        Permutation(X).donors(np.random.RandomState(0))


def test_too_narrow_annuli():
    with pytest.raises(ValueError, match="n_annuli=10 is too many for maps of 8 x 8 pixels: annulus"):
        annuli((8, 8), 10)


def test_the_data_are_left_alone(planted):
    classifier, X, y = planted
    before = X.copy()
    channel_importance(classifier, X, y, n_repeats=1, random_state=0)
    np.testing.assert_array_equal(X, before)


def test_occlusion_finds_the_marked_corner():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 8, 8, 2)), np.tile(["CDM", "SIDM1"], 100)
    X[y == "SIDM1", :4, 4:, 0] += 1
    classifier = make_pipeline(FunctionTransformer(flatten), LogisticRegression(C=0.01)).fit(X, y)
    found = occlusion(classifier, X[:20], y[:20], background=X, size=4, random_state=0)
    assert found.importances_mean.shape == found.importances_error.shape == (20, 2, 2, 2)
    lost = found.importances_mean.mean(axis=0)
    assert np.unravel_index(lost.argmax(), lost.shape) == (0, 0, 1)
    lost[0, 0, 1] = 0
    assert np.abs(lost).max() < 0.05


@pytest.fixture(scope="module")
def network(marked_maps):
    from darkcnn import DarkCNNClassifier

    X, y = marked_maps
    augmenter = RotationFlipAugmenter(3, random_state=0)
    classifier = DarkCNNClassifier("simple", epochs=4, random_state=0)
    return make_pipeline(MapScaler("linear", "none"), augmenter, classifier).fit(X, y)


def smooth(input_shape, n_classes, *, activation=None):
    """Build a network without kinks, which finite differences would stumble over."""
    import keras

    maps = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, activation="tanh")(maps)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(maps, keras.layers.Dense(n_classes, activation=activation)(x))


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_saliency_is_the_gradient(marked_maps, activation):
    """Against the change of the log-probability along random directions, small and centred."""
    from darkcnn import DarkCNNClassifier

    X, y = marked_maps
    classifier = DarkCNNClassifier(
        smooth, network_options={"activation": activation}, epochs=2, learning_rate=0.03, random_state=0
    ).fit(X, y)
    found = saliency(classifier, X[:4], np.repeat("SIDM1", 4), noise=0, n_repeats=1)
    step = 0.01 * np.random.default_rng(0).normal(size=(4, 12, 12, 2)).astype(np.float32)
    up, down = (np.log(classifier.predict_proba(X[:4] + sign * step)[:, 1]) for sign in (1, -1))
    along = (found.importances_mean * np.moveaxis(2 * step, -1, 1)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(along, up - down, rtol=0.05, atol=1e-5)


def test_saliency_is_highest_in_the_marked_middle(network, marked_maps):
    X, y = marked_maps
    found = saliency(network, X[:10], y[:10], n_repeats=2, random_state=0)
    size = np.abs(found.importances_mean).mean(axis=(0, 1))
    assert size[4:8, 4:8].mean() > 2 * np.concatenate([size[:3].ravel(), size[9:].ravel()]).mean()
    again = saliency(network, X[:10], y[:10], n_repeats=2, random_state=0)
    np.testing.assert_array_equal(found.importances_mean, again.importances_mean)


def test_saliency_needs_a_network(planted):
    classifier, X, _ = planted
    with pytest.raises(TypeError, match="must end in a DarkCNNClassifier, got LogisticRegression"):
        saliency(classifier, X)


def test_displays_take_the_results(planted, network, marked_maps):
    classifier, X, y = planted
    rings = ImportanceDisplay(annulus_importance(classifier, X, y, n_annuli=4, n_repeats=1, random_state=0))
    assert len(rings.plot().ax_.containers) == 2
    channels = ImportanceDisplay(channel_importance(classifier, X, y, n_repeats=1, random_state=0))
    assert channels.plot().ax_.get_xlabel() == "Decrease in balanced accuracy"
    maps = ImportanceMapsDisplay(saliency(network, marked_maps[0][:2], n_repeats=1, random_state=0))
    assert maps.plot().ax_.shape == (1, 2)


def test_a_packaged_network_is_inspected_like_any_classifier(example):
    model, X, y = load_pretrained(cross_sections=(0, 1)), example.data, example.target
    is_known = np.isin(y, model.classes_)
    X, y = X[is_known][:24], y[is_known][:24]
    found = channel_importance(model, X, y, scoring="neg_log_loss", n_repeats=1, random_state=0)
    assert found.names == list(MAPS)
    assert np.abs(found.importances_mean).min() > 0
    blind = load_pretrained(cross_sections=(0, 1), maps=("total", "xray"))
    found = channel_importance(blind, X, y, scoring="neg_log_loss", n_repeats=1, random_state=0)
    assert found.importances_mean[found.names.index("stellar")] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("cross_sections", [(0, 1), (0, 0.1, 0.3, 1)])
def test_saliency_of_a_packaged_network_is_the_gradient(example, cross_sections):
    """Against the change of the log-probability, when pixels fainter than the peak become fainter."""
    model, X = load_pretrained(cross_sections=cross_sections), example.data[:6].copy()
    X["stellar"][0] = np.nan
    found = saliency(model, X, np.repeat("SIDM1", 6), noise=0, n_repeats=1)
    assert found.names == list(MAPS)
    assert not found.importances_mean[0, 2].any()
    scatter = read_pretrained().arrays["scaling/scatter"]
    rng, brighter, fainter, along = np.random.default_rng(0), X.copy(), X.copy(), 0.0
    for channel, name in enumerate(MAPS):
        step = 0.002 * rng.random(X[name].shape) * ((X[name] < 0.9) & (X[name] > 2e-4))
        brighter[name] *= 10 ** (step * scatter[channel])
        fainter[name] *= 10 ** (-step * scatter[channel])
        along += 2 * (step * found.importances_mean[:, channel]).sum(axis=(1, 2))
    up, down = (np.log(model.predict_proba(each)[:, -1]) for each in (brighter, fainter))
    assert np.abs(along).max() > 0.02
    np.testing.assert_allclose(along, up - down, rtol=0.1, atol=1e-4)


def test_saliency_of_a_packaged_network_needs_its_last_layer(example):
    embed = load_pretrained()[0]
    model = make_pipeline(embed, DummyClassifier()).fit(example.data[:8], example.target[:8])
    with pytest.raises(TypeError, match="DummyClassifier; or be a pipeline of a Pretrained"):
        saliency(model, example.data[:8])

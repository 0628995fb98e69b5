"""What the displays compute."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from darkcnn import CrossSectionPosterior, MapScaler, MapSelector, RotationFlipAugmenter, WeakLensingNoise
from darkcnn.plotting import (
    CrossSectionConfusionDisplay,
    EmbeddingDisplay,
    NoiseDisplay,
    PosteriorDisplay,
    RecordsDisplay,
    ReliabilityDisplay,
    TrainingDisplay,
    ViewsDisplay,
    as_figure,
)


def test_records_are_shown_in_physical_units(clusters):
    display = RecordsDisplay(clusters.data[:3], clusters.target[:3])
    peaks = display.images.max(axis=(2, 3))
    np.testing.assert_allclose(peaks[:, 0], clusters.data["lensing_norm"][:3], rtol=1e-6)
    np.testing.assert_allclose(peaks[:, 1], clusters.data["xray_norm"][:3], rtol=1e-6)


def test_records_without_a_norm_are_in_units_of_the_peak(clusters):
    records = clusters.data[:2].copy()
    records["stellar_norm"] = np.nan
    display = RecordsDisplay(records).plot()
    assert display.images[:, 2].max() == pytest.approx(1)
    assert "of the peak" in [ax.get_xlabel() for ax in display.figure_.axes]


def test_a_map_that_is_unknown_stays_blank(clusters):
    records = clusters.data[:2].copy()
    records["stellar"] = records["stellar_norm"] = np.nan
    figure = as_figure(display := RecordsDisplay(records))
    figure.draw_without_rendering()
    shown = [panel.images[0].get_array() for panel in display.ax_[0]]
    assert [np.ma.getmaskarray(image).all() for image in shown] == [False, False, True]


def test_records_of_all_classes_are_of_the_same_halos(clusters):
    display = RecordsDisplay.from_records(clusters.data, clusters.target, n_per_class=2, random_state=1)
    assert display.labels == ["CDM", "CDM", "SIDM1", "SIDM1"]
    assert display.redshifts[:2].tolist() == display.redshifts[2:].tolist()
    again = RecordsDisplay.from_records(clusters.data, clusters.target, n_per_class=2, random_state=1)
    np.testing.assert_array_equal(display.images, again.images)


def test_observed_records_are_shown_as_they_are_drawn(clusters):
    observed = WeakLensingNoise(random_state=0).fit_transform(clusters.data)
    display = RecordsDisplay.from_records(observed, clusters.target, random_state=1)
    clean = RecordsDisplay.from_records(clusters.data, clusters.target, random_state=1)
    np.testing.assert_array_equal(display.images[:, 2], clean.images[:, 2])
    assert not np.allclose(display.images[:, 0], clean.images[:, 0])


def test_negative_values_of_noise_are_drawn(clusters):
    records = clusters.data[:1].copy()
    records["total"][0, 0, 0] = -0.1
    shown = RecordsDisplay(records).plot().ax_[0, 0].images[0].get_array()
    assert not np.ma.is_masked(shown)


def test_views_are_those_that_the_pipeline_makes(clusters):
    pipeline = make_pipeline(
        MapSelector(), MapScaler(), RotationFlipAugmenter(5, random_state=0), DummyClassifier()
    )
    views = pipeline[:-1].fit_transform(clusters.data[2:4])
    pipeline[-1].fit([[0]] * 2, ["CDM", "SIDM1"])
    display = ViewsDisplay.from_estimator(pipeline, clusters.data[2:4], n_views=3)
    np.testing.assert_array_equal(display.views, np.asarray(views)[0, :3])


def test_views_need_an_augmenter(clusters):
    with pytest.raises(ValueError, match="must contain a RotationFlipAugmenter, got none"):
        ViewsDisplay.from_estimator(make_pipeline(MapSelector()).fit(clusters.data), clusters.data)


def test_confusion_counts_and_rates():
    display = CrossSectionConfusionDisplay.from_predictions(
        ["SIDM1", "SIDM1", "CDM", "CDM"], ["CDM", "SIDM1", "CDM", "CDM"], labels=["SIDM1", "SIDM0.1", "CDM"]
    )
    assert display.display_labels == ["CDM", "SIDM0.1", "SIDM1"]
    assert display.confusion_matrix.tolist() == [[2, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert display.rates.tolist() == [[1, 0, 0], [0, 0, 0], [0.5, 0, 0.5]]


def test_labels_that_say_the_same_are_one_class(clusters):
    display = CrossSectionConfusionDisplay.from_predictions(
        ["CDM", "SIDM1", "SIDM1.0"], ["SIDM0", "SIDM1.0", "SIDM1"], labels=["SIDM1.0", "CDM/fiducial"]
    )
    assert display.display_labels == ["CDM", "SIDM1"]
    assert display.rates.tolist() == [[1, 0], [0, 1]]
    probabilities = np.tile([[0.9, 0.1]], (4, 1))
    display = ReliabilityDisplay.from_predictions(["SIDM0"] * 4, probabilities, ["CDM", "SIDM1"], n_bins=1)
    assert display.accuracy.tolist() == [1]
    labels = np.where(clusters.target == "CDM", "SIDM0", "SIDM1.0")
    assert RecordsDisplay.from_records(clusters.data, labels, random_state=0).labels == ["CDM", "SIDM1"]
    features = np.random.default_rng(0).normal(size=(6, 3))
    display = EmbeddingDisplay.from_features(features, ["CDM", "SIDM0", "SIDM1"] * 2)
    assert len(display.ax_.collections) == 2


def test_reliability_needs_a_cluster_for_every_row():
    with pytest.raises(ValueError, match="groups must name the cluster of every row"):
        ReliabilityDisplay.from_predictions(
            ["CDM"] * 2, [[0.9, 0.1]] * 2, ["CDM", "SIDM1"], groups=[1.0, np.nan]
        )


def test_confusion_of_an_estimator():
    X, y = np.zeros((4, 1)), ["CDM", "CDM", "CDM", "SIDM1"]
    display = CrossSectionConfusionDisplay.from_estimator(DummyClassifier().fit(X, y), X, y)
    assert display.rates.tolist() == [[1, 0], [1, 0]]


def test_reliability_of_honest_probabilities_agrees_with_the_diagonal():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], 20_000)
    classes = np.array(["CDM", "SIDM0.1", "SIDM1"])
    target = classes[(rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)]
    display = ReliabilityDisplay.from_predictions(target, probabilities, classes)
    pulls = 2 * (display.accuracy - display.confidence) / np.diff(display.intervals)[:, 0]
    assert (pulls**2).sum() < 29.6  # 99.9 % of chi-squared with 10 degrees of freedom
    assert display.calibration_error < 0.02


def test_relatives_count_once():
    probabilities, target = np.tile([0.8, 0.2], (40, 1)), np.array(["CDM"] * 30 + ["SIDM1"] * 10)

    def width(groups):
        display = ReliabilityDisplay.from_predictions(
            target, probabilities, ["CDM", "SIDM1"], groups=groups, n_bins=1
        )
        return np.diff(display.intervals)[0, 0]

    assert width(np.arange(40) % 10) == pytest.approx(2 * width(None), rel=0.1)
    # Wilson 1927 for 30 of 40 at one standard error
    assert width(None) == pytest.approx(2 * np.sqrt(0.75 * 0.25 / 40 + 1 / 6400) / (1 + 1 / 40))


def test_posterior_is_that_of_the_estimator():
    posterior = CrossSectionPosterior(["SIDM1", "CDM", "SIDM0.1"]).fit(np.full((5, 3), [0.2, 0.5, 0.3]))
    display = PosteriorDisplay.from_estimator(posterior, levels=(0.5,), truth=0.1)
    assert display.intervals == {0.5: posterior.interval(0.5)}
    assert display.ax_.get_xticks().tolist() == [0, 0.1, 1]
    # What is drawn integrates to one along the axis.
    x, drawn = display.ax_.lines[0].get_data()
    assert np.trapezoid(drawn, np.log1p(x / 0.1)) == pytest.approx(1, abs=0.01)


def test_noise_table_is_sorted_by_method_and_level():
    table = {"t": [100, 10, 1, 10], "m": ["b", "b", "a", "b"], "s": [3, 1, 0, 2]}
    display = NoiseDisplay.from_table(table, level="t", score="s", method="m", xlabel="Exposure [ks]")
    assert {name: scores.tolist() for name, scores in display.scores.items()} == {"b": [1, 2, 3], "a": [0]}
    assert display.ax_.get_xlabel() == "Exposure [ks]"


def test_embedding_finds_the_direction_of_the_classes():
    rng = np.random.default_rng(0)
    y = np.repeat(["CDM", "SIDM1"], 50)
    features = rng.normal(size=(100, 6))
    features[:, 4] += 10 * (y == "SIDM1")
    display = EmbeddingDisplay.from_features(features, y)
    assert abs(np.corrcoef(display.projection[:, 0], features[:, 4])[0, 1]) > 0.99
    assert len(display.ax_.collections) == 2


def test_embedding_needs_features():
    with pytest.raises(TypeError, match="must have transform, got DummyClassifier"):
        EmbeddingDisplay.from_estimator(DummyClassifier(), np.zeros((2, 1)), ["CDM", "SIDM1"])


def test_training_needs_a_history():
    with pytest.raises(TypeError, match="must end in a fitted DarkCNNClassifier, got DummyClassifier"):
        TrainingDisplay.from_estimator(DummyClassifier())


def test_training_tells_chance_and_what_was_held_out():
    history = {"loss": [1, 0.5], "accuracy": [0.5, 0.6], "val_loss": [1, 1], "val_accuracy": [0.4, 0.4]}
    display = TrainingDisplay(history, n_classes=4, held_out=0.5, held_out_error=0.1).plot()
    _, accuracy = display.ax_.flat
    assert [line.get_ydata()[0] for line in accuracy.lines] == [0.5, 0.4, 0.5, 0.25]

import json
import re

import numpy as np
import pytest
from browser import CHROMIUM, browser, resize
from sklearn.base import BaseEstimator, ClassifierMixin

from darkcnn import default_pipeline
from darkcnn.datasets import make_bunch, make_clusters
from darkcnn.model_selection import CrossValidation, cross_validate_by_cluster
from darkcnn.persistence import describe_clusters, describe_training
from darkcnn.report import (
    baselines,
    bootstrap,
    from_validation,
    importance,
    importance_in_validation,
    measure_importance,
    page,
    predict_held_out,
    write_report,
)
from darkcnn.report.baselines import MAJORITY, PROFILES

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"</pre>$\\frac$ {{ 7 * 7 }}"


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def model(clusters):
    return default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(clusters.data, clusters.target)


@pytest.fixture(scope="module")
def validation(clusters, model):
    return cross_validate_by_cluster(
        {**baselines(model), "simple": model},
        clusters.data,
        clusters.target,
        clusters.groups,
        n_splits=3,
        random_state=0,
        return_estimator=True,
    )


@pytest.fixture(scope="module")
def written(clusters, model, validation, tmp_path_factory):
    """A report in which every text that a user can choose is hostile."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    named = make_bunch(clusters.data, clusters.target, description=HOSTILE)
    data = {**describe_clusters(named), "database": HOSTILE}
    training = {**describe_training(named, validation=validation), "database": HOSTILE}
    shown = from_validation(validation, importance=importance_in_validation(validation, named))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "_N_MISTAKES", 3)
        write_report(path, model, named, shown, model_name=HOSTILE, data=data, training=training)
    return path


def test_new_halos_are_scored_by_the_model_itself(clusters, model):
    known = make_bunch(clusters.data[clusters.groups < 4], clusters.target[clusters.groups < 4])
    found = predict_held_out(model, clusters, describe_training(known))
    assert sorted(set(clusters.groups[found.rows])) == [4, 5]
    np.testing.assert_array_equal(found.probabilities, model.predict_proba(clusters.data[found.rows]))
    assert "16 clusters of halos of the training set are left out" in found.description
    assert found.scores[MAJORITY][0] == 0.5
    assert "cannot be cross-validated on these halos: n_splits must be from 2" in found.description
    assert found.difference is None
    assert found.importance["n_halos"] == 2


def test_baseline_is_trained_on_the_training_set_of_the_model(clusters, model):
    is_known = clusters.groups < 4
    known = make_bunch(clusters.data[is_known], clusters.target[is_known])
    found = predict_held_out(model, clusters, describe_training(known), training_set=known)
    baseline = baselines(model)[PROFILES].fit(known.data, known.target)
    is_right = baseline.predict(clusters.data[found.rows]) == clusters.target[found.rows]
    assert list(found.scores) == [MAJORITY, PROFILES, "simple"]
    assert found.scores[PROFILES][0] == is_right.mean()  # of as many maps of each class
    assert found.difference[0] == found.scores["simple"][0] - found.scores[PROFILES][0]
    with pytest.raises(ValueError, match=r"training_set must contain .* got others \(24\)"):
        predict_held_out(model, clusters, describe_training(known), training_set=clusters)


def test_baseline_without_the_training_set_is_cross_validated_on_the_new_halos(clusters, model):
    known = make_clusters(2, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=9)
    found = predict_held_out(model, clusters, describe_training(known), new_halos=True)
    assert list(found.scores) == [MAJORITY, f"{PROFILES}, of these halos", "simple"]
    assert "the comparison is not fair" in found.description
    assert found.difference is None


def test_validation_kept_with_the_model_is_used(clusters, model, validation):
    found = predict_held_out(model, clusters, describe_training(clusters, validation=validation))
    assert found.description.startswith("The cross-validation stored with the model, with 3 splits")
    assert found.scores["simple"][0] == validation.scores["simple"].mean()
    assert sorted(found.rows) == list(range(24))


def test_confused_feedback_is_no_mistake():
    """The dark matter of five of eight maps is right, dark matter and feedback of two."""
    classes = np.array(["CDM", "CDM/strong", "SIDM1", "SIDM1/strong"])
    target = np.repeat(classes, 2)
    guess = [0, 1, 0, 2, 2, 0, 2, 0]
    validation = CrossValidation(
        target=target,
        classes=classes,
        splits=[(np.arange(8), np.arange(8))],
        test_over_train=1.0,
        scores={"network": np.array([2 / 8])},
        probabilities={"network": [np.eye(4)[guess]]},
    )
    found = from_validation(validation)
    assert found.classes.tolist() == ["CDM", "SIDM1"]
    assert found.scores["network"][0] == 5 / 8
    assert found.probabilities[:, 0].tolist() == [1, 1, 1, 0, 0, 1, 0, 1]


def test_clusters_without_labels_are_not_scored(clusters, model):
    with pytest.raises(ValueError, match="clusters must have labels to be scored"):
        predict_held_out(model, make_bunch(clusters.data, None))


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False])
def test_seen_halos_are_never_scored_by_the_model_itself(clusters, model, is_known):
    found = predict_held_out(model, clusters, describe_training(clusters) if is_known else None)
    assert found.description.startswith("A cross-validation for this report, with 5 splits")
    assert list(found.scores) == [MAJORITY, PROFILES, "simple"]
    assert not np.allclose(found.probabilities, model.predict_proba(clusters.data[found.rows]))


def test_labels_that_the_model_does_not_know_are_named(model):
    other = make_clusters(2, cross_sections=(0, 0.3), redshifts=(0,), n_pixels=20, random_state=3)
    with pytest.raises(
        ValueError, match=r"labels \['SIDM0.3'\], but the model was trained on \['CDM', 'SIDM1'\]"
    ):
        predict_held_out(model, other)


def test_bootstrap_error_is_the_binomial_one_where_maps_are_independent():
    rng = np.random.default_rng(1)  # not that of the bootstrap, whose draws would follow these
    n = 2000
    target = np.tile(["CDM", "SIDM1"], n // 2)
    predicted = np.where(rng.random(n) < 0.7, target, "other")
    scores, _ = bootstrap.balanced_accuracies(target, {"a": predicted}, np.arange(n))
    score, error = scores["a"]
    assert abs(score - 0.7) < 4 * np.sqrt(0.21 / n)
    assert error == pytest.approx(np.sqrt(score * (1 - score) / n), rel=0.1)
    copied = {"b": np.repeat(target, 4), "a": np.repeat(predicted, 4)}
    scores, differences = bootstrap.balanced_accuracies(
        np.repeat(target, 4), copied, np.repeat(np.arange(n), 4)
    )
    assert scores["a"][1] == pytest.approx(error, rel=0.1)
    assert differences["b"] == pytest.approx((score - 1, scores["a"][1]))  # what is always right has no error


class Marked(ClassifierMixin, BaseEstimator):
    """A network that looks at the middle of the X-ray map alone."""

    classes_ = np.array(["CDM", "SIDM1"])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        is_marked = X["xray"][:, 9:11, 9:11].mean(axis=(1, 2)) > 50
        return np.where(is_marked[:, None], [0.1, 0.9], [0.9, 0.1])


def test_importance_of_the_report_finds_a_planted_signal(clusters, monkeypatch):
    data = clusters.data.copy()
    data["xray"][clusters.target == "SIDM1", 9:11, 9:11] += 100
    monkeypatch.setattr(importance, "_of_one_view", lambda network: network)
    monkeypatch.setattr(importance, "_attributes", lambda network: ["redshift"])
    planted = make_bunch(data, clusters.target)
    tests = [np.flatnonzero(clusters.groups < 3), np.flatnonzero(clusters.groups >= 3)]
    found = measure_importance([(Marked(), rows) for rows in tests], planted, test_over_train=1.0)
    assert found["parts"]["names"] == ["total", "xray", "stellar", "redshift"]
    rings = np.array(found["annuli"]["mean"])
    assert found["parts"]["mean"][1] > 0.3
    assert rings[1, 0] == found["parts"]["mean"][1]
    rings[1, 0] = 0
    assert not rings.any()
    assert not np.delete(found["parts"]["mean"], 1).any()
    assert (found["n_clusters"], found["n_halos"], found["n_available"]) == (24, 6, 24)


def test_importance_takes_whole_halos_up_to_its_limit(clusters, monkeypatch):
    rows = np.arange(24)
    some = importance._some_halos(rows, clusters.groups, 13)
    assert len(some) == 12
    assert len(np.unique(clusters.groups[some])) == 3
    assert len(importance._some_halos(rows, clusters.groups, 24)) == 24
    assert len(importance._some_halos(rows, clusters.groups, 1)) == 8


def test_importance_needs_two_halos(clusters, model):
    assert measure_importance([(model, np.flatnonzero(clusters.groups == 0))], clusters) is None


@pytest.mark.slow
def test_the_same_report_has_the_same_bits(clusters, model, validation, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_N_MISTAKES", 2)
    texts = []
    for name in ("a.html", "b.html"):
        write_report(
            tmp_path / name,
            model,
            clusters,
            from_validation(validation),
            model_name="m",
            data=describe_clusters(clusters),
        )
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_page_is_one_small_file(written):
    html = written.read_text(encoding="utf-8")
    assert len(html) < 5_000_000
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html)
    assert "49" not in re.search(r"<h1>(.*?)</h1>", html).group(1)


def test_posteriors_need_clusters_to_calibrate_with(clusters, validation):
    found = from_validation(validation)
    groups = clusters.groups[found.rows]
    posteriors, reason = page.figures.posteriors(
        clusters.target[found.rows], found.probabilities, found.classes, groups
    )
    assert posteriors == []
    assert "10 of every class" in reason


def test_posteriors_of_a_good_classifier_find_the_truth():
    rng = np.random.default_rng(0)
    classes = np.array(["CDM", "SIDM0.1", "SIDM1"])
    target = np.tile(classes, 60)
    logits = 3 * (target[:, None] == classes) + rng.normal(size=(180, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found, _ = page.figures.posteriors(target, probabilities, classes, np.repeat(np.arange(60), 3))
    assert [each["truth"] for each in found] == classes.tolist()
    assert "cross-section <" in found[0]["summary"]
    assert "cross-section >" in found[2]["summary"]


@needs_browser
@pytest.mark.slow
def test_browser_shows_texts_as_texts_and_all_images(written):
    with browser() as driver:
        driver.get(written.as_uri())
        assert driver.get_log("browser") == []  # neither errors nor refused fetches
        assert driver.find_element("tag name", "h1").text == HOSTILE
        assert len(driver.find_elements("css selector", "script")) == 1
        images = "return [...document.images].map((image) => image.naturalWidth)"
        widths = driver.execute_script(images)
        assert len(widths) > 3
        assert min(widths) > 100


@needs_browser
@pytest.mark.slow
def test_table_sorts_by_mouse_and_by_keyboard(written):
    from selenium.webdriver.common.keys import Keys

    def column(number):
        cells = driver.find_elements("css selector", f"#mistakes ~ .scroll tbody td:nth-child({number})")
        return [cell.text for cell in cells]

    with browser() as driver:
        driver.get(written.as_uri())
        buttons = driver.find_elements("css selector", "th button")
        buttons[0].click()
        ids = [int(text) for text in column(1) if text.isdigit()]
        assert len(ids) > 1
        assert ids == sorted(ids)
        buttons[5].send_keys(Keys.ENTER)
        buttons[5].send_keys(Keys.ENTER)
        confidences = [float(text) for text in column(6)]
        assert confidences == sorted(confidences, reverse=True)
        header = driver.find_element("css selector", "th[aria-sort]")
        assert (header.text.split()[0], header.get_attribute("aria-sort")) == ("Probability", "descending")


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1200])
def test_page_fits_the_screen_in_the_dark_as_well(written, width):
    with browser(dark=True) as driver:
        resize(driver, width)
        driver.get(written.as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        background = "return getComputedStyle(document.body).backgroundColor"
        assert driver.execute_script(background) == "rgb(13, 17, 23)"


@needs_browser
@pytest.mark.slow
def test_numbers_can_be_downloaded(written, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    with browser(downloads=tmp_path) as driver:
        driver.get(written.as_uri())
        driver.find_element("css selector", "a[download]").click()
        file = tmp_path / "darkcnn_report.json"
        WebDriverWait(driver, 20).until(lambda _: file.exists() and file.stat().st_size)
        numbers = json.loads(file.read_text(encoding="utf-8"))
    assert numbers["model"] == HOSTILE
    assert len(numbers["predictions"]) == 24
    assert numbers["scores"][0] == {"name": "majority", "score": 0.5, "error": 0.0}

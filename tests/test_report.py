import json
import re

import numpy as np
import pytest
from browser import CHROMIUM, browser, resize

from darkcnn import default_pipeline
from darkcnn.datasets import make_bunch, make_clusters
from darkcnn.evaluation import cross_validate_by_cluster
from darkcnn.report import baselines, evidence, find_evidence, from_validation, page, write_report
from darkcnn.report.evidence import BOOSTED, MAJORITY
from darkcnn.training_notes import describe_clusters, describe_training

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"</pre>$\\frac$ {{ 7 * 7 }}"


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def model(clusters):
    return default_pipeline("simple", n_views=1, epochs=1, random_state=0).fit(clusters.data, clusters.target)


@pytest.fixture(scope="module")
def validation(clusters, model):
    return cross_validate_by_cluster(
        {**baselines(model, 0), "simple": model},
        clusters.data,
        clusters.target,
        clusters.groups,
        n_splits=3,
        random_state=0,
    )


@pytest.fixture(scope="module")
def written(clusters, model, validation, tmp_path_factory):
    """A report in which every text that a user can choose is hostile."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    named = make_bunch(clusters.data, clusters.target, description=HOSTILE)
    data = {**describe_clusters(named), "database": HOSTILE}
    training = {**describe_training(named, validation=validation), "database": HOSTILE}
    write_report(
        path, model, named, from_validation(validation), model_name=HOSTILE, data=data, training=training
    )
    return path


def test_new_haloes_are_scored_by_the_model_itself(clusters, model):
    known = make_bunch(clusters.data[clusters.groups < 4], clusters.target[clusters.groups < 4])
    found = find_evidence(model, clusters, describe_training(known))
    assert sorted(set(clusters.groups[found.rows])) == [4, 5]
    np.testing.assert_array_equal(found.probabilities, model.predict_proba(clusters.data[found.rows]))
    assert "16 clusters of haloes that it was trained on are left out" in found.how
    assert found.scores[MAJORITY][0] == 0.5


def test_validation_kept_with_the_model_is_used(clusters, model, validation):
    found = find_evidence(model, clusters, describe_training(clusters, validation=validation))
    assert found.how.startswith("The cross-validation that was kept with the model, in 3 splits")
    assert found.scores["simple"][0] == validation.scores["simple"].mean()
    assert sorted(found.rows) == list(range(24))


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False])
def test_seen_haloes_are_never_scored_by_the_model_itself(clusters, model, is_known):
    found = find_evidence(model, clusters, describe_training(clusters) if is_known else None)
    assert found.how.startswith("A cross-validation made for this report, in 5 splits")
    assert list(found.scores) == [MAJORITY, BOOSTED, "simple"]
    assert not np.allclose(found.probabilities, model.predict_proba(clusters.data[found.rows]))


def test_labels_that_the_model_does_not_know_are_named(model):
    other = make_clusters(2, cross_sections=(0, 0.3), redshifts=(0,), n_pixels=20, random_state=3)
    with pytest.raises(ValueError, match=r"labels \['SIDM0.3'\], but the model knows \['CDM', 'SIDM1'\]"):
        find_evidence(model, other)


def test_bootstrap_error_is_the_binomial_one_where_maps_are_independent():
    rng = np.random.default_rng(1)  # not that of the bootstrap, whose draws would follow these
    n = 2000
    target = np.tile(["CDM", "SIDM1"], n // 2)
    predicted = np.where(rng.random(n) < 0.7, target, "other")
    score, error = evidence._balanced_accuracy(target, predicted, np.arange(n))
    assert abs(score - 0.7) < 4 * np.sqrt(0.21 / n)
    assert error == pytest.approx(np.sqrt(score * (1 - score) / n), rel=0.1)
    _, of_copies = evidence._balanced_accuracy(
        np.repeat(target, 4), np.repeat(predicted, 4), np.repeat(np.arange(n), 4)
    )
    assert of_copies == pytest.approx(error, rel=0.1)


@pytest.mark.slow
def test_the_same_report_has_the_same_bits(clusters, model, validation, tmp_path):
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
    assert (
        page.figures.posteriors(clusters.target[found.rows], found.probabilities, found.classes, groups) == []
    )


def test_posteriors_of_a_good_classifier_find_the_truth():
    rng = np.random.default_rng(0)
    classes = np.array(["CDM", "SIDM0.1", "SIDM1"])
    target = np.tile(classes, 60)
    logits = 3 * (target[:, None] == classes) + rng.normal(size=(180, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = page.figures.posteriors(target, probabilities, classes, np.repeat(np.arange(60), 3))
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

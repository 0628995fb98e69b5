import json
import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from darkcnn import load_pretrained
from darkcnn.datasets import make_bunch, make_clusters
from darkcnn.persistence import describe_training
from darkcnn.preprocessing import MapScaler, MapSelector, RadialProfiles
from darkcnn.report import infer_cross_section
from darkcnn.report.cross_section import domain_features


class Prior(DummyClassifier):
    """Answers with the fractions of the classes in the training set, whatever the cluster."""

    def __init__(self, class_weight=None):
        super().__init__(strategy="prior")
        self.class_weight = class_weight


def describe(records):
    """Return three features of each cluster."""
    return np.stack([records[name].mean(axis=(1, 2)) for name in ("total", "xray", "stellar")], axis=1)


def model_of(records, labels, **parameters):
    return make_pipeline(FunctionTransformer(describe), Prior(**parameters)).fit(records, labels)


@pytest.fixture
def bunch_of(blank_records):
    def make(labels):
        labels = None if isinstance(labels, int) else np.array(labels)
        n_clusters = 20 if labels is None else len(labels)
        records = blank_records(n_clusters, n_pixels=8)
        records["total"] = np.random.default_rng(n_clusters).random((n_clusters, 8, 8))
        return make_bunch(records, labels)

    return make


IMBALANCED = ["CDM"] * 6 + ["SIDM1"] * 30


def test_class_frequencies_of_the_training_set_are_divided_out(bunch_of):
    known, sample = bunch_of(IMBALANCED), bunch_of(20)
    model = model_of(known.data, known.target)
    posterior, result = infer_cross_section(model, sample, training=describe_training(known))
    assert result["training_prior"] == pytest.approx({"CDM": 1 / 6, "SIDM1": 5 / 6})
    assert result["posterior"] == pytest.approx({"CDM": 0.5, "SIDM1": 0.5})
    assert result["posterior"] == dict(zip(posterior.classes, posterior.posterior_, strict=True))
    assert result["warnings"] == ["not calibrated: errors are as over-confident as the model"]
    _, result = infer_cross_section(model, known, training=describe_training(known))
    assert "36 of 36 clusters are of halos that the model was trained on" in result["warnings"][0]
    # Without notes the frequencies are unknown: these probabilities are then evidence.
    _, result = infer_cross_section(model, sample)
    assert result["posterior"]["SIDM1"] > 0.99
    assert "equal fractions are assumed" in result["warnings"][0]


@pytest.mark.parametrize(
    ("labels", "class_weight", "expected"),
    [
        (IMBALANCED, "balanced", [0.5, 0.5]),
        (IMBALANCED, {"CDM": 5.0}, [0.5, 0.5]),
        (IMBALANCED, {"SIDM0": 2.5, "SIDM1.0": 0.5}, [0.5, 0.5]),
        (["CDM"] * 4 + ["CDM/strong"] * 2 + ["SIDM1"] * 30, None, [1 / 6, 5 / 6]),
        (["CDM", "CDM/strong", "SIDM1"] * 4, "balanced", [2 / 3, 1 / 3]),
    ],
)
def test_class_weights_and_feedback_change_the_frequencies(bunch_of, labels, class_weight, expected):
    known = bunch_of(labels)
    model = model_of(known.data, labels, class_weight=class_weight)
    _, result = infer_cross_section(model, bunch_of(20), training=describe_training(known))
    assert list(result["training_prior"].values()) == pytest.approx(expected)


def test_notes_that_lack_a_class_are_not_used(bunch_of):
    known = bunch_of(IMBALANCED)
    training = describe_training(known)
    training["clusters_of_class"] = {"SIDM1": 30}
    _, result = infer_cross_section(model_of(known.data, known.target), bunch_of(20), training=training)
    assert result["training_prior"] == {"CDM": 0.5, "SIDM1": 0.5}
    assert "no notes on the class fractions" in result["warnings"][0]


def test_result_holds_what_the_posterior_says_and_fits_into_json(bunch_of):
    known, held_out = bunch_of(IMBALANCED), bunch_of(["CDM", "SIDM1"] * 40)
    model = model_of(known.data, known.target)
    posterior, result = infer_cross_section(
        model, bunch_of(20), held_out, training=describe_training(known), random_state=0
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["summary"] == posterior.summary() == "no limit on the cross-section from 20 clusters"
    assert result["interval_68"] == result["interval_95"] == [0, None]
    assert result["upper_limit_95"] is None
    assert 0 < result["sample_pvalue"] <= 1
    assert "do not separate the classes" in result["warnings"][0]


def test_other_warnings_are_issued(bunch_of):
    known = bunch_of(IMBALANCED)

    def warn(records):
        warnings.warn("this will change", FutureWarning, stacklevel=1)
        return describe(records)

    model = make_pipeline(FunctionTransformer(warn), Prior())
    with pytest.warns(FutureWarning, match="this will change"):
        model.fit(known.data, known.target)
    with pytest.warns(FutureWarning, match="this will change"):
        _, result = infer_cross_section(model, bunch_of(20), training=describe_training(known))
    assert len(result["warnings"]) == 1


def test_calibration_needs_labels_and_new_halos(bunch_of):
    known = bunch_of(IMBALANCED)
    model = model_of(known.data, known.target)
    with pytest.raises(ValueError, match="calibration must have labels, got none"):
        infer_cross_section(model, bunch_of(20), bunch_of(20))
    with pytest.raises(ValueError, match=r"calibration must contain .* but 36 of 36"):
        infer_cross_section(model, bunch_of(20), known, training=describe_training(known))


def test_the_domain_test_uses_profiles_of_the_noisy_maps(bunch_of):
    records = bunch_of(20).data
    records["xray"] = records["stellar"] = records["total"]
    plain = make_pipeline(MapSelector(maps=("total", "xray")), MapScaler(), Prior())
    plain.fit(records, ["CDM", "SIDM1"] * 10)
    profiles = RadialProfiles()
    expected = profiles.fit_transform(np.stack([records["total"], records["xray"]], axis=-1))
    np.testing.assert_array_equal(domain_features(plain, records), expected)
    noisy = make_pipeline(FunctionTransformer(lambda rows: rows[::-1]), *plain)
    noisy.fit(records, ["CDM", "SIDM1"] * 10)
    np.testing.assert_array_equal(domain_features(noisy, records), expected[::-1])
    described = model_of(records, ["CDM", "SIDM1"] * 10)
    np.testing.assert_array_equal(domain_features(described, records), describe(records))


class Network(Prior):
    """Has an embedding of one feature besides."""

    def predict_and_embed(self, X):
        return self.predict_proba(X), np.asarray(X)[:, :1]


class StubTest:
    """Has p-values of 0.02 for each feature."""

    def __init__(self, random_state):
        assert random_state == 3

    def fit(self, X, target, groups):
        assert len(X) == len(target) == len(groups) == 40
        return self

    def sample_pvalue(self, X, groups):
        assert len(X) == len(groups) == 20
        return 0.02 * X.shape[1]


@pytest.mark.parametrize(("step", "pvalue"), [(Prior, 0.06), (Network, 0.04)])
def test_the_domain_test_uses_the_embedding_of_a_network_as_well(bunch_of, monkeypatch, step, pvalue):
    monkeypatch.setattr("darkcnn.report.cross_section.DomainTest", StubTest)
    known, held_out = bunch_of(IMBALANCED), bunch_of(["CDM", "SIDM1"] * 20)
    model = make_pipeline(FunctionTransformer(describe), step()).fit(known.data, known.target)
    _, result = infer_cross_section(model, bunch_of(20), held_out, random_state=3)
    assert result["sample_pvalue"] == pytest.approx(pvalue)


def test_own_suites_give_no_p_value(bunch_of):
    known, sample = bunch_of(IMBALANCED), bunch_of(20)
    held_out = bunch_of(["CDM", "SIDM1"] * 40)
    held_out.suite = np.repeat(np.arange(8), 10)
    model = make_pipeline(FunctionTransformer(describe), GaussianNB()).fit(known.data, known.target)
    _, result = infer_cross_section(model, sample, held_out, training=describe_training(known))
    assert result["variances"] is not None
    assert result["sample_pvalue"] is None


def test_a_sample_of_several_models_or_suites_causes_a_warning(bunch_of):
    known, unlabelled = bunch_of(["CDM", "SIDM1"] * 10), bunch_of(20)
    model = model_of(known.data, known.target)

    def warnings_of(clusters):
        _, result = infer_cross_section(model, clusters)
        return [each for each in result["warnings"] if "the sample contains" in each]

    sample = make_bunch(unlabelled.data, ["SIDM1", "SIDM1.0"] * 10, suite=[3] * 20)
    assert warnings_of(unlabelled) == warnings_of(sample) == []
    assert warnings_of(Bunch(data=unlabelled.data, groups=unlabelled.groups)) == []
    mixed = make_bunch(unlabelled.data, ["SIDM1", "CDM"] * 10, suite=[3, 4] * 10)
    of_models, of_suites = warnings_of(mixed)
    assert "clusters of 2 dark-matter models, CDM, SIDM1: " in of_models
    assert "clusters of 2 suites: " in of_suites


def without(bunch, name):
    records = bunch.data.copy()
    records[name] = np.nan
    return make_bunch(records, bunch.target)


def test_own_halos_have_the_maps_of_the_sample():
    model = load_pretrained()
    options = {"redshifts": (0.25,), "n_pixels": 25}
    sample = make_clusters(5, cross_sections=(0.3,), **options, random_state=0)
    own = make_clusters(5, cross_sections=(0, 1), **options, random_state=1)
    blind = without(sample, "xray")
    results = [infer_cross_section(model, blind, each)[1] for each in (own, without(own, "xray"))]
    assert results[0]["summary"] == results[1]["summary"]
    assert results[0]["variances"] == pytest.approx(results[1]["variances"])
    with pytest.raises(ValueError, match=r"maps of the sample, \['total', .*\], but lacks \['xray'\]"):
        infer_cross_section(model, sample, without(own, "xray"))
    gaps = make_bunch(own.data.copy(), own.target)
    gaps.data["stellar"][0] = np.nan
    with pytest.raises(ValueError, match=r"calibration must all have the same maps .*\['stellar'\] are NaN"):
        infer_cross_section(model, sample, gaps)
    finer = make_clusters(5, cross_sections=(0, 1), redshifts=(0.25,), random_state=1)
    _, result = infer_cross_section(model, sample, finer)
    assert "the calibration have 50 pixels on a side, those of the sample 25" in result["warnings"][0]

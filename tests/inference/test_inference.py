from itertools import product

import numpy as np
import pytest
import sklearn
from scipy.special import softmax
from scipy.stats import beta, chi2
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.fixes import parse_version

from darkcnn.inference import (
    CrossSectionPosterior,
    expected_calibration_error,
    marginalize_feedback,
    published_estimate,
)
from darkcnn.records import join_labels, label_of

# Warnings that two tests below check.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*of the variance is systematic.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*has a lower limit only:UserWarning"),
]

CLASSES = ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
OTHER_FORM = ["SIDM0", "SIDM0.10/fiducial", "SIDM3e-1", "SIDM1.0"]
NODES = np.array([0, 0.1, 0.3, 1.0])


def respond(cross_section):
    """Feature of a cluster, in units of its scatter."""
    return 4 * np.log1p(np.asarray(cross_section) / 0.1) / np.log(11)


def classify(features, *, nodes=NODES, overconfidence=1.0, training_prior=1.0):
    """Probabilities of a network that knows how features are distributed, but may be too sure."""
    squares = (features[..., np.newaxis] - respond(nodes)) ** 2
    return softmax(np.log(training_prior) - overconfidence * squares / 2, axis=-1)


def observe(cross_section, n_clusters, rng, **options):
    return classify(respond(cross_section) + rng.normal(size=n_clusters), **options)


def held_out(rng, n_clusters=300, *, nodes=NODES, **options):
    target = np.repeat(np.arange(len(nodes)), n_clusters)
    features = respond(nodes)[target] + rng.normal(size=len(target))
    return classify(features, nodes=nodes, **options), target


def calibrated(rng, n_clusters=300, *, classes=CLASSES, **options):
    nodes = NODES[np.isin(CLASSES, classes)]
    probabilities, target = held_out(rng, n_clusters, nodes=nodes, **options)
    posterior = CrossSectionPosterior(classes, random_state=int(rng.integers(2**31)))
    return posterior.calibrate(probabilities, np.array(classes)[target])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def well_calibrated():
    return calibrated(np.random.default_rng(1), 3000, overconfidence=3)


# What it finds


@pytest.mark.parametrize("true", [0.1, 0.2, 0.3, 0.5])
def test_an_ideal_network_returns_the_cross_section(well_calibrated, rng, true):
    errors = []
    for _ in range(20):
        posterior = well_calibrated.fit(observe(true, 100, rng, overconfidence=3))
        low, high = posterior.interval()
        errors.append((posterior.median_ - true) / ((high - low) / 2))
    # A mean of 20 has a standard error of 0.22 of the error of one.
    assert abs(np.mean(errors)) < 4 * 0.22


def test_an_ideal_network_is_believed_without_calibration(rng):
    posterior = CrossSectionPosterior(CLASSES).fit(observe(0.1, 50, rng))
    assert posterior.posterior_[1] > 0.99
    assert posterior.log_evidence_ratio("SIDM0.1") > np.log(100)
    low, high = posterior.interval(0.95)
    assert low < 0.1 < high


@pytest.mark.parametrize("level", [0, 1, 1.5, np.nan, "0.68"])
@pytest.mark.parametrize("method", ["interval", "upper_limit", "lower_limit"])
def test_a_level_that_is_no_probability_is_refused(method, level):
    posterior = CrossSectionPosterior(CLASSES).fit(np.full((3, len(CLASSES)), 1 / len(CLASSES)))
    with pytest.raises(ValueError, match="level must be a probability between 0 and 1, got "):
        getattr(posterior, method)(level)


def test_the_probability_below_a_value_is_that_of_the_quantiles(rng):
    posterior = CrossSectionPosterior(CLASSES).fit(observe(0.1, 5, rng))
    assert posterior.probability_below(posterior.median_) == pytest.approx(0.5, abs=1e-3)
    assert posterior.probability_below(posterior.upper_limit()) == pytest.approx(0.95, abs=1e-3)
    assert [posterior.probability_below(end) for end in (0, 1, 5)] == [0, 1, 1]
    with pytest.raises(ValueError, match="cross_section must be a number, in cm2/g, got nan"):
        posterior.probability_below(np.nan)


def test_a_class_that_was_left_out_is_found_between_its_neighbours(rng):
    for _ in range(5):
        posterior = calibrated(rng, classes=["CDM", "SIDM0.1", "SIDM1"], overconfidence=2)
        posterior.fit(observe(0.3, 100, rng, nodes=NODES[[0, 1, 3]], overconfidence=2))
        low, high = posterior.interval(0.95)
        assert 0.1 < low < 0.3 < high < 0.6


def test_beyond_the_highest_class_it_is_a_lower_limit(well_calibrated, rng):
    with pytest.warns(UserWarning, match="a lower limit only"):
        posterior = well_calibrated.fit(observe(1.2, 100, rng, overconfidence=3))
    assert posterior.interval()[1] == posterior.upper_limit() == np.inf
    assert 0.5 < posterior.lower_limit() < 1
    assert "> " in posterior.summary()


def test_cold_dark_matter_is_an_upper_limit(well_calibrated, rng):
    posterior = well_calibrated.fit(observe(0, 100, rng, overconfidence=3))
    assert posterior.interval(0.95)[0] == posterior.lower_limit() == 0
    assert 0 < posterior.upper_limit() < 0.05
    assert "< " in posterior.summary()
    assert posterior.posterior_[0] > 0.99


def test_one_cluster_is_no_clusters(well_calibrated, rng):
    one, two = (well_calibrated.fit(observe(0.1, n_clusters, rng)).summary() for n_clusters in (1, 2))
    assert one.endswith("1 cluster)")
    assert two.endswith("2 clusters)")


def test_posterior_is_a_density(well_calibrated, rng):
    posterior = well_calibrated.fit(observe(0.2, 10, rng, overconfidence=3))
    assert np.trapezoid(posterior.density_, posterior.grid_) == pytest.approx(1, rel=1e-3)
    moment = np.trapezoid(posterior.density_ * posterior.grid_, posterior.grid_)
    assert posterior.mean_ == pytest.approx(moment, rel=1e-2)
    assert posterior.posterior_.sum() == pytest.approx(1)


# What it must not be misled by


@pytest.mark.parametrize("calibrate", [False, True])
def test_copies_of_a_cluster_do_not_shrink_the_error(rng, calibrate):
    posterior = calibrated(rng) if calibrate else CrossSectionPosterior(CLASSES)
    probabilities = observe(0.2, 1, rng)
    once = posterior.fit(probabilities).density_
    copied = posterior.fit(np.repeat(probabilities, 50, axis=0), groups=["halo"] * 50).density_
    np.testing.assert_allclose(copied, once, rtol=1e-3)
    assert posterior.n_clusters_ == 1


@pytest.mark.parametrize("prior", [None, [4, 3, 2, 1]])
def test_uninformative_probabilities_return_the_prior(prior):
    training_prior = np.array([0.4, 0.3, 0.2, 0.1])
    posterior = CrossSectionPosterior(CLASSES, prior=prior, training_prior=training_prior)
    posterior.fit(np.tile(training_prior, (1000, 1)))
    np.testing.assert_allclose(posterior.posterior_, [0.25] * 4 if prior is None else np.array(prior) / 10)
    if prior is None:
        assert posterior.interval() == (0, np.inf)  # a plateau has no best part
        assert posterior.summary().startswith("no limit")


def test_shuffled_labels_return_the_prior(rng):
    probabilities, target = held_out(rng)
    posterior = CrossSectionPosterior(CLASSES, prior=[4, 3, 2, 1], random_state=0)
    with pytest.warns(UserWarning, match="do not separate the classes"):
        posterior.calibrate(probabilities, np.array(CLASSES)[rng.permutation(target)])
    posterior.fit(observe(0.3, 100, rng))
    np.testing.assert_allclose(posterior.posterior_, [0.4, 0.3, 0.2, 0.1], rtol=1e-4)


NOISE = {
    "anything": lambda n, rng: rng.dirichlet(np.ones(4), n),
    "sure of anything": lambda n, rng: np.eye(4)[rng.integers(4, size=n)],
    "always undecided": lambda n, rng: np.full((n, 4), 0.25),
    "mostly CDM": lambda n, rng: np.where(
        rng.random((n, 1)) < 0.7, [0.9, 0.03, 0.04, 0.03], rng.dirichlet(np.ones(4), n)
    ),
    "either end": lambda n, rng: np.eye(4)[rng.choice(4, n, p=[0.62, 0.07, 0.03, 0.28])],
}
"""What a network may say to maps of pure noise; either end is what those of the benchmark say."""


@pytest.mark.parametrize(
    ("true", "noise", "n_clusters"),
    [
        *product(NODES, NOISE, [100]),
        *product(NODES[1:], ["either end"], [1000]),  # CDM moves by 1.3 of its one-sided error
    ],
)
def test_a_tenth_of_noise_moves_the_estimate_by_less_than_its_error(true, noise, n_clusters):
    moved = []
    for seed in range(1000 // n_clusters + 2):
        rng = np.random.default_rng(seed)
        posterior = calibrated(rng)
        probabilities = observe(true, n_clusters, rng)
        position = posterior._axis.position  # near zero, cm2/g are no measure
        before = position(posterior.fit(probabilities).median_)
        probabilities[: n_clusters // 10] = NOISE[noise](n_clusters // 10, rng)
        after = position(posterior.fit(probabilities).median_)
        low, high = position(np.minimum(posterior.interval(), NODES[-1]))
        moved.append(abs(after - before) / ((high - low) / 2))
    assert np.mean(moved) < 1


def test_a_tenth_of_noise_is_no_discovery(rng):
    posterior = calibrated(rng)
    probabilities = observe(0, 1000, rng)
    probabilities[:100] = 0.25
    assert posterior.fit(probabilities).lower_limit() == 0


@pytest.mark.parametrize("calibrate", [False, True])
def test_one_confident_mistake_does_not_decide(rng, calibrate):
    posterior = calibrated(rng) if calibrate else CrossSectionPosterior(CLASSES)
    probabilities = observe(0.1, 30, rng)
    probabilities[0] = [0, 0, 0, 1]
    posterior.fit(probabilities)
    assert posterior.posterior_.argmax() == 1
    assert posterior.upper_limit() < 0.3
    # Multiplied as they are, the probabilities leave SIDM1 alone.
    with np.errstate(divide="ignore"):
        assert np.log(probabilities).sum(axis=0).argmax() == 3


def test_training_prior_is_divided_out(rng):
    features = respond(0.2) + rng.normal(size=20)
    imbalance = np.array([0.7, 0.1, 0.1, 0.1])
    balanced = CrossSectionPosterior(CLASSES).fit(classify(features))
    imbalanced = CrossSectionPosterior(CLASSES, training_prior=imbalance * 100)
    imbalanced.fit(classify(features, training_prior=imbalance))
    np.testing.assert_allclose(imbalanced.posterior_, balanced.posterior_, rtol=1e-4)
    np.testing.assert_allclose(imbalanced.density_, balanced.density_, rtol=1e-4)


def test_prior_multiplies_the_evidence(rng):
    probabilities = observe(0.1, 3, rng)
    uniform = CrossSectionPosterior(CLASSES).fit(probabilities)
    weighted = CrossSectionPosterior(CLASSES, prior=[8, 1, 1, 1]).fit(probabilities)
    odds = [each.posterior_[0] / each.posterior_[1] for each in (uniform, weighted)]
    assert odds[1] / odds[0] == pytest.approx(8)
    assert weighted.log_evidence_ratio("CDM", "SIDM0.1") == pytest.approx(np.log(odds[0]))


def test_differences_between_networks_are_not_averaged_away(rng):
    features = respond(0.1) + rng.normal(size=10_000)
    offsets = np.array([-0.4, -0.2, 0, 0.2, 0.4])
    posterior = calibrated(rng, 3000)
    low, high = posterior.fit(classify(features)).interval()
    alone = high - low
    low, high = posterior.fit(classify(features + offsets[:, np.newaxis])).interval()
    slope = 4 / np.log(11) / (0.1 + 0.1)  # of the feature with the cross-section
    assert alone < 0.1 * 0.4 / slope * 4
    assert high - low > 2 * 0.2 / slope  # the middle three of five networks


def test_overconfidence_of_the_network_does_not_matter_once_calibrated(rng):
    results = []
    for overconfidence in (0.5, 1, 8):
        each = np.random.default_rng(5)
        posterior = calibrated(each, overconfidence=overconfidence)
        results.append(posterior.fit(observe(0.2, 100, each, overconfidence=overconfidence)).interval())
    np.testing.assert_allclose(results[1:], [results[0]] * 2, atol=0.02)


def test_few_held_out_clusters_widen_the_error(rng):
    def width(n_clusters):
        probabilities = observe(0.1, 3000, np.random.default_rng(2))
        low, high = calibrated(np.random.default_rng(3), n_clusters).fit(probabilities).interval()
        return high - low

    assert width(30) > 3 * width(10_000)


def test_held_out_clusters_between_the_classes_measure_a_bent_response(rng):
    """The same number of clusters; the network knows four classes."""

    def feature(cross_sections):
        return 4 * np.sqrt(cross_sections) + rng.normal(size=len(cross_sections))

    truth = 0.5  # far from a straight line between 0.3 and 1
    widths, medians = [], []
    for nodes in (NODES, np.array([0, 0.03, 0.1, 0.17, 0.3, 0.45, 0.65, 1])):
        target = np.repeat(nodes, 8000 // len(nodes))
        posterior = CrossSectionPosterior(CLASSES, random_state=0)
        posterior.calibrate(classify(feature(target)), [label_of(each) for each in target])
        found = []
        for _ in range(10):
            posterior.fit(classify(feature(np.full(1000, truth))))
            found.append([np.ptp(posterior.interval()), posterior.median_])
        width, median = np.mean(found, axis=0)
        widths.append(width)
        medians.append(median)
    assert widths[1] < widths[0] / 4
    assert abs(medians[1] - truth) < widths[1] / 2


def test_large_samples_warn_that_more_clusters_are_of_no_use(rng):
    posterior = calibrated(rng, 100)
    fractions = [
        posterior.fit(observe(0.1, n_clusters, rng)).systematic_fraction_ for n_clusters in (10, 100, 1000)
    ]
    assert fractions == sorted(fractions)
    with pytest.warns(
        UserWarning, match="variance is systematic, from calibration and networks: a larger sample"
    ):
        posterior.fit(observe(0.2, 10_000, rng))
    assert 0.9 < posterior.systematic_fraction_ <= 1


# How often its intervals contain the truth


def draw_surveys(posterior, n_clusters, n_surveys, rng):
    """Draw cross-sections, responses between classes and outlier fractions from their priors.

    Yield the fitted posterior and the truth.
    """
    scale = 0.1
    for true in scale * np.expm1(rng.uniform(0, np.log(11), n_surveys)):
        gap = min(np.searchsorted(NODES, true, side="right") - 1, 2)
        low, high = respond(NODES[gap : gap + 2])
        fraction = (respond(true) - low) / (high - low)
        bent = fraction + rng.uniform(-1, 1) * fraction * (1 - fraction)
        features = low + bent * (high - low) + rng.normal(size=n_clusters)
        is_outlier = rng.random(n_clusters) < beta.rvs(1, 19, random_state=rng)
        others = respond(rng.choice(NODES, n_clusters)) + rng.normal(size=n_clusters)
        features[is_outlier] = others[is_outlier]
        yield posterior.fit(classify(features, overconfidence=3)), true


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [1, 10, 100])
def test_ranks_of_the_truth_are_uniform_and_intervals_cover(well_calibrated, rng, n_clusters):
    n_surveys = 1000
    ranks, contained = [], []
    for posterior, true in draw_surveys(well_calibrated, n_clusters, n_surveys, rng):
        steps = np.diff(posterior.grid_) * (posterior.density_[1:] + posterior.density_[:-1]) / 2
        ranks.append(np.interp(true, posterior.grid_, np.append(0, np.cumsum(steps)) / steps.sum()))
        contained.append([low <= true <= high for low, high in map(posterior.interval, (0.68, 0.95))])
    counts, _ = np.histogram(ranks, bins=10, range=(0, 1))
    expected = n_surveys / 10
    assert ((counts - expected) ** 2 / expected).sum() < chi2.ppf(0.999, df=9)
    # Within 3 points of nominal, beyond what chance does to 1,000 surveys.
    for fraction, level in zip(np.mean(contained, axis=0), (0.68, 0.95), strict=True):
        assert abs(fraction - level) < 0.03 + 2 * np.sqrt(level * (1 - level) / n_surveys)


@pytest.mark.slow
def test_intervals_contain_any_truth():
    rng = np.random.default_rng(7)
    surveys = [(true, n) for true in (0, 0.05, 0.3, 1) for n in (10, 100)]
    contained = {survey: [] for survey in surveys}
    for _ in range(100):
        posterior = calibrated(rng, overconfidence=2)
        for true, n_clusters in surveys * 5:
            posterior.fit(observe(true, n_clusters, rng, overconfidence=2))
            intervals = [posterior.interval(level) for level in (0.68, 0.95)]
            contained[true, n_clusters].append([low <= true <= high for low, high in intervals])
    for survey, each in contained.items():
        for fraction, level in zip(np.mean(each, axis=0), (0.68, 0.95), strict=True):
            # Within 3 points of nominal, beyond what chance does to 500 surveys. At the ends, where intervals
            # are one-sided, the truth is in more of them.
            assert fraction > level - 0.03 - 2.5 * np.sqrt(level * (1 - level) / 500), survey


# Forms of input


def test_order_of_classes_and_maps_does_not_matter(rng):
    probabilities, target = held_out(rng)
    sample, order = observe(0.2, 20, rng), [2, 0, 3, 1]
    first = CrossSectionPosterior(CLASSES, random_state=0).calibrate(probabilities, np.array(CLASSES)[target])
    labels = np.array(CLASSES)[order]
    second = CrossSectionPosterior(labels, random_state=0)
    second.calibrate(probabilities[:, order], np.array(CLASSES)[target])
    first.fit(sample)
    second.fit(sample[::-1, order])
    np.testing.assert_allclose(second.posterior_, first.posterior_[order], rtol=1e-4)
    assert second.median_ == pytest.approx(first.median_)
    assert second.cross_sections_.tolist() == NODES[order].tolist()


def test_same_seed_same_result(rng):
    sample = observe(0.2, 20, rng)
    first, second = (calibrated(np.random.default_rng(3)).fit(sample) for _ in range(2))
    assert first.interval() == second.interval()


def test_calibrated_is_not_fitted(rng):
    with pytest.raises(NotFittedError):
        calibrated(rng).interval()


def test_a_clone_is_not_calibrated(rng):
    fresh = clone(calibrated(rng))
    assert fresh.get_params()["classes"] == CLASSES
    fresh.fit(observe(0.1, 5, rng))
    np.testing.assert_allclose(fresh.posterior_.sum(), 1)


def test_a_hundred_thousand_clusters_of_five_networks(rng):
    posterior = calibrated(rng)
    probabilities = classify(respond(0.1) + rng.normal(size=(5, 100_000)))
    posterior.fit(probabilities)
    assert posterior.posterior_[1] > 0.9


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([0.5, 0.5], "must have shape"),
        ([[0.5, 0.5]], "n_classes=4"),
        ([[0.5, 0.5, 0.5, 0.5]], "sum to one"),
        ([[np.nan, 0.5, 0.5, 0]], "finite"),
        ([[-0.5, 0.5, 0.5, 0.5]], "zero or more"),
    ],
)
def test_refuses_what_are_no_probabilities(probabilities, message):
    with pytest.raises(ValueError, match=message):
        CrossSectionPosterior(CLASSES).fit(probabilities)


def test_refuses_bad_parameters(rng):
    sample = observe(0.1, 5, rng)
    with pytest.raises(ValueError, match="two or more different"):
        CrossSectionPosterior(["CDM", "SIDM0"]).fit(sample[:, :2])
    with pytest.raises(ValueError, match="label must be"):
        CrossSectionPosterior(["CDM", "WDM"]).fit(sample[:, :2])
    with pytest.raises(ValueError, match="prior must have 4 positive numbers"):
        CrossSectionPosterior(CLASSES, prior=[1, 1]).fit(sample)
    with pytest.raises(ValueError, match="'outlier_fraction'"):
        CrossSectionPosterior(CLASSES, outlier_fraction=0).fit(sample)
    with pytest.raises(ValueError, match="denominator must be one of"):
        CrossSectionPosterior(CLASSES).fit(sample).log_evidence_ratio("CDM", "SIDM7")


# Labels


def test_labels_that_say_the_same_are_equal(rng):
    probabilities, target = held_out(rng, 20)
    plain, other = (CrossSectionPosterior(classes, random_state=0) for classes in (CLASSES, OTHER_FORM))
    plain.calibrate(probabilities, np.array(CLASSES)[target]).fit(probabilities[:5])
    other.calibrate(probabilities, np.array(CLASSES)[target]).fit(probabilities[:5])
    np.testing.assert_array_equal(other.density_, plain.density_)
    assert other.log_evidence_ratio("SIDM1", "SIDM0") == plain.log_evidence_ratio("SIDM1.0", "CDM")
    for labels in (CLASSES, OTHER_FORM):
        error = expected_calibration_error(np.array(labels)[target], probabilities, CLASSES)
        assert error == expected_calibration_error(np.array(CLASSES)[target], probabilities, CLASSES)


def test_feedback_may_stand_in_the_labels(rng):
    probabilities, target = held_out(rng, 40)
    labels, feedback = np.array(CLASSES)[target], np.array(["weak", "strong"])[np.arange(160) % 2]
    apart, joint = (CrossSectionPosterior(CLASSES, random_state=0) for _ in range(2))
    apart.calibrate(probabilities, labels, feedback=feedback).fit(probabilities[:5])
    joint.calibrate(probabilities, join_labels(labels, feedback)).fit(probabilities[:5])
    np.testing.assert_array_equal(joint.density_, apart.density_)
    with pytest.raises(ValueError, match="sum over feedback with darkcnn"):
        CrossSectionPosterior(["CDM", "CDM/strong"]).fit([[0.5, 0.5]])


VELOCITY_DEPENDENT = ["SIDM1", "CDM", "vdSIDM3.04w560"]


def test_cross_sections_may_depend_on_velocity(rng):
    """At 1,200 km/s the third is 0.54 cm2/g, below the first; at low velocity it is 3.04, above it."""
    sample = np.tile([0.15, 0.15, 0.7], (20, 1))
    posterior = CrossSectionPosterior(VELOCITY_DEPENDENT, velocity=1200).fit(sample)
    np.testing.assert_allclose(posterior.cross_sections_, [1, 0, 3.04 / (1 + (1200 / 560) ** 2)])
    assert posterior.posterior_.argmax() == 2
    assert posterior.summary().startswith("cross-section at 1200 km/s = 0.5")
    constant = CrossSectionPosterior(["SIDM1", "CDM", label_of(posterior.cross_sections_[2])]).fit(sample)
    np.testing.assert_allclose(constant.density_, posterior.density_, rtol=1e-6)
    at_rest = CrossSectionPosterior(VELOCITY_DEPENDENT, velocity=0)
    with pytest.warns(UserWarning, match="has a lower limit only"):
        at_rest.fit(sample)
    assert at_rest.grid_[-1] == 3.04


def test_a_velocity_that_is_missing_or_unclear_is_told(rng):
    sample, scale = np.full((5, 3), 1 / 3), 560
    with pytest.raises(ValueError, match=r"'vdSIDM3.04w560', .* set velocity to"):
        CrossSectionPosterior(VELOCITY_DEPENDENT).fit(sample)
    with pytest.raises(ValueError, match="different cross-sections at 560 km/s"):
        CrossSectionPosterior(["CDM", "SIDM1", label_of(2, scale)], velocity=scale).fit(sample)
    probabilities, target = held_out(rng, 20, nodes=NODES[:3])
    posterior = CrossSectionPosterior(VELOCITY_DEPENDENT, velocity=0)
    posterior.calibrate(probabilities, np.array(VELOCITY_DEPENDENT)[target])
    with pytest.raises(ValueError, match="velocity changed after calibrate"):
        posterior.set_params(velocity=1200).fit(sample)
    assert "km/s" not in CrossSectionPosterior(CLASSES, velocity=100).fit(np.full((5, 4), 0.25)).summary()


def test_refuses_bad_calibration(rng):
    probabilities, target = held_out(rng, 20)
    labels = np.array(CLASSES)[target]
    posterior = CrossSectionPosterior(CLASSES)
    with pytest.raises(ValueError, match=r"from 0 to 1 cm2/g.*got \[2.0\]"):
        posterior.calibrate(probabilities, np.where(target == 0, "SIDM2", labels))
    with pytest.raises(ValueError, match=r"every class, got none of \['CDM'\]"):
        posterior.calibrate(probabilities, np.where(target == 0, "SIDM0.05", labels))
    with pytest.raises(ValueError, match="at least ten clusters"):
        posterior.calibrate(probabilities, labels, groups=target)
    posterior.calibrate(np.stack([probabilities] * 2), labels)
    with pytest.raises(ValueError, match="2 networks calibrated, got 3"):
        posterior.fit(np.stack([probabilities] * 3))
    with pytest.raises(ValueError, match="call it again"):
        posterior.set_params(training_prior=[4, 3, 2, 1]).fit(probabilities)


# The published estimator and calibration error


@pytest.mark.parametrize("n_maps", [1, 100, 1000])
def test_published_error_falls_with_the_number_of_maps_whatever_networks_say(n_maps):
    votes = np.repeat(np.eye(3)[[1, 1, 1, 1, 2]], n_maps, axis=0).reshape(5, n_maps, 3)
    estimate, error = published_estimate(votes, [0, 0.1, 1], double_softmax=False)
    assert estimate == pytest.approx(0.28)
    assert error == pytest.approx(0.36 / np.sqrt(n_maps))


def test_published_softmax_of_a_softmax():
    # One map that is certainly SIDM0.1 becomes e / (e + 2) = 0.576.
    weights = np.array([1, np.e, 1]) / (np.e + 2)
    estimate, _ = published_estimate([[0, 1, 0]], [0, 0.1, 1])
    assert estimate == pytest.approx(weights @ [0, 0.1, 1])


def test_published_product_of_contradictions_is_refused():
    with pytest.raises(ValueError, match="exclude every class"):
        published_estimate([[1, 0], [0, 1]], [0, 1], double_softmax=False)


def test_calibration_error_of_calibrated_and_of_overconfident_probabilities(rng):
    errors = []
    for overconfidence in (1, 5):
        probabilities, target = held_out(rng, 5000, overconfidence=overconfidence)
        errors.append(expected_calibration_error(np.array(CLASSES)[target], probabilities, CLASSES))
    assert errors[0] < 3 * np.sqrt(10 / (2 * np.pi * 20_000))
    assert errors[1] > 0.1


class Overconfident(ClassifierMixin, BaseEstimator):
    """The ideal network, with its log-probabilities multiplied."""

    def __init__(self, overconfidence=1.0):
        self.overconfidence = overconfidence

    def fit(self, X, y):
        self.classes_ = np.array(CLASSES)
        return self

    def predict_proba(self, X):
        return classify(X[:, 0], overconfidence=self.overconfidence)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"), reason='method="temperature" is newer'
)
@pytest.mark.parametrize("overconfidence", [0.5, 3])
def test_temperature_scaling_by_group_finds_the_overconfidence(rng, overconfidence):
    # The same 400 halos in every class, each seen twice with scatter of its own.
    groups = np.tile(np.arange(400), 8)
    target = np.repeat([0, 1, 2, 3], 800)
    X = (respond(NODES)[target] + rng.normal(size=3200))[:, np.newaxis]
    y = np.array(CLASSES)[target]
    folds = list(StratifiedGroupKFold(4).split(X, y, groups))
    calibrated = CalibratedClassifierCV(Overconfident(overconfidence), method="temperature", cv=folds)
    calibrated.fit(X, y)
    found = [1 / each.calibrators[0].beta_ for each in calibrated.calibrated_classifiers_]
    # The standard error of a temperature from 800 maps is a few per cent.
    np.testing.assert_allclose(found, overconfidence, rtol=0.15)
    fresh = (respond(NODES)[target] + rng.normal(size=3200))[:, np.newaxis]
    errors = [
        expected_calibration_error(y, probabilities, CLASSES)
        for probabilities in (
            classify(fresh[:, 0], overconfidence=overconfidence),
            calibrated.predict_proba(fresh),
        )
    ]
    assert errors[0] > 0.1
    assert errors[1] < 3 * np.sqrt(10 / (2 * np.pi * 3200))


# Dark matter, whatever the feedback


def test_feedback_is_summed_over_in_every_network(rng):
    classes = ["SIDM1/strong", "CDM", "SIDM1", "CDM/weak"]
    probabilities = rng.dirichlet(np.ones(4), (2, 5))
    marginal, names = marginalize_feedback(probabilities, classes)
    assert names.tolist() == ["CDM", "SIDM1"]
    np.testing.assert_allclose(marginal[..., 0], probabilities[..., 1] + probabilities[..., 3])
    np.testing.assert_allclose(marginal[..., 1], probabilities[..., 0] + probabilities[..., 2])


def test_without_feedback_classes_are_only_sorted():
    marginal, names = marginalize_feedback([[0.5, 0.3, 0.2]], ["SIDM0.3", "CDM", "SIDM0.1"])
    assert names.tolist() == ["CDM", "SIDM0.1", "SIDM0.3"]
    assert marginal.tolist() == [[0.3, 0.2, 0.5]]


def test_feedback_needs_a_column_for_each_class():
    with pytest.raises(ValueError, match="one column for each of 3 classes, got shape"):
        marginalize_feedback([[0.5, 0.5]], ["CDM", "CDM/weak", "SIDM1"])


def test_unknown_feedback_is_in_the_error(rng):
    """Feedback shifts the feature, of all clusters of a sample alike."""
    shifts = np.array([0, 0.8])  # from 0.1 to 0.18 cm2/g
    variant = np.tile([0, 1], 1200)
    target = np.repeat([0, 1, 2, 3], 600)
    features = respond(NODES)[target] + shifts[variant] + rng.normal(size=2400)
    labels = np.array(CLASSES)[target]
    aware, unaware = (CrossSectionPosterior(CLASSES, random_state=0) for _ in range(2))
    aware.calibrate(classify(features), labels, feedback=np.array(["weak", "strong"])[variant])
    unaware.calibrate(classify(features), labels)
    for shift in shifts:
        sample = classify(respond(0.1) + shift + rng.normal(size=1000))
        low, high = aware.fit(sample).interval(0.95)
        assert low < 0.1 < high
        assert aware.systematic_fraction_ > 0.9
        low, high = unaware.fit(sample).interval(0.95)
        assert not low < 0.1 < high

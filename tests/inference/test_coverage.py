import numpy as np
import pytest
from scipy.special import softmax

from darkcnn import CrossSectionPosterior
from darkcnn.inference import coverage_check

CLASSES = ["CDM", "SIDM0.1", "SIDM1"]
POSITIONS = np.array([0.0, 0.29, 1.0])  # of the classes on the axis


def clusters(n_halos, n_suites, seed, *, scatter=0.15):
    """Return probabilities, labels, halos and suites; each suite has an offset of its own."""
    rng = np.random.default_rng(seed)
    suites, halos, classes = (each.ravel() for each in np.indices((n_suites, n_halos, 3)))
    features = POSITIONS[classes] + scatter * rng.normal(size=n_suites)[suites]
    features += 0.25 * rng.normal(size=len(features))
    probabilities = softmax(-((features[:, np.newaxis] - POSITIONS) ** 2) / (2 * 0.25**2), axis=1)
    return probabilities, np.array(CLASSES)[classes], halos + n_halos * suites, suites


@pytest.fixture(scope="module")
def checks():
    """Coverage in fresh suites, after a calibration with one suite and with many."""
    one, many, fresh = clusters(300, 1, 0), clusters(20, 40, 1), clusters(60, 40, 2)
    posteriors = (
        CrossSectionPosterior(CLASSES, random_state=0).calibrate(*one[:3]),
        CrossSectionPosterior(CLASSES, random_state=0).calibrate(*many[:3], suites=many[3]),
    )
    return [
        coverage_check(each, *fresh[:3], suites=fresh[3], n_clusters=40, n_samples=2, random_state=0)
        for each in posteriors
    ]


def test_one_suite_is_over_confident_and_many_are_not(checks):
    (one, _), (many, errors) = (check.fraction() for check in checks)
    assert one[1] < 0.8 < 0.9 < many[1]
    assert (errors < 0.1).all()


def test_ranks_and_intervals_tell_the_same(checks):
    for check in checks:
        assert check.contained.shape == (240, 2)
        assert (check.contained[:, 0] <= check.contained[:, 1]).all()
        assert (check.ranks[check.cross_sections == 0] == 0).all()
        np.testing.assert_allclose(check.ranks[check.cross_sections == 1], 1)
        between = check.cross_sections == 0.1
        tails = np.minimum(check.ranks, 1 - check.ranks)
        assert check.contained[between & (tails > 0.3), 1].all()
        assert not check.contained[between & (tails < 1e-3), 0].any()


def test_fractions_of_one_truth_average_to_those_of_all(checks):
    each = [checks[1].fraction(truth)[0] for truth in (0, 0.1, 1)]
    np.testing.assert_allclose(np.mean(each, axis=0), checks[1].fraction()[0])


def test_one_suite_has_no_error():
    probabilities, target, groups, _ = clusters(40, 1, 3)
    posterior = CrossSectionPosterior(CLASSES, random_state=0)
    fractions, errors = coverage_check(posterior, probabilities, target, groups, n_samples=2).fraction()
    assert np.isfinite(fractions).all()
    assert np.isnan(errors).all()


def test_the_posterior_stays_as_it_was():
    probabilities, target, groups, _ = clusters(40, 1, 4)
    posterior = CrossSectionPosterior(CLASSES, random_state=0).fit(probabilities[:9])
    before = posterior.posterior_.copy()
    checks = [
        coverage_check(posterior, probabilities, target, groups, n_samples=2, random_state=5)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(posterior.posterior_, before)
    np.testing.assert_array_equal(checks[0].intervals, checks[1].intervals)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 41}, "n_clusters must be at most 40, the number of .* in a suite, got 41"),
        ({"n_clusters": 0}, r"'n_clusters' parameter of coverage_check must be an int in .*1, inf.* Got 0"),
        ({"n_samples": 2.5}, "'n_samples' parameter of coverage_check must be an int .* Got 2.5"),
        ({"levels": (0.68, 1.5)}, "levels must be a probability between 0 and 1, got 1.5"),
        ({"levels": 0.68}, "'levels' parameter of coverage_check must be an array-like. Got 0.68"),
        ({"levels": ()}, "levels must contain a probability, got none"),
        ({"suites": [0]}, "inconsistent numbers of samples"),
        ({"suites": [np.nan] * 120}, "suites must name the suite of every row, got 120 rows without"),
        ({"embedding": np.zeros((120, 2))}, "embedding must be left out"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    probabilities, target, groups, _ = clusters(40, 1, 5)
    with pytest.raises(ValueError, match=message):
        coverage_check(CrossSectionPosterior(CLASSES), probabilities, target, groups, **options)


def test_an_unknown_truth_is_refused(checks):
    with pytest.raises(ValueError, match=r"cross_section must be one of \[0.0, 0.1, 1.0\] cm2/g, got 0.2"):
        checks[0].fraction(0.2)


@pytest.mark.parametrize(
    ("target", "n_networks"),
    [
        (["CDM", "SIDM0.10", "SIDM1.0"], 1),
        (["CDM/strong", "SIDM0.1/strong", "SIDM1/strong"], 1),
        (CLASSES, 2),
    ],
    ids=["other spelling", "feedback", "two networks"],
)
def test_labels_and_networks_are_those_of_the_posterior(target, n_networks):
    probabilities, labels, groups, _ = clusters(40, 1, 6)
    posterior = CrossSectionPosterior(CLASSES, random_state=0)
    expected = coverage_check(posterior, probabilities, labels, groups, n_samples=2, random_state=0)
    labels = np.array(target)[[CLASSES.index(label) for label in labels]]
    probabilities = np.array([probabilities] * n_networks)
    found = coverage_check(posterior, probabilities, labels, groups, n_samples=2, random_state=0)
    np.testing.assert_array_equal(found.intervals, expected.intervals)
    np.testing.assert_array_equal(found.cross_sections, expected.cross_sections)

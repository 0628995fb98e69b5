"""Suites as a random effect: known populations, known answers."""

import warnings

import numpy as np
import pytest

from darkcnn.inference import CrossSectionPosterior, SuiteResponse

CLASSES = ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
DESIGN = np.array([0, 0.03, 0.1, 0.3, 0.6, 1])
SHIFT = 0.5  # standard deviation of a suite, in units of the response from one end of the axis to the other


def position(cross_sections):
    return np.log1p(np.asarray(cross_sections) / 0.1)


def world(rng, cross_sections, n_clusters, n_features=1):
    """Return features of clusters at each cross-section, all shifted alike; the last does not respond."""
    cross_sections = np.repeat(cross_sections, n_clusters)
    features = rng.normal(size=(len(cross_sections), n_features))
    features[:, 0] += 2 * position(cross_sections)
    return features + SHIFT * rng.normal(size=n_features), cross_sections


def population(rng, n_suites, n_clusters=40, n_features=1):
    """Return features, cross-sections and suites of a calibration."""
    worlds = [world(rng, DESIGN, n_clusters, n_features) for _ in range(n_suites)]
    features, cross_sections = map(np.concatenate, zip(*worlds, strict=True))
    return features, cross_sections, np.repeat(np.arange(n_suites), len(features) // n_suites)


def labels_of(cross_sections):
    return np.array(["CDM" if each == 0 else f"SIDM{each:g}" for each in cross_sections])


def probabilities_of(features):
    """Return probabilities of the classes whose mean coordinate rises with the first feature."""
    logits = -0.5 * (features[:, :1] - 2 * position([0, 0.1, 0.3, 1])) ** 2
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def posterior_of(features, cross_sections, suites, *, embed):
    posterior = CrossSectionPosterior(CLASSES, random_state=0)
    return posterior.calibrate(
        probabilities_of(features),
        labels_of(cross_sections),
        suites=suites,
        embedding=features if embed else None,
    )


@pytest.mark.parametrize("embed", [False, True])
def test_intervals_hold_the_truth_in_worlds_that_were_not_simulated(embed):
    rng = np.random.default_rng(5)
    posterior = posterior_of(*population(rng, 30, n_features=3), embed=embed)
    held, n_worlds = np.zeros(2), 150
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of samples near the ends
        for _ in range(n_worlds):
            truth = 0.1 * np.expm1(rng.uniform(*position([0, 1])))
            sample, _ = world(rng, [truth], 60, 3)
            posterior.fit(probabilities_of(sample), embedding=sample if embed else None)
            held += [low <= truth <= high for low, high in map(posterior.interval, (0.68, 0.95))]
    errors = np.sqrt(np.array([0.68 * 0.32, 0.95 * 0.05]) / n_worlds)
    # The truth is drawn from the prior, so that coverage is nominal, but for the floor of the discrepancy.
    assert (held / n_worlds > [0.68, 0.95] - 3 * errors).all()
    assert held[0] / n_worlds < 0.68 + 4 * errors[0] + (0.1 if embed else 0)


def test_one_suite_taken_for_the_world_is_over_confident():
    rng = np.random.default_rng(5)
    features, cross_sections, suites = population(rng, 30)
    one = suites == 0
    single = CrossSectionPosterior(CLASSES, random_state=0).calibrate(
        probabilities_of(features[one]), labels_of(cross_sections[one])
    )
    many = posterior_of(features, cross_sections, suites, embed=False)
    sample, _ = world(rng, [0.1], 200)
    widths = []
    for posterior in (single, many):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # the variance of one suite is that of its replicates
            low, high = posterior.fit(probabilities_of(sample)).interval()
        widths.append(position(high) - position(low))
    assert widths[1] > 2 * widths[0]


def test_more_clusters_than_the_effective_number_do_not_help():
    rng = np.random.default_rng(0)
    posterior = posterior_of(*population(rng, 40), embed=False)
    few, many = (world(np.random.default_rng(1), [0.1], n)[0] for n in (100, 10_000))
    effective = []
    for sample in (few, many):
        posterior.fit(probabilities_of(sample))
        effective.append(posterior.n_effective_)
    # The variance within over that between suites: 1 / SHIFT^2, to what 40 suites tell.
    assert effective == pytest.approx([1 / SHIFT**2] * 2, rel=0.5)
    assert posterior.systematic_fraction_ > 0.99
    assert f"effectively at most {effective[1]:.0f}" in posterior.summary()
    assert "effectively" not in posterior.fit(probabilities_of(few[:1])).summary()


def test_a_sample_unlike_all_suites_has_a_larger_discrepancy():
    rng = np.random.default_rng(0)
    posterior = posterior_of(*population(rng, 30, n_features=4), embed=True)
    sample, _ = world(rng, [0.1], 60, 4)
    shares = []
    for shift in (0, 8):
        shifted = sample + np.array([0, 0, 0, shift])  # across the response
        posterior.fit(probabilities_of(shifted), embedding=shifted)
        shares.append(posterior.variances_["discrepancy"] / sum(posterior.variances_.values()))
    assert shares[1] > 2 * shares[0]


@pytest.mark.parametrize("n_clusters", [40, 400])
def test_pvalues_are_uniform_in_worlds_like_the_suites_and_small_in_others(n_clusters):
    rng = np.random.default_rng(8)
    features, cross_sections, suites = population(rng, 30, n_features=4)
    response = SuiteResponse(features, cross_sections, suites, np.arange(len(suites)))

    def pvalue(shift):
        sample, _ = world(rng, [0.1], n_clusters, 4)
        return response.pvalue(sample + np.array([0, 0, 0, shift]), np.arange(n_clusters))

    inside = [pvalue(0) for _ in range(200)]
    assert np.mean(np.array(inside) < 0.1) == pytest.approx(0.1, abs=0.07)
    assert np.median([pvalue(3) for _ in range(20)]) < 0.05


def test_noise_among_the_clusters_moves_the_estimate_by_less_than_its_error():
    rng = np.random.default_rng(2)
    posterior = posterior_of(*population(rng, 30, n_features=2), embed=True)
    sample, _ = world(rng, [0.1], 300, 2)
    clean = posterior.fit(probabilities_of(sample), embedding=sample)
    median, (low, high) = clean.median_, clean.interval()
    sample[:30] = 20 * rng.normal(size=(30, 2))
    posterior.fit(probabilities_of(sample), embedding=sample)
    assert low < posterior.median_ < high
    assert abs(posterior.median_ - median) < (high - low) / 2


def test_maps_of_a_cluster_share_one_vote():
    rng = np.random.default_rng(3)
    posterior = posterior_of(*population(rng, 10), embed=False)
    sample = probabilities_of(world(rng, [0.1], 20)[0])
    once = posterior.fit(sample).density_
    twice = posterior.fit(np.repeat(sample, 2, axis=0), groups=np.repeat(np.arange(20), 2)).density_
    np.testing.assert_allclose(twice, once)
    assert posterior.n_clusters_ == 20


@pytest.mark.parametrize("embed", [False, True])
def test_few_clusters_of_the_own_world_narrow_the_interval_and_it_still_holds(embed):
    rng = np.random.default_rng(9)
    posterior = posterior_of(*population(rng, 40, n_features=2), embed=embed)
    without = posterior_of(*population(rng, 40, n_features=2), embed=embed)
    own_truths, held, widths, wider = [0, 0.1, 1], np.zeros(2), [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of samples near the ends
        for number in range(100):
            truth = 0.1 * np.expm1(rng.uniform(*position([0, 1])))
            features, truths = world(rng, [truth, *own_truths], 60, 2)
            sample, own = features[:60], truths != truth
            labels, features = labels_of(truths[own]), features[own]
            few = np.arange(len(features)) % 60 < 10
            kwargs = {"embedding": features[few]} if embed else {}
            posterior.condition(probabilities_of(features[few]), labels[few], **kwargs)
            posterior.fit(probabilities_of(sample), embedding=sample if embed else None)
            held += [low <= truth <= high for low, high in map(posterior.interval, (0.68, 0.95))]
            widths.append(np.diff(position(np.minimum(posterior.interval(), 1))))
            if number % 10 == 0:
                without.fit(probabilities_of(sample), embedding=sample if embed else None)
                wider.append(np.diff(position(np.minimum(without.interval(), 1))))
    assert np.mean(widths) < 0.8 * np.mean(wider)
    assert held[0] > 68 - 3 * 4.7
    assert held[1] > 95 - 3 * 2.2


def test_own_halos_that_differ_more_than_those_of_the_suites_count_for_less():
    rng = np.random.default_rng(9)
    posterior = posterior_of(*population(rng, 40, n_features=2), embed=True)
    sample, _ = world(np.random.default_rng(1), [0.1], 200, 2)
    own, truths = world(np.random.default_rng(1), [0, 0.1, 1], 10, 2)
    widths = []
    for factor in (0.5, 1, 6):
        centre = np.repeat([own[truths == each].mean(axis=0) for each in np.unique(truths)], 10, axis=0)
        features = centre + factor * (own - centre)
        posterior.condition(probabilities_of(features), labels_of(truths), embedding=features)
        posterior.fit(probabilities_of(sample), embedding=sample)
        widths.append(np.diff(position(posterior.interval())).item())
    assert widths[0] == pytest.approx(widths[1], rel=0.15)
    assert widths[2] > 1.3 * widths[1]


def test_condition_refuses_what_teaches_no_response():
    rng = np.random.default_rng(9)
    features, cross_sections, suites = population(rng, 10)
    few = probabilities_of(features[:4])
    with pytest.raises(ValueError, match="condition needs a calibration with suites"):
        CrossSectionPosterior(CLASSES).condition(few, ["CDM"] * 4)
    posterior = posterior_of(features, cross_sections, suites, embed=False)
    with pytest.raises(ValueError, match=r"3 or more at each of two.*got \{0.0: 4\}"):
        posterior.condition(few, ["CDM"] * 4).fit(few)


def test_a_response_is_the_same_as_arrays():
    rng = np.random.default_rng(4)
    features, cross_sections, suites = population(rng, 10, n_features=5)
    response = SuiteResponse(features, cross_sections, suites, np.arange(len(suites)))
    again = SuiteResponse.from_arrays(response.to_arrays())
    sample, _ = world(rng, [0.1], 50, 5)
    medians = []
    for each in (response, again):
        posterior = CrossSectionPosterior(CLASSES).calibrate_with(each)
        medians.append(posterior.fit(probabilities_of(sample), embedding=sample).median_)
    assert medians[0] == pytest.approx(medians[1], rel=1e-4)


def test_cross_sections_that_are_no_class_tell_the_response_between_classes():
    """Scores move late between SIDM0.1 and SIDM1: only what was simulated between them can tell."""
    rng = np.random.default_rng(6)

    def draw(truth, n):
        level = np.interp(truth, [0, 0.1, 0.6, 1], [0, 1, 1.2, 3])
        logits = np.array([0.0, 1.0, 3.0]) * (level + 0.7 * rng.normal(size=n))[:, np.newaxis]
        logits = logits - np.array([0.0, 0.5, 4.5])
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    classes = ["CDM", "SIDM0.1", "SIDM1"]
    medians = []
    for design in ([0, 0.1, 1], [0, 0.1, 0.3, 0.45, 0.6, 0.8, 1]):
        held_out = np.concatenate([draw(each, 400) for each in design])
        posterior = CrossSectionPosterior(classes, random_state=0)
        posterior.calibrate(held_out, labels_of(np.repeat(design, 400)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            medians.append(posterior.fit(draw(0.6, 400)).median_)
    assert medians[0] < 0.3
    assert medians[1] == pytest.approx(0.6, rel=0.25)


def test_refuses_what_no_random_effect_can_be_learned_from():
    rng = np.random.default_rng(7)
    features, cross_sections, suites = population(rng, 6)
    few = suites < 4
    with pytest.raises(ValueError, match="suites must be 5 or more, got 4"):
        posterior_of(features[few], cross_sections[few], suites[few], embed=False)
    thin = (suites != 3) | (cross_sections != 0.3)
    with pytest.raises(ValueError, match=r"suite 3 has 0 at 0\.3 cm2/g"):
        posterior_of(features[thin], cross_sections[thin], suites[thin], embed=False)
    short = cross_sections < 1
    with pytest.raises(
        ValueError, match=r"beyond the lowest and the highest class, 0 and 1 cm2/g, got 0 to 0\.6"
    ):
        posterior_of(features[short], cross_sections[short], suites[short], embed=False)
    posterior = posterior_of(features, cross_sections, suites, embed=True)
    with pytest.raises(ValueError, match="embedding must be given"):
        posterior.fit(probabilities_of(features))
    posterior = posterior_of(features, cross_sections, suites, embed=False)
    with pytest.raises(ValueError, match="embedding must be left out"):
        posterior.fit(probabilities_of(features), embedding=features)
    with pytest.raises(ValueError, match="embedding needs suites"):
        posterior.calibrate(probabilities_of(features), labels_of(cross_sections), embedding=features)


@pytest.mark.parametrize("unknown", [np.nan, None, ""])
def test_a_row_without_suite_is_refused(unknown):
    features, cross_sections, suites = population(np.random.default_rng(0), 5)
    suites = suites.astype(object)
    suites[3] = unknown
    with pytest.raises(
        ValueError, match="suites must name the suite of every row, got 1 rows without, first"
    ):
        posterior_of(features, cross_sections, suites, embed=False)


def test_errors_of_joined_masses_move_the_cross_section_by_less_than_its_error():
    """The first feature rises with the mass; suites differ in their mean mass, and in the feature besides."""
    rng = np.random.default_rng(4)

    def simulate(cross_sections, n_clusters):
        features, cross_sections = world(rng, cross_sections, n_clusters)
        log_mass = 14.5 + 0.15 * rng.normal() + 0.2 * rng.normal(size=len(features))
        features[:, 0] += 2 * (log_mass - 14.5)
        return np.column_stack([features, log_mass]), cross_sections

    worlds = [simulate(DESIGN, 40) for _ in range(40)]
    features, cross_sections = map(np.concatenate, zip(*worlds, strict=True))
    posterior = posterior_of(features, cross_sections, np.repeat(np.arange(40), 240), embed=True)

    def infer(sample, log_mass):
        joined = np.column_stack([sample[:, :1], log_mass])
        posterior.fit(probabilities_of(joined), embedding=joined)
        low, high = position(np.minimum(posterior.interval(), 1))
        return position(posterior.median_), (high - low) / 2

    moved = []
    for _ in range(20):
        sample, _ = simulate([0.2], 60)
        log_mass = sample[:, 1]
        scattered = log_mass + np.log10(1.2) * rng.normal(size=60)
        wrong = scattered, log_mass + np.log10(1.2), log_mass + np.log10(0.8)
        (median, error), *others = (infer(sample, each) for each in (log_mass, *wrong))
        moved.append([(other - median) / error for other, _ in others])
    scatter, too_high, too_low = np.transpose(moved)
    assert np.sqrt((scatter**2).mean()) < 0.2
    assert -1 < too_high.mean() < -0.1
    assert 0.1 < too_low.mean() < 1

import numpy as np
import pytest
from sklearn.base import clone

from darkcnn.inference import DomainTest

SHIFT = np.array([0, 0, 0, 0, 0, 0.8])


def embed(n_clusters, label, rng):
    """Six features, of which the first tells the classes apart."""
    return rng.normal(size=(n_clusters, 6)) + np.array([3.0 * label, 0, 0, 0, 0, 0])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def test_of_domain(rng):
    target = np.repeat([0, 1], 400)
    embeddings = np.concatenate([embed(400, label, rng) for label in (0, 1)])
    return DomainTest(random_state=0).fit(embeddings, np.array(["CDM", "SIDM1"])[target])


def test_pvalues_of_usual_maps_are_uniform(test_of_domain, rng):
    pvalues = test_of_domain.pvalues(embed(4000, 1, rng))
    # A rank among 400 has a standard error of at most 0.025, besides chance.
    for level in (0.05, 0.5, 0.9):
        assert abs((pvalues <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 400)


def test_usual_samples_are_rarely_flagged(test_of_domain, rng):
    pvalues = [test_of_domain.sample_pvalue(embed(20, label, rng)) for label in [0, 1] * 25]
    assert np.mean(np.array(pvalues) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 50)


def skewed(n_clusters, label, rng):
    """Return sixty correlated features with heavy tails, of which the first separates the classes."""
    features = rng.standard_t(3, size=(n_clusters, 60)) + rng.exponential(2, size=(n_clusters, 1))
    features[:, 0] += 3.0 * label
    return features


@pytest.mark.parametrize("n_clusters", [10, 40])
def test_p_values_of_usual_samples_are_uniform_over_calibrations(n_clusters):
    """Samples of one calibration are not independent: each has its own."""
    pvalues = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        target = np.repeat([0, 1], 100)
        features = np.concatenate([skewed(100, label, rng) for label in (0, 1)])
        test = DomainTest(random_state=seed).fit(features, np.array(["CDM", "SIDM1"])[target])
        pvalues.append(test.sample_pvalue(skewed(n_clusters, seed % 2, rng)))
    pvalues = np.array(pvalues)
    for level in (0.05, 0.5):
        error = np.sqrt(level * (1 - level) / len(pvalues))
        assert (pvalues < level).mean() < level + 3 * error
        assert (pvalues < 2.5 * level).mean() > level - 2 * error  # not too conservative


def test_a_shift_of_half_the_scatter_is_detected_despite_heavy_tails(rng):
    target = np.repeat([0, 1], 200)
    features = np.concatenate([skewed(200, label, rng) for label in (0, 1)])
    test = DomainTest(random_state=0).fit(features, np.array(["CDM", "SIDM1"])[target])
    shift = np.zeros(60)
    shift[20:30] = np.sqrt(3) / 2  # of the standard deviation of these features
    flagged = [test.sample_pvalue(skewed(30, 0, rng) + shift) < 0.05 for _ in range(20)]
    assert np.mean(flagged) > 0.8


def test_without_directions_besides_the_classes_nothing_is_flagged(rng):
    test = DomainTest(random_state=0).fit(rng.normal(size=(80, 1)), ["CDM", "SIDM1"] * 40)
    assert test.sample_pvalue(np.full((30, 1), 9.0)) == 1
    assert (test.pvalues(np.full((3, 1), 9.0)) == 1).all()


def test_usual_samples_as_large_as_the_reference_are_rarely_flagged():
    pvalues = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        test = DomainTest(random_state=seed).fit(embed(120, 0, rng), ["CDM", "SIDM1"] * 60)
        pvalues.append(test.sample_pvalue(embed(60, 0, rng)))
    assert np.mean(np.array(pvalues) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)


def test_a_shift_that_no_map_betrays_is_plain_in_a_sample(test_of_domain, rng):
    shifted = embed(100, 0, rng) + SHIFT
    assert (test_of_domain.pvalues(shifted) < 0.05).mean() < 0.2
    assert test_of_domain.sample_pvalue(shifted) < 0.01


def test_a_cross_section_between_the_classes_is_not_strange(test_of_domain, rng):
    assert test_of_domain.sample_pvalue(embed(100, 0.5, rng)) > 0.05


def test_copies_of_a_cluster_count_once(test_of_domain, rng):
    usual = embed(1, 0, rng) + SHIFT
    once = test_of_domain.sample_pvalue(usual)
    assert test_of_domain.sample_pvalue(np.repeat(usual, 100, axis=0), ["halo"] * 100) == once


def test_several_maps_of_a_cluster_are_compared_with_as_many():
    """Each map is that of its cluster, with a scatter of its own twice as large."""
    rng = np.random.default_rng(3)

    def observe(n_clusters, n_maps, shift=0.0):
        maps = np.repeat(rng.normal(size=(n_clusters, 6)), n_maps, axis=0)
        maps += rng.normal([0, shift, 0, 0, 0, 0], 2, maps.shape)
        return maps, np.repeat(np.arange(n_clusters), n_maps)

    embeddings, groups = observe(300, 6)
    embeddings[:, 0] += 8 * (groups % 2)
    test = DomainTest(random_state=0).fit(embeddings, np.array(["CDM", "SIDM1"])[groups % 2], groups)
    for n_maps in (1, 6):
        usual = [test.sample_pvalue(*observe(30, n_maps)) for _ in range(20)]
        assert 0.2 < np.median(usual) < 0.8
        assert test.sample_pvalue(*observe(30, n_maps, shift=2.0)) < 0.05


def test_copies_of_few_clusters_are_no_reference():
    embeddings = np.random.default_rng(0).normal(size=(80, 6))
    with pytest.raises(ValueError, match=r"at least about twenty clusters .* got \{'CDM': 8, 'SIDM1': 8\}"):
        DomainTest(random_state=0).fit(embeddings, ["CDM", "SIDM1"] * 40, np.repeat(np.arange(8), 10))


def test_same_seed_same_pvalue(test_of_domain, rng):
    sample = embed(30, 1, rng)
    assert test_of_domain.sample_pvalue(sample) == test_of_domain.sample_pvalue(sample)
    assert clone(test_of_domain).random_state == 0


def test_refuses_bad_input(test_of_domain, rng):
    with pytest.raises(ValueError, match="6 columns as at fit, got 2"):
        test_of_domain.pvalues(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="at least about twenty clusters"):
        DomainTest().fit(embed(20, 0, rng), ["CDM", "SIDM1"] * 10)

"""Population of suites and means of clusters: known covariances, known distances."""

import numpy as np
import pytest

from darkcnn.inference.population import Population, log_evidence_of_scales
from darkcnn.inference.suite_means import condition_response, covariance_within, own_response

TARGET = np.array([0.0, 0.7, 1.4, 2.4])
SPREAD = np.array([1.0, 0.6, 0.3, 0.0, 0.0])
N_WITHIN = 25


def draw(rng, n_suites, n_clusters, scale=1.0):
    """Return mean features of suites, which respond in the first two directions."""
    response = np.zeros((len(TARGET), len(SPREAD)))
    response[:, :2] = TARGET[:, np.newaxis] * [2.0, 1.0]
    shifts = np.sqrt(scale) * SPREAD * rng.normal(size=(n_suites, 1, len(SPREAD)))
    return response + shifts + rng.normal(size=(n_suites, *response.shape)) / np.sqrt(n_clusters)


def test_covariance_between_suites_excludes_the_noise_of_their_means():
    population = Population.fit(draw(np.random.default_rng(0), 2000, N_WITHIN), TARGET, N_WITHIN)
    assert np.sort(population.values)[::-1] == pytest.approx(SPREAD**2, abs=0.05)


def test_the_direction_avoids_what_varies_between_suites():
    population = Population.fit(draw(np.random.default_rng(0), 2000, N_WITHIN), TARGET, N_WITHIN)
    few, many = (population.direction(n)[0] for n in (0.1, 1000))
    # By the response for few clusters, by the response over the variance between suites for many.
    assert few[1] / few[0] == pytest.approx(1 / 2, rel=0.15)
    assert many[1] / many[0] == pytest.approx((1 / 2) * (1 / 0.36), rel=0.15)
    weights, constant = population.direction(100)
    assert (population.curve @ weights + constant).mean() == pytest.approx(TARGET.mean())


@pytest.mark.parametrize("n_clusters", [N_WITHIN, 1000])
def test_distances_do_not_depend_on_the_number_of_clusters(n_clusters):
    rng = np.random.default_rng(1)
    population = Population.fit(draw(rng, 2000, N_WITHIN), TARGET, N_WITHIN)
    inside, outside = (
        population.distances(draw(rng, 1000, n_clusters, scale)[:, 1], n_clusters).mean() for scale in (1, 4)
    )
    reference = population.distances(draw(rng, 1000, N_WITHIN)[:, 1], N_WITHIN).mean()
    assert inside == pytest.approx(reference, rel=0.1)
    assert outside > 2 * reference


def test_the_scale_of_a_sample_follows_from_its_distance():
    scales = np.array([1, 2, 4, 8, 16])
    distances = np.random.default_rng(2).chisquare(20, 1000)
    for scale in (1, 4, 16):
        assert scales[log_evidence_of_scales(20 * scale, distances, scales, 1.0).argmax()] == scale
    near, far = (log_evidence_of_scales(each, distances, scales, 1.0) for each in (0.0, 20.0))
    assert np.isfinite(near).all()
    assert (np.diff(near) < 0).all()
    assert far[0] - far[1] == pytest.approx(10 * np.log(2) - 5, rel=0.2)  # of chi-squared with 20


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_the_correlation_of_a_halo_between_cross_sections_is_measured(correlation):
    rng = np.random.default_rng(3)
    suites, halos, columns = (each.ravel() for each in np.indices((50, 40, 2)))
    noise = rng.normal(size=(50, 40, 2))
    noise[..., 1] = correlation * noise[..., 0] + np.sqrt(1 - correlation**2) * noise[..., 1]
    scores = (noise + rng.normal(size=(50, 1, 1)) + [0, 5]).reshape(-1, 1)
    expected = [[1, correlation], [correlation, 1]]
    found = covariance_within(scores, columns, suites, halos)[0]
    np.testing.assert_allclose(found, expected, atol=0.08)
    # Other halos at the second cross-section share no noise.
    found = covariance_within(scores, columns, suites, halos + 100 * columns)[0]
    np.testing.assert_allclose(found, np.eye(2), atol=0.08)


def test_own_halos_determine_the_response_to_their_noise():
    nodes = np.array([0.0, 1.0, 2.0])
    rough = np.eye(3) * 100.0
    noise = np.diag([0.1, 0.2])
    mean, variance = condition_response(np.zeros(3), rough, nodes, nodes[[0, 2]], np.array([1.0, 3.0]), noise)
    np.testing.assert_allclose(mean, [1, 0, 3], atol=0.01)
    np.testing.assert_allclose(variance, [0.1, 100, 0.2], rtol=0.01)


def test_means_of_the_same_halos_share_their_noise():
    rng = np.random.default_rng(4)
    features, cross_sections = rng.normal(size=(24, 2)), np.repeat([0.0, 0.1, 1.0], 8)
    groups = np.concatenate([np.arange(8), np.arange(8), np.arange(8, 16)])
    values, means, variances, shared = own_response(features, cross_sections, groups, np.array([2.0, 0.0]))
    assert values.tolist() == [0, 0.1, 1]
    assert means[0] == pytest.approx(2 * features[:8, 0].mean())
    assert variances[0] == pytest.approx(4 * features[:8, 0].var(ddof=1))
    np.testing.assert_allclose(shared * 8, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])

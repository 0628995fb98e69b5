import numpy as np
import pytest

from darkcnn.simulation.shape import project, random_rotation, squared_elliptical_radius, twist


def test_rotations_are_proper_and_isotropic():
    rng = np.random.default_rng(0)
    rotations = np.array([random_rotation(rng) for _ in range(2000)])
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1), np.eye(3)[np.newaxis].repeat(2000, 0), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    # Each component of a random unit vector has mean 0 and variance 1/3.
    assert np.abs(rotations.mean(axis=0)).max() < 5 / np.sqrt(3 * 2000)
    assert np.abs((rotations**2).mean(axis=0) - 1 / 3).max() < 5 * np.sqrt(4 / 45 / 2000)


def test_projection_of_a_gaussian_ellipsoid():
    axes, rotation = np.array([1.6, 1.0, 0.625]), random_rotation(np.random.default_rng(1))
    e = rotation @ np.diag(axes**-2) @ rotation.T
    outline, boost = project(axes, rotation)
    z = np.linspace(-12, 12, 4001)
    for x, y in ((0.0, 0.0), (0.7, -0.4), (-1.1, 0.2)):
        points = np.array([np.full_like(z, x), np.full_like(z, y), z])
        integral = np.trapezoid(np.exp(-0.5 * np.einsum("iz,ij,jz->z", points, e, points)), z)
        squared = outline[0] * x * x + 2 * outline[1] * x * y + outline[2] * y * y
        assert boost * np.sqrt(2 * np.pi) * np.exp(-0.5 * squared) == pytest.approx(integral)


def test_twist_turns_the_outline():
    assert twist((0.25, 0.0, 1.0), np.pi / 2) == pytest.approx((1.0, 0.0, 0.25))
    assert twist((0.25, 0.1, 1.0), 0) == pytest.approx((0.25, 0.1, 1.0))


def test_ellipses_get_round_towards_a_core():
    x, y = np.array([1.0, 300.0]), np.array([0.0, 0.0])
    outline = (0.5, 0.0, 2.0)
    np.testing.assert_allclose(squared_elliptical_radius(x, y, outline, 1.0, 0.0, 0.6), 0.5 * x**2)
    np.testing.assert_allclose(squared_elliptical_radius(x, y, outline, 0.0, 0.0, 0.6), x**2)
    core = squared_elliptical_radius(x, y, outline, 1.0, 100.0, 1.0)
    np.testing.assert_allclose(core, [1.0, (1 - 0.5 * 0.9) * 300.0**2], rtol=1e-3)

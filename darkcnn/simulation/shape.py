"""Triaxial shapes of halos and their projection."""

import numpy as np
from scipy.spatial.transform import Rotation


def random_rotation(rng):
    """Return a random rotation matrix of shape (3, 3), uniform over all orientations."""
    quaternion = rng.standard_normal(4)  # its direction is uniform on the sphere, whatever its length
    return Rotation.from_quat(quaternion).as_matrix()


def project(axes, rotation):
    r"""Project an ellipsoid along the third axis.

    The density is constant where :math:`x^T E x` is, with :math:`E = O\, \mathrm{diag}(axes^{-2})\, O^T`.
    Completing the square along the line of sight gives the surface density :math:`E_{zz}^{-1/2}
    \Sigma(\sqrt{x^T Q x})` of a spherical halo with :math:`Q = E_{xy} - e e^T / E_{zz}`, e the mixed
    terms of E. Mass is conserved; clusters elongated along the line of sight are brighter and rounder.

    Parameters
    ----------
    axes : ndarray of shape (3,)
        Semi-axes with product 1.
    rotation : ndarray of shape (3, 3)
        Orientation O.

    Returns
    -------
    outline : tuple of float
        Q_xx, Q_xy and Q_yy.
    boost : float
        Surface density relative to the spherical halo at the same elliptical radius.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.simulation.shape import project
    >>> outline, boost = project(np.array([2.0, 1.0, 0.5]), np.eye(3))
    >>> [round(float(q), 3) for q in outline], round(boost, 3)
    ([0.25, 0.0, 1.0], 0.5)
    """
    e = rotation @ np.diag(axes**-2.0) @ rotation.T
    q = e[:2, :2] - np.outer(e[:2, 2], e[2, :2]) / e[2, 2]
    return (float(q[0, 0]), float(q[0, 1]), float(q[1, 1])), float(e[2, 2] ** -0.5)


def twist(outline, angle):
    """Rotate the shape of an ellipse by an angle in radians."""
    q_xx, q_xy, q_yy = outline
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    q = rotation @ np.array([[q_xx, q_xy], [q_xy, q_yy]]) @ rotation.T
    return float(q[0, 0]), float(q[0, 1]), float(q[1, 1])


def squared_elliptical_radius(x, y, outline, flattening, core_radius, rounding):
    r"""Return squared elliptical radii, with ellipses that become rounder towards a core.

    :math:`q^2 = R^2 + g(R) (x^T Q x - R^2)`, where g is the `flattening` outside the core, reduced inside it
    by the fraction `rounding`: g is multiplied by :math:`1 - rounding / (1 + R^2 / r_1^2)`.

    Positions are in kpc from the centre; `outline` is Q as returned by :func:`project`.
    """
    q_xx, q_xy, q_yy = outline
    x_squared, y_squared = x * x, y * y
    circle = x_squared + y_squared
    excess = flattening * ((q_xx - 1) * x_squared + 2 * q_xy * (x * y) + (q_yy - 1) * y_squared)
    if core_radius > 0:
        lost = rounding * core_radius**2
        excess *= 1 - lost / (circle + core_radius**2)
    return circle + excess

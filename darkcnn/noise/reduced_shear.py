r"""Reduced shear, and the reconstruction of the convergence from it.

The mean ellipticity of galaxies behind a lens is :math:`g = \gamma / (1 - \kappa)` where :math:`|g| \le 1`,
and :math:`1 / g^*` otherwise (Seitz & Schneider 1997, A&A 318, 687).
"""

import math

import numpy as np

from darkcnn.noise.inversion import field_convergence, field_shear, known_map

_MAX_NOISE = 0.1
"""Noise of the smoothed convergence that corrects the shear. With this value, the convergence of the cores of
mock clusters is correct to 0.01 on average; a lower one smooths too much, a higher one adds a noise bias."""

_N_CORRECTIONS = 2
"""Number of iterations: two are within 0.015 of ten for mock clusters, also for convergences above one."""


def reduce_shear(shear, kappa):
    """Return the reduced shear, with a modulus of at most one, of a complex shear ``g1 + 1j * g2``."""
    rest = 1 - kappa
    # g (1 - kappa)^2 / |...|^2 in both cases; 0 if the shear and the rest vanish.
    return shear * (rest / np.maximum(np.maximum(rest**2, shear.real**2 + shear.imag**2), 1e-30))


def reconstruct(shapes, noise, *, smoothing=0.0, periodic=False, mean=0.0):
    r"""Reconstruct the convergence of fields from noisy reduced shear, ``e1 + 1j * e2``.

    The standard iteration (Seitz & Schneider 1995, A&A 297, 287) starts with zero convergence, multiplies the
    reduced shear by :math:`1 - \kappa` of the previous step, and inverts the result. For this correction, the
    convergence is smoothed until its noise is 0.1; `noise` is the noise per component and pixel, one for all
    maps or one for each. Shapes have no weight where the convergence exceeds one. The result is smoothed by a
    Gaussian of `smoothing` pixels. `mean` is added, because shear does not determine the mean convergence.
    """
    # White noise of variance one, smoothed by a Gaussian of width s, has the deviation 1 / (2 sqrt(pi) s).
    first = np.asarray(noise) / (2 * math.sqrt(math.pi) * _MAX_NOISE)
    kappa = np.float32(mean)
    for width in (*[first] * _N_CORRECTIONS, smoothing):
        shear = shapes * np.maximum(1 - kappa, 0)
        kappa = field_convergence(shear, width, periodic) + np.float32(mean)
    return kappa


def reduced_shear(kappa):
    r"""Compute the reduced shear of a convergence map without mass outside.

    Parameters
    ----------
    kappa : array-like of shape (..., n_pixels, n_pixels)
        Convergence, dimensionless.

    Returns
    -------
    g1, g2 : ndarray of shape (..., n_pixels, n_pixels), float32
        Components of the reduced shear, dimensionless: :math:`g = \gamma / (1 - \kappa)`, or :math:`1 / g^*`
        where that exceeds one. `g1` is along the column axis x, `g2` along the diagonal.

    See Also
    --------
    reduced_shear_inverse : Inverse.
    kaiser_squires : Shear of a periodic map.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.noise import reduced_shear, reduced_shear_inverse
    >>> x, y = np.meshgrid(np.arange(40) - 19.5, np.arange(40) - 19.5)
    >>> kappa = 0.8 * np.exp(-(x**2 + y**2) / 32)
    >>> again = reduced_shear_inverse(*reduced_shear(kappa))
    >>> round(float(kappa.max()), 2), round(float(again.max()), 2)
    (0.79, 0.77)
    """
    kappa = known_map(kappa, "kappa").astype(np.float32)
    shapes = reduce_shear(field_shear(kappa), kappa)
    return shapes.real, shapes.imag


def reduced_shear_inverse(g1, g2, noise=0.0):
    r"""Reconstruct the convergence from a map of reduced shear.

    Parameters
    ----------
    g1, g2 : array-like of shape (..., n_pixels, n_pixels)
        Components of the reduced shear: mean ellipticities of the galaxies in each pixel; 0 where no galaxies
        are measured.
    noise : float, default=0.0
        Standard deviation of the noise per component and pixel: the ellipticity noise of one component over
        the square root of the number of galaxies.

    Returns
    -------
    ndarray of shape (..., n_pixels, n_pixels), float32
        Convergence. Its mean over the padded field, twice as wide, is zero, because shear does not determine
        it: :math:`1 - \kappa` is uncertain by a factor (mass-sheet degeneracy).

    See Also
    --------
    darkcnn.WeakLensingNoise : Simulated observations.

    Notes
    -----
    Without noise, and apart from this factor, an NFW lens is recovered to 0.01 up to a convergence of 0.8.
    The result is unreliable where the convergence exceeds one, in the strong-lensing regime.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.noise import reduced_shear_inverse
    >>> rng = np.random.default_rng(0)
    >>> g1, g2 = rng.normal(scale=0.2, size=(2, 50, 50))
    >>> print(reduced_shear_inverse(g1, g2, noise=0.2).std().round(1))
    0.2
    """
    shapes = known_map(g1, "g1") + 1j * known_map(g2, "g2")
    return reconstruct(shapes.astype(np.complex64), noise)

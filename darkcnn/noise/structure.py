r"""Uncorrelated large-scale structure along the line of sight."""

import math

import numpy as np
import scipy.fft

_RADIAN_PER_ARCMIN = math.pi / (180 * 60)


def convergence_power(multipole, z_source):
    r"""Return the convergence power per logarithm of the multipole, :math:`\ell^2 P_\kappa / 2 \pi`.

    A fit to CAMB 2.0.5 (HMcode 2020 without baryons; flat, H0 = 70, Om0 = 0.2793, sigma8 = 0.82) in Limber's
    approximation, accurate to 30 % at redshifts of 0.5 to 3 and multipoles of 300 to 60,000. Baryons suppress
    small scales by a similar amount.
    """
    x = multipole / (7100 * z_source**0.75)
    return 2.6e-4 * z_source**2 * x**0.76 / (1 + x**1.28)


def draw_structure(rng, n_pixels, pixel, z_source):
    """Draw a Gaussian random field of the convergence, with modes of up to twice the size of the map.

    `pixel` is the side of a pixel in arcmin.
    """
    size = scipy.fft.next_fast_len(2 * n_pixels)
    side = pixel * _RADIAN_PER_ARCMIN
    frequency = np.hypot(scipy.fft.rfftfreq(size), scipy.fft.fftfreq(size)[:, np.newaxis])
    multipole = 2 * math.pi / side * np.maximum(frequency, 1 / size)
    power = 2 * math.pi / multipole**2 * convergence_power(multipole, z_source)
    amplitude = np.sqrt(power) / side  # of the transform of white noise of variance one
    amplitude[0, 0] = 0  # shear does not determine the mean
    white = scipy.fft.rfft2(rng.standard_normal((size, size), np.float32))
    return scipy.fft.irfft2(white * amplitude.astype(np.float32), (size, size))[:n_pixels, :n_pixels]

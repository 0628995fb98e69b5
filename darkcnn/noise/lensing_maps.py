"""Maps of the convergence and of galaxy shapes, with noise."""

import math
from functools import lru_cache

import cv2
import numpy as np

from darkcnn.noise.inversion import field_shear, odd_size
from darkcnn.noise.members import density_of_members
from darkcnn.noise.reduced_shear import reconstruct, reduce_shear


def observe_part(kappa, noise, generators, *, multiplicative_bias, additive_bias, smoothing):
    """Return the observed convergence of parts of a larger field, minus the mean true convergence.

    Far from the cluster, where the shear is small, the reconstruction returns the convergence with white
    noise, which is drawn directly. The central part is converted to reduced shear and reconstructed. `kappa`
    has the shape (n_maps, n_pixels, n_pixels), `noise` is the noise per component and pixel, shape (n_maps,),
    both float32; `smoothing` is in pixels.
    """
    mean = kappa.mean(axis=(1, 2), keepdims=True)
    size = odd_size(9 * kappa.shape[-1] // 20)
    margin = math.ceil(4 * smoothing)  # noise outside the map is smoothed into it
    if margin:
        kappa = np.pad(kappa, ((0, 0), (margin, margin), (margin, margin)), mode="symmetric")
    centre = slice((kappa.shape[-1] - size) // 2, (kappa.shape[-1] + size) // 2)
    observed = np.empty_like(kappa)
    core = np.empty((len(kappa), size, size), np.complex64)  # shape noise
    for row, (image, rng) in enumerate(zip(observed, generators, strict=True)):
        rng.standard_normal(out=image, dtype=np.float32)
        image *= noise[row]
        core.real[row] = image[centre, centre]
        core.imag[row] = noise[row] * rng.standard_normal((size, size), np.float32)
        image += kappa[row]
        image *= np.float32(1 + multiplicative_bias)
    kappa = kappa[:, centre, centre]
    core += reduce_shear(field_shear(kappa, periodic=True), kappa)
    shapes = _biased(core, multiplicative_bias, additive_bias)
    inside = observed[:, centre, centre]
    # In a larger field, the mean of the core is known.
    inside[...] = reconstruct(shapes, noise, periodic=True, mean=inside.mean(axis=(1, 2), keepdims=True))
    observed -= np.float32(1 + multiplicative_bias) * mean
    if not margin:
        return observed
    kernel = _gaussian(smoothing)
    smooth = np.stack([cv2.sepFilter2D(image, -1, kernel, kernel) for image in observed])
    return smooth[:, margin:-margin, margin:-margin]


def noise_of_part(smoothing):
    """Return the factor by which the smoothing of `observe_part` reduces the noise."""
    return float((_gaussian(smoothing) ** 2).sum()) if smoothing else 1.0


def observe_field_of_view(
    kappa,
    noise,
    generators,
    *,
    multiplicative_bias,
    additive_bias,
    smoothing,
    mask=None,
    dilution=0.0,
    obscuration=0.0,
):
    """Return the shapes, ``e1 + 1j * e2``, and the convergence of maps that are the whole field of view.

    No mass is assumed outside, and no shapes are measured there or where `mask` is True. At the centre,
    `dilution` is the fraction of galaxies that are cluster members, `obscuration` the fraction of background
    galaxies hidden by members. Other parameters are as in :func:`observe_part`.
    """
    members = density_of_members(kappa.shape[-1])
    shapes = reduce_shear(field_shear(kappa), kappa)
    if dilution:
        shapes *= 1 - np.float32(dilution) * members
    fewer = 1 / np.sqrt(1 - np.float32(obscuration) * members)
    for image, level, rng in zip(shapes, noise, generators, strict=True):
        drawn = rng.standard_normal((2, *image.shape), np.float32)
        drawn *= level * fewer
        image.real += drawn[0]
        image.imag += drawn[1]
    shapes = _biased(shapes, multiplicative_bias, additive_bias)
    if mask is not None:
        shapes *= ~mask
    return shapes, reconstruct(shapes, noise, smoothing=smoothing)


def tangential(shapes):
    """Convert shapes, e1 + i e2, to tangential and cross components about the middle of the map."""
    return shapes * _frame(*shapes.shape[-2:])


@lru_cache(maxsize=16)
def _frame(height, width):
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    radius2 = np.maximum(x**2 + y**2, 1e-9)
    return -((x - 1j * y) ** 2 / radius2).astype(np.complex64)


def _biased(shapes, multiplicative_bias, additive_bias):
    """Apply measurement biases."""
    return np.complex64(additive_bias * (1 + 1j)) + np.float32(1 + multiplicative_bias) * shapes


def _gaussian(width):
    """Return a Gaussian kernel along one axis, truncated at four times its width, in pixels."""
    return cv2.getGaussianKernel(2 * math.ceil(4 * width) + 1, width, cv2.CV_32F)

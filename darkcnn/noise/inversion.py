r"""Conversion between convergence and shear (Kaiser & Squires 1993).

In Fourier space, :math:`\hat\gamma = D \hat\kappa` and :math:`\hat\kappa = D^* \hat\gamma` with
:math:`D = (k_1^2 - k_2^2 + 2 i k_1 k_2) / k^2` (Kaiser & Squires 1993). Because the modulus of D is one,
white noise remains white. The first axis, x, is that of the columns of a map, the second, y, that of its
rows.
"""

from functools import lru_cache

import numpy as np
import scipy.fft


@lru_cache(maxsize=16)
def _frequencies(height, width):
    """Return the wave vectors k1 + i k2 of a map, in cycles per pixel."""
    return scipy.fft.fftfreq(width) + 1j * scipy.fft.fftfreq(height)[:, np.newaxis]


@lru_cache(maxsize=16)
def _rotation(height, width, dtype):
    """Return D in the complex dtype of the same precision."""
    k = _frequencies(height, width)
    squared = np.abs(k) ** 2
    squared[0, 0] = 1  # D is zero for a mass sheet of constant density
    rotation = k**2 / squared
    # Shears are real, so D(-k) = D(k). At the Nyquist frequency of an even side, k and -k are the same mode,
    # where g2 would have opposite signs; D is zero there.
    rotation = (rotation + np.roll(rotation[::-1, ::-1], 1, axis=(0, 1))) / 2
    return rotation.astype(np.result_type(dtype, np.complex64))


def known_map(values, argument):
    """Check that all pixels of a map are known and return it as an array."""
    if np.ma.is_masked(values) or not np.isfinite(values).all():
        raise ValueError(
            f"{argument} must be finite and unmasked in every pixel, because a Fourier transform mixes them: "
            "set shear to 0 where no galaxies are measured"
        )
    return np.asarray(values)


def kaiser_squires(kappa):
    """Compute the shear of a periodic convergence map.

    Parameters
    ----------
    kappa : array-like of shape (..., height, width)
        Convergence, dimensionless; float32 stays float32.

    Returns
    -------
    g1, g2 : ndarray of shape (..., height, width)
        Components of the shear, dimensionless: `g1` along the column axis x, `g2` along the diagonal of x and
        y.

    See Also
    --------
    kaiser_squires_inverse : Inverse; exact up to the mean for odd numbers of pixels. For even ones, modes at
        the Nyquist frequency are lost.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.noise import kaiser_squires, kaiser_squires_inverse
    >>> kappa = np.random.default_rng(0).normal(size=(15, 15))
    >>> kappa_E, kappa_B = kaiser_squires_inverse(*kaiser_squires(kappa))
    >>> np.allclose(kappa_E, kappa - kappa.mean()), np.allclose(kappa_B, 0)
    (True, True)
    """
    kappa = known_map(kappa, "kappa")
    spectrum = scipy.fft.fft2(kappa)
    shear = scipy.fft.ifft2(spectrum * _rotation(*kappa.shape[-2:], kappa.real.dtype))
    return shear.real, shear.imag


def kaiser_squires_inverse(g1, g2):
    """Reconstruct the convergence from a periodic shear map (Kaiser & Squires inversion).

    Parameters
    ----------
    g1, g2 : array-like of shape (..., height, width)
        Components of the shear, dimensionless; float32 stays float32.

    Returns
    -------
    kappa_E : ndarray of shape (..., height, width)
        E-mode convergence, with mean zero, because shear does not determine the mean.
    kappa_B : ndarray of shape (..., height, width)
        B-mode: noise and measurement errors, which lensing cannot cause.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.noise import kaiser_squires, kaiser_squires_inverse
    >>> kappa = np.random.default_rng(0).normal(size=(9, 9))
    >>> again, rest = kaiser_squires_inverse(*kaiser_squires(kappa))
    >>> np.allclose(again, kappa - kappa.mean()), np.allclose(rest, 0)
    (True, True)
    """
    shear = known_map(g1, "g1") + 1j * known_map(g2, "g2")
    rotation = _rotation(*shear.shape[-2:], shear.real.dtype)
    kappa = scipy.fft.ifft2(scipy.fft.fft2(shear) * rotation.conj())
    return kappa.real, kappa.imag


# A cluster field is not periodic: the field is zero-padded. Transforms of rows and columns that are zero, or
# are not used, are omitted.


def odd_size(least):
    """Return the next odd size with a fast transform; for odd sizes, the inversion is exact."""
    size = least + 1 - least % 2
    while size != scipy.fft.next_fast_len(size):
        size += 2
    return size


@lru_cache(maxsize=16)
def _kernel(n_pixels, periodic):
    """Return the size of the padded field, and the real and imaginary parts of D for half the plane."""
    # With this padding, no pixel is closer to a periodic copy of another one than to the pixel itself.
    size = n_pixels if periodic else odd_size(2 * n_pixels - 1)
    rotation = _rotation(size, size, np.dtype(np.float32))[:, : size // 2 + 1]
    return size, rotation.real.astype(np.complex64), rotation.imag.astype(np.complex64)


def _spectra(fields, size, kernel):
    """Transform zero-padded fields of shape (..., n_pixels, n_pixels), and multiply by a kernel."""
    spectra = scipy.fft.fft(scipy.fft.rfft(fields, size), size, axis=-2, overwrite_x=True)
    spectra *= kernel
    return spectra


def _fields(spectra, size, n_pixels):
    """Transform back and crop."""
    rows = scipy.fft.ifft(spectra, axis=-2, overwrite_x=True)[..., :n_pixels, :]
    return scipy.fft.irfft(rows, size)[..., :n_pixels]


def field_shear(kappa, periodic=False):
    """Compute the shear, ``g1 + 1j * g2``, of float32 convergence maps of shape (..., n_pixels, n_pixels).

    No mass is assumed outside the field, unless it is `periodic`, which needs an odd size.
    """
    size, along_axes, along_diagonals = _kernel(kappa.shape[-1], periodic)
    spectra = _spectra(kappa, size, 1)
    shear = np.empty(kappa.shape, np.complex64)
    shear.real = _fields(along_axes * spectra, size, kappa.shape[-1])
    shear.imag = _fields(along_diagonals * spectra, size, kappa.shape[-1])
    return shear


def field_convergence(shear, smoothing=0.0, periodic=False):
    """Reconstruct the convergence of fields without shear outside, up to almost a constant.

    `smoothing` is the standard deviation of a Gaussian in pixels, one for all maps or one for each. The mean
    over the padded field, or over a `periodic` one, is zero.
    """
    size, along_axes, along_diagonals = _kernel(shear.shape[-1], periodic)
    spectra = _spectra(shear.real, size, along_axes)
    spectra += _spectra(shear.imag, size, along_diagonals)
    if np.any(smoothing):
        window = _window(size, smoothing)
        spectra *= window[..., np.newaxis]
        spectra *= window[..., np.newaxis, : size // 2 + 1]
    return _fields(spectra, size, shear.shape[-1])


def _window(size, smoothing):
    """Return the Fourier transform of a Gaussian along one axis."""
    width = np.asarray(smoothing)[..., np.newaxis]
    return np.exp(-2 * (np.pi * width * scipy.fft.fftfreq(size)) ** 2).astype(np.complex64)


def noise_after_smoothing(n_pixels, smoothing):
    """Return the factor by which `field_convergence` reduces the standard deviation of white noise.

    It is valid away from the edges, where the padding adds no noise.
    """
    return float(np.mean(_window(_kernel(n_pixels, False)[0], smoothing).real ** 2))

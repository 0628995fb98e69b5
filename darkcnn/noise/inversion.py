r"""From convergence to shear and back, after Kaiser & Squires (1993).

In Fourier space, :math:`\hat\gamma = D \hat\kappa` and :math:`\hat\kappa = D^* \hat\gamma` with
:math:`D = (k_1^2 - k_2^2 + 2 i k_1 k_2) / k^2` (Kaiser & Squires 1993). Of modulus one, D leaves white noise
white. The first axis, x, counts the columns of a map, the second, y, its rows.
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
    """Return D, of the complex type that belongs to a real one."""
    k = _frequencies(height, width)
    squared = np.abs(k) ** 2
    squared[0, 0] = 1  # a sheet of constant density shears nothing: there, D is zero
    rotation = k**2 / squared
    # Shears are real, so D(-k) = D(k). At the Nyquist frequency of an even side, where k and -k are one mode
    # and g2 would have opposite signs, it has none.
    rotation = (rotation + np.roll(rotation[::-1, ::-1], 1, axis=(0, 1))) / 2
    return rotation.astype(np.result_type(dtype, np.complex64))


def known_map(values, argument):
    """Return a map as an array; refuse one that has pixels that are masked or not finite."""
    if np.ma.is_masked(values) or not np.isfinite(values).all():
        raise ValueError(
            f"{argument} must be finite and not masked in every pixel, as a transform mixes all of them; set "
            "shear to 0 where no galaxies are measured"
        )
    return np.asarray(values)


def kaiser_squires(kappa):
    """Compute the shear of a convergence map that repeats in both directions.

    Parameters
    ----------
    kappa : array-like of shape (..., height, width)
        Convergence, dimensionless; float32 stays float32.

    Returns
    -------
    g1, g2 : ndarray of shape (..., height, width)
        Components of the shear, dimensionless: `g1` stretches images along the columns' axis x, `g2` along
        the diagonal of x and y.

    See Also
    --------
    kaiser_squires_inverse : The way back, exact up to the mean for sides of odd numbers of pixels. Of even
        ones, ripples of two pixels along the rows or columns suffer.

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
    """Reconstruct the convergence from a shear map that repeats in both directions.

    Parameters
    ----------
    g1, g2 : array-like of shape (..., height, width)
        Components of the shear, dimensionless; float32 stays float32.

    Returns
    -------
    kappa_E : ndarray of shape (..., height, width)
        Convergence, up to a constant that shear does not tell: its mean is set to zero.
    kappa_B : ndarray of shape (..., height, width)
        What lensing cannot cause: noise and errors of the measurement.

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


# A cluster is no periodic map: the observed field lies in a larger one, zero elsewhere. The rows and columns
# that are known to be zero, or are cut off, cost no transform.


def odd_size(least):
    """Return the next odd side of a map whose transform is fast: on odd ones the inversion is exact."""
    size = least + 1 - least % 2
    while size != scipy.fft.next_fast_len(size):
        size += 2
    return size


@lru_cache(maxsize=16)
def _kernel(n_pixels, periodic):
    """Return the side of the transformed field, and the parts of D for the half plane of real fields."""
    # Of a field within a larger one, no pixel is nearer to the next copy of another than to itself.
    size = n_pixels if periodic else odd_size(2 * n_pixels - 1)
    rotation = _rotation(size, size, np.dtype(np.float32))[:, : size // 2 + 1]
    return size, rotation.real.astype(np.complex64), rotation.imag.astype(np.complex64)


def _spectra(fields, size, kernel):
    """Transform fields of shape (..., n_pixels, n_pixels), in the corner of larger ones, and multiply."""
    spectra = scipy.fft.fft(scipy.fft.rfft(fields, size), size, axis=-2, overwrite_x=True)
    spectra *= kernel
    return spectra


def _fields(spectra, size, n_pixels):
    """Transform back, and cut the corner out."""
    rows = scipy.fft.ifft(spectra, axis=-2, overwrite_x=True)[..., :n_pixels, :]
    return scipy.fft.irfft(rows, size)[..., :n_pixels]


def field_shear(kappa, periodic=False):
    """Compute the shear, ``g1 + 1j * g2``, of float32 convergence maps of shape (..., n_pixels, n_pixels).

    There is no mass outside of the field, unless it is `periodic`, of odd size.
    """
    size, along_axes, along_diagonals = _kernel(kappa.shape[-1], periodic)
    spectra = _spectra(kappa, size, 1)
    shear = np.empty(kappa.shape, np.complex64)
    shear.real = _fields(along_axes * spectra, size, kappa.shape[-1])
    shear.imag = _fields(along_diagonals * spectra, size, kappa.shape[-1])
    return shear


def field_convergence(shear, smoothing=0.0, periodic=False):
    """Reconstruct the convergence of fields, outside of which no shear is measured, up to nearly a constant.

    `smoothing` is the standard deviation of a Gaussian in pixels, one or one for each map. The mean over the
    larger field, or that of a `periodic` one, is zero.
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
    """Return the transform of a Gaussian along one axis."""
    width = np.asarray(smoothing)[..., np.newaxis]
    return np.exp(-2 * (np.pi * width * scipy.fft.fftfreq(size)) ** 2).astype(np.complex64)


def noise_after_smoothing(n_pixels, smoothing):
    """Return the part of the standard deviation of white noise that `field_convergence` leaves.

    It holds away from the edges, where what lies outside adds no noise.
    """
    return float(np.mean(_window(_kernel(n_pixels, False)[0], smoothing).real ** 2))

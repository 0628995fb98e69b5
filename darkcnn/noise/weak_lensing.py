"""Maps of the total mass as weak gravitational lensing shows them."""

import math
import warnings
from functools import lru_cache
from numbers import Real

import cv2
import numpy as np
from astropy.cosmology import FLRW

from darkcnn._common.sklearn_private import Interval, StrOptions
from darkcnn.noise.base import RecordNoise
from darkcnn.noise.geometry import critical_surface_density, pixel_side
from darkcnn.noise.instruments import LENSING_SURVEYS, parameters_of
from darkcnn.noise.inversion import field_convergence, field_shear, noise_after_smoothing
from darkcnn.records import FIELD_SIZE, SHEAR, TANGENTIAL

SHEAR_OUTPUTS = {"shear": SHEAR, "tangential": TANGENTIAL}
"""The fields that an output adds to a record."""

_CONVERGENCES = 1e-3, 1e3
"""Far beyond what clusters have at their centres, 0.1 to 10; other units are off by a million."""


class WeakLensingNoise(RecordNoise):
    r"""Observe the total mass of clusters through the shapes of galaxies behind them.

    The map becomes a convergence, :math:`\kappa = \Sigma / \Sigma_{crit}` at each cluster's own redshift, and
    that a shear [1]_. The intrinsic shapes of the :math:`n` galaxies in a pixel add Gaussian noise of
    :math:`\sigma = \sigma_\epsilon / \sqrt{2 n}` to each of its components, errors of the measurement turn
    the sum e into :math:`c + (1 + m) e`, and the shear becomes a convergence again [1]_.

    Parameters
    ----------
    n_gal : float, default=50
        Number density of the galaxies behind the clusters, per arcmin2.
    shape_noise : float, default=0.3
        Standard deviation :math:`\sigma_\epsilon` of the ellipticity of galaxies, both components together.
    source_redshift : float, default=2.0
        Redshift that the galaxies behind the clusters are believed to have.
    multiplicative_bias : float, default=0.0
        Error m of the measured shapes.
    additive_bias : float, default=0.0
        Error c of the measured shapes, in both components.
    photo_z_bias : float, default=0.0
        How much too large the believed redshift is, over 1 + the true one.
    mask : array-like of bool of shape (height, width) or None, default=None
        Where no galaxies are measured: True behind a bright star, for example. With a mask, none are measured
        outside of the map either, which is then the whole field of view. None takes the map for a part of a
        larger field.
    smoothing : float or None, default=None
        Standard deviation of a Gaussian that smooths the reconstruction, in kpc.
    output : {"kappa", "shear", "tangential"}, default="kappa"
        ``"shear"`` adds maps of the noisy shear to the records: ``shear1`` and ``shear2``, its components
        along the axes. ``"tangential"`` adds ``shear_t`` and ``shear_x``, tangential to circles about the
        middle of the map and across: they do not change when the map turns.
    redshift_floor : float, default=0.1
        Clusters of a snapshot nearer than this are observed as if they were there: at redshift 0, they would
        lens nothing.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology of the distances. None for :data:`darkcnn.cosmology.BAHAMAS`.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Attributes
    ----------
    seed_ : int
        Seed that, with the content of a row, decides the noise of the row.
    map_shape_ : (int, int)
        Height and width of the maps.

    See Also
    --------
    XrayNoise : The same for X-ray maps.

    Notes
    -----
    The observed ``total`` is the convergence over the standard deviation of its noise: signed, of mean near
    zero, and never rescaled by its own extremes. ``lensing_norm`` becomes that noise in Msun / Mpc2, so that
    the product of both still is the surface density, and tells nothing of the noise-free peak any more. The
    other attributes stay as they are.

    Of a map within a larger field, the way to the shear and back changes nothing but the mean, which shear
    does not tell, and leaves white noise white. So the observation is drawn without it: the convergence less
    its mean, and white noise of variance one. An additive bias, the same everywhere, is lost with the mean.
    With a `mask`, or if the shear itself is asked for, the way is gone: outside of the field no mass shears
    it, and no shear is measured there. A pixel at the edge then has less noise than one, and the
    reconstruction lacks about the mean convergence within the field, less towards the corners.

    Shapes respond to the shear, not to the reduced shear: where the convergence nears one, this is too
    simple. Neighbours and foreground galaxies play no role.

    In units of its noise, the signal goes with :math:`D_{ls} / D_s`, 0.93 at redshift 0.1 and 0.72 at 0.375,
    for sources at 2.

    References
    ----------
    .. [1] N. Kaiser & G. Squires, "Mapping the dark matter with weak gravitational lensing", ApJ 404, 441
       (1993).

    Examples
    --------
    >>> from darkcnn.noise import WeakLensingNoise
    >>> from darkcnn.datasets import load_example
    >>> records = load_example().data[:4]
    >>> observed = WeakLensingNoise(n_gal=30, random_state=0).fit_transform(records)
    >>> bool((observed["total"] < 0).any())
    True
    """

    map_name = "total"
    norm_name = "lensing_norm"

    _parameter_constraints = {
        "n_gal": [Interval(Real, 0, None, closed="neither")],
        "shape_noise": [Interval(Real, 0, None, closed="neither")],
        "source_redshift": [Interval(Real, 0, None, closed="neither")],
        "multiplicative_bias": [Interval(Real, -1, None, closed="neither")],
        "additive_bias": [Interval(Real, None, None, closed="neither")],
        "photo_z_bias": [Interval(Real, -1, None, closed="neither")],
        "mask": ["array-like", None],
        "smoothing": [Interval(Real, 0, None, closed="neither"), None],
        "output": [StrOptions({"kappa", *SHEAR_OUTPUTS})],
        "redshift_floor": [Interval(Real, 0, None, closed="neither")],
        "cosmology": [FLRW, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_gal=50,
        *,
        shape_noise=0.3,
        source_redshift=2.0,
        multiplicative_bias=0.0,
        additive_bias=0.0,
        photo_z_bias=0.0,
        mask=None,
        smoothing=None,
        output="kappa",
        redshift_floor=0.1,
        cosmology=None,
        random_state=None,
    ):
        self.n_gal = n_gal
        self.shape_noise = shape_noise
        self.source_redshift = source_redshift
        self.multiplicative_bias = multiplicative_bias
        self.additive_bias = additive_bias
        self.photo_z_bias = photo_z_bias
        self.mask = mask
        self.smoothing = smoothing
        self.output = output
        self.redshift_floor = redshift_floor
        self.cosmology = cosmology
        self.random_state = random_state

    @classmethod
    def of_survey(cls, name, **changes):
        """Set up for a survey of :data:`darkcnn.noise.LENSING_SURVEYS`.

        Parameters
        ----------
        name : {"euclid", "hst", "jwst", "roman", "superbit"}
            Survey.
        **changes
            Parameters to set or to change.

        Returns
        -------
        WeakLensingNoise
            An unfitted transformer.

        Examples
        --------
        >>> from darkcnn.noise import WeakLensingNoise
        >>> WeakLensingNoise.of_survey("jwst").n_gal
        162
        """
        return cls(**(parameters_of(name, LENSING_SURVEYS) | changes))

    def observe(self, clusters, generators):
        """Measure the shear of clusters, or what it tells of their convergence."""
        redshift, believed, true = self._critical_densities(clusters)
        noise = self._shear_noise(redshift)
        signal = (clusters["lensing_norm"] / true / noise).astype(np.float32)
        fields = {
            "total": np.empty(clusters["total"].shape, np.float32),
            "lensing_norm": noise * believed / self._scale,
        }
        if self._needs_no_shear:
            for row, (image, rng) in enumerate(zip(clusters["total"], generators, strict=True)):
                fields["total"][row] = self._convergence(image * signal[row], rng)
            return fields
        names = SHEAR_OUTPUTS.get(self.output, ())
        fields |= {name: np.empty_like(fields["total"]) for name in names}
        measured = 1 if self.mask is None else ~np.asarray(self.mask)
        offset = (self.additive_bias / noise * (1 + 1j)).astype(np.complex64)
        for row, (image, rng) in enumerate(zip(clusters["total"], generators, strict=True)):
            shear = field_shear(image * signal[row])  # here and below in units of its noise
            shear += rng.standard_normal((*image.shape, 2), np.float32).view(np.complex64)[..., 0]
            shear = measured * (offset[row] + np.float32(1 + self.multiplicative_bias) * shear)
            fields["total"][row] = self._scale * field_convergence(shear, self._smoothing)
            if self.output == "tangential":
                shear = shear * _frame(*shear.shape)
            for name, component in zip(names, (shear.real, shear.imag), strict=False):
                fields[name][row] = component
        return fields

    def unit(self, clusters):
        """Return the standard deviation of the noise, as a surface density in Msun / Mpc2."""
        redshift, believed, _ = self._critical_densities(clusters)
        return self._shear_noise(redshift) * believed / self._scale

    @property
    def changes(self):
        """Names of the fields that the observation replaces."""
        return (*super().changes, *SHEAR_OUTPUTS.get(self.output, ()))

    def observed_dtype(self, dtype):
        """Return the type of the observed records: with maps of the shear, if they are asked for."""
        names = SHEAR_OUTPUTS.get(self.output, ())
        fields = [(name, dtype[name]) for name in dtype.names if name not in names]
        return np.dtype(fields + [(name, np.float32, self.map_shape_) for name in names]) if names else dtype

    @property
    def _needs_no_shear(self):
        """Whether the way to the shear and back may be left out."""
        return self.mask is None and self.output == "kappa"

    def _convergence(self, kappa, rng):
        """Observe a convergence, in units of the noise, in the middle of a larger field."""
        kappa = kappa - kappa.mean()
        if self._smoothing:
            margin = math.ceil(4 * self._smoothing)  # noise from outside of the map is smoothed into it
            kappa = np.pad(kappa, margin, mode="symmetric")
        kappa += rng.standard_normal(kappa.shape, np.float32)
        if self._smoothing:
            kappa = self._scale * cv2.sepFilter2D(kappa, -1, *[_gaussian(self._smoothing)] * 2)
            kappa = kappa[margin:-margin, margin:-margin]
        return np.float32(1 + self.multiplicative_bias) * kappa

    @property
    def _smoothing(self):
        """Width of the smoothing, in pixels."""
        return (self.smoothing or 0.0) / (FIELD_SIZE / self.map_shape_[0])

    @property
    def _scale(self):
        """Factor that brings smoothed noise back to a variance of one."""
        if not self._smoothing:
            return np.float32(1)
        if self._needs_no_shear:
            return 1 / (_gaussian(self._smoothing) ** 2).sum()
        return np.float32(1 / noise_after_smoothing(self.map_shape_[0], self._smoothing))

    def _shear_noise(self, redshift):
        """Return the standard deviation of the noise in each component of the shear of a pixel."""
        galaxies_per_pixel = self.n_gal * pixel_side(redshift, self.map_shape_[0], self.cosmology) ** 2
        return self.shape_noise / np.sqrt(2 * galaxies_per_pixel)

    def _check(self, X):
        map_shape = super()._check(X)
        *_, true = self._critical_densities(X)
        convergence = float(np.median(X["lensing_norm"] / true))
        if not _CONVERGENCES[0] < convergence < _CONVERGENCES[1]:
            warnings.warn(
                f"'lensing_norm' gives the peaks of the clusters a convergence of {convergence:.1g}: is it "
                "in Msun / Mpc2?",
                stacklevel=3,
            )
        if self.mask is not None:
            mask = np.asarray(self.mask)
            if mask.dtype != bool or mask.shape != map_shape:
                raise ValueError(
                    f"mask must be of bool and have the shape {map_shape} of the maps, got {mask.dtype} of "
                    f"shape {mask.shape}"
                )
        return map_shape

    def _critical_densities(self, clusters):
        """Return the redshift observed at, and the critical surface density, as believed and in truth."""
        redshift = np.maximum(clusters["redshift"].astype(float), self.redshift_floor)
        # The bias b is (believed - true) / (1 + true), so 1 + believed = (1 + b) (1 + true).
        true_redshift = (1 + self.source_redshift) / (1 + self.photo_z_bias) - 1
        row = int(np.argmax(redshift))
        if redshift[row] >= min(self.source_redshift, true_redshift):
            raise ValueError(
                f"source_redshift={self.source_redshift} with photo_z_bias={self.photo_z_bias} must put the "
                f"galaxies behind every cluster, got one at redshift {redshift[row]:g} "
                f"(cluster_id {clusters['cluster_id'][row]})"
            )
        return (
            redshift,
            critical_surface_density(redshift, self.source_redshift, self.cosmology),
            critical_surface_density(redshift, true_redshift, self.cosmology),
        )


@lru_cache(maxsize=16)
def _frame(height, width):
    """Return what turns a shear, g1 + i g2, into its tangential and cross component about the middle."""
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    radius2 = np.maximum(x**2 + y**2, 1e-9)
    return -((x - 1j * y) ** 2 / radius2).astype(np.complex64)


def _gaussian(width):
    """Return a Gaussian along one axis, cut at four times its width, in pixels."""
    return cv2.getGaussianKernel(2 * math.ceil(4 * width) + 1, width, cv2.CV_32F)

"""Maps of the total mass as weak gravitational lensing shows them."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from darkcnn.noise.base import RecordNoise
from darkcnn.noise.geometry import critical_surface_density, pixel_side
from darkcnn.noise.instruments import LENSING_SURVEYS, parameters_of
from darkcnn.noise.inversion import field_convergence, field_shear, noise_after_smoothing
from darkcnn.records import FIELD_SIZE

SHEAR = ("shear1", "shear2")
"""The fields that ``output="shear"`` adds to a record."""


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
    smoothing : float or None, default=None
        Standard deviation of a Gaussian that smooths the reconstruction, in kpc.
    output : {"kappa", "shear"}, default="kappa"
        ``"shear"`` adds the maps ``shear1`` and ``shear2`` of the noisy shear to the records.
    redshift_floor : float, default=0.1
        Clusters of a snapshot nearer than this are observed as if they were there: at redshift 0, they would
        lens nothing.
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

    What lies outside the field is unknown: no mass shears it, and no shear is measured there. So a pixel at
    the edge has less noise than one, and the reconstruction of a cluster lacks about its mean convergence
    within the field, less towards the corners. Shapes respond to the shear, not to the reduced shear: where
    the convergence nears one, this is too simple. Neighbours and foreground galaxies play no role.

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
        "smoothing": [Interval(Real, 0, None, closed="neither"), None],
        "output": [StrOptions({"kappa", "shear"})],
        "redshift_floor": [Interval(Real, 0, None, closed="neither")],
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
        smoothing=None,
        output="kappa",
        redshift_floor=0.1,
        random_state=None,
    ):
        self.n_gal = n_gal
        self.shape_noise = shape_noise
        self.source_redshift = source_redshift
        self.multiplicative_bias = multiplicative_bias
        self.additive_bias = additive_bias
        self.photo_z_bias = photo_z_bias
        self.smoothing = smoothing
        self.output = output
        self.redshift_floor = redshift_floor
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

    def _observe(self, maps, clusters, generators):
        n_pixels = maps.shape[-1]
        redshift, believed, true = self._critical_densities(clusters)
        smoothing = (self.smoothing or 0.0) / (FIELD_SIZE / n_pixels)
        remaining = noise_after_smoothing(n_pixels, smoothing)

        galaxies_per_pixel = self.n_gal * pixel_side(redshift, n_pixels) ** 2
        noise = self.shape_noise / np.sqrt(2 * galaxies_per_pixel)  # of each component of the shear
        signal = (clusters["lensing_norm"] / true / noise).astype(np.float32)
        offset = (self.additive_bias / noise * (1 + 1j)).astype(np.complex64)

        observed = np.empty(maps.shape, np.float32)
        shears = np.empty((2, *maps.shape), np.float32) if self.output == "shear" else None
        for row, rng in zip(range(len(maps)), generators, strict=False):
            shear = field_shear(maps[row] * signal[row])  # here and below in units of its noise
            shear += rng.standard_normal((*maps.shape[1:], 2), np.float32).view(np.complex64)[..., 0]
            shear = offset[row] + np.float32(1 + self.multiplicative_bias) * shear
            observed[row] = field_convergence(shear, smoothing)
            if shears is not None:
                shears[:, row] = shear.real, shear.imag
        observed /= np.float32(remaining)
        fields = {"total": observed, "lensing_norm": noise * remaining * believed}
        return fields if shears is None else fields | dict(zip(SHEAR, shears, strict=True))

    def _check(self, X):
        map_shape = super()._check(X)
        self._critical_densities(X)
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
            critical_surface_density(redshift, self.source_redshift),
            critical_surface_density(redshift, true_redshift),
        )

    def _dtype(self, dtype):
        if self.output == "kappa":
            return dtype
        fields = [(name, dtype[name]) for name in dtype.names if name not in SHEAR]
        return np.dtype(fields + [(name, np.float32, self.map_shape_) for name in SHEAR])

"""Maps of the total mass as weak gravitational lensing shows them."""

import warnings
from numbers import Real

import numpy as np
from astropy.cosmology import FLRW

from darkcnn._common.sklearn_private import Interval, StrOptions
from darkcnn.noise.base import RecordNoise
from darkcnn.noise.geometry import Lenses
from darkcnn.noise.instruments import LENSING_SURVEYS, parameters_of
from darkcnn.noise.inversion import noise_after_smoothing
from darkcnn.noise.lensing_maps import noise_of_part, observe_field_of_view, observe_part, tangential
from darkcnn.noise.redshifts import Sources
from darkcnn.noise.structure import draw_structure
from darkcnn.records import FIELD_SIZE, SHEAR, TANGENTIAL, chunks

SHEAR_OUTPUTS = {"shear": SHEAR, "tangential": TANGENTIAL}
"""The fields that an output adds to a record."""

_CONVERGENCE_RANGE = 1e-3, 1e3
"""Far beyond what clusters have at their centres, 0.1 to 10; other units are off by a million."""

_CHUNK_PIXELS = 160_000
"""Pixels of the maps that are transformed together, which stay in the processor's cache."""


class WeakLensingNoise(RecordNoise):
    r"""Weak-lensing noise: convergence or shear maps from the shapes of galaxies behind clusters.

    The map becomes a convergence, :math:`\kappa = \Sigma / \Sigma_{crit}` at each cluster's own redshift, and
    that a reduced shear :math:`g = \gamma / (1 - \kappa)` [1]_ [2]_. The intrinsic shapes of the :math:`n`
    galaxies in a pixel add Gaussian noise of :math:`\sigma = \sigma_\epsilon / \sqrt{2 n}` to each of its
    components, errors of the measurement turn the sum e into :math:`c + (1 + m) e`, and the convergence is
    reconstructed from the result [3]_.

    Parameters
    ----------
    n_gal : float, default=50
        Number density of the galaxies behind the clusters, per arcmin2.
    shape_noise : float, default=0.3
        Standard deviation :math:`\sigma_\epsilon` of the ellipticity of galaxies, both components together:
        that of one component times the root of two.
    source_redshift : float, default=2.0
        Redshift that the galaxies behind the clusters are believed to have, all alike. For galaxies of many
        redshifts, take the one that gives their mean lensing efficiency.
    multiplicative_bias : float, default=0.0
        Error m of the measured shapes.
    additive_bias : float, default=0.0
        Error c of the measured shapes, in both components.
    photo_z_bias : float, default=0.0
        How much too large the believed redshift is, over 1 + the true one.
    photo_z_scatter : float, default=0.0
        Standard deviation of the true redshifts of the galaxies, over 1 + redshift. The analysis does not
        correct for it, nor for `photo_z_outliers`, `dilution` and `obscuration`.
    photo_z_outliers : float, default=0.0
        Fraction of the galaxies that have any redshift from 0 to 3 instead, with equal probability.
    dilution : float, default=0.0
        Fraction of the galaxies at the centre that are members of the cluster, whose shapes are not sheared.
        It falls as :math:`e^{-R / 1 \mathrm{Mpc}}`, as Applegate et al. (2014) fit it with about r500 for the
        scale (not verified).
    obscuration : float, default=0.0
        Fraction of the galaxies behind the centre that cluster members hide. It falls in the same way.
    large_scale_structure : bool, default=False
        Whether to add the convergence of matter along the line of sight, not correlated with the cluster: a
        Gaussian random field with the power spectrum of the default cosmology.
    mask : array-like of bool of shape (height, width) or None, default=None
        True where no galaxies are measured: behind a bright star, for example. With a mask, none are measured
        outside of the map either, which is then the whole field of view. None takes the map for a part of a
        larger field.
    smoothing : float or None, default=None
        Standard deviation of a Gaussian that smooths the reconstruction, in kpc.
    output : {"kappa", "shear", "tangential"}, default="kappa"
        ``"shear"`` adds maps of the noisy reduced shear to the records: ``shear1`` and ``shear2``, its
        components along the axes. ``"tangential"`` adds ``shear_t`` and ``shear_x``, tangential to circles
        about the middle of the map and across: they do not change when the map turns.
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
    The observed ``total`` is the convergence over the standard deviation of its noise far from the cluster:
    signed, of mean near zero, and never rescaled by its own extremes. ``lensing_norm`` becomes that noise in
    Msun / Mpc2, so that the product of both still is the surface density, and holds no information on the
    noise-free peak any more. The other attributes stay as they are.

    The reconstruction multiplies the measured shapes by :math:`1 - \kappa`, of the convergence that it found
    before, and inverts them, three times [3]_; :func:`darkcnn.noise.reduced_shear_inverse` does so with
    measured maps.
    The noise of a core is therefore lower, by :math:`1 - \kappa`. Where the convergence exceeds one, galaxies
    are strongly distorted and get no weight.

    A map within a larger field is observed without its edges: far from the cluster, the reconstruction
    returns the convergence less its mean, with white noise of variance one, which are drawn directly. With a
    `mask`, `dilution` or `obscuration`, or if the shear itself is asked for, the map is the field of view. No
    mass outside of it shears galaxies, and no shapes are measured there. A pixel at the edge then has less
    noise than one, and the reconstruction lacks about the mean convergence within the field, less towards
    the corners: shear determines :math:`1 - \kappa` only up to a factor.

    In units of its noise, the signal goes with :math:`D_{ls} / D_s`, 0.93 at redshift 0.1 and 0.72 at 0.375,
    for sources at 2. Intrinsic alignments and magnification are not modelled.

    References
    ----------
    .. [1] N. Kaiser & G. Squires, "Mapping the dark matter with weak gravitational lensing", ApJ 404, 441
       (1993).
    .. [2] C. Seitz & P. Schneider, "Steps towards nonlinear cluster inversion through gravitational
       distortions. III. Including a redshift distribution of the sources", A&A 318, 687 (1997).
    .. [3] C. Seitz & P. Schneider, "Steps towards nonlinear cluster inversion through gravitational
       distortions. II. Generalization of the Kaiser and Squires method", A&A 297, 287 (1995).

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
        "photo_z_scatter": [Interval(Real, 0, 1, closed="left")],
        "photo_z_outliers": [Interval(Real, 0, 1, closed="left")],
        "dilution": [Interval(Real, 0, 1, closed="left")],
        "obscuration": [Interval(Real, 0, 1, closed="left")],
        "large_scale_structure": ["boolean"],
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
        photo_z_scatter=0.0,
        photo_z_outliers=0.0,
        dilution=0.0,
        obscuration=0.0,
        large_scale_structure=False,
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
        self.photo_z_scatter = photo_z_scatter
        self.photo_z_outliers = photo_z_outliers
        self.dilution = dilution
        self.obscuration = obscuration
        self.large_scale_structure = large_scale_structure
        self.mask = mask
        self.smoothing = smoothing
        self.output = output
        self.redshift_floor = redshift_floor
        self.cosmology = cosmology
        self.random_state = random_state

    @classmethod
    def from_survey(cls, name, **changes):
        """Make the noise of a survey of :data:`darkcnn.noise.LENSING_SURVEYS`.

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
        >>> WeakLensingNoise.from_survey("jwst").n_gal
        162
        """
        return cls(**(parameters_of(name, LENSING_SURVEYS) | changes))

    def observe(self, clusters, generators):
        """Measure the shapes of galaxies behind clusters, and the convergence from them."""
        lenses, noise, assumed, true = self._lenses(clusters)
        total = clusters["total"]
        fields = {"total": np.empty(total.shape, np.float32), "lensing_norm": noise * assumed / self._scale}
        names = SHEAR_OUTPUTS.get(self.output, ())
        fields |= {name: np.empty_like(fields["total"]) for name in names}
        settings = {
            "multiplicative_bias": self.multiplicative_bias,
            "additive_bias": self.additive_bias,
            "smoothing": self._smoothing,
        }
        generators = list(generators)
        scales = (
            np.float32(noise),
            np.float32(clusters["lensing_norm"] / true),
            np.float32(self._scale / noise),
        )
        for rows in chunks(len(total), max(1, _CHUNK_PIXELS // total.shape[-1] ** 2)):
            level, density, unit = (scale[rows, np.newaxis, np.newaxis] for scale in scales)
            kappa = total[rows] * density
            if self.large_scale_structure:
                sides = lenses.pixel_side(total.shape[-1])[rows]
                for image, rng, side in zip(kappa, generators[rows], sides, strict=True):
                    image += draw_structure(rng, len(image), side, self._sources.true_redshift)
            if self._is_part:
                kappa = observe_part(kappa, level[:, 0, 0], generators[rows], **settings)
            else:
                shapes, kappa = observe_field_of_view(
                    kappa,
                    level[:, 0, 0],
                    generators[rows],
                    mask=None if self.mask is None else np.asarray(self.mask),
                    dilution=self.dilution,
                    obscuration=self.obscuration,
                    **settings,
                )
                shapes = tangential(shapes) if self.output == "tangential" else shapes
                for name, component in zip(names, (shapes.real, shapes.imag), strict=False):
                    fields[name][rows] = component / level
            np.multiply(kappa, unit, out=fields["total"][rows])
        return fields

    def unit(self, clusters):
        """Return the standard deviation of the noise, as a surface density in Msun / Mpc2."""
        _, noise, assumed, _ = self._lenses(clusters)
        return noise * assumed / self._scale

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
    def _is_part(self):
        """Whether the map is a part of a larger field, and not the whole field of view."""
        return self.mask is None and self.output == "kappa" and not self.dilution and not self.obscuration

    @property
    def _smoothing(self):
        """Width of the smoothing, in pixels."""
        return (self.smoothing or 0.0) / (FIELD_SIZE / self.map_shape_[0])

    @property
    def _scale(self):
        """Factor that brings smoothed noise back to a variance of one."""
        if self._is_part:
            return 1 / noise_of_part(self._smoothing)
        return 1 / noise_after_smoothing(self.map_shape_[0], self._smoothing)

    @property
    def _sources(self):
        return Sources(self.source_redshift, self.photo_z_bias, self.photo_z_scatter, self.photo_z_outliers)

    def _check(self, X):
        map_shape = super()._check(X)
        lenses = self._at(X)
        self._sources.check(lenses, X["cluster_id"])
        convergence = float(np.median(X["lensing_norm"] / self._sources.critical_densities(lenses)[1]))
        if not _CONVERGENCE_RANGE[0] < convergence < _CONVERGENCE_RANGE[1]:
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

    def _at(self, clusters):
        """Return the lenses at the redshifts that they are observed at."""
        return Lenses(np.maximum(clusters["redshift"].astype(float), self.redshift_floor), self.cosmology)

    def _lenses(self, clusters):
        """Return the lenses, the noise of each component in a pixel, and the critical densities."""
        lenses = self._at(clusters)
        galaxies_per_pixel = self.n_gal * lenses.pixel_side(self.map_shape_[0]) ** 2
        noise = self.shape_noise / np.sqrt(2 * galaxies_per_pixel)
        return lenses, noise, *self._sources.critical_densities(lenses)

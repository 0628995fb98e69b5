"""Simulated weak-lensing observations of total-mass maps."""

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
"""Fields that each output adds to a record."""

_CONVERGENCE_RANGE = 1e-3, 1e3
"""Generous range of central convergences; clusters have 0.1 to 10, and wrong units differ by a million."""

_CHUNK_PIXELS = 160_000
"""Number of pixels that are transformed together, so that they fit in the processor's cache."""


class WeakLensingNoise(RecordNoise):
    r"""Weak-lensing noise: convergence or shear maps from the shapes of background galaxies.

    The map is converted to a convergence, :math:`\kappa = \Sigma / \Sigma_{crit}` at the redshift of the
    cluster, and to a reduced shear :math:`g = \gamma / (1 - \kappa)` [1]_ [2]_. The intrinsic shapes of the
    :math:`n` galaxies in a pixel add Gaussian noise of :math:`\sigma = \sigma_\epsilon / \sqrt{2 n}` to each
    component, measurement errors change the sum e to :math:`c + (1 + m) e`, and the convergence is
    reconstructed [3]_.

    Parameters
    ----------
    n_gal : float, default=50
        Number density of background galaxies, per arcmin2.
    shape_noise : float, default=0.3
        Standard deviation :math:`\sigma_\epsilon` of the ellipticity of galaxies, both components together:
        that of one component times the square root of two.
    source_redshift : float, default=2.0
        Assumed redshift of all background galaxies. For a redshift distribution, use the redshift with the
        same mean lensing efficiency.
    multiplicative_bias : float, default=0.0
        Multiplicative shear bias m.
    additive_bias : float, default=0.0
        Additive shear bias c, in both components.
    photo_z_bias : float, default=0.0
        Bias of the assumed redshift, (assumed - true) / (1 + true).
    photo_z_scatter : float, default=0.0
        Scatter of the true redshifts of the galaxies, relative to 1 + redshift. The simulated analysis does
        not correct for it, nor for `photo_z_outliers`, `dilution` and `obscuration`.
    photo_z_outliers : float, default=0.0
        Fraction of galaxies with a true redshift uniform between 0 and 3.
    dilution : float, default=0.0
        Fraction of galaxies at the centre that are cluster members, which are not sheared. It decreases as
        :math:`e^{-R / 1 \mathrm{Mpc}}`, like the fit of Applegate et al. (2014) with a scale of about r500
        (not verified).
    obscuration : float, default=0.0
        Fraction of background galaxies at the centre hidden by cluster members. It decreases in the same way.
    large_scale_structure : bool, default=False
        Whether to add uncorrelated matter along the line of sight: a Gaussian random field with the power
        spectrum of the default cosmology.
    mask : array-like of bool of shape (height, width) or None, default=None
        True where no galaxies are measured, such as behind a bright star. With a mask, the map is the whole
        field of view, without galaxies outside. None treats the map as part of a larger field.
    smoothing : float or None, default=None
        Standard deviation of a Gaussian smoothing of the reconstruction, kpc.
    output : {"kappa", "shear", "tangential"}, default="kappa"
        ``"shear"`` adds maps of the noisy reduced shear to the records: ``shear1`` and ``shear2``, its
        components along the axes. ``"tangential"`` adds ``shear_t`` and ``shear_x``, the tangential and cross
        components about the middle of the map, which are invariant under rotation.
    redshift_floor : float, default=0.1
        Lower limit of the redshift of the observation: at redshift 0, clusters do not act as lenses.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for distances. None for :data:`darkcnn.cosmology.BAHAMAS`.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Attributes
    ----------
    seed_ : int
        Seed, which together with the record determines its noise.
    map_shape_ : (int, int)
        Height and width of the maps.

    See Also
    --------
    XrayNoise : Noise of X-ray maps.

    Notes
    -----
    The observed ``total`` is the convergence over the standard deviation of its noise far from the cluster:
    it is signed, has a mean near zero, and is not normalised by its peak. ``lensing_norm`` becomes this noise
    in Msun / Mpc2, so that their product is still the surface density; it contains no information on the
    noise-free peak. Other attributes are unchanged.

    The reconstruction multiplies the measured shapes by :math:`1 - \kappa` of the previous step and inverts
    them, three times [3]_; :func:`darkcnn.noise.reduced_shear_inverse` does the same for measured maps. The
    noise of a core is therefore lower by :math:`1 - \kappa`. Galaxies have no weight where the convergence
    exceeds one, because they are strongly distorted.

    A map within a larger field is observed without edges: far from the cluster, the reconstruction returns
    the convergence minus its mean, with white noise of variance one, which is drawn directly. With `mask`,
    `dilution`, `obscuration`, or shear as output, the map is the field of view: there is no mass outside, and
    no shapes are measured there. Then the noise at the edges is below one, and the reconstruction lacks about
    the mean convergence within the field, less towards the corners, because shear determines :math:`1 -
    \kappa` only up to a factor.

    In units of its noise, the signal is proportional to :math:`D_{ls} / D_s`, which for sources at redshift 2
    is 0.93 for a lens at 0.1 and 0.72 at 0.375. Intrinsic alignments and magnification are not modelled.

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
        """Return the noise of a survey in :data:`darkcnn.noise.LENSING_SURVEYS`.

        Parameters
        ----------
        name : {"euclid", "hst", "jwst", "roman", "superbit"}
            Name of the survey.
        **changes
            Parameters that override those of the survey.

        Returns
        -------
        WeakLensingNoise
            Unfitted transformer.

        Examples
        --------
        >>> from darkcnn.noise import WeakLensingNoise
        >>> WeakLensingNoise.from_survey("jwst").n_gal
        162
        """
        return cls(**(parameters_of(name, LENSING_SURVEYS) | changes))

    def observe(self, clusters, generators):
        """Simulate the shapes of background galaxies and reconstruct the convergence."""
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
        """Return the standard deviation of the noise as a surface density, in Msun / Mpc2."""
        _, noise, assumed, _ = self._lenses(clusters)
        return noise * assumed / self._scale

    @property
    def changes(self):
        """Names of the fields that the observation replaces or adds."""
        return (*super().changes, *SHEAR_OUTPUTS.get(self.output, ()))

    def observed_dtype(self, dtype):
        """Return the dtype of the observed records, with maps of the shear if requested."""
        names = SHEAR_OUTPUTS.get(self.output, ())
        fields = [(name, dtype[name]) for name in dtype.names if name not in names]
        return np.dtype(fields + [(name, np.float32, self.map_shape_) for name in names]) if names else dtype

    @property
    def _is_part(self):
        """Whether the map is part of a larger field instead of the whole field of view."""
        return self.mask is None and self.output == "kappa" and not self.dilution and not self.obscuration

    @property
    def _smoothing(self):
        """Width of the smoothing in pixels."""
        return (self.smoothing or 0.0) / (FIELD_SIZE / self.map_shape_[0])

    @property
    def _scale(self):
        """Factor that restores a noise variance of one after smoothing."""
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
                f"'lensing_norm' gives the peaks of the clusters a convergence of {convergence:.1g}: check "
                "that it is in Msun / Mpc2",
                stacklevel=3,
            )
        if self.mask is not None:
            mask = np.asarray(self.mask)
            if mask.dtype != bool or mask.shape != map_shape:
                raise ValueError(
                    f"mask must have dtype bool and the shape {map_shape} of the maps, got {mask.dtype} of "
                    f"shape {mask.shape}"
                )
        return map_shape

    def _at(self, clusters):
        """Return the lenses at the redshifts of the observation."""
        return Lenses(np.maximum(clusters["redshift"].astype(float), self.redshift_floor), self.cosmology)

    def _lenses(self, clusters):
        """Return the lenses, the noise per component and pixel, and the critical surface densities."""
        lenses = self._at(clusters)
        galaxies_per_pixel = self.n_gal * lenses.pixel_side(self.map_shape_[0]) ** 2
        noise = self.shape_noise / np.sqrt(2 * galaxies_per_pixel)
        return lenses, noise, *self._sources.critical_densities(lenses)

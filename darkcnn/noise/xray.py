"""Simulated X-ray observations."""

import math
import warnings
from numbers import Real

import cv2
import numpy as np
from astropy.cosmology import FLRW

from darkcnn._common.sklearn_private import Interval
from darkcnn.noise.base import RecordNoise
from darkcnn.noise.geometry import Lenses
from darkcnn.noise.instruments import XRAY_TELESCOPES, parameters_of
from darkcnn.records import chunks

ERG_PER_KEV = 1.602177e-9

_BRIGHTNESS_RANGE = 1e-15, 1e-10
"""Generous range of central brightnesses; wrong units (square degree or arcsecond) differ by 3600."""

_CHUNK_PIXELS = 160_000
"""Number of pixels that are drawn together, so that they fit in the processor's cache."""

_MAX_INVERTED = 8.0
"""Expected counts above which a pixel is drawn on its own."""

_NEGLIGIBLE = 1e-18

_FWHM_PER_DEVIATION = 2 * math.sqrt(2 * math.log(2))
_ARCSEC_PER_ARCMIN = 60


class XrayNoise(RecordNoise):
    """X-ray noise: photon counts between 0.5 and 2 keV.

    The surface brightness is converted to an expected number of photons in each pixel, blurred by a Gaussian
    point spread function, and added to a uniform background; counts are drawn from a Poisson distribution.
    The defaults are those of 10 ks with Chandra.

    ``xray_norm`` is assumed to be the surface brightness between 0.1 and 2.4 keV, as for the mock clusters.
    Photons are counted between 0.5 and 2 keV by default and with all telescopes known by name. For another
    band, set `band_fraction`, `energy_per_photon`, `effective_area` and `background`.

    Parameters
    ----------
    exposure : float, default=10_000
        Exposure time, s.
    effective_area : float, default=400
        Effective area, mean over the band, cm2.
    energy_per_photon : float, default=1.0
        Mean energy of a photon in the band, keV.
    band_fraction : float, default=0.6
        Energy in the counted band over that in the band of ``xray_norm``. The default is that of
        bremsstrahlung of 3 to 8 keV, 0.56 to 0.65.
    background : float, default=1.2e-3
        Background counts in the band per second and arcmin2.
    psf_fwhm : float, default=0.5
        Full width at half maximum of the point spread function, arcsec.
    redshift_floor : float, default=0.1
        Lower limit of the redshift of the observation: at redshift 0, clusters would cover the whole sky.
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
    WeakLensingNoise : Noise of total-mass maps.

    Notes
    -----
    The observed ``xray`` is the number of counts, including background, and not normalised by its peak.
    ``xray_norm`` becomes the surface brightness of one count, so that their product is still a surface
    brightness; it contains no information on the noise-free peak. Other attributes are unchanged, and a
    cluster below `redshift_floor` keeps its surface brightness. All photons have the same energy: the
    spectrum of the gas and absorption are neglected.

    Examples
    --------
    >>> from darkcnn.noise import XrayNoise
    >>> from darkcnn.datasets import load_example
    >>> records = load_example().data[:4]
    >>> counts = XrayNoise(random_state=0).fit_transform(records)["xray"]
    >>> bool((counts == counts.round()).all())
    True
    """

    map_name = "xray"
    norm_name = "xray_norm"

    _parameter_constraints = {
        "exposure": [Interval(Real, 0, None, closed="neither")],
        "effective_area": [Interval(Real, 0, None, closed="neither")],
        "energy_per_photon": [Interval(Real, 0, None, closed="neither")],
        "band_fraction": [Interval(Real, 0, None, closed="neither")],
        "background": [Interval(Real, 0, None, closed="left")],
        "psf_fwhm": [Interval(Real, 0, None, closed="left")],
        "redshift_floor": [Interval(Real, 0, None, closed="neither")],
        "cosmology": [FLRW, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        exposure=10_000,
        *,
        effective_area=400,
        energy_per_photon=1.0,
        band_fraction=0.6,
        background=1.2e-3,
        psf_fwhm=0.5,
        redshift_floor=0.1,
        cosmology=None,
        random_state=None,
    ):
        self.exposure = exposure
        self.effective_area = effective_area
        self.energy_per_photon = energy_per_photon
        self.band_fraction = band_fraction
        self.background = background
        self.psf_fwhm = psf_fwhm
        self.redshift_floor = redshift_floor
        self.cosmology = cosmology
        self.random_state = random_state

    @classmethod
    def from_telescope(cls, name, **changes):
        """Return the noise of a telescope in :data:`darkcnn.noise.XRAY_TELESCOPES`.

        Parameters
        ----------
        name : {"chandra", "erosita", "xmm"}
            Name of the telescope.
        **changes
            Parameters that override those of the telescope.

        Returns
        -------
        XrayNoise
            Unfitted transformer.

        Examples
        --------
        >>> from darkcnn.noise import XrayNoise
        >>> XrayNoise.from_telescope("erosita", exposure=1000).psf_fwhm
        26.0
        """
        return cls(**(parameters_of(name, XRAY_TELESCOPES) | changes))

    def observe(self, clusters, generators):
        """Simulate the photon counts of clusters."""
        pixel, unit = self._pixel(clusters), self.unit(clusters)
        peak = clusters["xray_norm"] / unit
        background = self.background * self.exposure * pixel**2
        width = self.psf_fwhm / _FWHM_PER_DEVIATION / _ARCSEC_PER_ARCMIN / pixel  # pixels
        observed = np.empty(clusters["xray"].shape, np.float32)
        generators = list(generators)
        for rows in chunks(len(observed), max(1, _CHUNK_PIXELS // observed[0].size)):
            expected = np.empty(observed[rows].shape)
            for row, image in enumerate(clusters["xray"][rows], start=rows.start):
                expected[row - rows.start] = _blur(image, width[row]) * peak[row] + background[row]
            draw_counts(expected, generators[rows], out=observed[rows])
        return {"xray": observed, "xray_norm": unit}

    def unit(self, clusters):
        """Return the surface brightness of one count, in erg / s / cm2 / arcmin2."""
        return photon_brightness(
            self.exposure,
            self.effective_area,
            self._pixel(clusters),
            self.energy_per_photon,
            self.band_fraction,
        )

    def _check(self, X):
        map_shape = super()._check(X)
        brightness = float(np.median(X["xray_norm"]))
        if not _BRIGHTNESS_RANGE[0] < brightness < _BRIGHTNESS_RANGE[1]:
            warnings.warn(
                f"'xray_norm' gives the clusters a peak surface brightness of {brightness:.1g}: check that "
                "it is in erg / s / cm2 / arcmin2",
                stacklevel=3,
            )
        return map_shape

    def _pixel(self, clusters):
        """Return the side of a pixel in arcmin."""
        redshift = np.maximum(clusters["redshift"].astype(float), self.redshift_floor)
        return Lenses(redshift, self.cosmology).pixel_side(self.map_shape_[0])


def draw_counts(expected, generators, out):
    """Draw Poisson deviates for maps of expected counts, each with its own generator.

    Small expectations, of most pixels, are inverted together, which is faster than a draw for each pixel:
    the deviate is the smallest count whose cumulative probability reaches a uniform number.
    """
    uniform = np.empty(expected.shape)
    out[...] = 0
    for image, means, numbers, rng in zip(out, expected, uniform, generators, strict=True):
        rng.random(out=numbers)
        large = means > _MAX_INVERTED
        image[large] = rng.poisson(means[large])
        numbers[large] = 0
    counts, mean = out.reshape(-1), expected.reshape(-1)
    probability = np.exp(-mean)
    rows = np.flatnonzero(uniform.reshape(-1) > probability)
    above, mean, probability = (values.reshape(-1)[rows] for values in (uniform, mean, probability))
    cumulative, count = probability.copy(), 0
    while len(rows):
        count += 1
        counts[rows] = count
        probability *= mean / count
        cumulative += probability
        # Rounding may leave the sum of all probabilities just below a number.
        rest = np.flatnonzero((above > cumulative) & (probability > _NEGLIGIBLE))
        rows, above, mean, probability, cumulative = (
            values[rest] for values in (rows, above, mean, probability, cumulative)
        )


def photon_brightness(exposure, effective_area, pixel, energy_per_photon, band_fraction):
    """Return the surface brightness of one photon in erg / s / cm2 / arcmin2, for a pixel side in arcmin."""
    energy = energy_per_photon * ERG_PER_KEV / band_fraction
    return energy / (exposure * effective_area * pixel**2)


def _blur(image, width):
    """Convolve a map with a Gaussian, truncated at four times its width, with reflection at the edges."""
    side = 2 * round(4 * width) + 1
    if side == 1:
        return image
    image = np.ascontiguousarray(image, dtype=np.float32)
    return cv2.GaussianBlur(image, (side, side), width, borderType=cv2.BORDER_REFLECT)

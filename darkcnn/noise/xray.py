"""X-ray maps as counts of photons."""

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

ERG_PER_KEV = 1.602177e-9

_BRIGHTNESS_RANGE = 1e-15, 1e-10
"""Beyond what clusters have at their centres; brightness per square degree or arcsecond is off by 3600."""

_FWHM_PER_DEVIATION = 2 * math.sqrt(2 * math.log(2))
_ARCSEC_PER_ARCMIN = 60


class XrayNoise(RecordNoise):
    """X-ray noise: counts of photons between 0.5 and 2 keV.

    The surface brightness becomes an expected number of photons in each pixel, the telescope blurs it by a
    Gaussian, a uniform background joins it, and the count is drawn from a Poisson distribution. The defaults
    are those of 10 ks with Chandra.

    ``xray_norm`` is taken for the surface brightness between 0.1 and 2.4 keV, as that of the mock clusters.
    Photons are counted between 0.5 and 2 keV, by default and with all telescopes known by name. Counts of
    another band need its fraction, energy, area and background, all four.

    Parameters
    ----------
    exposure : float, default=10_000
        Time of the observation, s.
    effective_area : float, default=400
        Area that would catch as many photons with perfect optics and detector, cm2: mean over the band.
    energy_per_photon : float, default=1.0
        Mean energy of a photon of the band, keV.
    band_fraction : float, default=0.6
        Energy in the band that is counted over that in the band of ``xray_norm``. The default is that of
        bremsstrahlung of 3 to 8 keV, 0.56 to 0.65.
    background : float, default=1.2e-3
        Counts of the band per second and arcmin2 that do not come from the cluster.
    psf_fwhm : float, default=0.5
        Full width at half maximum of the point spread function, arcsec.
    redshift_floor : float, default=0.1
        Clusters of a snapshot nearer than this are observed as if they were there: at redshift 0, they would
        fill the sky.
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
    WeakLensingNoise : The same for maps of the total mass.

    Notes
    -----
    The observed ``xray`` is the number of counts, background included, never divided by its own maximum.
    ``xray_norm`` becomes the surface brightness of one count, so that the product of both still is a surface
    brightness, and holds no information on the noise-free peak any more. The other attributes stay as they
    are, and a cluster below `redshift_floor` keeps its surface brightness. All photons have one energy: the
    spectrum of the gas and the absorption on the way play no role.

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
        """Make the noise of a telescope of :data:`darkcnn.noise.XRAY_TELESCOPES`.

        Parameters
        ----------
        name : {"chandra", "erosita", "xmm"}
            Telescope.
        **changes
            Parameters to set or to change.

        Returns
        -------
        XrayNoise
            An unfitted transformer.

        Examples
        --------
        >>> from darkcnn.noise import XrayNoise
        >>> XrayNoise.from_telescope("erosita", exposure=1000).psf_fwhm
        26.0
        """
        return cls(**(parameters_of(name, XRAY_TELESCOPES) | changes))

    def observe(self, clusters, generators):
        """Count the photons of clusters."""
        pixel, unit = self._pixel(clusters), self.unit(clusters)
        peak = clusters["xray_norm"] / unit
        background = self.background * self.exposure * pixel**2
        width = self.psf_fwhm / _FWHM_PER_DEVIATION / _ARCSEC_PER_ARCMIN / pixel  # pixels
        observed = np.empty(clusters["xray"].shape, np.float32)
        for row, (image, rng) in enumerate(zip(clusters["xray"], generators, strict=True)):
            observed[row] = rng.poisson(_blur(image, width[row]) * peak[row] + background[row])
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
                f"'xray_norm' gives the clusters a peak surface brightness of {brightness:.1g}: is it in "
                "erg / s / cm2 / arcmin2?",
                stacklevel=3,
            )
        return map_shape

    def _pixel(self, clusters):
        """Return the side of a pixel in arcmin."""
        redshift = np.maximum(clusters["redshift"].astype(float), self.redshift_floor)
        return Lenses(redshift, self.cosmology).pixel_side(self.map_shape_[0])


def photon_brightness(exposure, effective_area, pixel, energy_per_photon, band_fraction):
    """Return the surface brightness of one photon in a pixel of a side in arcmin, erg / s / cm2 / arcmin2."""
    energy = energy_per_photon * ERG_PER_KEV / band_fraction
    return energy / (exposure * effective_area * pixel**2)


def _blur(image, width):
    """Convolve a map with a Gaussian, cut at four times its width; what would leave the map is mirrored."""
    side = 2 * round(4 * width) + 1
    if side == 1:
        return image
    image = np.ascontiguousarray(image, dtype=np.float32)
    return cv2.GaussianBlur(image, (side, side), width, borderType=cv2.BORDER_REFLECT)

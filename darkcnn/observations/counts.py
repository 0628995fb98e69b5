"""X-ray count maps from count images and exposure maps."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_scales
from sklearn.utils import check_random_state

from darkcnn.noise.geometry import Lenses
from darkcnn.noise.xray import photon_brightness
from darkcnn.observations.images import deposit, read_sky_image, window
from darkcnn.observations.sky import kpc_per_radian, offsets_kpc
from darkcnn.records import FIELD_SIZE

_MIN_EXPOSURE = 0.1
"""Exposure, relative to the maximum, below which a pixel counts as unobserved."""


@dataclass(frozen=True, eq=False)
class CountMap:
    """Photon counts in the units of :class:`darkcnn.XrayNoise`.

    Attributes
    ----------
    values : ndarray of shape (n_pixels, n_pixels)
        Photon counts in each pixel, including background; row 0 in the south, column 0 in the east.
    norm : float
        Surface brightness of one count, erg / s / cm2 / arcmin2; NaN if the effective area is unknown.
    mask : ndarray of bool of shape (n_pixels, n_pixels)
        True where the exposure is too short; counts there are the mean of the map.
    exposure : float
        Exposure time of all pixels, s.
    """

    values: np.ndarray
    norm: float
    mask: np.ndarray
    exposure: float


def count_photons(
    image,
    center,
    redshift,
    *,
    exposure,
    hdu=None,
    n_pixels=50,
    effective_area=None,
    energy_per_photon=1.0,
    band_fraction=0.6,
    max_gap=0.1,
    cosmology=None,
    random_state=None,
):
    """Count the photons of an X-ray image in the pixels of a record.

    Each photon gets a random position within its image pixel, so that counts remain integers with independent
    Poisson noise for any pixel size. Counts are not divided by the exposure; with an exposure map, they are
    scaled to its median.

    Parameters
    ----------
    image : path-like, HDU of astropy, or (array, astropy.wcs.WCS)
        Photon counts in the energy band of the training set, including background.
    center : (float, float) or astropy.coordinates.SkyCoord
        Right ascension and declination of the cluster, degrees.
    redshift : float
        Redshift of the cluster.
    exposure : float, path-like, HDU of astropy, or (array, astropy.wcs.WCS)
        Exposure in seconds: a number, or a map, possibly with another pixel size.
    hdu : int, str or None, default=None
        Extension of the file; None for the first image.
    n_pixels : int, default=50
        Height and width of the map, which is 2 Mpc wide.
    effective_area : float or None, default=None
        Mean effective area over the band, cm2; None if unknown.
    energy_per_photon : float, default=1.0
        Mean energy of a photon in the band, keV.
    band_fraction : float, default=0.6
        Energy in the band over that between 0.1 and 2.4 keV, see :class:`darkcnn.XrayNoise`.
    max_gap : float, default=0.1
        Largest fraction of the field without exposure; it is filled with the mean of the map.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for the distance. None for :data:`darkcnn.cosmology.BAHAMAS`.
    random_state : int, RandomState instance or None, default=None
        Seed of the photon positions within pixels.

    Returns
    -------
    CountMap
        Map and surface brightness of one count.

    Raises
    ------
    ValueError
        If the image does not contain counts (negative or non-integer values), or does not cover the field.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from darkcnn.observations import count_photons
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    >>> wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (150, 2), (150.5, 150.5), (-0.001, 0.001)
    >>> photons = np.random.default_rng(0).poisson(2.0, (300, 300))
    >>> found = count_photons((photons, wcs), (150, 2), 0.3, exposure=10_000, effective_area=400)
    >>> found.values.shape, f"{found.norm:.1e}"
    ((50, 50), '3.0e-14')
    """
    values, wcs = read_sky_image(image, hdu)
    known = values[np.isfinite(values)]
    if not known.size or (known < 0).any() or not np.allclose(known, np.round(known), atol=1e-3):
        raise ValueError(
            "image must contain photon counts, integers of zero or more including background, got "
            f"{known.min() if known.size else np.nan:.4g} to "
            f"{known.max() if known.size else np.nan:.4g}: do not pass rates or background-subtracted images"
        )
    counts = _scatter(values, wcs, center, redshift, n_pixels, cosmology, check_random_state(random_state))
    _, points, expected = deposit(values, wcs, center, redshift, n_pixels, cosmology)
    mask = points < 0.9 * expected
    seconds = exposure
    if not isinstance(exposure, Real):
        sums, found, _ = deposit(*read_sky_image(exposure), center, redshift, n_pixels, cosmology)
        time = sums / np.maximum(found, 1)
        mask |= time < _MIN_EXPOSURE * time.max()
        seconds = 0.0 if mask.all() else float(np.median(time[~mask]))
        counts *= seconds / np.where(mask, np.inf, time)
    if not 0 < seconds < np.inf:
        raise ValueError(f"exposure must be above 0 s, got {seconds}")
    if mask.mean() > max_gap:
        raise ValueError(
            f"image must cover the whole field of 2 Mpc, but {mask.mean():.1%} of it was not observed "
            f"(max_gap={max_gap:g})"
        )
    counts[mask] = counts[~mask].mean()
    norm = np.nan
    if effective_area is not None:
        side = Lenses([redshift], cosmology).pixel_side(n_pixels)[0]
        norm = photon_brightness(seconds, effective_area, side, energy_per_photon, band_fraction)
    return CountMap(counts.astype(np.float32), float(norm), mask, float(seconds))


def _scatter(values, wcs, center, redshift, n_pixels, cosmology, rng):
    """Count photons at random positions within their image pixels."""
    side = np.deg2rad(proj_plane_pixel_scales(wcs).min()) * kpc_per_radian(redshift, cosmology)
    rows, columns = window(values.shape, wcs, center, FIELD_SIZE / side)
    photons = np.nan_to_num(values[rows, columns]).round().astype(int)
    row, column = (np.repeat(index.ravel(), photons.ravel()) for index in np.indices(photons.shape))
    y = row + rows.start + rng.uniform(-0.5, 0.5, len(row))
    x = column + columns.start + rng.uniform(-0.5, 0.5, len(row))
    west, north = offsets_kpc(*wcs.all_pix2world(x, y, 0), center, redshift, cosmology)
    edges = (np.arange(n_pixels + 1) / n_pixels - 0.5) * FIELD_SIZE
    return np.histogram2d(north, west, (edges, edges))[0]

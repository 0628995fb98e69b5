"""Convergence maps from shear catalogues."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from darkcnn.noise.geometry import Lenses
from darkcnn.noise.inversion import noise_after_smoothing
from darkcnn.noise.reduced_shear import reconstruct
from darkcnn.observations.sky import offsets_kpc
from darkcnn.records import FIELD_SIZE

_GALAXIES_OF_DENSITY = 100
"""Number of galaxies for the local density, which is then accurate to 10 %."""

_MIN_DENSITY = 0.4
"""Smoothed density, relative to the median, below which a pixel counts as empty; 0.5 at a straight edge."""

_MAX_FIELD = 3
"""Largest side of the field of galaxies that is used, relative to the map."""

_MAX_ELLIPTICITY = 1.5
"""Largest possible ellipticity, with some tolerance."""


@dataclass(frozen=True, eq=False)
class ConvergenceMap:
    """Reconstructed convergence in the units of :class:`darkcnn.WeakLensingNoise`.

    Attributes
    ----------
    values : ndarray of shape (n_pixels, n_pixels)
        Convergence over its noise; row 0 in the south, column 0 in the east.
    norm : float
        Noise as a surface density, Msun / Mpc2.
    mask : ndarray of bool of shape (n_pixels, n_pixels)
        True where there are no galaxies.
    noise : float
        Noise as a convergence.
    n_gal : float
        Number density of galaxies in the map, per arcmin2.
    """

    values: np.ndarray
    norm: float
    mask: np.ndarray
    noise: float
    n_gal: float


def reconstruct_convergence(
    ra,
    dec,
    g1,
    g2,
    *,
    center,
    redshift,
    source_redshift,
    weight=None,
    n_pixels=50,
    smoothing=None,
    coordinate_system="euclidean",
    cosmology=None,
):
    r"""Reconstruct the convergence from a shear catalogue, in the units of simulated observations.

    The shapes in each pixel are summed and divided by the local density of galaxies (Kaiser & Squires 1993),
    so that the noise is white. The convergence is reconstructed with the iteration of
    :class:`darkcnn.WeakLensingNoise`; its mean over the map is subtracted, and it is divided by its noise.

    Parameters
    ----------
    ra, dec : array-like of shape (n_galaxies,)
        Positions of galaxies, degrees.
    g1, g2 : array-like of shape (n_galaxies,)
        Components of the shapes: estimates of the reduced shear.
    center : (float, float) or astropy.coordinates.SkyCoord
        Right ascension and declination of the cluster, the centre of the map, degrees.
    redshift : float
        Redshift of the cluster.
    source_redshift : float or array-like of shape (n_galaxies,)
        Redshift of the galaxies. Galaxies that are not behind the cluster are left out.
    weight : array-like of shape (n_galaxies,) or None, default=None
        Weights of the galaxies; None for equal weights.
    n_pixels : int, default=50
        Height and width of the map, which is 2 Mpc wide.
    smoothing : float or None, default=None
        Standard deviation of a Gaussian smoothing of the reconstruction, kpc; use the value of the training.
    coordinate_system : {"euclidean", "celestial"}, default="euclidean"
        Coordinate system of the shapes, with the names of CLMM. ``"euclidean"``: `g1` is positive for
        galaxies elongated along the east-west axis, `g2` for those along the diagonal from south-east to
        north-west, as in an image with north up and east left. ``"celestial"``: `g2` has the opposite sign.
    cosmology : astropy.cosmology.FLRW or None, default=None
        Cosmology for distances. None for :data:`darkcnn.cosmology.BAHAMAS`.

    Returns
    -------
    ConvergenceMap
        Map, noise, and mask.

    Raises
    ------
    ValueError
        If columns differ in length, shapes are not ellipticities, or there are too few galaxies.

    See Also
    --------
    darkcnn.observations.make_observations : Records from such maps.

    Notes
    -----
    The noise is that of a pixel of mean density, from the scatter of the shapes about their local mean.
    Shapes are set to zero where there are no galaxies, like with the `mask` of
    :class:`darkcnn.WeakLensingNoise`; if this concerns much of the map, train the network with such a mask.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.observations import reconstruct_convergence
    >>> rng = np.random.default_rng(0)
    >>> ra, dec = rng.uniform(-0.1, 0.1, size=(2, 6000))
    >>> g1, g2 = rng.normal(scale=0.2, size=(2, 6000))
    >>> found = reconstruct_convergence(ra, dec, g1, g2, center=(0, 0), redshift=0.3, source_redshift=1)
    >>> bool(0.9 < found.values.std() < 1.1), round(found.n_gal)
    (True, 41)
    """
    columns = _columns(ra, dec, g1, g2, source_redshift, weight)
    sign = {"euclidean": 1, "celestial": -1}.get(coordinate_system)
    if sign is None:
        raise ValueError(f"coordinate_system must be 'euclidean' or 'celestial', got {coordinate_system!r}")
    columns = columns[:, columns[4] > redshift]
    ra, dec, g1, g2, source_redshift, weight = columns
    x, y = offsets_kpc(ra, dec, center, redshift, cosmology)
    pixel = FIELD_SIZE / n_pixels
    margin = _margin(x, y, pixel, n_pixels)
    size = n_pixels + 2 * margin
    inside = (np.maximum(np.abs(x), np.abs(y)) < size * pixel / 2) & (weight > 0)
    if (np.maximum(np.abs(x), np.abs(y))[inside] < FIELD_SIZE / 2).sum() < _GALAXIES_OF_DENSITY:
        raise ValueError(
            f"at least {_GALAXIES_OF_DENSITY} galaxies must be behind the cluster and within its map, got "
            f"{inside.sum()} of {len(x)}: check that ra, dec and center are in degrees"
        )
    edges = (np.arange(size + 1) - size / 2) * pixel

    def add_up(values):
        return np.histogram2d(y[inside], x[inside], (edges, edges), weights=values[inside])[0]

    shapes = add_up(weight * g1) + 1j * sign * add_up(weight * g2)
    weights, numbers = add_up(weight), add_up(np.ones_like(weight))
    density, mean, mask = _local(weights, shapes, numbers)
    scatter = add_up(weight**2 * (g1**2 + g2**2)) - add_up(weight**2) * np.abs(mean) ** 2
    middle = (slice(margin, margin + n_pixels),) * 2
    seen = ~mask[middle]
    noise = float(np.sqrt(np.mean((scatter / 2 / density**2)[middle][seen])))
    shapes = np.where(mask, 0, shapes / density).astype(np.complex64)
    kappa = reconstruct(shapes, np.float32(noise), smoothing=(smoothing or 0) / pixel)[middle]
    kappa = kappa - kappa.mean()
    after = noise * noise_after_smoothing(size, (smoothing or 0) / pixel)
    lenses = Lenses([redshift], cosmology)
    efficiency = np.average(lenses.efficiency(source_redshift[:, np.newaxis])[:, 0], weights=weight)
    arcmin2 = seen.sum() * lenses.pixel_side(n_pixels)[0] ** 2
    return ConvergenceMap(
        (kappa / after).astype(np.float32),
        float(after * lenses.critical_density(efficiency)[0]),
        mask[middle],
        after,
        float(numbers[middle][seen].sum() / arcmin2),
    )


def _columns(*given):
    """Check the columns of a catalogue and return them as one array."""
    names = ("ra", "dec", "g1", "g2", "source_redshift", "weight")
    length = np.size(given[0])
    columns = np.empty((len(names), length))
    for number, (name, values) in enumerate(zip(names, given, strict=True)):
        values = (
            1.0
            if values is None
            else np.ma.filled(np.ma.asarray(getattr(values, "value", values), float), np.nan)
        )
        if np.shape(values) not in ((), (length,)) or (np.shape(values) == () and name in names[:4]):
            raise ValueError(
                f"{name} must have one value for each of {length} galaxies, got shape {np.shape(values)}"
            )
        columns[number] = values
    for number, name in enumerate(names):
        if not np.isfinite(columns[number]).all():
            raise ValueError(f"{name} must be known for every galaxy, got NaN: leave such galaxies out")
    size = np.hypot(columns[2], columns[3])
    if length and np.quantile(size, 0.9) > _MAX_ELLIPTICITY:
        raise ValueError(
            f"g1 and g2 must be ellipticities below 1, got {np.quantile(size, 0.9):.3g} or more for 10 %"
        )
    if (columns[5] < 0).any():
        raise ValueError(f"weight must be zero or more, got {columns[5].min()}")
    return columns


def _margin(x, y, pixel, n_pixels):
    """Return the margin in pixels about the map that contains galaxies, up to three map sizes in total."""
    reach = np.nanmax(np.minimum(np.abs([x, y]), _MAX_FIELD * FIELD_SIZE / 2), initial=0.0)
    return max(int(np.ceil(reach / pixel)) - n_pixels // 2, 0)


def _local(weights, shapes, numbers):
    """Return the local density of weights, the local mean shape, and the mask of empty pixels."""
    typical = np.median(numbers[numbers > 0]) if (numbers > 0).mean() > 0.5 else numbers[numbers > 0].mean()
    width = max(np.sqrt(_GALAXIES_OF_DENSITY / (4 * np.pi * typical)), 1.0)

    def smooth(image):
        return gaussian_filter(image, width, mode="constant", truncate=4)

    smoothed = smooth(weights)
    level = np.median(smoothed[weights > 0])
    mask = smoothed < _MIN_DENSITY * level
    density = np.where(mask, level, smoothed / np.maximum(smooth((~mask).astype(float)), 1e-3))
    mean = (smooth(shapes.real) + 1j * smooth(shapes.imag)) / np.maximum(smoothed, 1e-3 * level)
    return density, mean, mask

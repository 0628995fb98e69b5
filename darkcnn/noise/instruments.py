"""Parameters of lensing surveys and X-ray telescopes, with sources."""

import math
from typing import NamedTuple


class Instrument(NamedTuple):
    """Noise parameters of a survey or telescope.

    Attributes
    ----------
    parameters : dict
        Arguments of the noise model.
    source : str
        Publications, and the values taken from them.
    unverified : tuple of str
        Parameters that were not verified in the publication, or are placeholders of the right order of
        magnitude.
    """

    parameters: dict
    source: str
    unverified: tuple = ()


# Publications quote the ellipticity noise of one component, 0.26 to 0.30, or of both, 0.37 to 0.42. Galaxies
# have a redshift distribution, partly in front of a cluster; the noise model puts all at one redshift: that
# of their mean lensing efficiency for a cluster at redshift 0.25, including the galaxies in front.
_ONE_COMPONENT = math.sqrt(2)

LENSING_SURVEYS = {
    "euclid": Instrument(
        {"n_gal": 30, "shape_noise": round(0.30 * _ONE_COMPONENT, 3), "source_redshift": 0.74},
        "Euclid Collaboration: Blanchard et al., A&A 642, A191 (2020): density, 0.30 in each component (its "
        "square over the density is the power of the noise); median redshift 0.9, whose mean efficiency is "
        "that of 0.74",
    ),
    "hst": Instrument(
        {"n_gal": 66, "shape_noise": round(0.26 * _ONE_COMPONENT, 3), "source_redshift": 0.97},
        "Leauthaud et al., ApJS 172, 219 (2007), the COSMOS field: density, 0.26 in each component; median "
        "redshift 1.2, whose mean efficiency is that of 0.97",
        ("n_gal", "shape_noise", "source_redshift"),
    ),
    "jwst": Instrument(
        {"n_gal": 162, "shape_noise": round(0.26 * _ONE_COMPONENT, 3), "source_redshift": 1.6},
        "Harvey & Massey, MNRAS 529, 802 (2024), Abell 2744: up to this density; a median redshift of 2 is "
        "assumed, whose mean efficiency is that of 1.6",
        ("shape_noise", "source_redshift"),
    ),
    "roman": Instrument(
        {"n_gal": 45, "shape_noise": round(0.26 * _ONE_COMPONENT, 3), "source_redshift": 0.89},
        "Spergel et al., arXiv:1503.03757 (2015), high-latitude survey: density; a median redshift of 1.1 is "
        "assumed, whose mean efficiency is that of 0.89",
        ("n_gal", "shape_noise", "source_redshift"),
    ),
    "superbit": Instrument(
        {"n_gal": 30, "shape_noise": round(0.26 * _ONE_COMPONENT, 3), "source_redshift": 0.74},
        "McCleary et al., AJ 166, 134 (2023), forecasts for blue bands: none of the numbers exactly",
        ("n_gal", "shape_noise", "source_redshift"),
    ),
}
"""Surveys of :meth:`WeakLensingNoise.from_survey`."""

# All between 0.5 and 2 keV, where photons of bremsstrahlung of 3 to 8 keV have a mean energy of 0.96 to
# 1.06 keV. Areas are means over the band. The background consists of 1.7e-6 photons / s / cm2 / arcmin2 of
# the sky, and particles. For a Gaussian, the half-energy width equals the full width at half maximum; for
# point spread functions with wings, the half-energy width is used.
_ENERGY = 1.0

XRAY_TELESCOPES = {
    "chandra": Instrument(
        {
            "exposure": 10_000,
            "effective_area": 400,
            "energy_per_photon": _ENERGY,
            "background": 1.2e-3,
            "psf_fwhm": 0.5,
        },
        "Chandra Proposers' Observatory Guide, ACIS-I: point spread function; the area was that at launch "
        "and has shrunk since",
        ("exposure", "effective_area", "background"),
    ),
    "erosita": Instrument(
        {
            "exposure": 2_000,
            "effective_area": 1365,
            "energy_per_photon": _ENERGY,
            "background": 3e-3,
            "psf_fwhm": 26.0,
        },
        "Predehl et al., A&A 647, A1 (2021), all-sky survey: area at 1 keV, half-energy width",
        ("exposure", "effective_area", "background", "psf_fwhm"),
    ),
    "xmm": Instrument(
        {
            "exposure": 10_000,
            "effective_area": 2000,
            "energy_per_photon": _ENERGY,
            "background": 5e-3,
            "psf_fwhm": 15.0,
        },
        "XMM-Newton Users Handbook, the three EPIC cameras: half-energy width",
        ("exposure", "effective_area", "background"),
    ),
}
"""Telescopes of :meth:`XrayNoise.from_telescope`, between 0.5 and 2 keV."""


def parameters_of(name, instruments):
    """Return the noise parameters of an instrument.

    Parameters
    ----------
    name : str
        Key of `instruments`, in any case.
    instruments : dict of Instrument
        Known instruments.

    Returns
    -------
    dict
        Arguments of the noise model.

    Raises
    ------
    ValueError
        If `name` is unknown.
    """
    if name.lower() not in instruments:
        raise ValueError(f"name must be one of {sorted(instruments)}, got {name!r}")
    return instruments[name.lower()].parameters

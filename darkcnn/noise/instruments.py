"""Telescopes: the parameters of the noises, and where each number comes from."""

from typing import NamedTuple


class Instrument(NamedTuple):
    """Parameters of a noise.

    Attributes
    ----------
    parameters : dict
        Arguments of the noise.
    source : str
        Publications, and what they give.
    approximate : tuple of str
        Parameters that the publications do not give: round numbers of the right size.
    """

    parameters: dict
    source: str
    approximate: tuple = ()


# Publications give the ellipticity noise of one component, about 0.26 to 0.27, or of both, 0.37. Galaxies are
# spread in redshift; the noise puts them all at one.
LENSING_SURVEYS = {
    "euclid": Instrument(
        {"n_gal": 30, "shape_noise": 0.3, "source_redshift": 0.9},
        "Euclid Collaboration: Blanchard et al., A&A 642, A191 (2020): density, shape noise, median redshift",
    ),
    "hst": Instrument(
        {"n_gal": 66, "shape_noise": 0.37, "source_redshift": 1.2},
        "Leauthaud et al., ApJS 172, 219 (2007), the COSMOS field: density",
        ("shape_noise", "source_redshift"),
    ),
    "jwst": Instrument(
        {"n_gal": 162, "shape_noise": 0.37, "source_redshift": 2.0},
        "Harvey & Massey, MNRAS 529, 802 (2024), Abell 2744: density",
        ("shape_noise", "source_redshift"),
    ),
    "roman": Instrument(
        {"n_gal": 45, "shape_noise": 0.37, "source_redshift": 1.0},
        "Spergel et al., arXiv:1503.03757 (2015), high-latitude survey: density",
        ("shape_noise", "source_redshift"),
    ),
    "superbit": Instrument(
        {"n_gal": 30, "shape_noise": 0.37, "source_redshift": 0.9},
        "McCleary et al., AJ 166, 134 (2023), forecasts for blue bands: none of the numbers exactly",
        ("n_gal", "shape_noise", "source_redshift"),
    ),
}
"""Surveys that :class:`WeakLensingNoise` knows by name."""

# The half-energy width of a Gaussian is its full width at half maximum: where wings matter, it stands for it.
XRAY_TELESCOPES = {
    "chandra": Instrument(
        {"exposure": 10_000, "effective_area": 600, "background": 2e-3, "psf_fwhm": 0.5},
        "Chandra Proposers' Observatory Guide, ACIS-I: point spread function; the area was that at 1.5 keV "
        "at launch and has shrunk since",
        ("exposure", "effective_area", "background"),
    ),
    "erosita": Instrument(
        {"exposure": 2_000, "effective_area": 1365, "background": 5e-3, "psf_fwhm": 26.0},
        "Predehl et al., A&A 647, A1 (2021), all-sky survey: area at 1 keV, half-energy width",
        ("exposure", "background"),
    ),
    "xmm": Instrument(
        {"exposure": 10_000, "effective_area": 2100, "background": 8e-3, "psf_fwhm": 15.0},
        "XMM-Newton Users Handbook, the three EPIC cameras: half-energy width",
        ("exposure", "effective_area", "background"),
    ),
}
"""Telescopes that :class:`XrayNoise` knows by name."""


def parameters_of(name, instruments):
    """Return the parameters of an instrument.

    Parameters
    ----------
    name : str
        Key of `instruments`, in small letters or in capitals.
    instruments : dict of Instrument
        Known instruments.

    Returns
    -------
    dict
        Arguments of the noise.

    Raises
    ------
    ValueError
        If `name` is unknown.
    """
    if name.lower() not in instruments:
        raise ValueError(f"name must be one of {sorted(instruments)}, got {name!r}")
    return instruments[name.lower()].parameters

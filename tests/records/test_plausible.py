import re

import pytest

from darkcnn.records.plausible import check_peak, check_projected_mass


@pytest.mark.parametrize(
    ("name", "peak"),
    # As convergence, per kpc2, in g / cm2, peak of one; per arcsec2 and per deg2; per kpc2.
    [
        ("total", 0.4),
        ("total", 1e9),
        ("total", 0.2),
        ("total", 1.0),
        ("xray", 1e-17),
        ("xray", 1e-8),
        ("stellar", 1e8),
    ],
)
def test_peaks_in_other_units_are_refused(name, peak):
    with pytest.raises(ValueError, match=f"{name!r} must be in .* got {re.escape(f'{peak:.4g}')}"):
        check_peak(name, peak)


@pytest.mark.parametrize(("name", "peak"), [("total", 15.2), ("xray", -12.6), ("stellar", 13.9)])
def test_logarithms_are_recognised(name, peak):
    with pytest.raises(ValueError, match="as a quantity in astropy's dex of the unit"):
        check_peak(name, peak)


def test_mass_in_the_field_is_about_that_of_the_cluster():
    check_projected_mass(5e14, 14.5)
    for mass in (5e14 * 1e3, 5e14 / 1e3):
        with pytest.raises(ValueError, match=r"'total' must contain about the mass of its cluster"):
            check_projected_mass(mass, 14.5)

import numpy as np
import pytest
from astropy import units as u

from darkcnn import make_records
from darkcnn.records import project_particles

RNG = np.random.default_rng(0)
CENTER = np.array([10_000.0, 20_000.0, 5_000.0])
MASSES = RNG.uniform(0.5e10, 1.5e10, 40_000)
OFFSETS = RNG.normal(size=(40_000, 3)) * [150.0, 250.0, 400.0]  # an ellipsoid, in kpc


def test_mass_is_that_of_the_particles():
    density = project_particles(CENTER + OFFSETS, MASSES, center=CENTER)
    assert density.sum() * 0.02**2 == pytest.approx(MASSES.sum(), rel=0.002)


@pytest.mark.parametrize(("axis", "widths"), [(2, (150, 250)), (0, (250, 400)), (1, (400, 150))])
def test_profile_and_axes(axis, widths):
    """The map of a Gaussian cloud, smoothed by the distance of neighbours: columns are x, rows are y."""
    density = project_particles(CENTER + OFFSETS, MASSES, center=CENTER, axis=axis)
    position = np.arange(100) * 20 - 990
    for along, width in zip((0, 1), widths, strict=True):
        profile = density.sum(axis=along)
        assert np.sqrt((profile * position**2).sum() / profile.sum()) == pytest.approx(width, rel=0.06)
    peak = MASSES.sum() / (2 * np.pi * widths[0] * widths[1]) * 1e6
    assert density[48:52, 48:52].mean() == pytest.approx(peak, rel=0.1)


def test_positions_are_where_they_should_be():
    lump = np.concatenate([OFFSETS / 20, OFFSETS[:4000] / 40 + [300, -500, 0]])
    density = project_particles(CENTER + lump, np.ones(len(lump)), center=CENTER)
    row, column = np.unravel_index(
        np.where(np.hypot(*np.indices((100, 100)) - 49.5) > 10, density, 0).argmax(), (100, 100)
    )
    assert (row, column) == pytest.approx((24.5, 64.5), abs=1)


def test_depth_box_and_units():
    whole = project_particles(CENTER + OFFSETS, MASSES, center=CENTER)
    thin = project_particles(CENTER + OFFSETS, MASSES, center=CENTER, depth=400)
    inside = np.abs(OFFSETS[:, 2]) <= 200
    assert thin.sum() * 0.02**2 == pytest.approx(MASSES[inside].sum(), rel=0.003)
    wrapped = project_particles(
        np.add(OFFSETS, (0, 49_900, 100)) % 50_000, MASSES, center=(0, 49_900, 100), box_size=50_000
    )
    np.testing.assert_allclose(wrapped, whole, rtol=1e-6)
    told = project_particles(
        (CENTER + OFFSETS) / 1e3 * u.Mpc, MASSES * 1.98841e33 * u.g, center=CENTER / 1e3 * u.Mpc
    )
    np.testing.assert_allclose(told, whole, rtol=1e-4)


def test_a_snapshot_becomes_a_record():
    """Dark matter, gas and stars of a small made-up snapshot."""
    masses = 100 * MASSES
    stars = OFFSETS[:5000] / 4
    made = make_records(
        total=project_particles(CENTER + OFFSETS, masses, center=CENTER)[np.newaxis],
        stellar=project_particles(CENTER + stars, masses[:5000] / 10, center=CENTER)[np.newaxis],
        field_size=2000,
        redshift=0.25,
        cluster_id=[1],
        center="middle",
    )
    assert made.data["total"].max() == 1
    assert made.data["lensing_norm"][0] == pytest.approx(
        masses.sum() / (2 * np.pi * 150 * 250) * 1e6, rel=0.2
    )
    assert made.data["bcg_e1"][0] < -0.2  # longer along y


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": OFFSETS[:, :2]}, r"positions must have the shape \(n_particles, 3\)"),
        ({"masses": MASSES[:-1]}, r"masses \(n_particles,\)"),
        (
            {"center": CENTER},
            "particles must be within 2 Mpc about center, found none of 40000: check that it is in kpc",
        ),
        ({"axis": 3}, "axis must be 0, 1 or 2"),
        ({"masses": np.where(MASSES > 1e10, np.nan, MASSES)}, "must be finite"),
    ],
)
def test_wrong_particles_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        project_particles(**{"positions": OFFSETS, "masses": MASSES, "center": (0, 0, 0)} | changes)

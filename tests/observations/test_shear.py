"""Catalogues drawn from a known lens, against the lens and against the simulated observations."""

import numpy as np
import pytest

from darkcnn.cosmology import BAHAMAS
from darkcnn.datasets import make_clusters
from darkcnn.noise import WeakLensingNoise, critical_surface_density, reduced_shear
from darkcnn.observations import reconstruct_convergence

CENTER, REDSHIFT, SOURCE, N_GAL, SHAPE = (150.3, 32.1), 0.25, 1.0, 60, 0.3
ARCMIN = np.deg2rad(1 / 60) * BAHAMAS.angular_diameter_distance(REDSHIFT).to_value("kpc")


@pytest.fixture(scope="module")
def lens():
    """A mock cluster, its convergence and reduced shear on fine pixels."""
    clusters = make_clusters(4, cross_sections=(0,), redshifts=(REDSHIFT,), n_pixels=50, random_state=5)
    row = clusters.data["log_mass"].argmax()
    record = clusters.data[row : row + 1]
    kappa = record["total"][0] * record["lensing_norm"][0] / critical_surface_density(REDSHIFT, SOURCE)
    return record, kappa, reduced_shear(kappa)


def catalogue(lens, seed, n_gal=N_GAL, shape_noise=SHAPE):
    """Galaxies at random positions behind the map, on the sky."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(n_gal * (2000 / ARCMIN) ** 2)
    x, y = rng.uniform(-1000, 1000, (2, n))  # to the west and the north
    shear = [g[((y + 1000) // 40).astype(int), ((x + 1000) // 40).astype(int)] for g in lens[2]]
    g1, g2 = (g + rng.normal(scale=shape_noise / np.sqrt(2), size=n) for g in shear)
    degrees = np.rad2deg(1 / BAHAMAS.angular_diameter_distance(REDSHIFT).to_value("kpc"))
    dec = CENTER[1] + y * degrees
    return CENTER[0] - x * degrees / np.cos(np.deg2rad(dec)), dec, g1, g2


def reconstruct(lens, seed=0, **options):
    given = {"center": CENTER, "redshift": REDSHIFT, "source_redshift": SOURCE} | options
    drawn = {name: given.pop(name) for name in ("n_gal", "shape_noise") if name in given}
    return reconstruct_convergence(*catalogue(lens, seed, **drawn), **given)


def test_the_lens_is_found(lens):
    found = reconstruct(lens, n_gal=3000, shape_noise=0.01)
    kappa = found.values * found.noise
    truth = lens[1] - lens[1].mean()
    for other in (truth[:, ::-1], truth[::-1], truth.T):
        assert (
            np.corrcoef(kappa.ravel(), other.ravel())[0, 1]
            < np.corrcoef(kappa.ravel(), truth.ravel())[0, 1] - 0.01
        )
    slope = np.polyfit(truth.ravel(), kappa.ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.1)  # shear determines 1 - kappa up to a factor
    assert found.norm == pytest.approx(found.noise * critical_surface_density(REDSHIFT, SOURCE), rel=1e-6)


@pytest.mark.parametrize("smoothing", [None, 80.0])
def test_units_are_those_of_the_simulated_observations(lens, smoothing):
    record = lens[0]
    simulated = WeakLensingNoise(
        N_GAL,
        shape_noise=SHAPE,
        source_redshift=SOURCE,
        mask=np.zeros((50, 50), bool),
        smoothing=smoothing,
        random_state=0,
    ).fit_transform(record)
    draws = np.stack([simulated.draw([0], [k])["total"][0] for k in range(40)])
    draws -= draws.mean(axis=(1, 2), keepdims=True)
    found = [reconstruct(lens, seed, smoothing=smoothing) for seed in range(40)]
    observed = np.stack([each.values for each in found])
    norms = [each.norm for each in found]
    assert np.mean(norms) == pytest.approx(simulated["lensing_norm"][0], rel=0.03)
    assert np.mean([each.n_gal for each in found]) == pytest.approx(N_GAL, rel=0.02)
    assert observed[:, :8].std() == pytest.approx(draws[:, :8].std(), rel=0.06)  # noise
    middle = (slice(None), slice(15, 35), slice(15, 35))
    signal, wanted = observed[middle].mean(axis=0), draws[middle].mean(axis=0)
    assert np.polyfit(wanted.ravel(), signal.ravel(), 1)[0] == pytest.approx(1, abs=0.1)
    assert np.corrcoef(wanted.ravel(), signal.ravel())[0, 1] > (0.9 if smoothing is None else 0.99)


def test_pure_noise_has_a_variance_of_one(lens):
    nothing = (*lens[:2], np.zeros((2, 50, 50)))
    values = np.stack([reconstruct(nothing, seed).values for seed in range(20)])
    assert values[:, 10:40, 10:40].std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(values[:, :, 1:].ravel(), values[:, :, :-1].ravel())[0, 1] == pytest.approx(
        0, abs=0.02
    )


def test_where_there_are_no_galaxies(lens):
    ra, dec, g1, g2 = catalogue(lens, 0)
    seen = dec < CENTER[1] + 0.03  # 0.03 degrees are 1.8 arcmin
    columns = (column[seen] for column in (ra, dec, g1, g2))
    found = reconstruct_convergence(*columns, center=CENTER, redshift=REDSHIFT, source_redshift=SOURCE)
    edge = 25 + 1.8 * ARCMIN / 40
    assert not found.mask[5 : int(edge) - 1, 5:-5].any()
    assert found.mask[int(edge) + 2 :].all()
    whole = reconstruct(lens)
    assert found.noise == pytest.approx(whole.noise, rel=0.05)
    assert np.corrcoef(found.values[15:30].ravel(), whole.values[15:30].ravel())[0, 1] > 0.8


def test_conventions_weights_and_redshifts(lens):
    ra, dec, g1, g2 = catalogue(lens, 0)
    given = {"center": CENTER, "redshift": REDSHIFT}
    one = reconstruct_convergence(ra, dec, g1, g2, source_redshift=SOURCE, **given)
    other = reconstruct_convergence(
        ra, dec, g1, -g2, source_redshift=SOURCE, coordinate_system="celestial", **given
    )
    np.testing.assert_allclose(one.values, other.values)
    weighted = reconstruct_convergence(
        ra, dec, g1, g2, source_redshift=SOURCE, weight=np.full(len(ra), 7.0), **given
    )
    np.testing.assert_allclose(weighted.values, one.values, rtol=1e-3, atol=1e-3)
    assert weighted.norm == pytest.approx(one.norm, rel=1e-4)
    front = np.where(np.arange(len(ra)) % 3 == 0, 0.1, SOURCE)
    left_out = reconstruct_convergence(ra, dec, g1, g2, source_redshift=front, **given)
    assert left_out.n_gal == pytest.approx(2 / 3 * one.n_gal, rel=0.01)
    assert left_out.norm == pytest.approx(one.norm * np.sqrt(1.5), rel=0.03)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ra": lambda ra: ra / 15},
            "galaxies must be behind the cluster and within its map.* that ra, dec and center are in degrees",
        ),
        ({"g1": lambda g: g[:-1]}, "g1 must have one value for each of"),
        ({"g1": lambda g: g * 100}, "g1 and g2 must be ellipticities below 1"),
        ({"g2": lambda g: np.where(g > 0.5, np.nan, g)}, "g2 must be known for every galaxy"),
        ({"redshift": lambda z: 1.5}, "galaxies must be behind the cluster"),
        ({"redshift": lambda z: 0.0}, "redshift must be above 0"),
        ({"coordinate_system": lambda name: "image"}, "coordinate_system must be 'euclidean' or 'celestial'"),
        ({"weight": lambda weight: -1.0}, "weight must be zero or more"),
    ],
)
def test_wrong_catalogues_are_refused(lens, changes, message):
    given = dict(zip(("ra", "dec", "g1", "g2"), catalogue(lens, 0), strict=True))
    given |= {"center": CENTER, "redshift": REDSHIFT, "source_redshift": SOURCE}
    for name, change in changes.items():
        given[name] = change(given.get(name))
    with pytest.raises(ValueError, match=message):
        reconstruct_convergence(**given)

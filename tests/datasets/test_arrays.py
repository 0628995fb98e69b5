"""Records made of maps in memory: the same clusters, whatever their form."""

import numpy as np
import pytest
from astropy import units as u

from darkcnn import make_records
from darkcnn.datasets import load_clusters, make_clusters, save_clusters
from darkcnn.records import MAPS, NORMS


def image(n_pixels=100, pixel=20.0, offset=(0.0, 0.0)):
    """Asymmetric cluster in Msun / Mpc2, its centre at an offset of (y, x) kpc from the middle."""
    y, x = (np.indices((n_pixels, n_pixels)) - (n_pixels - 1) / 2) * pixel
    y, x = y - offset[0], x - offset[1]
    main = 2e15 / (1 + np.hypot(x + 0.2 * y, y / 0.7) / 150) ** 2
    return main + 2e14 * np.exp(-((x - 450) ** 2 + (y - 250) ** 2) / (2 * 90**2))


GIVEN = {"pixel_scale": 20.0, "redshift": 0.25, "cluster_id": [7]}


def make(**changes):
    given = {"total": image()[np.newaxis], **GIVEN, **changes}
    return make_records(**{name: value for name, value in given.items() if value is not None})


def physical(bunch, name="total"):
    """Map in physical units."""
    return (bunch.data[name] * bunch.data[NORMS[MAPS.index(name)]][:, None, None])[0]


@pytest.fixture(scope="module")
def mock():
    return make_clusters(5, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=100, random_state=3)


def maps_of(mock):
    return {
        name: mock.data[name] * mock.data[norm][:, None, None] for name, norm in zip(MAPS, NORMS, strict=True)
    }


def test_mock_clusters_become_themselves(mock):
    made = make_records(
        **maps_of(mock),
        pixel_scale=20,
        redshift=mock.data["redshift"],
        cluster_id=mock.groups,
        log_mass=mock.data["log_mass"],
        cross_section=mock.target,
        n_pixels=100,
        center="middle",
    )
    for name in mock.data.dtype.names:
        np.testing.assert_allclose(made.data[name], mock.data[name], rtol=2e-5, atol=2e-6, err_msg=name)
    assert made.target.tolist() == mock.target.tolist()
    assert made.native_pixel_scale.tolist() == [20] * 10


def test_larger_pixels_are_means_of_smaller_ones(mock):
    made = make_records(
        **maps_of(mock), field_size=2 * u.Mpc, redshift=0.25, cluster_id=mock.groups, center="middle"
    )
    coarse = make_clusters(5, cross_sections=(0, 1), redshifts=(0.25,), random_state=3)
    for name in (*MAPS, *NORMS):
        np.testing.assert_allclose(made.data[name], coarse.data[name], rtol=1e-5, atol=1e-6)


def test_mass_is_that_of_the_image():
    fine = image(700, 4.3)  # 3 Mpc, of which 465.1 pixels are 2 Mpc
    middle = np.clip(np.arange(701) - (350 - 1000 / 4.3), 0, None)
    share = np.diff(np.minimum(middle, 2000 / 4.3))  # of each pixel that lies in 2 Mpc
    expected = (share[:, None] * share * fine).sum() * 4.3**2 / 1e6  # Msun
    found = physical(make(total=[fine], pixel_scale=4.3, center="middle"))
    assert found.sum() * 0.04**2 == pytest.approx(expected, rel=1e-6)


def test_off_centre_equals_pre_centred():
    centred = make(total=[image(160)])
    aside = make(total=[image(160, offset=(-100.0, 60.0))])
    given = make(total=[image(160, offset=(-100.0, 60.0))], center=centred.center[0] + [-5, 3])
    np.testing.assert_allclose(aside.center - centred.center, [[-5, 3]], atol=0.05)
    for other in (aside, given):
        np.testing.assert_allclose(physical(other), physical(centred), rtol=1e-6)


def test_maps_of_one_cluster_keep_their_offset_whatever_their_pixels():
    made = make(
        total=[image(offset=(100.0, -60.0))],
        xray=[image(300, 10.0, offset=(100.0, -60.0)) * 1e-28],
        pixel_scale={"total": 20.0, "xray": 10.0},
        fill_value={"total": 5e13},
    )
    inside = (slice(5, 45),) * 2
    np.testing.assert_allclose(physical(made, "xray")[inside] * 1e28, physical(made)[inside], rtol=0.02)
    assert made.native_pixel_scale.tolist() == [20]


def test_transposed_in_transposed_out():
    np.testing.assert_allclose(physical(make(total=[image().T])), physical(make()).T, rtol=1e-6)


def test_lists_of_sizes_and_one_value_for_all():
    made = make(
        total=[image(), image(128, 20.0), image(250, 10.0)],
        pixel_scale=[20.0, 20.0, 10.0],
        cluster_id=["FoF 1", "FoF 1", "FoF 2"],
        cross_section=["CDM", "SIDM1", "CDM"],
    )
    assert made.groups[0] == made.groups[1] != made.groups[2]
    assert made.target.tolist() == ["CDM", "SIDM1", "CDM"]
    np.testing.assert_allclose(made.data["total"][0], made.data["total"][1], atol=1e-6)
    np.testing.assert_allclose(made.data["total"][0], made.data["total"][2], atol=0.02)


def test_what_is_missing_is_nan_in_memory_and_files(tmp_path):
    made = make()
    assert np.isnan(made.data["stellar"]).all()
    assert np.isnan([made.data[name] for name in ("stellar_norm", "xray_concentration", "bcg_e1")]).all()
    for name in ("clusters.h5", "clusters.fits"):
        save_clusters(tmp_path / name, made)
        again = load_clusters(tmp_path / name, labelled=False)
        for field in made.data.dtype.names:
            np.testing.assert_array_equal(again.data[field], made.data[field])


def test_attributes_are_measured_unless_given():
    stars = image(200, 10.0) / 10
    made = make(stellar=[stars], pixel_scale={"total": 20, "stellar": 10})
    assert 0.1 < made.data["bcg_stellar_concentration"][0] < 0.6
    assert abs(made.data["bcg_e1"][0]) > 0.05
    told = make(stellar=[stars], pixel_scale={"total": 20, "stellar": 10}, bcg_e1=[0.5])
    assert told.data["bcg_e1"] == [0.5]
    coarse = make(stellar=[image(50, 40.0) / 10], pixel_scale={"total": 20, "stellar": 40})
    assert np.isnan(coarse.data["bcg_e1"])


def test_gaps_are_filled_with_what_the_caller_says():
    holed = image()
    holed[10:20, 30:40] = np.nan
    with pytest.raises(
        ValueError, match=r"'total' must cover the whole field of 2 Mpc, but 1\.00% of it is NaN"
    ):
        make(total=[holed], center="middle")
    filled = make(total=[holed], center="middle", fill_value=3e13, max_gap=0.02)
    np.testing.assert_allclose(physical(filled)[5:10, 15:20], 3e13, rtol=1e-6)
    masked = np.ma.array(image(), mask=np.isnan(holed))
    other = make(total=[masked], center="middle", fill_value={"total": 3e13})
    np.testing.assert_array_equal(physical(other), physical(filled))
    with pytest.raises(
        ValueError, match=r"but 42\.24% of it is NaN, masked or outside the image \(max_gap=0\.1\)"
    ):
        make(total=[image(76)], center="middle", fill_value=3e13)
    small = make(total=[image(76)], center="middle", fill_value=3e13, max_gap=0.5)
    np.testing.assert_allclose(
        physical(small)[8:42, 8:42], physical(make(center="middle"))[8:42, 8:42], rtol=1e-6
    )


def test_maps_relative_to_their_peak():
    relative = image() / image().max()
    known = make(total=[relative], lensing_norm=[image().max()])
    np.testing.assert_allclose(physical(known), physical(make()), rtol=1e-6)
    unknown = make(total=[relative], lensing_norm=np.nan)
    np.testing.assert_allclose(unknown.data["total"], known.data["total"], rtol=1e-6)
    assert np.isnan(unknown.data["lensing_norm"])


def test_images_of_eight_bits_are_warned_of():
    panel = np.round(255 * image() / image().max()).astype(np.uint8)
    with pytest.warns(UserWarning, match=r"maps \['total'\] have at most 256 distinct values"):
        made = make(total=[panel], lensing_norm=np.nan)
    assert made.data["total"].max() == 1


def test_input_is_not_changed():
    maps = image()[np.newaxis].astype(">f4")
    maps[0, 0, 0] = np.nan
    before = maps.copy()
    make(total=maps, fill_value=1e13)
    np.testing.assert_array_equal(maps, before)


WRONG = {
    "wrong unit": ({"total": image()[None] * u.Jy}, "'total' must be in 'solMass Mpc-2', got Jy"),
    "surface density per kpc2": ({"total": image()[None] / 1e6}, "with a peak from 2e"),
    "convergence": ({"total": image()[None] / 3e15}, "pass lensing_norm for a map divided by its peak"),
    "logarithm": ({"total": np.log10(image())[None]}, "as a quantity in astropy's dex of the unit"),
    "peak that is not one": (
        {"lensing_norm": [1e15]},
        "must be divided by its peak because its norm is given",
    ),
    "pixels in Mpc": ({"pixel_scale": 0.02}, r"pixel_scale must be 0\.05 to 500 kpc .* got 0\.02"),
    "pixels of a hundredth": ({"pixel_scale": 0.2}, "must cover the whole field of 2 Mpc, but 99.99% of it"),
    "field too small": ({"total": image(60)[None]}, "must cover the whole field of 2 Mpc, but 64.00% of it"),
    "pixels too large": ({"pixel_scale": 80.0}, "use n_pixels=25 or fewer"),
    "both scales": ({"field_size": 2000}, "one of pixel_scale and field_size must be given for 'total'"),
    "negative mass": ({"total": image()[None] - 1e14}, "'total' must not be negative"),
    "infinity": ({"total": np.where(image() > 1e15, np.inf, image())[None]}, "must be finite, or NaN"),
    "no mass at all": ({"total": np.full((1, 100, 100), np.nan)}, "leave out a map that you do not have"),
    "one image without its axis": (
        {"total": image()},
        r"must be of shape \(n_samples, height, width\) or a list",
    ),
    "numbers of maps": ({"xray": image()[[0, 0]]}, "'xray' must be of shape"),
    "no redshift": ({"redshift": np.nan}, "'redshift' must be 0 to 10, got nan in row 0"),
    "negative redshift": ({"redshift": [-0.1]}, "'redshift' must be 0 to 10"),
    "no halo": ({"cluster_id": [np.nan]}, "the halo of row 0 must be an integer or a name"),
    "cross-section in cm2/kg": ({"cross_section": [300.0]}, r"0 to 100 cm2/g, got 300\.0"),
    "cross-section in cm2": ({"cross_section": 1e-24 * u.cm**2}, "cross_section must be in 'cm2 g-1'"),
    "mass instead of its logarithm": ({"log_mass": [3e14]}, "'log_mass' must be 11 to 17, the log10 of Msun"),
    "mass of another cluster": ({"log_mass": [12.0]}, "must contain about the mass of its cluster"),
    "centre outside": ({"center": (50, 200)}, "center must be a row and a column of 'total'"),
    "centre by name": ({"center": "peak"}, "center must be"),
    "number of redshifts": (
        {"redshift": [0.1, 0.2]},
        "'?redshift'? must be one or have one for each of 1 clusters, got 2",
    ),
    "no maps": ({"total": None}, "at least one of"),
    "two halos of one name": (
        {"total": image()[None].repeat(2, 0), "cluster_id": [7, 7], "log_mass": [14.5, 14.9]},
        "cluster_id 7 must be one halo",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_errors_name_the_cluster():
    with pytest.raises(ValueError, match=r"'total' must not be negative, .*; in cluster_id halo 9 \(row 1\)"):
        make(total=[image(), image() - 1e14], cluster_id=["halo 8", "halo 9"])


def test_unknown_attributes_are_refused():
    with pytest.raises(TypeError, match="no argument 'mass'"):
        make(mass=[14.0])


# A Gaussian with a full width of 47.1 kpc has a standard deviation of 20 kpc.
@pytest.mark.parametrize("psf_fwhm", [47.1, [47.1], 0.0471 * u.Mpc])
def test_blur_travels_with_the_maps(tmp_path, psf_fwhm):
    made = make(psf_fwhm=psf_fwhm)
    assert made.blur == pytest.approx(20, abs=0.01)
    assert make().blur == 0
    for name in ("clusters.h5", "clusters.fits"):
        save_clusters(tmp_path / name, made)
        assert load_clusters(tmp_path / name, labelled=False).blur == pytest.approx(made.blur)
        save_clusters(tmp_path / name, made.data)
        assert "blur" not in load_clusters(tmp_path / name, labelled=False)


def test_pixels_that_are_divided_blur_as_well():
    with pytest.warns(UserWarning, match=r"pixels of 'total' do not fit .* blurs the maps by up to 7\.5 kpc"):
        made = make(total=[image(100, 30.0)], pixel_scale=30, psf_fwhm=10 * 2.354820045)
    assert made.blur == pytest.approx(12.5)  # the root of 7.5^2 + 10^2

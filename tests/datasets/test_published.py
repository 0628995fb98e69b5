import pickle

import numpy as np
import pytest

from darkcnn.datasets import load_clusters
from darkcnn.records import MAPS

N_SAMPLES = 8


@pytest.fixture
def params():
    rng = np.random.default_rng(0)
    return {
        "lensing_norm": np.full(N_SAMPLES, 2e15),
        "xray_norm": np.full(N_SAMPLES, 3e-13),
        "label": np.array([0, 0.1, 0.3, 1.0] * 2),
        "sim": np.array(["CDM+baryons", "SIDM0.1+baryons", "SIDM0.3+baryons", "SIDM1+baryons"] * 2),
        "redshift": np.array([0, 0.125] * 4),
        "clusterID": np.array(["17", "17", "17", "17", "4", "4", "4", "4"]),
        "mass": rng.normal(14.5, 0.2, N_SAMPLES),
        "BCG_stellar_conc": rng.random(N_SAMPLES),
        "BCG_e1": rng.normal(size=N_SAMPLES),
        "BCG_e2": rng.normal(size=N_SAMPLES),
        "xrayConc": rng.random(N_SAMPLES),
        "galaxy_catalogues": [catalogue(n) for n in range(N_SAMPLES)],
    }


@pytest.fixture
def images():
    images = np.random.default_rng(1).random((N_SAMPLES, 5, 5, 3))
    return (images / images.max(axis=(1, 2), keepdims=True)).astype(np.float32)


def catalogue(n_galaxies):
    table = np.zeros(
        n_galaxies,
        [("fof", "U3"), ("x", "f8"), ("y", "f8"), ("z", "f8"), ("m200", "f8"), ("mstar_100", "f8")],
    )
    table["x"], table["z"] = 500, -0.5
    table["m200"], table["mstar_100"] = 1e12, 10.5  # one linear, one a logarithm
    return table.view(np.recarray)


@pytest.fixture
def load(tmp_path):
    def load(params, images, protocol=pickle.DEFAULT_PROTOCOL):
        (tmp_path / "maps.pkl").write_bytes(pickle.dumps((params, images), protocol))
        return load_clusters(tmp_path / "maps.pkl")

    return load


def test_every_attribute_is_found(load, params, images):
    loaded = load(params, list(images))
    for channel, name in enumerate(MAPS):
        np.testing.assert_array_equal(loaded.data[name], images[..., channel])
    assert loaded.target.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"] * 2
    assert loaded.groups.tolist() == [17] * 4 + [4] * 4
    for theirs, ours in {
        "lensing_norm": "lensing_norm",
        "xray_norm": "xray_norm",
        "redshift": "redshift",
        "mass": "log_mass",
        "BCG_stellar_conc": "bcg_stellar_concentration",
        "BCG_e1": "bcg_e1",
        "BCG_e2": "bcg_e2",
        "xrayConc": "xray_concentration",
    }.items():
        np.testing.assert_array_equal(loaded.data[ours], params[theirs].astype(loaded.data.dtype[ours]))
    assert np.isnan(loaded.data["stellar_norm"]).all()


@pytest.mark.parametrize("name", ["galaxy_catalogues", "galaxy_catalogue"])
def test_galaxies_become_one_table(load, params, images, name):
    params[name] = params.pop("galaxy_catalogues")
    galaxies = load(params, images).galaxies
    assert np.bincount(galaxies["row"], minlength=N_SAMPLES).tolist() == list(range(N_SAMPLES))
    assert set(galaxies["x"]) == {500}
    assert set(galaxies["z"]) == {-500}  # Mpc to kpc
    assert set(galaxies["m200"]) == {12}
    assert set(galaxies["mstar_100"]) == {10.5}
    assert np.isnan(galaxies["mstar_30"]).all()


def test_columns_of_galaxies_in_capitals(load, params, images):
    expected = load(params, images).galaxies
    for table in params["galaxy_catalogues"]:
        table.dtype.names = [name.upper() for name in table.dtype.names]
    assert load(params, images).galaxies.tobytes() == expected.tobytes()


def test_images_in_any_arrangement(load, params, images):
    expected = load(params, images).data.tobytes()
    assert load(params, list(images)).data.tobytes() == expected
    assert load(params, tuple(images.astype(">f8"))).data.tobytes() == expected
    assert load(params, [np.asfortranarray(image) for image in images]).data.tobytes() == expected
    assert load(params, [images[..., channel] for channel in range(3)]).data.tobytes() == expected


def test_three_images_are_not_three_channels(load, params, images):
    first_three = {name: values[:3] for name, values in params.items()}
    loaded = load(first_three, list(images[:3]))
    np.testing.assert_array_equal(loaded.data["stellar"], images[:3, ..., 2])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_protocols_and_bytes_for_names(load, params, images, protocol):
    expected = load(params, images)
    params = {name.encode(): values for name, values in params.items()}
    params[b"clusterID"] = params[b"clusterID"].astype("S")
    loaded = load(params, images, protocol)
    assert loaded.data.tobytes() == expected.data.tobytes()
    assert loaded.galaxies.tobytes() == expected.galaxies.tobytes()


def test_lists_do_for_arrays(load, params, images):
    expected = load(params, images).data.tobytes()
    as_lists = {name: list(values) for name, values in params.items()}
    assert load(as_lists, images).data.tobytes() == expected


def test_peaks_move_into_the_norms(load, params, images):
    raw = images.astype(float)
    raw[2, ..., 0] *= 4.0
    raw[5, ..., 1] *= 0.5
    raw[6, ..., 2] *= 8.0
    loaded = load(params, raw).data
    for channel, name in enumerate(MAPS):
        np.testing.assert_array_equal(loaded[name], images[..., channel])
    assert loaded["lensing_norm"].tolist() == [8e15 if row == 2 else 2e15 for row in range(N_SAMPLES)]
    assert loaded["xray_norm"].tolist() == [1.5e-13 if row == 5 else 3e-13 for row in range(N_SAMPLES)]
    assert np.isnan(loaded["stellar_norm"]).all()


def test_labels_of_single_precision(load, params, images):
    params["label"] = params["label"].astype(np.float32)
    assert load(params, images).target_names.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]


def test_labels_from_the_names_of_simulations(load, params, images):
    del params["label"]
    params["sim"] = ["CDM+baryons", "CDM_low+baryons", "CDM_hi+baryons", "CDM", "SIDM0.1+baryons"] + [
        "SIDM1"
    ] * 3
    loaded = load(params, images)
    assert loaded.target.tolist() == ["CDM"] * 4 + ["SIDM0.1"] + ["SIDM1"] * 3
    assert loaded.feedback.tolist() == ["fiducial", "weak", "strong"] + ["fiducial"] * 5


def test_numbers_of_halos_depend_on_their_names_alone(load, params, images):
    params["clusterID"] = ["b", "a", "b", "c", "12", "a", "a", "c"]
    first = load(params, images).groups.tolist()
    assert first[4] == 12
    assert len(set(first)) == 4
    params["clusterID"] = np.array(["c", "a", "0", "1", "2", "3", "4", "5"])
    assert load(params, images).groups.tolist() == [first[3], first[1], 0, 1, 2, 3, 4, 5]
    params["clusterID"] = np.arange(N_SAMPLES) + 2**40
    assert load(params, images).groups.tolist() == params["clusterID"].tolist()


@pytest.mark.parametrize("value", [None, np.nan, ""])
def test_halos_must_be_known(load, params, images, value):
    params["clusterID"] = [0, 1, 2, value, 4, 5, 6, 7]
    with pytest.raises(ValueError, match="the halo of row 3 must be an integer or a name"):
        load(params, images)


def test_what_is_none_is_not_known(load, params, images):
    params["xrayConc"] = [None, *params["xrayConc"][1:]]
    params["mass"] = np.array([*params["mass"][:7], None], dtype=object)
    loaded = load(params, images).data
    assert np.isnan(loaded["xray_concentration"]).tolist() == [row == 0 for row in range(N_SAMPLES)]
    assert np.isnan(loaded["log_mass"]).tolist() == [row == 7 for row in range(N_SAMPLES)]
    params["mass"] = np.array(["14.5"] * N_SAMPLES, dtype=object)
    with pytest.raises(ValueError, match="'mass' must contain numbers"):
        load(params, images)


def test_names_of_params_in_another_case(load, params, images):
    expected = load(params, images)
    loaded = load({name.upper(): values for name, values in params.items()}, images)
    assert loaded.data.tobytes() == expected.data.tobytes()
    assert loaded.galaxies.tobytes() == expected.galaxies.tobytes()
    params["ClusterId"] = params["CLUSTERID"] = params.pop("clusterID")
    with pytest.raises(ValueError, match=r"\['ClusterId', 'CLUSTERID'\] differ only in case"):
        load(params, images)


def test_a_map_may_be_missing(load, params, images):
    images[2:, ..., 2] = np.nan
    loaded = load(params, images).data
    assert np.isnan(loaded["stellar"]).all(axis=(1, 2)).tolist() == [row >= 2 for row in range(N_SAMPLES)]
    np.testing.assert_array_equal(loaded["total"], images[..., 0])


def test_the_simulation_tells_what_depends_on_velocity(load, params, images):
    params["sim"][6:] = "vdSIDM+baryons"
    params["label"][6:] = 0.31, 1.27  # effective cross-sections of the clusters
    loaded = load(params, images)
    assert loaded.target.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1", "CDM", "SIDM0.1"] + 2 * [
        "vdSIDM3.04w560"
    ]
    params["sim"] = ["run 3"] * 6 + ["vdSIDM2w400_hi+baryons"] * 2
    loaded = load(params, images)
    assert loaded.target.tolist()[-3:] == ["SIDM0.1", "vdSIDM2w400", "vdSIDM2w400"]
    assert loaded.feedback.tolist() == ["fiducial"] * 6 + ["strong"] * 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vdSIDM-b+baryons", "got 'vdSIDM-b'.* it is of the simulation 'vdSIDM-b.baryons' in row 3"),
        ("SIDM0.1+baryons", "'label' of row 3 is 1.0, but its simulation is 'SIDM0.1.baryons': correct one"),
    ],
)
def test_simulation_and_label_must_agree(load, params, images, name, message):
    params["sim"] = [*params["sim"][:3], name, *params["sim"][4:]]
    with pytest.raises(ValueError, match=message):
        load(params, images)


def test_linear_masses_become_logarithms(load, params, images):
    logarithms = params["mass"]
    params["mass"] = 10**logarithms
    np.testing.assert_allclose(load(params, images).data["log_mass"], logarithms, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["lensing_norm", "xray_norm", "mass", "xrayConc", "BCG_e1", "galaxy_catalogues"]
)
def test_optional_params(load, params, images, name):
    ours = {"mass": "log_mass", "xrayConc": "xray_concentration", "BCG_e1": "bcg_e1"}.get(name, name)
    del params[name]
    loaded = load(params, images)
    if name == "galaxy_catalogues":
        assert len(loaded.galaxies) == 0
    else:
        assert np.isnan(loaded.data[ours]).all()


@pytest.mark.parametrize("name", ["redshift", "clusterID"])
def test_required_params(load, params, images, name):
    del params[name]
    with pytest.raises(
        ValueError, match=rf"maps\.pkl: '{name}' is missing from the params, found \['BCG_e1'"
    ):
        load(params, images)


def test_a_label_or_a_simulation_is_required(load, params, images):
    del params["label"], params["sim"]
    with pytest.raises(ValueError, match="'label' or 'sim' must be among the params, found"):
        load(params, images)


@pytest.mark.parametrize("name", ["label", "redshift", "clusterID", "mass", "galaxy_catalogues"])
def test_rows_must_agree(load, params, images, name):
    params[name] = params[name][:7]
    with pytest.raises(ValueError, match=f"'{name}' must have one value for each of the 8 images, got 7"):
        load(params, images)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("label", -0.1, r"cross_section must be a number of cm2/g, zero or more, got -0\.1"),
        ("label", np.nan, "cross_section must be a number of cm2/g, zero or more, got nan"),
        ("sim", "WDM+baryons", "label must be 'CDM' or 'SIDM' and a number, such as 'SIDM0.1', got 'WDM'"),
    ],
)
def test_labels_must_name_a_model(load, params, images, name, value, message):
    params[name] = params[name].copy()
    params[name][3] = value
    if name == "sim":
        del params["label"]
    with pytest.raises(ValueError, match=message):
        load(params, images)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("channel", range(3))
def test_maps_must_be_finite(load, params, images, channel, value):
    images[4, 2, 2, channel] = value
    with pytest.raises(ValueError, match=f"map '{MAPS[channel]}' of row 4 must be finite"):
        load(params, images)


def test_maps_must_have_a_peak(load, params, images):
    images[4, ..., 1] = 0
    with pytest.raises(ValueError, match="map 'xray' of row 4 must have a positive peak"):
        load(params, images)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (lambda images: images[..., :2], r"must have 3 channels .* got shape \(5, 5, 2\)"),
        (lambda images: images[:, :4], r"maps must be square .* got \(8, 4, 5\)"),
        (lambda images: images[..., 0], r"shape \(height, width, 3\), got \(5, 5\)"),
        (lambda images: [*images[:7], images[7, :4, :4]], "in row 0 and .* in row 7"),
        (lambda images: images[:0], "images must be at least one array, got none"),
        (lambda images: [image.tolist() for image in images], "images must be numpy arrays, got list"),
        (lambda images: None, "images must be at least one array"),
    ],
)
def test_images_of_another_form(load, params, images, of, message):
    with pytest.raises(ValueError, match=message):
        load(params, of(images))


@pytest.mark.parametrize("content", [[], {"label": [0]}, ({}, [], 3), ([0], np.zeros((1, 5, 5, 3)))])
def test_content_of_another_form(tmp_path, content):
    (tmp_path / "maps.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"must contain \(params, images\), where params is a dict"):
        load_clusters(tmp_path / "maps.pkl")


def test_one_image_cannot_become_many(load, params):
    with pytest.raises(ValueError, match="must not repeat the same array"):
        load(params, [np.ones((50, 50, 3))] * 1000)


def test_galaxies_must_be_tables(load, params, images):
    params["galaxy_catalogues"] = [np.arange(3)] * N_SAMPLES
    with pytest.raises(ValueError, match="the galaxies of row 0 must be a record array, got ndarray"):
        load(params, images)


def test_code_in_a_database_is_refused(tmp_path, params, images):
    class Hostile:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'trace')!r}, 'w')",)

    params["mass"] = Hostile()
    (tmp_path / "maps.pkl").write_bytes(pickle.dumps((params, images)))
    with pytest.raises(ValueError, match=r"maps\.pkl: .*refused builtins\.eval: reading it could run code"):
        load_clusters(tmp_path / "maps.pkl")
    assert not (tmp_path / "trace").exists()

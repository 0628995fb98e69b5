import bz2
import gzip
import os
import pickle

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from darkcnn import ObservedRecords, WeakLensingNoise
from darkcnn.datasets import files, load_clusters, make_bunch, make_clusters, save_clusters
from darkcnn.records import MAPS

SUFFIXES = [".fits", ".h5"]


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    return tmp_path / f"clusters{request.param}"


def assert_same(loaded, clusters):
    assert loaded.data.dtype == clusters.data.dtype
    assert loaded.data.tobytes() == clusters.data.tobytes()
    assert loaded.target.tolist() == clusters.target.tolist()
    assert loaded.galaxies.dtype == clusters.galaxies.dtype
    assert loaded.galaxies.tobytes() == clusters.galaxies.tobytes()
    assert loaded.DESCR == clusters.DESCR


def test_round_trip_keeps_every_bit(path, clusters):
    save_clusters(path, clusters)
    loaded = load_clusters(path)
    assert_same(loaded, clusters)
    assert loaded.target_names.tolist() == ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
    assert loaded.groups.tolist() == clusters.data["cluster_id"].tolist()


def test_feedback_is_kept(path):
    clusters = make_clusters(
        1, cross_sections=(0, 1), redshifts=(0,), feedback=("fiducial", "strong"), n_pixels=10, random_state=0
    )
    save_clusters(path, clusters)
    loaded = load_clusters(path)
    assert_same(loaded, clusters)
    assert loaded.feedback.tolist() == clusters.feedback.tolist() == ["fiducial"] * 2 + ["strong"] * 2
    assert load_clusters(path, return_X_y=True)[1].tolist() == ["CDM", "SIDM1"] * 2


def test_parts_say_the_same_as_a_bunch(path, clusters):
    save_clusters(
        str(path),
        clusters.data,
        clusters.target.tolist(),
        galaxies=clusters.galaxies,
        description=clusters.DESCR,
    )
    assert_same(load_clusters(path), clusters)


def test_labels_that_say_the_same_are_one_class(path, clusters):
    target = ["SIDM1.0", "SIDM1", "CDM/fiducial", "SIDM0", "vdSIDM0w560", "SIDM1e0", " CDM", "SIDM1/fiducial"]
    wanted = ["SIDM1", "SIDM1", "CDM", "CDM", "CDM", "SIDM1", "CDM", "SIDM1"]
    assert make_bunch(clusters.data, target).target.tolist() == wanted
    for labels in (target, np.array(target, dtype="S"), np.array(target, dtype=object)):
        save_clusters(path, clusters.data, labels)
        loaded = load_clusters(path)
        assert loaded.target.tolist() == wanted
        assert loaded.target_names.tolist() == ["CDM", "SIDM1"]
    if path.suffix == ".h5":  # as somebody else writes them
        with h5py.File(path, "r+") as file:
            del file["label"]
            file["label"] = np.array(target, dtype="S")
        assert load_clusters(path).target.tolist() == wanted


def test_masked_labels_are_refused(path, clusters):
    target = np.ma.masked_array(clusters.target, np.arange(8) == 5)
    for call in (
        lambda: save_clusters(path, clusters.data, target),
        lambda: make_bunch(clusters.data, target),
    ):
        with pytest.raises(ValueError, match="the label of row 5 is masked"):
            call()


def test_masked_values_are_not_written(path, clusters):
    masked = np.ma.array(clusters.data)
    masked["redshift"][2] = np.ma.masked
    masked["total"][4] = np.ma.masked
    save_clusters(path, masked, clusters.target)
    loaded = load_clusters(path)
    assert np.flatnonzero(np.isnan(loaded.data["redshift"])).tolist() == [2]
    assert np.flatnonzero(np.isnan(loaded.data["total"]).all(axis=(1, 2))).tolist() == [4]
    masked["cluster_id"][6] = np.ma.masked
    with pytest.raises(ValueError, match="cluster_id"):
        save_clusters(path, masked, clusters.target)


def test_tables_of_fits_are_written_as_what_they_mean(path, clusters, tmp_path):
    table = Table(clusters.data)
    stored = np.array([0, 100, 200, -99, 400, 500, 600, 700], "i2")
    table.replace_column("redshift", stored)
    table.write(tmp_path / "scaled.fits")
    number = table.colnames.index("redshift") + 1
    with fits.open(tmp_path / "scaled.fits", mode="update") as hdus:
        hdus[1].header.update({f"TSCAL{number}": 1e-3, f"TZERO{number}": 0.5, f"TNULL{number}": -99})
    save_clusters(path, fits.getdata(tmp_path / "scaled.fits", 1), clusters.target)
    redshift = np.where(stored == -99, np.nan, stored * 1e-3 + 0.5)
    np.testing.assert_allclose(load_clusters(path).data["redshift"], redshift, rtol=1e-6)
    np.testing.assert_array_equal(load_clusters(path).data["total"], clusters.data["total"])


def test_masked_values_of_galaxies_are_not_written(path, clusters):
    galaxies = np.ma.array(clusters.galaxies)
    galaxies["m200"][3] = np.ma.masked
    save_clusters(path, clusters.data, clusters.target, galaxies=galaxies)
    assert np.flatnonzero(np.isnan(load_clusters(path).galaxies["m200"])).tolist() == [3]
    galaxies["row"][3] = np.ma.masked
    with pytest.raises(ValueError, match="'row' must have a value in every row, but row 3 has none"):
        save_clusters(path, clusters.data, clusters.target, galaxies=galaxies)


def test_galaxies_and_description_may_be_absent(path, clusters):
    save_clusters(path, clusters.data[:1], clusters.target[:1])
    loaded = load_clusters(path)
    assert len(loaded.data) == 1
    assert len(loaded.galaxies) == 0
    assert loaded.DESCR == ""


def test_return_x_y(path, clusters):
    save_clusters(path, clusters)
    X, y = load_clusters(path, return_X_y=True)
    assert X.tobytes() == clusters.data.tobytes()
    assert y.tolist() == clusters.target.tolist()


def test_more_rows_than_a_block(path, clusters):
    rows = np.random.default_rng(1).integers(0, 8, 2500)
    save_clusters(path, clusters.data[rows], clusters.target[rows])
    assert load_clusters(path).data.tobytes() == clusters.data[rows].tobytes()


def test_strided_and_wider_records(path, clusters):
    dtype = np.dtype(
        [("note", "U5"), *[(n, *clusters.data.dtype.fields[n][:1]) for n in clusters.data.dtype.names]]
    )
    wide = np.zeros(16, dtype)
    for name in clusters.data.dtype.names:
        wide[name][::2] = clusters.data[name]
    save_clusters(path, wide[::2], clusters.target)
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()


def test_format_is_told_from_the_content(tmp_path, clusters):
    for suffix in SUFFIXES:
        save_clusters(tmp_path / f"clusters{suffix}", clusters)
        (tmp_path / f"clusters{suffix}").rename(tmp_path / "clusters.pkl")
        assert_same(load_clusters(tmp_path / "clusters.pkl"), clusters)


def test_suffix_in_capitals(tmp_path, clusters):
    save_clusters(tmp_path / "CLUSTERS.FITS", clusters)
    assert_same(load_clusters(tmp_path / "CLUSTERS.FITS"), clusters)


def test_an_older_file_is_replaced(path, clusters):
    save_clusters(path, clusters.data[:2], clusters.target[:2])
    save_clusters(path, clusters)
    assert_same(load_clusters(path), clusters)
    assert os.listdir(path.parent) == [path.name]


def test_a_link_stays_a_link(path, clusters):
    real = path.with_stem("real")
    save_clusters(real, clusters.data[:2], clusters.target[:2])
    path.symlink_to(real)
    save_clusters(path, clusters)
    assert path.is_symlink()
    assert_same(load_clusters(real), clusters)


@pytest.mark.parametrize("mmap", [False, True])
def test_halos_must_be_known(path, clusters, mmap, monkeypatch):
    clusters.data["cluster_id"][3] = np.iinfo(np.int64).min  # what casting makes of NaN
    with pytest.raises(ValueError, match="the halo of row 3 must be an integer or a name, got -92233"):
        save_clusters(path, clusters)
    with monkeypatch.context() as patch:
        patch.setattr(files, "check_database", lambda database: None)
        save_clusters(path, clusters)
    with pytest.raises(ValueError, match="the halo of row 3 must be an integer or a name, got -92233"):
        load_clusters(path, mmap=mmap)


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_the_old_file_alone(path, clusters, monkeypatch, failure):
    def fail_half_way(temporary, database):
        temporary.write_bytes(b"half of it")
        raise failure

    save_clusters(path, clusters)
    before = path.read_bytes()
    monkeypatch.setitem(files._WRITERS, path.suffix, fail_half_way)
    with pytest.raises(type(failure)):
        save_clusters(path, clusters)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_failing_replacement_leaves_no_trace(path, clusters):
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        save_clusters(path, clusters)
    assert os.listdir(path.parent) == [path.name]


def test_the_new_file_obeys_the_umask(path, clusters):
    before = os.umask(0o027)
    try:
        save_clusters(path, clusters)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["clusters.pkl", "clusters.npy", "clusters"])
def test_unknown_suffix(tmp_path, clusters, name):
    with pytest.raises(ValueError, match=rf"path must end in one of .*'\.h5'.*got '{name}'"):
        save_clusters(tmp_path / name, clusters)


def test_missing_folder(tmp_path, clusters):
    with pytest.raises(FileNotFoundError, match=r"nowhere/clusters\.h5"):
        save_clusters(tmp_path / "nowhere" / "clusters.h5", clusters)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"clusters\.h5"):
        load_clusters(tmp_path / "clusters.h5")


@pytest.mark.parametrize("content", [b"", b"total,xray\n1,2\n", b"\x89PNG\r\n\x1a\n"])
def test_another_kind_of_file(tmp_path, content):
    (tmp_path / "clusters.h5").write_bytes(content)
    with pytest.raises(ValueError, match=r"clusters\.h5: it must be FITS, HDF5 or a pickle, but"):
        load_clusters(tmp_path / "clusters.h5")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("a pickle", pickle.dumps(({}, []))),
        ("HDF5", b"\x89HDF\r\n\x1a\n"),
        ("something that starts with b'total'", b"total"),
    ],
)
def test_gzip_of_something_else(tmp_path, kind, content):
    (tmp_path / "maps.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=f"a gzipped file must contain FITS, got {kind}: unpack it first"):
        load_clusters(tmp_path / "maps.gz")


def test_other_compression(tmp_path):
    (tmp_path / "clusters.fits.bz2").write_bytes(bz2.compress(b"SIMPLE  ="))
    with pytest.raises(ValueError, match=r"but it starts with .*; unpack it first"):
        load_clusters(tmp_path / "clusters.fits.bz2")


@pytest.mark.parametrize("mmap", [False, True])
def test_clusters_of_unknown_dark_matter_have_no_labels(path, clusters, mmap):
    save_clusters(path, clusters.data)
    with pytest.raises(
        ValueError, match=rf"{path.name} must contain a label for each cluster, .* labelled=Fal"
    ):
        load_clusters(path, mmap=mmap)
    loaded = load_clusters(path, mmap=mmap, labelled=False)
    assert np.asarray(loaded.data).tobytes() == clusters.data.tobytes()
    assert loaded.target is loaded.feedback is None
    assert len(loaded.target_names) == len(loaded.cross_sections) == 0
    save_clusters(path, loaded)
    assert load_clusters(path, labelled=False).groups.tolist() == clusters.groups.tolist()


def test_labels_are_read_where_none_are_needed(path, clusters):
    save_clusters(path, clusters)
    assert_same(load_clusters(path, labelled=False), clusters)


def tell_unit(path, unit):
    """Write into a file what unit `lensing_norm` is in."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file["clusters"].attrs["lensing_norm_unit"] = unit
        return
    with fits.open(path, mode="update") as hdus:
        number = hdus["CLUSTERS"].columns.names.index("lensing_norm") + 1
        hdus["CLUSTERS"].header[f"TUNIT{number}"] = unit


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("solMass kpc-2", r"must be in 'solMass Mpc-2', got 'solMass kpc-2': multiply it by 1e\+06 and"),
        ("Msun / pc^2", r"multiply it by 1e\+12 and correct the unit"),
        ("erg", "column 'lensing_norm' must be in 'solMass Mpc-2', got 'erg'"),
        ("what the code gave", "got 'what the code gave'"),
    ],
)
def test_norms_in_other_units_are_refused(path, clusters, unit, message):
    save_clusters(path, clusters)
    tell_unit(path, unit)
    for mmap in (False, True):
        with pytest.raises(ValueError, match=message):
            load_clusters(path, mmap=mmap)


@pytest.mark.parametrize("unit", ["Msun/Mpc2", "1e-6 solMass / kpc**2", ""])
def test_units_may_be_written_in_other_ways(path, clusters, unit):
    save_clusters(path, clusters)
    tell_unit(path, unit)
    assert_same(load_clusters(path), clusters)


def test_a_bunch_has_a_label_for_every_record(clusters):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[8, 7\]"):
        make_bunch(clusters.data, clusters.target[:7])


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_maps_must_be_finite(path, clusters, name, value):
    rows = np.arange(1100) % 8
    records = clusters.data[rows]
    records[name][1050, 2, 3] = value
    with pytest.raises(ValueError, match=f"map '{name}' of row 1050 must be finite"):
        save_clusters(path, records, clusters.target[rows])
    assert not path.exists()


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_a_file_must_be_finite(path, clusters, name, monkeypatch):
    clusters.data[name][5, 0, 0] = np.nan
    with monkeypatch.context() as patch:
        patch.setattr(files, "check_database", lambda database: None)
        save_clusters(path, clusters)
    with pytest.raises(ValueError, match=rf"{path.name}: map '{name}' of row 5 must be finite"):
        load_clusters(path)


@pytest.mark.parametrize("label", ["WDM", "SIDM-0.1", "0.1", ""])
def test_labels_must_name_a_cross_section(path, clusters, label):
    target = clusters.target.tolist()
    target[2] = label
    with pytest.raises(ValueError, match=f"label must be .* got '{label}'"):
        save_clusters(path, clusters.data, target)


def test_lengths_must_agree(path, clusters):
    with pytest.raises(
        ValueError, match=r"target must contain one label for each of the 8 records, got shape \(7,\)"
    ):
        save_clusters(path, clusters.data, clusters.target[:7])


def test_galaxies_must_belong_to_a_record(path, clusters):
    clusters.galaxies["row"][4] = 8
    with pytest.raises(ValueError, match="galaxies must have a row of 0 to 7, got 8"):
        save_clusters(path, clusters)
    with pytest.raises(ValueError, match="galaxies must be an array of type"):
        save_clusters(path, clusters.data, clusters.target, galaxies=np.zeros(3, [("row", int)]))


def test_no_records(path, clusters):
    with pytest.raises(ValueError, match=r"must contain at least one record .* got shape \(0,\)"):
        save_clusters(path, clusters.data[:0], clusters.target[:0])


def test_other_data(path, clusters):
    with pytest.raises(TypeError, match="data must be records of clusters"):
        save_clusters(path, np.zeros((8, 6, 6, 3)), clusters.target)
    with pytest.raises(ValueError, match="target, galaxies and description must not be given"):
        save_clusters(path, clusters, clusters.target)


def test_maps_must_be_square(path, clusters):
    dtype = np.dtype(
        [(n, "f4", (6, 5)) if n in MAPS else (n, clusters.data.dtype[n]) for n in clusters.data.dtype.names]
    )
    with pytest.raises(ValueError, match="maps must be square"):
        save_clusters(path, np.zeros(8, dtype), clusters.target)


def test_maps_of_another_pixel_scale_are_refused(path, clusters):
    save_clusters(path, clusters)
    load_clusters(path)
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file["clusters"].attrs["field_size"] = 1000
    else:
        fits.setval(path, "FIELDKPC", value=1000, ext=1)
    with pytest.raises(ValueError, match="its maps must be 2000 kpc wide, got 1000"):
        load_clusters(path)


def test_mmap_is_checked(path, clusters):
    save_clusters(path, clusters)
    with pytest.raises(ValueError, match="mmap must be True, False or 'auto', got 'r'"):
        load_clusters(path, mmap="r")


def published_pickle(clusters):
    maps = np.stack([clusters.data[name] for name in MAPS], axis=-1)
    params = {
        "label": np.array([0, 0.1, 0.3, 1.0] * 2),
        "redshift": clusters.data["redshift"],
        "clusterID": clusters.data["cluster_id"],
    }
    return pickle.dumps((params, list(maps / maps.max(axis=(1, 2), keepdims=True))))


@pytest.mark.filterwarnings("ignore")  # of damaged files, astropy warns before it fails
@pytest.mark.parametrize("suffix", [".fits", ".h5", ".pkl"])
def test_a_file_cut_anywhere_is_refused(tmp_path, clusters, suffix):
    path = tmp_path / f"clusters{suffix}"
    if suffix == ".pkl":
        path.write_bytes(published_pickle(clusters))
    else:
        save_clusters(path, clusters)
    content = path.read_bytes()
    assert len(load_clusters(path).data) == 8
    for twentieths in range(20):
        path.write_bytes(content[: len(content) * twentieths // 20])
        with pytest.raises(ValueError, match=rf"cannot read .*clusters\{suffix}: "):
            load_clusters(path)


def test_fits_cut_between_extensions_is_refused(tmp_path, clusters):
    path = tmp_path / "clusters.fits"
    save_clusters(path, clusters)
    path.write_bytes(path.read_bytes()[: -2 * 2880])  # the last extension: one block of header, one of text
    with pytest.raises(ValueError, match="must have 3 extensions, found 2"):
        load_clusters(path)


@pytest.mark.filterwarnings("ignore")
def test_fits_extension_of_negative_size_is_refused(tmp_path, clusters):
    path = tmp_path / "clusters.fits"
    save_clusters(path, clusters)
    content = path.read_bytes()
    header = content.index(b"XTENSION= 'BINTABLE'")
    place = content.index(b"NAXIS2  =", header)
    negative = b"NAXIS2  =" + b"%21d" % -8
    path.write_bytes(content[:place] + negative + content[place + len(negative) :])
    with pytest.raises(ValueError, match="extension 1 is damaged"):
        load_clusters(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".fits", ".h5", ".pkl"])
def test_a_damaged_file_is_read_or_refused(tmp_path, clusters, suffix):
    path = tmp_path / f"clusters{suffix}"
    if suffix == ".pkl":
        path.write_bytes(published_pickle(clusters))
    else:
        save_clusters(path, clusters)
    content = path.read_bytes()
    rng = np.random.default_rng(3)
    outcomes = []
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 20):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        outcomes.append(outcome_of_loading(path))
    assert f"cannot read {path}" in outcomes
    assert set(outcomes) <= {"read", f"cannot read {path}"}


def outcome_of_loading(path):
    try:
        load_clusters(path)
    except ValueError as error:
        return str(error).partition(": ")[0]
    return "read"


@pytest.mark.parametrize("suffix", [".h5", ".fits"])
@pytest.mark.parametrize("mmap", [False, True])
def test_files_say_whether_clusters_were_observed(tmp_path, suffix, mmap):
    clusters = make_clusters(2, redshifts=(0.25,), n_pixels=20, random_state=0)
    observed = WeakLensingNoise(random_state=0).fit_transform(clusters.data)
    for data in (observed, ObservedRecords(np.asarray(observed))):
        save_clusters(tmp_path / f"seen{suffix}", data)
        loaded = load_clusters(tmp_path / f"seen{suffix}", labelled=False, mmap=mmap)
        assert isinstance(loaded.data, ObservedRecords)
        assert loaded.data.are_real
        np.testing.assert_array_equal(loaded.data["total"], observed["total"])
        np.testing.assert_array_equal(loaded.groups, clusters.groups)
    save_clusters(tmp_path / f"simulated{suffix}", clusters)
    assert not isinstance(load_clusters(tmp_path / f"simulated{suffix}", mmap=mmap).data, ObservedRecords)


def test_a_file_must_say_it_as_true_or_false(clusters, tmp_path):
    save_clusters(tmp_path / "clusters.h5", clusters)
    with h5py.File(tmp_path / "clusters.h5", "r+") as file:
        file["clusters"].attrs["observed"] = "perhaps"
    with pytest.raises(ValueError, match="flag for observed maps must be true or false, got 'perhaps'"):
        load_clusters(tmp_path / "clusters.h5")

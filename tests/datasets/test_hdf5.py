import tracemalloc

import h5py
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from sklearn.utils import resample

from darkcnn.datasets import files, load_clusters, save_clusters
from darkcnn.datasets.database import Database
from darkcnn.datasets.hdf5 import write_hdf5
from darkcnn.records import RecordsOnDisk, number_halos, record_dtype


@pytest.fixture
def path(tmp_path, clusters):
    save_clusters(tmp_path / "clusters.h5", clusters)
    return tmp_path / "clusters.h5"


def replace(path, name, *args, **options):
    with h5py.File(path, "r+") as file:
        del file[name]
        return file.create_dataset(name, *args, **options) if args or options else None


def test_any_tool_reads_it(path, clusters):
    with h5py.File(path) as file:
        assert file["clusters"]["total"].tobytes() == clusters.data["total"].tobytes()
        assert file["clusters"].attrs["lensing_norm_unit"] == "solMass Mpc-2"
        assert file["galaxies"].attrs["x_unit"] == "kpc"
        assert file["label"].asstr()[:].tolist() == clusters.target.tolist()
        assert file["description"].asstr()[()] == clusters.DESCR


def test_mapped_records_are_read_when_sliced(tmp_path):
    records = np.zeros(200, record_dtype(100))
    records["cluster_id"] = np.arange(200)
    save_clusters(tmp_path / "large.h5", records, np.full(200, "CDM"))
    tracemalloc.start()
    X, y = load_clusters(tmp_path / "large.h5", mmap=True, return_X_y=True)
    some, labels = resample(X, y, n_samples=10, replace=False, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(X, RecordsOnDisk)
    assert records.nbytes > 24e6
    assert peak < 0.2 * records.nbytes
    assert some.shape == labels.shape == (10,)
    assert len(set(some["cluster_id"])) == 10


def test_mapped_records_are_the_same(path, clusters):
    mapped = load_clusters(path, mmap=True)
    assert mapped.data.dtype == clusters.data.dtype
    assert np.asarray(mapped.data).tobytes() == clusters.data.tobytes()
    with pytest.raises(TypeError, match="does not support item assignment"):
        mapped.data["redshift"] = 0


def test_large_files_are_mapped_by_themselves(path, monkeypatch):
    assert not isinstance(load_clusters(path).data, RecordsOnDisk)
    monkeypatch.setattr(files, "_AUTO_MAP_ABOVE", 1000)
    assert isinstance(load_clusters(path).data, RecordsOnDisk)
    assert not isinstance(load_clusters(path, mmap=False).data, RecordsOnDisk)


def test_mapped_records_can_be_saved(path, clusters):
    save_clusters(path, load_clusters(path, mmap=True))
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()


def test_compressed_records_are_read_into_memory(tmp_path, clusters):
    path = tmp_path / "small.h5"
    database = Database(clusters.data, clusters.target, clusters.galaxies, clusters.DESCR)
    write_hdf5(path, database, compress=True)
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()
    with pytest.raises(ValueError, match="cannot be memory-mapped, because it is a pickle, compressed, or"):
        load_clusters(path, mmap=True)


def test_other_types_and_extra_columns(path, clusters):
    fields = [(name, clusters.data.dtype[name].newbyteorder(">")) for name in clusters.data.dtype.names]
    odd = np.zeros(8, [("note", "S5"), *fields[::-1]])
    for name in clusters.data.dtype.names:
        odd[name] = clusters.data[name]
    replace(path, "clusters", data=odd)
    loaded = load_clusters(path)
    assert loaded.data.dtype == clusters.data.dtype
    assert loaded.data.tobytes() == clusters.data.tobytes()
    with pytest.raises(ValueError, match="cannot be memory-mapped"):
        load_clusters(path, mmap=True)


def test_required_dataset(path):
    replace(path, "clusters")
    with pytest.raises(
        ValueError, match=r"clusters\.h5: it must contain the dataset 'clusters' itself, as .*, found \["
    ):
        load_clusters(path)


@pytest.mark.parametrize("name", ["clusters", "label", "galaxies", "description"])
@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("other.h5", "/clusters")])
def test_links_are_refused(path, tmp_path, name, link):
    with h5py.File(path, "r+") as file:
        file.move(name, "other")
        file[name] = link
    (tmp_path / "other.h5").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=f"'{name}' itself"):
        load_clusters(path)


def test_values_in_other_files_are_refused(path, tmp_path, clusters):
    (tmp_path / "secret").write_bytes(clusters.data.tobytes())
    secret = [(str(tmp_path / "secret"), 0, clusters.data.nbytes)]
    replace(path, "clusters", (8,), clusters.data.dtype, external=secret)
    with pytest.raises(ValueError, match="'clusters' must be a dataset with its values in this file"):
        load_clusters(path)


def test_virtual_datasets_are_refused(path, tmp_path, clusters):
    save_clusters(tmp_path / "other.h5", clusters)
    layout = h5py.VirtualLayout((8,), clusters.data.dtype)
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "clusters", (8,))
    with h5py.File(path, "r+") as file:
        del file["clusters"]
        file.create_virtual_dataset("clusters", layout)
    with pytest.raises(ValueError, match="'clusters' must be a dataset with its values in this file"):
        load_clusters(path)


def test_text_of_any_length_and_groups_are_refused(path):
    replace(path, "label", data=["CDM"] * 8, dtype=h5py.string_dtype())
    with pytest.raises(
        ValueError, match=r"'label' must contain text of fixed length, such as .*, got object"
    ):
        load_clusters(path)
    replace(path, "label", data=np.arange(8))
    with pytest.raises(ValueError, match=r"'label' must contain text of fixed length, such as .*, got int64"):
        load_clusters(path)
    replace(path, "label")
    with h5py.File(path, "r+") as file:
        file.create_group("label")
    with pytest.raises(ValueError, match="'label' must be a dataset"):
        load_clusters(path)


def test_objects_in_a_table_are_refused(path):
    replace(path, "clusters", data=np.array([(1.0, "a")], [("total", "f4"), ("note", h5py.string_dtype())]))
    with pytest.raises(ValueError, match="'clusters' must be a table of numbers, got "):
        load_clusters(path)


def test_a_claim_beyond_the_file_is_refused(path, clusters):
    replace(path, "clusters", (10**9,), clusters.data.dtype, chunks=(8,))
    with pytest.raises(ValueError, match=r"'clusters' claims \d+ bytes, but 0 are stored"):
        load_clusters(path)


def test_floats_of_unusual_layout_are_refused(path, clusters):
    usual = h5py.h5t.py_create(clusters.data.dtype)
    unusual = h5py.h5t.IEEE_F64LE.copy()
    unusual.set_ebias(100)  # powers of two up to 1947, which numpy keeps in 16 bytes
    table = h5py.h5t.create(h5py.h5t.COMPOUND, usual.get_size())
    for number in range(usual.get_nmembers()):
        name = usual.get_member_name(number)
        member = unusual if name == b"lensing_norm" else usual.get_member_type(number)
        table.insert(name, usual.get_member_offset(number), member)
    with h5py.File(path, "r+") as file:
        del file["clusters"]
        space = h5py.h5s.create_simple((8,))
        h5py.h5d.create(file.id, b"clusters", table, space).write(space, space, clusters.data, mtype=table)
    for mmap in (True, False):
        with pytest.raises(
            ValueError, match="column 'lensing_norm' of 'clusters' must contain ordinary numbers"
        ):
            load_clusters(path, mmap=mmap)


def test_no_rows(path, clusters):
    replace(path, "clusters", data=clusters.data[:0])
    replace(path, "label", data=clusters.target[:0].astype("S"))
    replace(path, "galaxies")
    with pytest.raises(ValueError, match="must contain at least one record"):
        load_clusters(path)


def test_rows_must_agree(path, clusters):
    replace(path, "label", data=clusters.target[:7].astype("S"))
    for mmap in (True, False):
        with pytest.raises(ValueError, match="one label for each of the 8 records"):
            load_clusters(path, mmap=mmap)


def test_records_must_be_a_table(path):
    replace(path, "clusters", data=np.zeros((8, 6, 6)))
    for mmap in (True, False):
        with pytest.raises(ValueError, match="'clusters' must be a table of numbers, got float64"):
            load_clusters(path, mmap=mmap)


@pytest.fixture
def as_group(path, clusters):
    """Write a group with a dataset for each field, as most programs do."""
    with h5py.File(path, "r+") as file:
        del file["clusters"]
        for name in clusters.data.dtype.names:
            file[f"clusters/{name.upper()}"] = clusters.data[name]
    return path


def test_a_group_of_datasets_is_a_table(as_group, clusters):
    loaded = load_clusters(as_group)
    assert loaded.data.tobytes() == clusters.data.tobytes()
    with h5py.File(as_group, "r+") as file:
        file["clusters/LABEL"] = file["label"][()]
        del file["label"], file["clusters/STELLAR"], file["clusters/STELLAR_NORM"]
    loaded = load_clusters(as_group)
    assert np.isnan(loaded.data["stellar"]).all()
    np.testing.assert_array_equal(loaded.target, clusters.target)
    with pytest.raises(ValueError, match="cannot be memory-mapped"):
        load_clusters(as_group, mmap=True)


@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("other.h5", "/clusters/TOTAL")])
def test_links_in_a_group_are_refused(as_group, link):
    (as_group.parent / "other.h5").write_bytes(as_group.read_bytes())
    with h5py.File(as_group, "r+") as file:
        file.move("clusters/TOTAL", "other")
        file["clusters/TOTAL"] = link
    with pytest.raises(ValueError, match="it must contain the dataset 'TOTAL' itself"):
        load_clusters(as_group)


def test_what_a_group_may_not_hold(as_group, clusters):
    for wrong, message in (
        (h5py.Empty("f4"), "."),
        (clusters.data, "'clusters/REDSHIFT' must|'redshift' must contain float32 numbers"),
        (
            np.array(["0.1"] * 8, h5py.string_dtype()),
            "'REDSHIFT' must contain ordinary numbers or text of fixed",
        ),
        (clusters.data["redshift"][:7], r"'redshift' must have shape \(8,\), got \(7,\)"),
    ):
        with h5py.File(as_group, "r+") as file:
            del file["clusters/REDSHIFT"]
            file["clusters/REDSHIFT"] = wrong
        with pytest.raises(ValueError, match=message):
            load_clusters(as_group)


def test_names_of_halos(path, as_group, clusters):
    names = np.char.add("FoF_", clusters.data["cluster_id"].astype(str)).astype("S")
    with h5py.File(as_group, "r+") as file:
        del file["clusters/CLUSTER_ID"]
        file["clusters/CLUSTER_ID"] = names
    np.testing.assert_array_equal(load_clusters(as_group).groups, number_halos(names))


@pytest.mark.parametrize("name", ["unit", "units"])
def test_units_of_a_group(as_group, name):
    with h5py.File(as_group, "r+") as file:
        file["clusters/LENSING_NORM"].attrs[name] = np.array([b"solMass kpc-2"])
    with pytest.raises(ValueError, match=r"'lensing_norm' must be in .* multiply it by 1e\+06"):
        load_clusters(as_group)


def test_fill_values_and_scales_of_a_group(as_group):
    with h5py.File(as_group, "r+") as file:
        for name in ("REDSHIFT", "LOG_MASS", "BCG_E1"):
            del file[f"clusters/{name}"]
        redshift = file.create_dataset("clusters/REDSHIFT", (8,), "i2", fillvalue=-1, chunks=(4,))
        redshift[:3] = 250, 0, 375
        redshift.attrs["scale_factor"], redshift.attrs["add_offset"] = 1e-3, [0.5]
        file["clusters/LOG_MASS"] = np.where(np.arange(8) == 2, -99.9, 14.5).astype("f4")
        file["clusters/LOG_MASS"].attrs["_FillValue"] = -99.9
        file["clusters/BCG_E1"] = np.where(np.arange(8) == 4, 0, 0.5)
        file["clusters/BCG_E1"].attrs["missing_value"] = np.array([0.0])
    loaded = load_clusters(as_group).data
    np.testing.assert_allclose(loaded["redshift"], [0.75, 0.5, 0.875, *[np.nan] * 5])
    assert np.flatnonzero(np.isnan(loaded["log_mass"])).tolist() == [2]
    assert np.flatnonzero(np.isnan(loaded["bcg_e1"])).tolist() == [4]


@pytest.mark.parametrize("mmap", [False, True])
def test_fill_values_of_a_table(path, clusters, mmap):
    fill = np.zeros((), clusters.data.dtype)
    fill["log_mass"] = -99
    clusters.data["log_mass"][2] = -99
    replace(path, "clusters", data=clusters.data, fillvalue=fill)
    if mmap:
        with pytest.raises(ValueError, match="cannot be memory-mapped"):
            load_clusters(path, mmap=True)
        return
    clusters.data["log_mass"][2] = np.nan
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()


def test_values_that_were_never_written_are_no_zeros(path, clusters):
    dataset = {"shape": (8,), "dtype": clusters.data.dtype, "chunks": (4,)}
    replace(path, "clusters", **dataset)
    with h5py.File(path, "r+") as file:
        file["clusters"][:4] = clusters.data[:4]
    with pytest.raises(ValueError, match="'clusters' is incomplete: 1 of 2 chunks were written"):
        load_clusters(path)


@pytest.mark.filterwarnings("ignore:Attribute `__serialized_columns__`")
def test_masks_of_astropy(tmp_path, clusters):
    table = Table(clusters.data)
    table["label"] = clusters.target.astype("S")
    table["redshift"] = MaskedColumn(clusters.data["redshift"], mask=np.arange(8) == 3)
    stellar = np.ma.masked_array(clusters.data["stellar"], np.zeros((8, 6, 6), bool))
    stellar[2] = np.ma.masked
    table["stellar"] = MaskedColumn(stellar)
    table.write(tmp_path / "table.h5", path="clusters")
    clusters.data["redshift"][3] = clusters.data["stellar"][2] = np.nan
    loaded = load_clusters(tmp_path / "table.h5")
    assert loaded.data.tobytes() == clusters.data.tobytes()
    np.testing.assert_array_equal(loaded.target, clusters.target)
    table["cluster_id"] = MaskedColumn(clusters.data["cluster_id"], mask=np.arange(8) == 3)
    table.write(tmp_path / "table.h5", path="clusters", overwrite=True)
    with pytest.raises(ValueError, match="the halo of row 3 is masked"):
        load_clusters(tmp_path / "table.h5")


def test_attributes_may_be_arrays_of_one_element(path, clusters):
    with h5py.File(path, "r+") as file:
        attributes = file["clusters"].attrs
        attributes["field_size"], attributes["field_size_unit"] = np.array([2.0]), np.array([b"Mpc"])
        attributes["lensing_norm_unit"] = np.array([[b"solMass Mpc-2"]])
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()
    with h5py.File(path, "r+") as file:
        file["clusters"].attrs["field_size_unit"] = "kpc"
    with pytest.raises(ValueError, match="must be 2000 kpc wide, got 2"):
        load_clusters(path)
    with h5py.File(path, "r+") as file:
        file["clusters"].attrs["field_size"] = [2000.0, 2000.0]
    with pytest.raises(ValueError, match="the attribute 'field_size' of '/clusters' must be one value, got"):
        load_clusters(path)


def test_labels_padded_with_spaces(path, clusters):
    replace(path, "label", data=np.char.ljust(clusters.target, 9).astype("S"))
    np.testing.assert_array_equal(load_clusters(path).target, clusters.target)

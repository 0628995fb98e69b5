import tracemalloc

import h5py
import numpy as np
import pytest
from sklearn.utils import resample

from darkcnn.datasets import files, load_clusters, save_clusters
from darkcnn.datasets.database import Database
from darkcnn.datasets.hdf5 import write_hdf5
from darkcnn.records import RecordsOnDisk, record_dtype


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
    with pytest.raises(ValueError, match="cannot be memory-mapped: it is a pickle, compressed, or"):
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
        ValueError, match=r"clusters\.h5: it must hold the dataset 'clusters' itself, as .*, found \["
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
    with pytest.raises(ValueError, match=r"'label' must hold text of fixed length, such as .*, got object"):
        load_clusters(path)
    replace(path, "label", data=np.arange(8))
    with pytest.raises(ValueError, match=r"'label' must hold text of fixed length, such as .*, got int64"):
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
            ValueError, match="column 'lensing_norm' of 'clusters' must hold ordinary numbers"
        ):
            load_clusters(path, mmap=mmap)


def test_no_rows(path, clusters):
    replace(path, "clusters", data=clusters.data[:0])
    replace(path, "label", data=clusters.target[:0].astype("S"))
    replace(path, "galaxies")
    with pytest.raises(ValueError, match="must hold at least one record"):
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

import gzip

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from darkcnn.datasets import load_clusters, save_clusters
from darkcnn.records import RecordsOnDisk


@pytest.fixture
def path(tmp_path, clusters):
    save_clusters(tmp_path / "clusters.fits", clusters)
    return tmp_path / "clusters.fits"


@pytest.fixture
def table(clusters):
    table = Table(clusters.data)
    table["label"] = clusters.target
    return table


def test_any_astronomers_tool_reads_it(path, clusters):
    table = Table.read(path, hdu="CLUSTERS")
    assert table["total"].shape == (8, 6, 6)
    assert table["lensing_norm"].unit == "solMass / Mpc2"
    assert table["xray_norm"].unit == "erg / (s cm2 arcmin2)"
    assert list(table["label"]) == clusters.target.tolist()
    assert Table.read(path, hdu="GALAXIES")["x"].unit == "kpc"
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert hdus["DESCRIPTION"].data.tobytes().decode() == clusters.DESCR


def test_records_are_native(path, clusters):
    assert load_clusters(path).data.dtype == clusters.data.dtype
    assert load_clusters(path).data["total"].dtype.isnative


def test_a_table_of_astropy_is_enough(tmp_path, table, clusters):
    table["comment"] = "extra"
    table["images"] = np.zeros((8, 3, 3))
    table.write(tmp_path / "table.fits")
    assert load_clusters(tmp_path / "table.fits").data.tobytes() == clusters.data.tobytes()


def test_other_numeric_types_are_converted(tmp_path, table, clusters):
    table["total"] = table["total"].astype(float)
    table["cluster_id"] = np.arange(8, dtype=np.int16)
    table.write(tmp_path / "table.fits")
    loaded = load_clusters(tmp_path / "table.fits")
    assert loaded.data.dtype == clusters.data.dtype
    np.testing.assert_array_equal(loaded.data["total"], clusters.data["total"])
    assert loaded.groups.tolist() == list(range(8))


def test_optional_attributes_may_be_absent(tmp_path, table, clusters):
    table.remove_columns(["xray_norm", "bcg_e1"])
    table.write(tmp_path / "table.fits")
    loaded = load_clusters(tmp_path / "table.fits")
    assert np.isnan(loaded.data["xray_norm"]).all()
    assert np.isnan(loaded.data["bcg_e1"]).all()
    np.testing.assert_array_equal(loaded.data["bcg_e2"], clusters.data["bcg_e2"])


@pytest.mark.parametrize("name", ["redshift", "cluster_id"])
def test_required_columns(tmp_path, table, name):
    table.remove_column(name)
    table.write(tmp_path / "table.fits")
    with pytest.raises(ValueError, match=rf"table\.fits: columns \['{name}'\] are missing, found \['bcg_e1'"):
        load_clusters(tmp_path / "table.fits")


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("total", np.zeros((8, 6, 5)), r"maps must be square .* got \(8, 6, 5\)"),
        ("xray", np.zeros((8, 5, 5)), r"'xray' must have shape \(8, 6, 6\), got \(8, 5, 5\)"),
        ("redshift", np.full(8, "0.1"), "'redshift' must contain float32 numbers, got <U3"),
        ("cluster_id", np.zeros(8), "'cluster_id' must contain int64 numbers"),
        ("cluster_id", np.full(8, " "), "halo of row 0 must be an integer or a name, got ' '"),
        ("cluster_id", np.zeros((8, 2), int), r"'cluster_id' must have shape \(8,\), got \(8, 2\)"),
        ("label", np.full(8, 0.1), r"got '0\.1'; darkcnn\.label_of\(0\.1\) is 'SIDM0\.1'"),
        ("label", np.full(8, "WDM"), "label must be 'CDM' or .* got 'WDM'"),
        ("stellar", np.full((8, 6, 6), 1e300), "map 'stellar' of row 0 must be finite"),
    ],
)
def test_wrong_columns(tmp_path, table, name, column, message):
    table[name] = column
    table.write(tmp_path / "table.fits")
    with pytest.raises(ValueError, match=message):
        load_clusters(tmp_path / "table.fits")


@pytest.mark.parametrize("type_", ["i2", "i4", "u1", "u2", "u4", "u8", "f4"])
def test_null_values_are_not_numbers(tmp_path, table, type_):
    redshift = np.ma.masked_array(np.arange(8).astype(type_), np.arange(8) < 2)
    table["redshift"] = MaskedColumn(redshift)
    table.write(tmp_path / "table.fits")
    np.testing.assert_array_equal(
        load_clusters(tmp_path / "table.fits").data["redshift"], redshift.astype("f4").filled(np.nan)
    )


def test_pixels_of_null_values_are_not_numbers(tmp_path, table):
    path, pixels = tmp_path / "table.fits", np.ones((8, 6, 6), "i2")
    pixels[1] = -999

    def write():  # not by a masked column, which old versions of astropy write without its nulls
        table["stellar"] = pixels
        table.write(path, overwrite=True)
        fits.setval(path, f"TNULL{table.colnames.index('stellar') + 1}", value=-999, ext=1)

    write()
    loaded = load_clusters(path).data["stellar"]
    assert np.isnan(loaded).all(axis=(1, 2)).tolist() == [row == 1 for row in range(8)]
    pixels[5, 2, 3] = -999
    write()
    with pytest.raises(ValueError, match="map 'stellar' of row 5 must be finite"):
        load_clusters(path)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("type_", ["i8", "u8", "U3"])
def test_halos_must_be_known(tmp_path, table, mmap, type_):
    table["cluster_id"] = MaskedColumn(np.arange(8).astype(type_), mask=np.arange(8) == 5)
    table.write(tmp_path / "table.fits")
    with pytest.raises(ValueError, match=r"table\.fits: the halo of row 5 (is masked|must be an integer)"):
        load_clusters(tmp_path / "table.fits", mmap=mmap)


def test_null_values_of_scaled_columns(path, table):
    stored = np.array([0, 100, 200, -99, 400, 500, 600, 700], "i2")
    table.remove_columns(["redshift", "log_mass"])
    table.add_column(stored, name="redshift", index=0)
    table.add_column(np.where(stored == 200, -99, 14.5).astype("f4"), name="log_mass", index=1)
    table.write(path, overwrite=True)
    keywords = {"TSCAL1": 1e-3, "TZERO1": 0.5, "TNULL1": -99, "TNULL2": -99}  # the last against the standard
    with fits.open(path, mode="update") as hdus:
        hdus[1].header.update(keywords)
    loaded = load_clusters(path).data
    np.testing.assert_allclose(
        loaded["redshift"], np.where(stored == -99, np.nan, stored * 1e-3 + 0.5), rtol=1e-6
    )
    np.testing.assert_array_equal(loaded["log_mass"], np.where(stored == 200, np.nan, np.float32(14.5)))


@pytest.mark.filterwarnings("ignore:[\\s\\S]*Column null option")
def test_a_null_value_keeps_floats_off_the_disk(path):
    fits.setval(path, "TNULL8", value=-99, ext=1)
    assert isinstance(load_clusters(path, mmap=True).data, RecordsOnDisk)  # it does not occur
    fits.delval(path, "TNULL8", ext=1)
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["log_mass"][3] = -99
    fits.setval(path, "TNULL8", value=-99, ext=1)
    with pytest.raises(ValueError, match="cannot be memory-mapped"):
        load_clusters(path, mmap=True)
    assert np.isnan(load_clusters(path).data["log_mass"]).tolist() == [row == 3 for row in range(8)]


def test_a_null_value_that_is_no_number_is_refused(path):
    fits.setval(path, "TNULL13", value="none", ext=1)
    with pytest.raises(ValueError, match="TNULL13 must be a number, got 'none'"):
        load_clusters(path)


@pytest.mark.parametrize("mmap", [False, True])
def test_columns_in_capitals(tmp_path, table, clusters, mmap):
    for name in table.colnames:
        table.rename_column(name, name.upper())
    table.write(tmp_path / "table.fits")
    loaded = load_clusters(tmp_path / "table.fits", mmap=mmap)
    assert np.asarray(loaded.data).tobytes() == clusters.data.tobytes()
    np.testing.assert_array_equal(loaded.target, clusters.target)


def test_the_clusters_are_found_by_their_columns(path, clusters):
    history = fits.BinTableHDU.from_columns([fits.Column("STEP", "8A", array=["select"])], name="HISTORY")
    with fits.open(path) as hdus:
        ours = hdus["CLUSTERS"].copy()
    ours.name = "MASS_LIMITED"
    fits.HDUList([fits.PrimaryHDU(), history, ours]).writeto(path, overwrite=True)
    assert load_clusters(path).data.tobytes() == clusters.data.tobytes()
    assert np.asarray(load_clusters(path, mmap=True).data).tobytes() == clusters.data.tobytes()
    other = ours.copy()
    other.name = "OTHER"
    fits.HDUList([fits.PrimaryHDU(), history, ours, other]).writeto(path, overwrite=True)
    with pytest.raises(ValueError, match=r"found \['MASS_LIMITED', 'OTHER'\]: name the one to read CLUSTERS"):
        load_clusters(path)
    other.data["redshift"] = 0.5
    other.name = "CLUSTERS"
    fits.HDUList([fits.PrimaryHDU(), history, ours, other]).writeto(path, overwrite=True)
    assert set(load_clusters(path).data["redshift"]) == {0.5}
    fits.HDUList([fits.PrimaryHDU(), history]).writeto(path, overwrite=True)
    with pytest.raises(ValueError, match=r"are missing, found \['STEP'\] in the table 'HISTORY'"):
        load_clusters(path)


def test_no_table(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    with pytest.raises(ValueError, match="must contain a binary table of clusters, found none"):
        load_clusters(tmp_path / "image.fits")


def test_no_rows(tmp_path, table):
    table[:0].write(tmp_path / "table.fits")
    with pytest.raises(ValueError, match="must contain at least one record"):
        load_clusters(tmp_path / "table.fits")


def test_gzipped(path, clusters):
    zipped = path.with_suffix(".fits.gz")
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert load_clusters(zipped).data.tobytes() == clusters.data.tobytes()
    zipped.write_bytes(zipped.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"cannot read .*clusters\.fits\.gz"):
        load_clusters(zipped)


@pytest.mark.parametrize("by_astropy", [False, True])
def test_records_stay_on_disk(path, table, clusters, by_astropy):
    if by_astropy:
        table.write(path, overwrite=True)
    mapped = load_clusters(path, mmap=True)
    assert isinstance(mapped.data, RecordsOnDisk)
    assert np.asarray(mapped.data).tobytes() == clusters.data.tobytes()
    np.testing.assert_array_equal(mapped.target, clusters.target)
    np.testing.assert_array_equal(mapped.groups, clusters.groups)
    np.testing.assert_array_equal(mapped.data[[5, 2]]["xray"], clusters.data["xray"][[5, 2]])
    assert not isinstance(load_clusters(path).data, RecordsOnDisk)  # it is small


def test_what_cannot_be_mapped(path, table):
    zipped = path.with_suffix(".fits.gz")
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    table["redshift"] = table["redshift"].astype(float)
    table.write(path, overwrite=True)
    for each in (path, zipped):
        load_clusters(each)
        with pytest.raises(
            ValueError, match="cannot be memory-mapped, because it is a pickle, compressed, or has"
        ):
            load_clusters(each, mmap=True)


def test_a_cut_file_is_not_mapped(path):
    path.write_bytes(path.read_bytes()[: 2 * 2880 + 3000])
    with pytest.raises(ValueError, match=r"cannot read .*clusters\.fits"):
        load_clusters(path, mmap=True)

"""Databases of clusters whose maps are in files that a table names."""

import tracemalloc

import h5py
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner

from darkcnn import make_records
from darkcnn.cli import main
from darkcnn.datasets import import_clusters, importing, load_clusters
from darkcnn.datasets.images import read_image

N = 7


def image(seed=0, n_pixels=110):
    """Asymmetric cluster in Msun / Mpc2, pixels of 20 kpc, some way off the middle."""
    y, x = (np.indices((n_pixels, n_pixels)) - (n_pixels - 1) / 2) * 20.0
    radius = np.hypot(x + 0.2 * y - 40, (y + 20) / 0.7)
    return (1 + 0.1 * seed) * 2e15 / (1 + radius / 150) ** 2 + 1e14 * (x > 500) * (y > 300)


@pytest.fixture
def table(tmp_path):
    """Table of clusters in FITS files, with a stack of X-ray maps."""
    for row in range(N):
        fits.writeto(tmp_path / f"halo{row}.fits", image(row).astype(">f4"))
    np.save(tmp_path / "xray.npy", np.stack([1e-28 * image(row) for row in range(N)])[::-1])
    table = Table(
        {
            "cluster_id": [f"FoF {row // 2}" for row in range(N)],
            "redshift": np.linspace(0.1, 0.4, N),
            "cross_section": [0.1 if row % 2 else 0 for row in range(N)],
            "total": [f"halo{row}.fits" for row in range(N)],
            "xray": ["xray.npy"] * N,
            "xray_row": np.arange(N)[::-1],
            "log_mass": [14.8] * N,
            "comment": ["ours"] * N,
        }
    )
    table.write(tmp_path / "table.csv")
    return tmp_path / "table.csv"


def expected():
    maps = np.stack([image(row).astype("f4") for row in range(N)])
    return make_records(
        total=maps,
        xray=np.stack([1e-28 * image(row) for row in range(N)]),
        pixel_scale=20,
        redshift=np.linspace(0.1, 0.4, N),
        cluster_id=[f"FoF {row // 2}" for row in range(N)],
        cross_section=[0.1 if row % 2 else 0 for row in range(N)],
        log_mass=14.8,
    )


def assert_same(path, wanted, rtol=1e-6):
    loaded = load_clusters(path, labelled=False)
    for name in wanted.data.dtype.names:
        np.testing.assert_allclose(loaded.data[name], wanted.data[name], rtol=rtol, atol=1e-7, err_msg=name)
    assert loaded.target.tolist() == wanted.target.tolist()


def test_files_give_what_arrays_give(table, tmp_path):
    made = import_clusters(table, tmp_path / "clusters.h5", pixel_scale=20, psf_fwhm=47.1)
    assert made.skipped == []
    assert made.blur == pytest.approx(20, abs=0.01)
    assert_same(tmp_path / "clusters.h5", expected())
    assert "7 clusters imported by darkcnn" in made.DESCR
    assert not (tmp_path / "clusters.h5.partial").exists()


@pytest.mark.parametrize("suffix", [".ecsv", ".fits"])
def test_tables_with_units(table, tmp_path, suffix):
    told = Table.read(table)
    told["pixel_scale"] = np.full(N, 0.02) * u.Mpc
    told["cross_section"] = told["cross_section"] * 1000 * u.cm**2 / u.kg
    told.rename_column("total", "TOTAL")
    told.write(tmp_path / f"table{suffix}")
    import_clusters(tmp_path / f"table{suffix}", tmp_path / "clusters.h5")
    assert_same(tmp_path / "clusters.h5", expected())


def test_headers_tell_unit_and_pixels(table, tmp_path):
    for row in range(N):
        header = fits.Header(
            {"BUNIT": "Msun / kpc2", "CDELT1": 20.0, "CDELT2": 20.0, "CUNIT1": "kpc", "CUNIT2": "kpc"}
        )
        fits.writeto(tmp_path / f"halo{row}.fits", image(row) / 1e6, header, overwrite=True)
    told = Table.read(table)
    told["xray_pixel_scale"] = 20.0
    told.write(tmp_path / "units.csv")
    import_clusters(tmp_path / "units.csv", tmp_path / "clusters.h5")
    assert_same(tmp_path / "clusters.h5", expected())
    with pytest.raises(
        ValueError, match="'total' must have one unit, got 'Msun / kpc2' in its file and 'g/cm2' in the table"
    ):
        import_clusters(tmp_path / "units.csv", tmp_path / "others.h5", units={"total": "g/cm2"})


def test_hdf5_datasets_and_logarithms(table, tmp_path):
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["group/mass"] = np.stack([np.log10(image(row) / 1e6) for row in range(N)])
        file["group/mass"].attrs["units"] = "dex(Msun / kpc2)"
    told = Table.read(table)
    told["total"], told["total_hdu"], told["total_row"] = "maps.h5", "group/mass", np.arange(N)
    told.write(tmp_path / "hdf5.csv")
    import_clusters(tmp_path / "hdf5.csv", tmp_path / "clusters.h5", pixel_scale=20)
    assert_same(tmp_path / "clusters.h5", expected())


def test_missing_maps_and_values_of_some_rows(table, tmp_path):
    told = Table.read(table)
    told["xray"] = ["" if row == 2 else "xray.npy" for row in range(N)]
    told["log_mass"] = ["" if row == 3 else "14.8" for row in range(N)]
    told.write(tmp_path / "gaps.csv")
    made = import_clusters(tmp_path / "gaps.csv", tmp_path / "clusters.h5", pixel_scale=20)
    assert np.isnan(made.data["xray_norm"]).tolist() == [row == 2 for row in range(N)]
    assert np.isnan(made.data["log_mass"]).tolist() == [row == 3 for row in range(N)]


def test_bad_files_are_named_or_left_out(table, tmp_path):
    (tmp_path / "halo2.fits").write_bytes(b"SIMPLE  =" + bytes(1000))
    (tmp_path / "halo4.fits").unlink()
    with pytest.raises(ValueError, match=r"row 2 \(cluster_id FoF 1\): cannot read .*halo2\.fits"):
        import_clusters(table, tmp_path / "clusters.h5", pixel_scale=20)
    made = import_clusters(table, tmp_path / "others.h5", pixel_scale=20, skip_bad=True)
    assert [row for row, _ in made.skipped] == [2, 4]
    wanted = expected()
    kept = [0, 1, 3, 5, 6]
    wanted.data, wanted.target = wanted.data[kept], wanted.target[kept]
    assert_same(tmp_path / "others.h5", wanted)


def test_an_interrupted_import_goes_on_where_it_was(table, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "_CHUNK", 2)
    (tmp_path / "halo1.fits").unlink()
    read, calls = importing.ClusterTable.read, []

    def read_five(self, row):
        calls.append(row)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return read(self, row)

    monkeypatch.setattr(importing.ClusterTable, "read", read_five)
    path = tmp_path / "clusters.h5"
    with pytest.raises(KeyboardInterrupt):
        import_clusters(table, path, pixel_scale=20, skip_bad=True)
    assert not path.exists()
    with pytest.raises(ValueError, match="was started with other settings"):
        import_clusters(table, path, pixel_scale=21, skip_bad=True)
    made = import_clusters(table, path, pixel_scale=20, skip_bad=True)
    assert calls == [0, 1, 2, 3, 4, 5, 4, 5, 6]
    assert [row for row, _ in made.skipped] == [1]
    wanted = expected()
    kept = [0, 2, 3, 4, 5, 6]
    wanted.data, wanted.target = wanted.data[kept], wanted.target[kept]
    assert_same(path, wanted)


def test_memory_does_not_grow_with_the_number_of_clusters(tmp_path):
    np.save(tmp_path / "maps.npy", np.stack([image()] * 4))
    peaks = []
    for n_clusters in (300, 900):
        Table(
            {
                "cluster_id": np.arange(n_clusters),
                "redshift": np.full(n_clusters, 0.2),
                "total": ["maps.npy"] * n_clusters,
                "total_row": np.arange(n_clusters) % 4,
            }
        ).write(tmp_path / f"{n_clusters}.csv")
        tracemalloc.start()
        import_clusters(
            tmp_path / f"{n_clusters}.csv", tmp_path / f"{n_clusters}.h5", pixel_scale=20, n_pixels=20
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1e6  # 600 more records are 2.9 MB


def test_warnings_are_given_once(tmp_path):
    panel = np.round(255 * image() / image().max()).astype(np.uint8)
    np.save(tmp_path / "panels.npy", np.stack([panel] * 3))
    Table(
        {
            "cluster_id": [1, 2, 3],
            "redshift": [0.2] * 3,
            "total": ["panels.npy"] * 3,
            "total_row": [0, 1, 2],
            "lensing_norm": [np.nan] * 3,
        }
    ).write(tmp_path / "t.fits")
    with pytest.warns(UserWarning, match=r"at most 256|blurs") as caught:
        import_clusters(tmp_path / "t.fits", tmp_path / "clusters.h5", pixel_scale=27)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "at most 256 distinct values" in messages[0]
    assert "blurs the maps by up to 6.4 kpc" in messages[1]  # 27 / sqrt(12 * 40 / 27)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"redshift": None}, r"must have rows with the columns 'cluster_id', 'redshift' and one of"),
        (
            {"total": None, "xray": None},
            r"must have rows with the columns 'cluster_id', 'redshift' and one of",
        ),
        ({"label": "CDM"}, "must have one of the columns 'label' and 'cross_section'"),
        ({"cross_section": 300.0}, "must be a label or 0 to 100 cm2/g, got .*: check the unit"),
        ({"redshift": -1.0}, "'redshift' must be 0 to 10"),
        ({"log_mass": [14.8, 14.8, 14.8, 14.8, 14.8, 14.8, 3e14]}, "'log_mass' must be 11 to 17"),
        ({"cluster_id": "FoF", "redshift": 0.2, "log_mass": np.linspace(14, 15, N)}, "must be one halo"),
        ({"xray_row": 9}, "row must be below 7, the number of images, got 9"),
        ({"total_hdu": 3}, "cannot read .*halo0.fits"),
        ({"xray_hdu": "maps"}, "a .npy file has no part 'maps'"),
        ({"total": "table.csv"}, "table.csv must be FITS, HDF5 or .npy"),
    ],
)
def test_wrong_tables_are_refused(table, tmp_path, changes, message):
    told = Table.read(table)
    for name, values in changes.items():
        if values is None:
            told.remove_column(name)
        else:
            told[name] = values
    told.write(tmp_path / "wrong.csv")
    with pytest.raises(ValueError, match=message):
        import_clusters(tmp_path / "wrong.csv", tmp_path / "clusters.h5", pixel_scale=20)


def test_pickles_are_not_read(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"cannot read .*objects\.npy"):
        read_image(tmp_path / "objects.npy")


def test_datasets_of_other_files_are_not_read(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["mass"] = image()
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["mass"] = h5py.ExternalLink("secret.h5", "mass")
        file["group"] = h5py.ExternalLink("secret.h5", "/")
    for name in ("mass", "group/mass"):
        with pytest.raises(ValueError, match="must contain the dataset"):
            read_image(tmp_path / "maps.h5", name)


def test_command(table, tmp_path):
    (tmp_path / "halo4.fits").unlink()
    out = tmp_path / "clusters.h5"
    arguments = ["import", str(table), "-o", str(out), "--pixel-scale", "0.02 Mpc", "-q"]
    failed = CliRunner().invoke(main, arguments)
    assert failed.exit_code == 1
    assert "halo4.fits" in failed.output
    result = CliRunner().invoke(main, [*arguments, "--skip-bad"])
    assert result.exit_code == 0, result.output
    assert "Skipped row 4 (cluster_id FoF 2)" in result.output
    assert f"Wrote 6 clusters to {out}" in result.output
    assert len(load_clusters(out).data) == 6
    wrong = CliRunner().invoke(main, [*arguments, "--unit", "gas=Msun"])
    assert "must be MAP=UNIT" in wrong.output

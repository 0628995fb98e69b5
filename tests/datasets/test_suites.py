"""Suites: simulations with their own physics."""

import h5py
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from joblib import parallel_config

from darkcnn.datasets import load_clusters, make_bunch, make_clusters, mock, save_clusters
from darkcnn.simulation import Physics

SETTINGS = {"cross_sections": (0, 1), "redshifts": (0.25,), "n_pixels": 10, "random_state": 5}


@pytest.fixture(scope="module")
def clusters():
    return make_clusters(3, n_suites=3, **SETTINGS)


def test_every_suite_has_its_own_halos_and_physics(clusters):
    assert clusters.suite.tolist() == np.repeat([0, 1, 2], 6).tolist()
    halos = [[0, 1, 2], [1000000, 1000001, 1000002], [2000000, 2000001, 2000002]]
    assert clusters.groups.tolist() == np.repeat(halos, 2).tolist()
    assert clusters.target.tolist() == ["CDM", "SIDM1"] * 9
    assert len(np.unique(clusters.data["log_mass"])) == 9
    assert len(np.unique(clusters.suites["gas_core"])) == 3
    assert "18 clusters of 3 halos in each of 3 suites at" in clusters.DESCR


def test_a_suite_does_not_depend_on_the_others(clusters):
    fewer = make_clusters(2, n_suites=2, **SETTINGS)
    same = (clusters.suite < 2) & (clusters.groups % 1_000_000 < 2)
    np.testing.assert_array_equal(fewer.data, clusters.data[same])
    assert fewer.suites["core_blur"].tolist() == clusters.suites["core_blur"][:2].tolist()


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_suites_do_not_depend_on_the_number_of_jobs(clusters, backend, monkeypatch):
    monkeypatch.setattr(mock, "_CLUSTERS_PER_TASK", 2)
    with parallel_config(backend=backend):
        together = make_clusters(3, n_suites=3, **SETTINGS, n_jobs=2)
    for name in ("data", "galaxies", "suite", "core_radius"):
        np.testing.assert_array_equal(together[name], clusters[name])


def test_a_list_of_physics_makes_a_suite_of_each(clusters):
    physics = [Physics(log_mass_range=(15, 15)), Physics(log_mass_range=(14.5, 14.5)), Physics()]
    chosen = make_clusters(1, physics=physics, **SETTINGS)
    np.testing.assert_allclose(chosen.data["log_mass"][:4], [15, 15, 14.5, 14.5])
    assert chosen.suites["log_mass_range"][:2].tolist() == [[15, 15], [14.5, 14.5]]
    drawn = make_clusters(3, physics=[Physics().draw(np.random.RandomState([5, 0]))], **SETTINGS)
    np.testing.assert_array_equal(drawn.data, clusters.data[clusters.suite == 0])
    plain = make_clusters(1, physics=[Physics()], **SETTINGS)
    np.testing.assert_array_equal(plain.data, make_clusters(1, **SETTINGS).data)
    assert plain.suite.tolist() == [0, 0]


def test_the_table_lists_what_was_drawn(clusters):
    table = clusters.suites
    assert table["suite"].tolist() == [0, 1, 2]
    assert len(table.colnames) == 1 + len(Physics.table())
    drawn = Physics().draw(np.random.RandomState([5, 2]))
    assert table["gas_core"][2] == drawn.gas_core
    assert table["gas_core"].unit == units.kpc
    assert table["core_scatter"][2] == drawn.core_scatter.size
    assert table["gas_clumping_scales"][2].tolist() == list(drawn.gas_clumping_scales)


def test_one_simulation_has_no_suites():
    plain = make_clusters(1, **SETTINGS)
    assert plain.suite is None
    assert "suites" not in plain


def test_independent_clusters_of_suites():
    clusters = make_clusters(4, n_suites=2, paired=False, **SETTINGS)
    assert clusters.suite.tolist() == [0] * 4 + [1] * 4
    assert clusters.target.tolist() == ["CDM", "SIDM1"] * 4
    assert len(np.unique(clusters.groups)) == 8


def test_suites_go_to_disk_and_come_back(tmp_path, clusters, monkeypatch):
    monkeypatch.setattr(mock, "_CLUSTERS_PER_TASK", 2)
    written = make_clusters(3, n_suites=3, **SETTINGS, path=tmp_path / "clusters.h5")
    save_clusters(tmp_path / "clusters.fits", clusters)
    for loaded in (written, *map(load_clusters, (tmp_path / "clusters.h5", tmp_path / "clusters.fits"))):
        assert loaded.suite.dtype == np.int64
        assert loaded.suite.tolist() == clusters.suite.tolist()
        np.testing.assert_array_equal(np.asarray(loaded.data), clusters.data)
        assert loaded.suites.colnames == clusters.suites.colnames
        for name in clusters.suites.colnames:
            read, made = loaded.suites[name], clusters.suites[name]
            assert read.tolist() == made.tolist()
            assert (read.unit, read.description or None, read.format) == (
                made.unit,
                made.description,
                made.format,
            )


def test_names_of_suites_become_numbers(tmp_path, clusters):
    names = ["TNG", "7"] * 9
    bunch = make_bunch(clusters.data, clusters.target, suite=names)
    save_clusters(tmp_path / "clusters.h5", clusters.data, clusters.target, suite=names)
    assert load_clusters(tmp_path / "clusters.h5").suite.tolist() == bunch.suite.tolist()
    assert bunch.suite[1] == 7
    assert bunch.suite[0] == bunch.suite[2] != 7


@pytest.mark.parametrize("suite", [np.ma.array([0] * 18, mask=[0] * 17 + [1]), [0] * 17 + [np.nan]])
def test_suites_must_be_known(tmp_path, clusters, suite):
    with pytest.raises(ValueError, match="the suite of row 17"):
        make_bunch(clusters.data, clusters.target, suite=suite)
    with pytest.raises(ValueError, match="the suite of row 17"):
        save_clusters(tmp_path / "clusters.h5", clusters.data, clusters.target, suite=suite)


def test_every_cluster_has_a_suite(tmp_path, clusters):
    with pytest.raises(ValueError, match="suite must contain one number for each of the 18 records"):
        save_clusters(tmp_path / "clusters.h5", clusters.data, clusters.target, suite=[0])
    with pytest.raises(ValueError, match="suite, target, galaxies and description must not be given"):
        save_clusters(tmp_path / "clusters.h5", clusters, suite=clusters.suite)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_suites": 0}, ValueError, "n_suites must be an integer of 1 or more, got 0"),
        ({"n_suites": 2.0}, ValueError, "n_suites must be an integer of 1 or more, got 2.0"),
        ({"n_suites": 2, "physics": Physics()}, ValueError, "physics must not be given with n_suites"),
        ({"physics": []}, ValueError, "physics must contain the physics of at least one suite, got an empty"),
        ({"physics": [Physics(), None]}, TypeError, "physics must be .* got a list of NoneType"),
        ({"n_suites": 1, "n_halos": 1_000_001}, ValueError, "n_halos must be at most 1,000,000 in each"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        make_clusters(**{"n_halos": 1, **arguments})


@pytest.mark.parametrize("names", [["TNG", "7"] * 9, [3, 7] * 9])
def test_files_by_other_programs_may_tell_the_suite(tmp_path, clusters, names):
    save_clusters(tmp_path / "clusters.h5", clusters.data, clusters.target)
    with h5py.File(tmp_path / "clusters.h5", "r+") as file:
        file["Suite"] = np.array(names, dtype="S" if isinstance(names[0], str) else ">i4")
    table = Table(clusters.data)
    table["label"], table["SUITE"] = clusters.target, names
    table.write(tmp_path / "clusters.fits")
    expected = make_bunch(clusters.data, clusters.target, suite=names).suite.tolist()
    for suffix in (".h5", ".fits"):
        assert load_clusters(tmp_path / f"clusters{suffix}").suite.tolist() == expected
    with h5py.File(tmp_path / "clusters.h5", "r+") as file:
        del file["Suite"]
        file["suite"] = ["TNG"] * 18  # text of any length
    with pytest.raises(ValueError, match="'suite' must contain ordinary numbers or text of fixed length"):
        load_clusters(tmp_path / "clusters.h5")


def test_other_things_called_suites_are_ignored(tmp_path, clusters):
    for suffix in (".h5", ".fits"):
        save_clusters(tmp_path / f"clusters{suffix}", clusters.data, clusters.target)
    with h5py.File(tmp_path / "clusters.h5", "r+") as file:
        file["suites"] = np.array([b"TNG", b"EAGLE"])
    with fits.open(tmp_path / "clusters.fits", mode="update") as hdus:
        hdus.append(fits.BinTableHDU(Table({"name": ["TNG"]}).as_array(), name="SUITES"))
        hdus[0].header["NEXTEND"] += 1
    for suffix in (".h5", ".fits"):
        assert "suites" not in load_clusters(tmp_path / f"clusters{suffix}")

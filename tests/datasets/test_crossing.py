"""Every kind of file × every kind of label × maps that are there, in some clusters and in none."""

import gzip

import numpy as np
import pytest

from darkcnn.datasets import load_clusters, make_bunch, save_clusters
from darkcnn.records import join_labels, record_dtype

LABELS = {
    "SIDM": ["CDM", "SIDM0.1", "SIDM1"],
    "vdSIDM": ["CDM", "SIDM0.1", "vdSIDM3.04w560"],
    "joint": ["CDM/weak", "SIDM1/strong", "vdSIDM3.04w560/strong"],
    "unlabelled": None,
}
MISSING = {"none": [], "one": [4], "all": slice(None)}


def in_memory(folder, clusters, mmap):
    target = None if clusters.target is None else join_labels(clusters.target, clusters.feedback)
    return make_bunch(clusters.data, target, galaxies=clusters.galaxies, description=clusters.DESCR)


def in_file(suffix):
    def write_and_read(folder, clusters, mmap):
        path = folder / f"clusters{suffix}"
        save_clusters(path, clusters)
        return load_clusters(path, mmap=mmap, labelled=clusters.target is not None)

    return write_and_read


def in_gzip(folder, clusters, mmap):
    save_clusters(folder / "clusters.fits", clusters)
    (folder / "clusters.fits.gz").write_bytes(gzip.compress((folder / "clusters.fits").read_bytes()))
    return load_clusters(folder / "clusters.fits.gz", labelled=clusters.target is not None)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize(
    "write_and_read",
    [
        pytest.param(in_file(".h5"), id="h5"),
        pytest.param(in_file(".fits"), id="fits"),
        pytest.param(in_gzip, id="fits.gz"),
        pytest.param(in_memory, id="memory"),
    ],
)
def test_what_is_written_is_read(tmp_path, clusters, write_and_read, labels, missing, mmap):
    clusters.data["stellar"][MISSING[missing]] = np.nan
    clusters.data["stellar_norm"][MISSING[missing]] = np.nan
    target = None if LABELS[labels] is None else np.resize(LABELS[labels], 8)
    expected = make_bunch(clusters.data, target, galaxies=clusters.galaxies, description=clusters.DESCR)
    found = write_and_read(tmp_path, expected, mmap)
    assert set(found) == set(expected)
    assert np.asarray(found.data).dtype == record_dtype(6)
    for name in ("data", "galaxies", "groups", "cross_sections", "target_names"):
        assert np.asarray(found[name]).tobytes() == np.asarray(expected[name]).tobytes(), name
    for name in ("target", "feedback"):
        np.testing.assert_array_equal(found[name], expected[name])
    assert (found.DESCR, found.pixel_scale) == (expected.DESCR, expected.pixel_scale)

import json

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.utils import Bunch

from darkcnn.datasets import load_clusters, make_bunch, make_clusters, save_clusters
from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.persistence import (
    describe_clusters,
    describe_training,
    is_training_set,
    rows_of_new_halos,
    stored_validation,
)
from darkcnn.records import ObservedRecords, RecordsOnDisk


def part(clusters, rows):
    return make_bunch(clusters.data[rows], clusters.target[rows])


@pytest.fixture(scope="module")
def other():
    """Other halos, whose ids happen to be the same."""
    return make_clusters(6, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=1)


def test_scale_and_versions_are_kept(clusters):
    training = describe_training(clusters)
    assert training["pixel_scale"] == 100  # kpc: 2 Mpc in 20 pixels
    assert {"darkcnn", "keras", "numpy", "python"} <= set(training["versions"])


def test_a_halo_seen_at_one_redshift_is_seen_at_all(clusters):
    known = part(clusters, np.flatnonzero((clusters.groups < 4) & (clusters.data["redshift"] == 0)))
    rows = rows_of_new_halos(describe_training(known), clusters)
    assert sorted(set(clusters.groups[rows])) == [4, 5]
    assert len(rows) == 8


def test_one_map_gives_a_halo_away_under_any_id(clusters):
    renamed = make_bunch(clusters.data.copy(), clusters.target)
    renamed.data["cluster_id"] += 100
    training = describe_training(part(clusters, np.flatnonzero(clusters.groups < 4)))
    rows = rows_of_new_halos(training, renamed, compare_ids=False)
    assert sorted(set(renamed.groups[rows])) == [104, 105]


def test_equal_ids_count_as_equal_halos_unless_told_otherwise(clusters, other):
    training = describe_training(clusters)
    assert len(rows_of_new_halos(training, other)) == 0
    np.testing.assert_array_equal(rows_of_new_halos(training, other, compare_ids=False), np.arange(12))


def test_a_set_of_another_size_is_told_without_looking_at_its_maps(clusters, monkeypatch):
    training = describe_training(clusters)
    assert is_training_set(training, clusters)
    monkeypatch.setattr(
        "darkcnn.persistence.notes.fingerprint_clusters", lambda records: pytest.fail("looked")
    )
    assert not is_training_set(training, part(clusters, np.arange(20)))


@pytest.mark.parametrize("suffix", ["h5", "fits"])
def test_fingerprints_survive_files(clusters, tmp_path, suffix):
    path = tmp_path / f"clusters.{suffix}"
    save_clusters(path, clusters)
    written = describe_training(load_clusters(path), path)
    assert written["fingerprints"] == describe_training(clusters)["fingerprints"]
    assert written["database"] == str(path)
    assert len(written["sha256"]) == 64


def test_a_path_may_be_a_string(clusters, tmp_path):
    path = tmp_path / "clusters.h5"
    save_clusters(path, clusters)
    described = describe_clusters(clusters, str(path))
    assert described == describe_clusters(clusters, path)
    assert described["database"] == str(path)


def test_classes_are_counted_in_a_form_that_files_keep(clusters):
    described = describe_clusters(part(clusters, np.arange(15)))
    assert json.loads(json.dumps(described)) == described
    counts = {name: int(np.sum(clusters.target[:15] == name)) for name in ("CDM", "SIDM1")}
    assert described["clusters_of_class"] == counts
    assert sum(counts.values()) == 15


@pytest.mark.parametrize("form", ["on disk", "observed", "some on disk"])
def test_fingerprints_are_those_of_the_array_in_every_form(clusters, tmp_path, form):
    save_clusters(tmp_path / "clusters.h5", clusters)
    lazy = load_clusters(tmp_path / "clusters.h5", mmap=True).data
    assert isinstance(lazy, RecordsOnDisk)
    rows = np.arange(24)[::-2] if form == "some on disk" else np.arange(24)
    data = ObservedRecords(lazy) if form == "observed" else lazy[rows]
    known = describe_training(part(clusters, rows))
    assert is_training_set(known, Bunch(data=data, groups=clusters.groups[rows]))


def test_clusters_without_a_map_of_mass_are_told_apart_by_another(clusters):
    blank = make_bunch(clusters.data.copy(), clusters.target)
    blank.data["total"] = np.nan
    training = describe_training(part(blank, np.flatnonzero(clusters.groups < 4)))
    assert sorted(set(blank.groups[rows_of_new_halos(training, blank, compare_ids=False)])) == [4, 5]
    for name in ("xray", "stellar"):
        blank.data[name] = np.nan
    training = describe_training(blank)
    assert (
        len(rows_of_new_halos(training, blank, compare_ids=False)) == 24
    )  # nothing tells that they are known


def test_pixels_that_are_not_known_have_one_fingerprint(clusters):
    some = part(clusters, np.arange(4))
    some.data["total"][:, 0, 0] = np.nan
    training = describe_training(some)
    some.data["total"][:, 0, 0] = -np.float32(np.nan)
    assert is_training_set(training, some)


@pytest.mark.parametrize("training", [None, [], {}, {"fingerprints": 1}], ids=repr)
def test_damaged_notes_are_refused(clusters, training):
    for function in (rows_of_new_halos, is_training_set, stored_validation):
        with pytest.raises(ValueError, match="notes on the training set must be"):
            function(training, clusters)


@pytest.mark.parametrize(
    "change",
    [
        {"test_rows": [[99]]}, {"test_rows": [["a"]]}, {"test_rows": 1}, {"classes": 1}, {"scores": []},
        {"probabilities": {"prior": [[[0.5, 0.5]]]}}, {"probabilities": {"prior": [[["a"]]]}},
        {"test_over_train": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_validation_is_refused(clusters, change):
    training = describe_training(clusters)
    training["validation"] = {
        "classes": ["CDM", "SIDM1"],
        "test_rows": [[0, 1]],
        "test_over_train": 0.5,
        "scores": {"prior": [0.5]},
        "probabilities": {"prior": [[[0.5, 0.5], [0.4, 0.6]]]},
    }
    assert stored_validation(training, clusters).confusion("prior").sum() == 2
    training["validation"] |= change
    with pytest.raises(ValueError, match="the validation in the notes is damaged"):
        stored_validation(training, clusters)


@pytest.mark.parametrize("train_size", [None, 0.5])
def test_validation_comes_back(clusters, train_size):
    validation = cross_validate_by_cluster(
        {"prior": DummyClassifier(strategy="prior")},
        clusters.data,
        clusters.target,
        clusters.groups,
        n_splits=3,
        n_repeats=2,
        train_size=train_size,
        random_state=0,
    )
    training = json.loads(json.dumps(describe_training(clusters, validation=validation)))
    kept = stored_validation(training, clusters)
    np.testing.assert_array_equal(kept.confusion("prior"), validation.confusion("prior"))
    np.testing.assert_array_equal(kept.scores["prior"], validation.scores["prior"])
    assert kept.standard_error("prior") == validation.standard_error("prior")
    for (train, test), (kept_train, kept_test) in zip(validation.splits, kept.splits, strict=True):
        np.testing.assert_array_equal(train, kept_train)
        np.testing.assert_array_equal(test, kept_test)
    assert stored_validation(training, part(clusters, np.arange(24)[::-1])) is None
    assert stored_validation(describe_training(clusters), clusters) is None

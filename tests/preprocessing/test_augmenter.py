import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from darkcnn import MapSelector, RotationFlipAugmenter, XrayNoise, augment
from darkcnn.preprocessing import Views, as_maps, rotate
from darkcnn.records import ObservedRecords, RecordsOnDisk, record_dtype


@pytest.fixture
def image():
    return np.random.default_rng(0).random((20, 20, 3), dtype=np.float32)


def test_angles_cover_the_circle_evenly():
    augmenter = RotationFlipAugmenter(8, random_state=3).fit(np.zeros((2, 8, 8, 1)))
    np.testing.assert_allclose(np.diff(augmenter.angles_), 2 * np.pi / 8)
    assert augmenter.flips_.sum() == 4
    assert not RotationFlipAugmenter(8, flip=False, random_state=3).fit(np.zeros((2, 8, 8, 1))).flips_.any()


def test_views_are_those_of_turn(image):
    X = np.stack([image, image[::-1]])
    augmenter = RotationFlipAugmenter(5, random_state=0).fit(X)
    views = np.asarray(augmenter.transform(X))
    assert views.shape == (2, 5, 20, 20, 3)
    for row in range(2):
        for view in range(5):
            expected = rotate(X[row], augmenter.angles_[view], augmenter.flips_[view])
            np.testing.assert_array_equal(views[row, view], expected)


def test_views_are_a_function_of_each_row():
    X = np.random.default_rng(0).random((6, 10, 10, 2), dtype=np.float32)
    augmenter = RotationFlipAugmenter(3, random_state=0)
    views = augmenter.fit_transform(X)
    rows = np.array([4, 0, 5])
    np.testing.assert_array_equal(np.asarray(views[rows]), np.asarray(views)[rows])
    np.testing.assert_array_equal(np.asarray(augmenter.transform(X[rows])), np.asarray(views)[rows])
    np.testing.assert_array_equal(views[4], np.asarray(views)[4])
    drawn = views.draw(np.array([4, 4, 1]), np.array([2, 0, 1]))
    np.testing.assert_array_equal(drawn, np.asarray(views)[[4, 4, 1], [2, 0, 1]])


def test_each_epoch_sees_other_angles_of_the_same_fan():
    views = RotationFlipAugmenter(4, random_state=0).fit_transform(np.zeros((1, 8, 8, 1)))
    offsets, mirrored = [], []
    for epoch in range(20):
        again = views.redrawn(np.random.default_rng(epoch))
        offset = again.angles - views.angles
        assert np.ptp(offset) == pytest.approx(0)
        offsets.append(offset[0])
        mirrored.append(tuple(again.flips ^ views.flips))
    assert len(set(np.round(offsets, 6))) == 20
    assert set(mirrored) == {(True,) * 4, (False,) * 4}


def test_memory_does_not_grow_with_the_views(image):
    maps = as_maps(np.stack([image] * 10))
    views = RotationFlipAugmenter(1000, random_state=0).fit_transform(maps)
    assert views.maps is maps
    assert len(pickle.dumps(views)) < 1.5 * len(pickle.dumps(maps)) + 20_000


def test_same_seed_same_views_and_nothing_is_changed(image):
    X = np.stack([image, image])
    before = X.copy()
    augmenter = RotationFlipAugmenter(3, random_state=7)
    first = np.asarray(augmenter.fit_transform(X))
    np.testing.assert_array_equal(np.asarray(clone(augmenter).fit_transform(X)), first)
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(augmenter)).transform(X)), first)
    np.testing.assert_array_equal(X, before)
    assert augmenter.get_params() == {"flip": True, "n_views": 3, "random_state": 7}


def test_attributes_and_groups_stay_with_their_rows(clusters):
    maps = MapSelector(attributes=("redshift",)).fit_transform(clusters.data)
    picked = RotationFlipAugmenter(2).fit_transform(maps)[[5, 3]]
    np.testing.assert_array_equal(picked.maps.attributes, maps.attributes[[5, 3]])
    np.testing.assert_array_equal(picked.maps.groups, maps.groups[[5, 3]])


def test_bad_input_is_refused(clusters):
    augmenter = RotationFlipAugmenter()
    with pytest.raises(NotFittedError):
        augmenter.transform(np.zeros((2, 8, 8, 1)))
    with pytest.raises(ValueError, match="square maps to be rotated, got 8 x 9 pixels"):
        augmenter.fit(np.zeros((2, 8, 9, 1)))
    with pytest.raises(ValueError, match=r"got shape \(2, 8\)"):
        augmenter.fit(np.zeros((2, 8)))
    with pytest.raises(TypeError, match="add a MapSelector before"):
        augmenter.fit(clusters.data)
    with pytest.raises(ValueError, match=r"'n_views' parameter.*Got 0"):
        RotationFlipAugmenter(0).fit(np.zeros((2, 8, 8, 1)))
    with pytest.raises(ValueError, match=r"\(9, 9, 1\), but \(8, 8, 1\) were seen at fit"):
        augmenter.fit(np.zeros((2, 8, 8, 1))).transform(np.zeros((2, 9, 9, 1)))


def test_augment_makes_rows(image):
    X = np.stack([image, image[::-1]])
    X_views, y_views, source = augment(X, ["CDM", "SIDM1"], n_rotations=4, random_state=0)
    assert X_views.shape == (8, 20, 20, 3)
    np.testing.assert_array_equal(source, [0] * 4 + [1] * 4)
    np.testing.assert_array_equal(y_views, ["CDM"] * 4 + ["SIDM1"] * 4)
    assert len(np.unique(X_views, axis=0)) == 8


def test_augment_turns_the_shape_of_the_central_galaxy_with_the_maps():
    # An elongated central galaxy, far from round, whose ellipticity can be measured on any view.
    axis = np.arange(41) - 20
    x, y = np.meshgrid(axis, axis)
    galaxy = np.exp(-((x * 0.8 + y * 0.6) ** 2 / 12 + (y * 0.8 - x * 0.6) ** 2 / 4))

    def ellipticity(image):
        ixx, iyy, ixy = (image * x * x).sum(), (image * y * y).sum(), (image * x * y).sum()
        return (ixx - iyy) / (ixx + iyy), 2 * ixy / (ixx + iyy)

    records = np.zeros(1, record_dtype(41))
    records["stellar"][0] = galaxy
    records["cluster_id"] = 7
    records["bcg_e1"], records["bcg_e2"] = ellipticity(galaxy)
    views, _, _ = augment(records, ["CDM"], n_rotations=12, random_state=1)
    measured = np.array([ellipticity(image) for image in views["stellar"].astype(float)])
    # Interpolation adds up to 1/4 square pixel to the moments (6 and 2): 0.03 of the ellipticity at most.
    np.testing.assert_allclose(np.transpose([views["bcg_e1"], views["bcg_e2"]]), measured, atol=0.04)
    assert np.ptp(measured, axis=0).min() > 0.5  # the views do point in many directions
    np.testing.assert_array_equal(views["cluster_id"], 7)


def test_augment_takes_records_on_disk(clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    mapped = np.load(tmp_path / "records.npy", mmap_mode="r")
    expected = augment(clusters.data, clusters.target, n_rotations=2, random_state=0)
    for records in (mapped, RecordsOnDisk.from_memmap(mapped), np.ma.array(clusters.data)):
        for got, wanted in zip(augment(records, clusters.target, 2, random_state=0), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_augment_turns_what_a_telescope_saw_by_whole_quarters(clusters):
    seen = np.asarray(XrayNoise(random_state=0).fit_transform(clusters.data))
    views, _, source = augment(ObservedRecords(seen), clusters.target, n_rotations=3, random_state=0)
    for view, row in zip(views, source, strict=True):
        quarters = [
            np.rot90(image, n) for image in (seen["xray"][row], seen["xray"][row][:, ::-1]) for n in range(4)
        ]
        assert any((view["xray"] == quarter).all() for quarter in quarters)
        size = np.hypot(view["bcg_e1"], view["bcg_e2"])
        assert size == pytest.approx(np.hypot(seen["bcg_e1"][row], seen["bcg_e2"][row]), rel=1e-5)


def test_augment_draws_noise_for_each_view(clusters):
    observed = XrayNoise(random_state=0).fit_transform(clusters.data)
    views, _, _ = augment(observed, clusters.target, n_rotations=3, random_state=0)
    assert views.dtype == observed.dtype
    np.testing.assert_array_equal(views["xray"], views["xray"].round())  # photons, not turned afterwards
    assert len(np.unique(views["xray"], axis=0)) == 3 * len(observed)
    np.testing.assert_array_equal(views["xray_norm"], np.repeat(observed["xray_norm"], 3))


def test_augment_leaves_maps_that_are_not_known_as_they_are(clusters):
    records = clusters.data.copy()
    records["stellar"][3] = np.nan
    views, _, source = augment(records, clusters.target, n_rotations=2, random_state=0)
    np.testing.assert_array_equal(np.isnan(views["stellar"]).all(axis=(1, 2)), source == 3)
    assert np.isfinite(views["total"]).all()


def test_augment_refuses():
    with pytest.raises(ValueError, match="n_rotations must be an integer of at least 1, got 0"):
        augment(np.zeros((2, 8, 8, 1)), [0, 1], n_rotations=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        augment(np.zeros((2, 8, 8, 1)), [0])


def test_views_of_one_map():
    single = np.asarray(Views(as_maps(np.ones((1, 4, 4, 1))), np.zeros(1), np.zeros(1, bool)))
    np.testing.assert_array_equal(single, np.ones((1, 1, 4, 4, 1)))

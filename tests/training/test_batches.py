import keras
import numpy as np
import pytest
from sklearn.base import clone

from darkcnn import RotationFlipAugmenter, WeakLensingNoise
from darkcnn.preprocessing import Maps, MapSelector, as_views
from darkcnn.training import batches as batches_module
from darkcnn.training.batches import Batches


def test_every_epoch_takes_every_view_once(marked_maps):
    X, y = marked_maps
    views = RotationFlipAugmenter(3, random_state=0).fit_transform(X)
    batches = Batches(views, 32, targets=np.eye(2)[(y == "SIDM1").astype(int)], seed=1)
    assert len(batches) == 4  # 120 views
    orders = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        orders.append(batches.order)
        np.testing.assert_array_equal(np.sort(batches.order), np.arange(120))
        targets = np.concatenate([batches[index][1] for index in range(4)])
        np.testing.assert_array_equal(targets[:, 1] == 1, (y == "SIDM1")[batches.order // 3])
    assert (orders[0] != orders[1]).any()


def test_the_checksum_is_that_of_all_that_is_served(marked_maps, clusters):
    X, y = marked_maps
    targets = np.eye(2)[(y == "SIDM1").astype(int)]
    views = RotationFlipAugmenter(2, random_state=0).fit_transform(X)
    mirrored = RotationFlipAugmenter(2, flip=False, random_state=0).fit_transform(X)
    noisy = [
        MapSelector(("total",)).fit_transform(noise.fit_transform(clusters.data[:8]))
        for noise in (WeakLensingNoise(random_state=0), WeakLensingNoise(random_state=1), WeakLensingNoise(9))
    ]
    served = [
        Batches(views, 32, targets=targets),
        Batches(views._with(mirror=False), 32, targets=targets),  # never mirrored in later epochs
        Batches(mirrored, 32, targets=targets),
        Batches(views, 32, targets=1 - targets),
        Batches(views, 32, targets=targets, weights=np.arange(40)),
        Batches(as_views(X), 32, targets=targets),
        Batches(as_views(X + 1), 32, targets=targets),
        *(Batches(as_views(maps), 32, targets=targets[:8]) for maps in noisy),
    ]
    assert len({batches.checksum() for batches in served}) == len(served)
    assert Batches(views, 8, targets=targets, seed=3).checksum() == served[0].checksum()


@pytest.mark.slow
def test_rings_are_computed_once_and_change_no_bits(small, marked_maps, monkeypatch, tmp_path):
    X, y = marked_maps
    polar = small(architecture="polar", network_options={"n_radii": 8, "width": 0.25}, epochs=2)
    drawn, draw = [], Maps.draw

    def counted(maps, rows):
        drawn.append(len(draw(maps, rows)))
        return draw(maps, rows)

    monkeypatch.setattr(Maps, "draw", counted)
    np.save(tmp_path / "maps.npy", X)
    once = clone(polar).fit(np.load(tmp_path / "maps.npy", mmap_mode="r"), y)
    assert sum(drawn) == 2 * len(X)  # for the standardisation, and for the rings
    drawn.clear()
    monkeypatch.setattr(batches_module, "_MAX_RINGS", len(X) - 1)
    anew = clone(polar).fit(X, y)
    assert sum(drawn) >= 3 * len(X)
    rounding = 1e-4 if keras.backend.backend() == "jax" else 0  # which fuses operations
    for one, other in zip(once.weights_, anew.weights_, strict=True):
        np.testing.assert_allclose(one, other, rtol=rounding)
    np.testing.assert_allclose(once.predict_proba(X), anew.predict_proba(X), rtol=rounding)


def test_views_that_change_are_never_replaced_by_rings(marked_maps, clusters):
    X, _ = marked_maps
    noisy = MapSelector(("total",)).fit_transform(
        WeakLensingNoise(random_state=0).fit_transform(clusters.data[:8])
    )
    assert Batches(as_views(X), 8).may_start_from_rings
    for views in (as_views(noisy), RotationFlipAugmenter(2).fit_transform(X)):
        assert not Batches(views, 8).may_start_from_rings

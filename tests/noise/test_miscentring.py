import numpy as np
import pytest

from darkcnn import WeakLensingNoise, XrayNoise, default_pipeline, load_model, save_model
from darkcnn.noise import Miscentring
from darkcnn.records import MAPS


def test_all_maps_move_alike_by_whole_pixels(clusters):
    shifted = Miscentring(1.0, scale=200, random_state=0).fit_transform(clusters.data)
    moved = 0
    for before, after in zip(clusters.data, np.asarray(shifted), strict=True):
        candidates = [
            (dy, dx)
            for dy in range(-8, 9)
            for dx in range(-8, 9)
            if all(
                np.array_equal(
                    after[name][max(0, -dy) : 20 - max(0, dy), max(0, -dx) : 20 - max(0, dx)],
                    before[name][max(0, dy) : 20 + min(0, dy), max(0, dx) : 20 + min(0, dx)],
                )
                for name in MAPS
            )
        ]
        assert len(candidates) == 1
        moved += candidates != [(0, 0)]
    assert moved > 0.8 * len(clusters.data)
    for name in set(clusters.data.dtype.names) - set(MAPS):
        np.testing.assert_array_equal(shifted[name], clusters.data[name])


def test_offsets_have_their_scale_and_fraction(blank_records):
    records = blank_records(2000, 50)
    for name in MAPS:
        records[name][:, 25, 25] = 1
    shifted = Miscentring(0.4, scale=160, random_state=0).fit_transform(records)["stellar"]
    y, x = np.array([np.unravel_index(image.argmax(), image.shape) for image in shifted]).T - 25
    moved = (x != 0) | (y != 0)
    # Of 160 kpc, 4 pixels: one of a hundred offsets rounds to none.
    assert moved.mean() == pytest.approx(0.4, abs=0.04)
    for axis in (x[moved], y[moved]):
        assert axis.std() == pytest.approx(4, rel=0.06)
        assert abs(axis.mean()) < 0.6


def test_an_offset_beyond_the_map_is_mirrored(blank_records):
    records = blank_records(3, 4, total=np.arange(16).reshape(4, 4) / 16)
    shifted = Miscentring(1.0, scale=50_000, random_state=0).fit_transform(records)["total"]
    assert np.isin(shifted, records["total"]).all()


def test_rows_do_not_depend_on_the_others(clusters):
    shifted = Miscentring(0.5, random_state=0).fit_transform(clusters.data)
    np.testing.assert_array_equal(np.asarray(shifted[[7, 3]]), np.asarray(shifted)[[7, 3]])


def test_what_is_observed_is_not_shifted(clusters):
    for noise in (WeakLensingNoise(random_state=0), XrayNoise(random_state=0)):
        with pytest.raises(
            ValueError, match="Miscentring must come before the noise of observations, got Obs"
        ):
            Miscentring().fit(noise.fit_transform(clusters.data))


def test_pipelines_keep_the_scale_of_what_is_only_shifted(clusters, tmp_path):
    pipeline = default_pipeline(
        "simple", noise=[Miscentring(), XrayNoise()], n_views=1, epochs=1, network_options={"width": 0.25}
    )
    assert list(pipeline.named_steps)[:2] == ["miscentre", "observe_xray"]
    assert pipeline["scale"].stretch == ("log", "asinh", "log")
    pipeline.fit(clusters.data, clusters.target)
    save_model(pipeline, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(clusters.data), pipeline.predict_proba(clusters.data))

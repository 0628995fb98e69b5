import warnings

import pytest
from sklearn.utils import Bunch

from darkcnn.persistence import describe_training, warn_about_blur


@pytest.mark.parametrize(("trained", "blur"), [(0.0, 17.0), (12.0, 25.0)])
def test_maps_blurred_much_more_than_the_training_set_raise_a_warning(trained, blur):
    with pytest.warns(
        UserWarning,
        match=rf"maps are blurred by {blur:g} kpc .* those of the training set by {trained:g} kpc",
    ):
        assert warn_about_blur({"blur": trained}, Bunch(blur=blur, pixel_scale=40.0))


@pytest.mark.parametrize(
    ("training", "blur"),
    [({"blur": 0.0}, 15.0), ({"blur": 20.0}, 22.0), ({"blur": None}, 50.0), ({}, 50.0), (None, 50.0)],
)
def test_small_or_unknown_difference_in_blur_raises_no_warning(training, blur):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not warn_about_blur(training, Bunch(blur=blur, pixel_scale=40.0))
        assert not warn_about_blur(training, Bunch(pixel_scale=40.0))


def test_notes_say_the_blur_of_the_training_set(clusters):
    assert clusters.blur == 0
    assert describe_training(clusters)["blur"] == 0

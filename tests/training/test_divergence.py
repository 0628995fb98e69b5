import keras
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from darkcnn import DarkCNNClassifier


class Poison(keras.callbacks.Callback):
    """Put a NaN into the weights, in the middle of an epoch or after its last batch."""

    def __init__(self, epoch, *, at_the_end=False):
        super().__init__()
        self.epoch, self.at_the_end = epoch, at_the_end
        self.now = None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == (4 if self.at_the_end else 1):
            if keras.backend.backend() == "jax":  # which keeps the weights elsewhere during an epoch
                self.model.jax_state_sync()
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.nan))


def classifier(**parameters):
    return DarkCNNClassifier(
        "simple",
        **{"network_options": {"width": 0.5}, "epochs": 4, "batch_size": 8, "random_state": 0, **parameters},
    )


@pytest.mark.parametrize("at_the_end", [False, True])
def test_the_last_good_weights_are_kept_and_the_epoch_named(marked_maps, at_the_end):
    X, y = marked_maps
    good = classifier(callbacks=[Stop(2)]).fit(X, y)
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch 3; .* weights are those of epoch 2$"):
        broken = classifier(callbacks=[Poison(2, at_the_end=at_the_end)]).fit(X, y)
    for kept, expected in zip(broken.weights_, good.weights_, strict=True):
        np.testing.assert_array_equal(kept, expected)
    assert broken.history_ == good.history_
    assert np.isfinite(broken.predict_proba(X)).all()
    broken.set_params(callbacks=None).partial_fit(X, y)  # the optimiser is as it was, too
    assert np.isfinite(broken.loss_curve_).all()


class Stop(keras.callbacks.Callback):
    """Stop after some epochs, of as many as the learning rate was laid out for."""

    def __init__(self, n_epochs):
        super().__init__()
        self.n_epochs = n_epochs

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 == self.n_epochs


def test_without_a_good_epoch_it_is_an_error(marked_maps):
    with pytest.raises(
        ValueError, match=r"diverged in epoch 1; try a lower learning_rate.* no earlier weights"
    ):
        classifier(callbacks=[Poison(0)]).fit(*marked_maps)


def test_a_checkpoint_does_not_keep_a_diverged_epoch(marked_maps, tmp_path):
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 2"):
        classifier(checkpoint=tmp_path, callbacks=[Poison(1)]).fit(*marked_maps)
    resumed = classifier(checkpoint=tmp_path).fit(*marked_maps)
    assert resumed.history_ == classifier().fit(*marked_maps).history_

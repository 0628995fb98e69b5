import keras
import numpy as np
import pytest


class Recorder(keras.callbacks.Callback):
    """Note the learning rate of every batch."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    def __deepcopy__(self, memo):
        return self


def rates(small, marked_maps, *callbacks, **parameters):
    recorder = Recorder()
    small(epochs=3, batch_size=20, callbacks=[*callbacks, recorder], **parameters).fit(*marked_maps)
    return np.array(recorder.rates)


def test_cosine_schedule_falls_to_zero(small, marked_maps):
    rates = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

        def __deepcopy__(self, memo):
            return self

    small(epochs=2, learning_rate_schedule="cosine", callbacks=[Recorder()]).fit(*marked_maps)
    n_steps = 4  # two batches an epoch
    expected = 5e-3 * (1 + np.cos(np.pi * np.arange(n_steps) / n_steps)) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_warm_up_is_obeyed(small, marked_maps, schedule):
    warm_up = keras.callbacks.LearningRateScheduler(lambda epoch: 10.0 ** (epoch - 6))
    found = rates(small, marked_maps, warm_up, learning_rate_schedule=schedule)
    np.testing.assert_allclose(found, np.repeat([1e-6, 1e-5, 1e-4], 2), rtol=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_plateau_is_obeyed(small, marked_maps, schedule):
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.1, patience=1, min_delta=100)
    alone = rates(small, marked_maps, learning_rate_schedule=schedule)
    found = rates(small, marked_maps, plateau, learning_rate_schedule=schedule)
    np.testing.assert_allclose(found[:4], alone[:4], rtol=1e-6)
    np.testing.assert_allclose(found[4:], 0.1 * found[3], rtol=1e-5)


def test_a_callback_that_acts_on_batches_is_obeyed(small, marked_maps):
    class Halve(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            self.model.optimizer.learning_rate = rate / 2

    found = rates(small, marked_maps, Halve(), learning_rate_schedule="cosine")
    np.testing.assert_allclose(found, 5e-3 / 2.0 ** np.arange(1, 7), rtol=1e-5)


def test_a_callback_that_changes_nothing_leaves_the_schedule_alone(small, marked_maps):
    seen = []

    def keep(epoch, rate):
        seen.append(rate)
        return rate

    small(epochs=1, learning_rate=1.0).fit(*marked_maps)  # leaves a rate of its own in the shared network
    unchanged = rates(
        small, marked_maps, keras.callbacks.LearningRateScheduler(keep), learning_rate_schedule="cosine"
    )
    np.testing.assert_array_equal(unchanged, rates(small, marked_maps, learning_rate_schedule="cosine"))
    assert seen[0] == pytest.approx(5e-3)

"""The learning rate, which follows a schedule until a callback sets another."""

import keras
import numpy as np
from keras import ops

_PRECISION = "float32" if keras.backend.backend() == "jax" else "float64"  # which JAX does not have


class ScheduledRate:
    """Learning rate of an optimiser, which takes it in place of a number.

    One variable of the optimiser decides it, so that no value is part of what is traced: the highest rate,
    whether it falls as a cosine, the step at which the schedule begins, its number of steps, and the step at
    which it holds. Setting the learning rate of the optimiser to another value ends the schedule.
    """

    def __init__(self):
        self.optimizer = None
        self.settings = keras.Variable(
            [1e-3, 0, 0, 1, np.inf], dtype=_PRECISION, trainable=False, name="learning_rate"
        )

    def steer(self, optimizer):
        """Become the learning rate of an optimiser."""
        self.optimizer = optimizer
        optimizer.schedule = self.settings  # which tracks what is assigned to it

    def begin(self, schedule, highest, n_steps):
        """Begin a schedule, ``"cosine"`` or ``"constant"``, with the next step."""
        self.settings.assign([highest, schedule == "cosine", self._n_done(), n_steps, np.inf])

    def hold(self):
        """Stay at the rate of the next step."""
        settings = ops.convert_to_numpy(self.settings)
        self.settings.assign([*settings[:-1], self._n_done()])

    def assign(self, rate):
        """Set the rate from now on; the schedule goes on if that is its rate."""
        if float(rate) != float(ops.convert_to_numpy(self())):
            self.settings.assign([float(rate), 0, 0, 1, 0])

    def __call__(self):
        """Return the rate of the next step."""
        highest, is_cosine, first, n_steps, held = ops.unstack(ops.convert_to_tensor(self.settings))
        step = ops.minimum(ops.cast(self.optimizer.iterations, _PRECISION), held)
        done = (step - first) / ops.maximum(n_steps, 1)
        falling = highest * (1 + ops.cos(np.pi * done)) / 2
        return ops.cast(ops.where(is_cosine > 0, falling, highest), keras.config.floatx())

    def _n_done(self):
        return int(ops.convert_to_numpy(self.optimizer.iterations))


class RateOfBatch(keras.callbacks.Callback):
    """Show other callbacks the learning rate of the batch that ended, not that of the next."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def on_train_batch_begin(self, batch, logs=None):
        """Hold the rate of the batch."""
        if keras.backend.backend() == "jax":  # which keeps the state elsewhere during an epoch
            self.model.jax_state_sync()
        self.rate.hold()

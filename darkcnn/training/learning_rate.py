"""Learning rate with a schedule that callbacks can override."""

import keras
import numpy as np
from keras import ops

_PRECISION = "float32" if keras.backend.backend() == "jax" else "float64"  # which JAX does not have


class ScheduledRate:
    """Learning rate of an optimiser, with a schedule.

    All settings are in one variable, so changing them needs no retracing: maximum rate, whether it is a
    cosine schedule, first step of the schedule, its number of steps, and the step at which it is frozen.
    Setting the learning rate of the optimiser ends the schedule.
    """

    def __init__(self):
        self.optimizer = None
        self.settings = keras.Variable(
            [1e-3, 0, 0, 1, np.inf], dtype=_PRECISION, trainable=False, name="learning_rate"
        )

    def steer(self, optimizer):
        """Attach to an optimiser as its learning rate."""
        self.optimizer = optimizer
        optimizer.schedule = self.settings  # which tracks what is assigned to it

    def begin(self, schedule, highest, n_steps):
        """Start a schedule, ``"cosine"`` or ``"constant"``, at the next step."""
        self.settings.assign([highest, schedule == "cosine", self._n_done(), n_steps, np.inf])

    def hold(self):
        """Freeze the rate at that of the next step."""
        settings = ops.convert_to_numpy(self.settings)
        self.settings.assign([*settings[:-1], self._n_done()])

    def assign(self, rate):
        """Set a constant rate; if it equals the current rate, the schedule continues."""
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
    """Callback that shows other callbacks the learning rate of the current batch, not of the next one."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def on_train_batch_begin(self, batch, logs=None):
        """Freeze the rate during the batch."""
        if keras.backend.backend() == "jax":  # which keeps the state elsewhere during an epoch
            self.model.jax_state_sync()
        self.rate.hold()

"""The learning rate, which follows a schedule unless a callback sets another."""

import keras
import numpy as np


def scheduled_rate(schedule, highest, done):
    """Return the learning rate of a schedule once a fraction `done` of the training is over."""
    if schedule == "cosine":
        return highest * (1 + np.cos(np.pi * done)) / 2
    return highest


class LearningRate(keras.callbacks.Callback):
    """Set the learning rate of every batch, until another callback has set it.

    `rate` is a function of the fraction of the training that is over, 0 to 1. The training has `n_epochs`,
    from `first_epoch` on, of `n_batches` each.
    """

    def __init__(self, rate, first_epoch, n_epochs, n_batches):
        super().__init__()
        self.rate = rate
        self.first_epoch = first_epoch
        self.n_epochs = n_epochs
        self.n_batches = n_batches
        self.epoch = first_epoch
        self.scheduled = self.current = None
        self.overruled = False

    def begin(self, optimizer, epoch):
        """Set the rate that other callbacks find when they begin."""
        self._set(optimizer, self._scheduled(epoch, 0))

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Set the rate of a batch."""
        scheduled = self._scheduled(self.epoch, batch)
        if self.overruled or scheduled == self.scheduled:
            return  # reading and setting take as long as a step of a small network
        if keras.backend.backend() == "jax":  # which keeps the rate elsewhere during an epoch
            self.model.jax_state_sync()
        optimizer = self.model.optimizer
        self.overruled = _read(optimizer) != self.current
        if not self.overruled:
            self._set(optimizer, scheduled)

    def _scheduled(self, epoch, batch):
        return self.rate((epoch - self.first_epoch + batch / self.n_batches) / self.n_epochs)

    def _set(self, optimizer, scheduled):
        optimizer.learning_rate = self.scheduled = scheduled
        self.current = _read(optimizer)


def _read(optimizer):
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))

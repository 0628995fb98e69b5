"""Trainings whose loss is no longer a number."""

import warnings

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning


def is_finite(loss, weights):
    """Return whether a loss and all weights are finite; a rectified NaN can leave the loss finite."""
    return bool(np.isfinite(loss) and all(np.isfinite(weight).all() for weight in weights))


class DivergenceGuard(keras.callbacks.Callback):
    """Stop a training whose loss or weights are no longer finite, and go back to the last good epoch."""

    def __init__(self):
        super().__init__()
        self.network = None
        self.good = None
        self.diverged = False

    def follow(self, network):
        """Watch the training of a CompiledNetwork, which is about to begin."""
        self.network = network
        self.good = network.model.get_weights(), network.get_state()

    def on_train_batch_end(self, batch, logs=None):
        """Stop at once: the rest of the epoch could only go wrong."""
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """Keep the epoch, or go back to the one before; if there is none, raise ValueError."""
        weights = self.network.model.get_weights()
        if is_finite(logs["loss"], weights):
            self.good = weights, self.network.get_state()
            return
        self.model.stop_training = self.diverged = True
        reason = f"the loss diverged in epoch {epoch + 1}; a lower learning_rate may help"
        if epoch == 0:
            raise ValueError(f"{reason}. There is no earlier epoch to go back to")
        warnings.warn(
            f"{reason}. The training has stopped; the weights are those after epoch {epoch}",
            ConvergenceWarning,
            stacklevel=2,
        )

    def on_train_end(self, logs=None):
        """Go back to the weights of the last good epoch."""
        if self.diverged:
            weights, state = self.good
            self.network.model.set_weights(weights)
            self.network.set_state(state)

    def finite(self, history):
        """Return the history of keras without an epoch that diverged."""
        return {name: values[:-1] for name, values in history.items()} if self.diverged else history

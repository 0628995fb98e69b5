"""Detection of diverging training."""

import warnings

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning


def is_finite(loss, weights):
    """Return whether the loss and all weights are finite (a rectified NaN can leave the loss finite)."""
    return bool(np.isfinite(loss) and all(np.isfinite(weight).all() for weight in weights))


class DivergenceGuard(keras.callbacks.Callback):
    """Callback that stops a training with non-finite loss or weights and restores the last finite epoch."""

    def __init__(self):
        super().__init__()
        self.network = None
        self.good = None
        self.diverged = False

    def follow(self, network):
        """Attach to a CompiledNetwork before its training."""
        self.network = network
        self.good = network.model.get_weights(), network.get_state()

    def on_train_batch_end(self, batch, logs=None):
        """Stop when the loss is not finite."""
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """Save the weights, or stop if they are not finite; raises a ValueError in the first epoch."""
        weights = self.network.model.get_weights()
        if is_finite(logs["loss"], weights):
            self.good = weights, self.network.get_state()
            return
        self.model.stop_training = self.diverged = True
        reason = f"the loss diverged in epoch {epoch + 1}; try a lower learning_rate"
        if epoch == 0:
            raise ValueError(f"{reason}. There are no earlier weights to restore")
        warnings.warn(
            f"{reason}. Training stopped; the weights are those of epoch {epoch}",
            ConvergenceWarning,
            stacklevel=2,
        )

    def on_train_end(self, logs=None):
        """Restore the weights of the last finite epoch."""
        if self.diverged:
            weights, state = self.good
            self.network.model.set_weights(weights)
            self.network.set_state(state)

    def finite(self, history):
        """Return the keras history without a diverged epoch."""
        return {name: values[:-1] for name, values in history.items()} if self.diverged else history

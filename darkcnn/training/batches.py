"""Batches of views, drawn while the network trains or predicts."""

import joblib
import keras
import numpy as np

from darkcnn.records import chunks

_ROW_BLOCK = 8
"""Matrix products treat the rows that do not fill a block in another way, with other rounding errors. Filling
the last block makes predictions independent, to the bit, of the order of the rows."""


class Batches(keras.utils.PyDataset):
    """Stream views of maps, row by row and view by view, to a network.

    Parameters
    ----------
    views : Views
        Views of maps.
    batch_size : int
        Number of views in a batch.
    targets : ndarray of shape (n_samples, n_classes) or None, default=None
        Probability of each class in truth; None to predict, up to 7 views too many.
    weights : ndarray of shape (n_samples,) or None, default=None
        Weight of each row in the loss.
    seed : int or None, default=None
        Seed of the order of the views and of their fresh angles; None for the order of the rows and the
        angles that the views have.
    """

    def __init__(self, views, batch_size, *, targets=None, weights=None, seed=None):
        super().__init__()
        self.views = self.drawn = views
        self.batch_size = batch_size
        self.targets = targets
        self.weights = np.ones(len(views), np.float32) if weights is None else weights.astype(np.float32)
        self.seed = seed
        self.order = np.arange(len(views) * views.shape[1])
        if targets is None:
            self.order = np.pad(self.order, (0, -len(self.order) % _ROW_BLOCK), mode="edge")

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def start_epoch(self, epoch):
        """Shuffle the views and turn them to new angles, which the seed and the epoch decide.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        """
        rng = np.random.default_rng([self.seed, epoch])
        self.order = rng.permutation(len(self.order))
        self.drawn = self.views.redrawn(rng)

    def checksum(self):
        """Sum up all that it serves.

        Returns
        -------
        str
            The same for the same maps, views, targets and weights only.
        """
        views, maps = self.views, self.views.maps
        numbers = (self.targets, self.weights, views.angles, views.flips, maps.attributes)
        return joblib.hash([numbers, [joblib.hash(maps.draw(rows)) for rows in chunks(len(maps))]])

    def close(self):
        """Let go of the maps: TensorFlow keeps whatever it drew batches from until the process ends."""
        self.views = self.drawn = None

    def __getitem__(self, index):
        picked = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rows, views = np.divmod(picked, self.views.shape[1])
        inputs = self.drawn.draw(rows, views)
        if self.views.maps.attributes is not None:
            inputs = (inputs, self.views.maps.attributes[rows])
        if self.targets is None:
            return (inputs,)
        return inputs, self.targets[rows], self.weights[rows]


class EpochStart(keras.callbacks.Callback):
    """Tell the batches that an epoch begins, and let the learning rate follow its schedule.

    Parameters
    ----------
    batches : Batches
        What the network trains on.
    learning_rate : callable
        From the fraction of the training that is done, 0 to 1, to the learning rate.
    first_epoch, n_epochs : int
        Where the training starts and how long it is.
    """

    def __init__(self, batches, learning_rate, first_epoch, n_epochs):
        super().__init__()
        self.batches = batches
        self.learning_rate = learning_rate
        self.first_epoch = first_epoch
        self.n_epochs = n_epochs
        self.epoch = first_epoch
        self.current = None

    def on_epoch_begin(self, epoch, logs=None):
        """Start an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict or None
            Ignored.
        """
        self.epoch = epoch
        self.batches.start_epoch(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate of a batch.

        Parameters
        ----------
        batch : int
            Number of the batch in its epoch.
        logs : dict or None
            Ignored.
        """
        done = (self.epoch - self.first_epoch + batch / len(self.batches)) / self.n_epochs
        learning_rate = self.learning_rate(done)
        if learning_rate != self.current:  # setting it takes as long as a small network's step
            self.model.optimizer.learning_rate = self.current = learning_rate

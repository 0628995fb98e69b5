"""Batches of augmented maps, drawn during training and prediction."""

import joblib
import keras
import numpy as np

from darkcnn._common.identity import describe
from darkcnn.records import chunks

_ROW_BLOCK = 8
"""Rows are padded to a multiple of this number, because matrix products round the rows of an incomplete block
differently. Predictions are then bit-identical for any order of the rows."""

_MAX_RINGS = 2**17
"""Maximum number of maps whose rings are cached in memory (half a gigabyte with three channels)."""


class Batches(keras.utils.PyDataset):
    """Batches of augmented maps for a keras network.

    `targets` are class probabilities of shape (n_samples, n_classes), or None for prediction (which adds up
    to 7 padding views); `weights` are sample weights. The seed determines the order of the views and their
    random angles; None keeps the order of the rows and the angles of the views.
    """

    def __init__(self, views, batch_size, *, targets=None, weights=None, seed=None):
        super().__init__()
        self.views = self.drawn = views
        self.batch_size = batch_size
        self.targets = targets
        self.weights = np.ones(len(views), np.float32) if weights is None else weights.astype(np.float32)
        self.seed = seed
        self.rings = None
        self.order = np.arange(len(views) * views.shape[1])
        if targets is None:
            self.order = np.pad(self.order, (0, -len(self.order) % _ROW_BLOCK), mode="edge")

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def start_epoch(self, epoch):
        """Shuffle the views and draw new angles, determined by the seed and the number of the epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        self.order = rng.permutation(len(self.order))
        self.drawn = self.views.redrawn(rng)

    def checksum(self):
        """Return a hash of the maps, views, noise, targets and weights."""
        views, maps = self.views, self.views.maps
        of_views = {name: value for name, value in vars(views).items() if name not in ("maps", "_origins")}
        noises = [
            describe({**noise.get_params(), "random_state": noise.seed_, "class": type(noise)})
            for noise in getattr(maps.source, "noises", ())
        ]
        numbers = (type(views).__name__, of_views, noises, self.targets, self.weights, maps.attributes)
        return joblib.hash([numbers, [joblib.hash(maps.draw(rows)) for rows in chunks(len(maps))]])

    @property
    def may_start_from_rings(self):
        """Whether the maps are the same in every epoch and few enough to cache their rings."""
        return not self.views.are_redrawn and len(self.views) <= _MAX_RINGS

    def start_from_rings(self, model):
        """Use rings, computed once by a model, instead of maps."""
        maps = self.views.maps
        self.rings = np.empty((len(maps), *model.output_shape[1:]), model.output.dtype)
        for rows in chunks(len(maps), self.batch_size):
            self.rings[rows] = model.predict_on_batch(maps.draw(rows))

    def close(self):
        """Release the maps: TensorFlow keeps references to objects that it drew batches from."""
        self.views = self.drawn = self.rings = None

    def __getitem__(self, index):
        picked = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rows, views = np.divmod(picked, self.views.shape[1])
        attributes = self.views.maps.attributes
        if self.rings is not None:
            inputs = {"rings": self.rings[rows]}
            if attributes is not None:
                inputs["attributes"] = attributes[rows]
        else:
            inputs = self.drawn.draw(rows, views)
            if attributes is not None:
                inputs = (inputs, attributes[rows])
        if self.targets is None:
            return (inputs,)
        return inputs, self.targets[rows], self.weights[rows]


class EpochStart(keras.callbacks.Callback):
    """Callback that starts a new epoch of the batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the order and the views of the epoch."""
        self.batches.start_epoch(epoch)

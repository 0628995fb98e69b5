"""Checkpoints: training that resumes after an interruption with bit-identical results."""

import json
from pathlib import Path

import joblib
import keras
import numpy as np

from darkcnn._common.identity import describe
from darkcnn._common.versions import versions
from darkcnn._common.writing import atomic_write
from darkcnn.training.divergence import is_finite

_IRRELEVANT = ("callbacks", "checkpoint", "n_draws", "predict_views", "verbose")
"""Parameters of the classifier that do not affect the trained weights."""


def identify(parameters, *others):
    """Return a hash of everything that affects the trained weights.

    This includes parameters of the classifier (functions by source and closure), and `others`, arrays,
    numbers and strings.
    """
    described = {}
    for name in sorted(parameters.keys() - _IRRELEVANT):
        try:
            described[name] = describe(parameters[name])
        except Exception as error:  # pickling a value may raise any error
            raise TypeError(
                f"a checkpoint cannot identify {name}={parameters[name]!r} ({error}): set checkpoint=None"
            ) from error
    settings = keras.config.floatx(), keras.config.dtype_policy().name
    return joblib.hash([json.dumps(described, sort_keys=True), versions(), settings, others])


class Checkpoint(keras.callbacks.Callback):
    """Callback that saves the state of the training after each epoch.

    The file name is the identity, see :func:`identify`, so different trainings use different files. `saved`
    is the state of an interrupted training of the same identity, or None: ``weights`` and ``state`` of the
    network, ``history``, and the state of ``early_stopping``.
    """

    def __init__(self, folder, identity):
        super().__init__()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{identity}.npz"
        self.saved = _read(self.path) if self.path.exists() else None
        self.history = {} if self.saved is None else self.saved["history"]
        self.early_stopping = None
        self.network = None

    @property
    def n_epochs(self):
        """Number of epochs trained so far."""
        return len(self.history.get("loss", ()))

    @property
    def was_stopped(self):
        """Whether the saved training was ended by early stopping."""
        stopping = (self.saved or {}).get("early_stopping", {})
        return stopping.get("stopped_epoch", 0) > 0

    def follow(self, network, early_stopping):
        """Attach to a CompiledNetwork and its early stopping, and restore the saved state, if any."""
        self.network, self.early_stopping = network, early_stopping
        if self.saved is not None:
            network.model.set_weights(self.saved["weights"])
            network.set_state(self.saved["state"])

    def on_train_begin(self, logs=None):
        """Restore the state of early stopping."""
        if self.saved is not None and self.early_stopping is not None:
            vars(self.early_stopping).update(self.saved["early_stopping"])

    def on_epoch_end(self, epoch, logs=None):
        """Save the state, unless the epoch diverged."""
        if not is_finite(logs["loss"], self.network.model.get_weights()):
            return
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        arrays = {"weights": self.network.model.get_weights(), "state": self.network.get_state()}
        described = {"history": self.history}
        if self.early_stopping is not None:
            stopping = self.early_stopping
            described["early_stopping"] = {
                "wait": stopping.wait,
                "best": None if stopping.best is None else float(stopping.best),
                "best_epoch": stopping.best_epoch,
                "stopped_epoch": stopping.stopped_epoch,
            }
            arrays["best_weights"] = stopping.best_weights
        named = {f"{kind}_{i}": array for kind, group in arrays.items() for i, array in enumerate(group)}
        with atomic_write(self.path) as temporary:
            np.savez(temporary, description=json.dumps(described), **named)


def _read(path):
    """Read the saved state of an interrupted training."""
    try:
        with open(path, "rb") as content, np.load(content, allow_pickle=False) as file:
            if sum(member.file_size for member in file.zip.infolist()) > path.stat().st_size:
                raise ValueError("it claims more bytes than it has")
            saved = json.loads(str(file["description"]))
            for kind in ("weights", "state", "best_weights"):
                n_arrays = sum(name.startswith(f"{kind}_") for name in file.files)
                saved[kind] = [file[f"{kind}_{i}"] for i in range(n_arrays)]
    except Exception as error:  # a damaged archive may raise any error
        raise ValueError(f"cannot resume from {path}, which is damaged ({error}); delete the file") from error
    if "early_stopping" in saved:
        saved["early_stopping"]["best_weights"] = saved["best_weights"]
    return saved

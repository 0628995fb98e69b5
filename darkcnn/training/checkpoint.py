"""Trainings that go on where they were interrupted, to the same bits."""

import json
from pathlib import Path

import joblib
import keras
import numpy as np

from darkcnn._common.writing import replacing
from darkcnn.training.divergence import is_finite


class Checkpoint(keras.callbacks.Callback):
    """Write everything that a training needs to go on, after each epoch.

    Parameters
    ----------
    folder : path-like
        Where to write; made if it is not there. Trainings that differ in anything do not meet there.
    *identity : object
        All that decides the training. It gives the file its name.

    Attributes
    ----------
    saved : dict or None
        What an interrupted training of the same identity left: ``weights`` and ``state`` of the network,
        ``history``, and the state of ``early_stopping``.
    """

    def __init__(self, folder, *identity):
        super().__init__()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{joblib.hash(identity)}.npz"
        self.saved = _read(self.path) if self.path.exists() else None
        self.history = {} if self.saved is None else self.saved["history"]
        self.early_stopping = None
        self.network = None

    @property
    def was_stopped(self):
        """Whether early stopping had struck already, so that no epoch is left to train."""
        stopping = (self.saved or {}).get("early_stopping", {})
        return stopping.get("stopped_epoch", 0) > 0

    def follow(self, network, early_stopping):
        """Watch a training, from where it was interrupted.

        Parameters
        ----------
        network : CompiledNetwork
            What is trained.
        early_stopping : keras.callbacks.EarlyStopping or None
            What may stop it.
        """
        self.network, self.early_stopping = network, early_stopping
        if self.saved is not None:
            network.model.set_weights(self.saved["weights"])
            network.set_state(self.saved["state"])

    def on_train_begin(self, logs=None):
        """Remind early stopping of what it had seen.

        Parameters
        ----------
        logs : dict or None
            Ignored.
        """
        if self.saved is not None and self.early_stopping is not None:
            vars(self.early_stopping).update(self.saved["early_stopping"])

    def on_epoch_end(self, epoch, logs=None):
        """Write the state.

        Parameters
        ----------
        epoch : int
            Ignored: the history tells the number of epochs.
        logs : dict
            Loss and accuracy. An epoch that diverged is not worth going on from.
        """
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
        with replacing(self.path) as temporary:
            np.savez(temporary, description=json.dumps(described), **named)


def _read(path):
    """Read what an interrupted training left."""
    try:
        with open(path, "rb") as content, np.load(content, allow_pickle=False) as file:
            if sum(member.file_size for member in file.zip.infolist()) > path.stat().st_size:
                raise ValueError("it claims more bytes than it has")
            saved = json.loads(str(file["description"]))
            for kind in ("weights", "state", "best_weights"):
                n_arrays = sum(name.startswith(f"{kind}_") for name in file.files)
                saved[kind] = [file[f"{kind}_{i}"] for i in range(n_arrays)]
    except Exception as error:  # a damaged archive makes its readers raise anything
        raise ValueError(f"cannot go on from {path}, which is damaged ({error}); delete it") from error
    if "early_stopping" in saved:
        saved["early_stopping"]["best_weights"] = saved["best_weights"]
    return saved

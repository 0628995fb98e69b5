"""Training loop. Only this module uses scikeras."""

from contextlib import ExitStack
from copy import deepcopy

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier
from sklearn import config_context

from darkcnn.training.batches import EpochStart
from darkcnn.training.divergence import DivergenceGuard
from darkcnn.training.learning_rate import RateOfBatch
from darkcnn.training.progress import AfterEpoch

_STEPS = 10
"""Training steps per call from Python; it is 1 with callbacks that may act on each of them."""


def train(
    lend,
    prepare,
    batches,
    validation,
    *,
    first,
    epochs,
    patience,
    callbacks,
    checkpoint=None,
    verbose=0,
):
    """Train a network for a number of epochs.

    `lend` returns a context manager for a CompiledNetwork and `prepare` sets its weights. `validation` are
    batches for early stopping, after `patience` epochs without a decrease of their loss, or None. Training
    starts with epoch `first`, or at the interrupted epoch of a checkpoint.

    Returns the weights and the state of the network, the history of these epochs, and the size of the
    embedding.
    """
    guard = DivergenceGuard()  # first: early stopping may restore better weights than the last ones
    following = [guard, *_copied(callbacks)]
    stopping = None
    if validation is not None:
        stopping = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        following.append(stopping)
    n_done = 0
    if checkpoint is not None:
        following.append(checkpoint)
        n_done = checkpoint.n_epochs
        if checkpoint.was_stopped:
            epochs = n_done
    following.append(EpochStart(batches))
    with ExitStack() as stack:
        served = [each for each in (batches, validation) if each is not None]
        for each in served:
            stack.callback(each.close)
        network = stack.enter_context(lend())
        prepare(network)
        if network.rings_model is not None and all(each.may_start_from_rings for each in served):
            for each in served:
                each.start_from_rings(network.rings_model)
        if checkpoint is not None:
            checkpoint.follow(network, stopping)
        guard.follow(network)
        by_step = any(not isinstance(each, AfterEpoch) for each in callbacks)
        if by_step:
            following.append(RateOfBatch(network.learning_rate))
        network.run_at_once(1 if by_step else _STEPS)

        # Not seeded by scikeras: all random numbers are already seeded, and setting TensorFlow's global seed
        # would make it optimise every traced function again, which takes seconds.
        wrapper = _StreamingClassifier(lambda: network.model, callbacks=following, verbose=verbose)
        wrapper._batches = batches
        with config_context(transform_output="default"):  # for the encoders of scikeras
            # scikeras needs rows and labels; the maps themselves are drawn from the batches.
            wrapper.fit(
                np.arange(len(batches.targets))[:, np.newaxis],
                batches.targets.argmax(axis=1),
                epochs=first + epochs,
                initial_epoch=first + n_done,
                validation_data=validation,
            )
        return (
            network.model.get_weights(),
            network.get_state(),
            guard.finite(wrapper.history_),
            network.embedding_model.output_shape[1],
        )


def _copied(callbacks):
    """Deep-copy callbacks, which may share objects, for one fit."""
    copies, memo = [], {}
    for callback in callbacks:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"callbacks must be instances of keras.callbacks.Callback, got {callback!r}")
        try:
            copies.append(deepcopy(callback, memo))
        except Exception as error:  # copying a value may raise any error
            raise TypeError(
                f"callbacks are copied for each fit, but {name} cannot be copied ({error}): create its "
                "attributes in on_train_begin, or define __deepcopy__"
            ) from error
    return copies


class _StreamingClassifier(KerasClassifier):
    """scikeras classifier that trains on batches instead of arrays."""

    def _fit_keras_model(self, X, y, sample_weight, warm_start, epochs, initial_epoch, **kwargs):
        super()._fit_keras_model(
            self._batches,
            None,
            None,
            warm_start,
            epochs - initial_epoch,
            initial_epoch,
            batch_size=None,
            shuffle=False,
            **kwargs,
        )

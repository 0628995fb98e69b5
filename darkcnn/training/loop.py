"""One training, from its first epoch to its last. The only module that knows scikeras."""

from contextlib import ExitStack
from copy import deepcopy

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier
from sklearn import config_context

from darkcnn.training.batches import EpochStart
from darkcnn.training.divergence import DivergenceGuard
from darkcnn.training.learning_rate import RateOfBatch

_STEPS = 10
"""Training steps that run without a return to Python, unless callbacks of the user wait for each."""


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
    """Train a network on batches for some more epochs.

    `lend` lends a CompiledNetwork and `prepare` gives it its weights; `validation` are the batches that stop
    the training once their loss has not fallen for `patience` epochs, or None. The training begins with epoch
    `first`, or where it was interrupted.

    Returns the weights and the state of the network, the history of what was trained now, and the size of the
    embedding.
    """
    guard = DivergenceGuard()  # before the others: early stopping may know better weights than the last
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
        if callbacks:
            following.append(RateOfBatch(network.learning_rate))
        network.run_at_once(1 if callbacks else _STEPS)
        # Not seeded by scikeras: whatever draws numbers has its seed from us already, and TensorFlow's
        # global seed would make it optimise every traced function again, which takes seconds.
        wrapper = _StreamingClassifier(lambda: network.model, callbacks=following, verbose=verbose)
        wrapper._batches = batches
        with config_context(transform_output="default"):  # for the encoders of scikeras
            # scikeras asks for rows and labels; the maps themselves stream past it.
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
    """Copy callbacks, which may share objects, for one fit."""
    copies, memo = [], {}
    for callback in callbacks:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"callbacks must be instances of keras.callbacks.Callback, got {callback!r}")
        try:
            copies.append(deepcopy(callback, memo))
        except Exception as error:  # whatever a copy of what it holds may raise
            raise TypeError(
                f"callbacks are copied for each fit, but {name} cannot be copied ({error}): make what it "
                "holds in on_train_begin, or define __deepcopy__"
            ) from error
    return copies


class _StreamingClassifier(KerasClassifier):
    """scikeras' wrapper, which builds, compiles and routes callbacks, fed from batches instead of arrays."""

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

import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from sklearn import config_context

from darkcnn._common import keras_settings
from darkcnn.training.network import CompiledNetwork
from darkcnn.training.progress import AfterEpoch


def test_callbacks_are_copied(small, marked_maps):
    X, y = marked_maps
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    before = dict(vars(stop))
    classifier = small(epochs=2, callbacks=[stop]).fit(X, y)
    assert vars(stop) == before
    assert classifier.callbacks == [stop]


def test_verbose_0_is_silent(small, marked_maps, capfd):
    small(epochs=1).fit(*marked_maps).predict(marked_maps[0])
    assert capfd.readouterr() == ("", "")
    small(epochs=1, verbose=1).fit(*marked_maps)
    assert "loss" in capfd.readouterr().out


def test_callbacks_may_share_what_they_hold(small, marked_maps):
    class Counter(keras.callbacks.Callback):
        def __init__(self, counts):
            super().__init__()
            self.counts = counts

        def on_epoch_end(self, epoch, logs=None):
            self.counts.append(epoch)
            assert len(self.counts) <= 2 * (epoch + 1)
            if epoch == 1 and len(self.counts) == 4:
                raise InterruptedError("both count in one list")

    counts = []
    with pytest.raises(InterruptedError, match="both count in one list"):
        small(epochs=2, callbacks=[Counter(counts), Counter(counts)]).fit(*marked_maps)
    assert counts == []


def test_a_callback_that_cannot_be_copied_is_named(small, marked_maps):
    class Guarded(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    with pytest.raises(TypeError, match=r"callbacks are copied for each fit, but Guarded cannot .*lock"):
        small(callbacks=[Guarded()]).fit(*marked_maps)


def test_the_encoders_of_scikeras_give_arrays_whatever_is_set(small, marked_maps):
    with config_context(transform_output="pandas"):
        small(epochs=1).fit(*marked_maps)


def test_a_forked_process_is_refused(small, marked_maps, monkeypatch):
    monkeypatch.setattr(keras_settings, "_process", keras_settings._process - 1)
    with pytest.raises(RuntimeError, match=r"forked .* joblib\.parallel_config\(\"loky\"\)"):
        small(epochs=1).fit(*marked_maps)


@pytest.mark.slow
def test_forked_workers_do_not_hang():
    code = (
        "import joblib, numpy as np\n"
        "from sklearn.model_selection import cross_val_score\n"
        "from darkcnn import DarkCNNClassifier\n"
        "X, y = np.random.default_rng(0).random((8, 6, 6, 1), dtype=np.float32), ['CDM', 'SIDM1'] * 4\n"
        "model = DarkCNNClassifier('simple', epochs=1, random_state=0).fit(X, y)\n"
        "with joblib.parallel_config('multiprocessing'):\n"
        "    cross_val_score(model, X, y, cv=2, n_jobs=2, error_score='raise')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 1
    assert "RuntimeError: this process was forked" in run.stderr


def test_callbacks_are_called_for_every_batch_and_change_no_bits(small, marked_maps):
    class Counter(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.batches = []

        def on_train_batch_end(self, batch, logs=None):
            self.batches.append(batch)

        def __deepcopy__(self, memo):
            return self

    counter = Counter()
    fit = {"epochs": 2, "batch_size": 8, "learning_rate_schedule": "cosine"}
    called, alone = (small(callbacks=each, **fit).fit(*marked_maps) for each in ([counter], None))
    assert counter.batches == [0, 1, 2, 3, 4] * 2
    assert called.history_ == alone.history_
    for one, other in zip(called.weights_, alone.weights_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_progress_by_epochs_leaves_ten_steps_at_a_time_and_changes_no_bits(small, marked_maps, monkeypatch):
    at_once, calls = [], []
    run_at_once = CompiledNetwork.run_at_once

    def recorded(network, n_steps):
        at_once.append(n_steps)
        run_at_once(network, n_steps)

    monkeypatch.setattr(CompiledNetwork, "run_at_once", recorded)
    shown, alone = (
        small(epochs=2, batch_size=8, callbacks=each).fit(*marked_maps)
        for each in ([AfterEpoch(lambda: calls.append("epoch"))], None)
    )
    assert calls == ["epoch"] * 2
    assert at_once == [10, 10]
    assert shown.history_ == alone.history_
    for one, other in zip(shown.weights_, alone.weights_, strict=True):
        np.testing.assert_array_equal(one, other)

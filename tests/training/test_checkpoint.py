import signal
import subprocess
import sys
import threading
import zipfile

import keras
import numpy as np
import pytest

from darkcnn import DarkCNNClassifier
from darkcnn.preprocessing import as_views
from darkcnn.training import checkpoint
from darkcnn.training.checkpoint import identify


class Interrupt(keras.callbacks.Callback):
    """Break the training off at the end of an epoch, before or after the checkpoint was written."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def classifier(**parameters):
    defaults = {
        "architecture": "simple",
        "network_options": {"width": 0.5, "dropout": 0.3},
        "epochs": 4,
        "learning_rate": 5e-3,
        "learning_rate_schedule": "cosine",
        "random_state": 0,
    }
    return DarkCNNClassifier(**{**defaults, **parameters})


def assert_same_weights(first, second):
    for a, b in zip(first.weights_, second.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.history_ == second.history_


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupted_training_ends_with_the_same_bits(marked_maps, tmp_path, epoch, early_stopping):
    options = {"early_stopping": early_stopping, "validation_fraction": 0.3}
    whole = classifier(**options).fit(*marked_maps)
    interrupted = classifier(checkpoint=tmp_path, callbacks=[Interrupt(epoch)], **options)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(*marked_maps)
    epochs_left = []
    counter = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs_left.append(epoch))
    resumed = classifier(checkpoint=tmp_path, **options)
    resumed.set_params(callbacks=[counter]).fit(*marked_maps)
    assert_same_weights(resumed, whole)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_a_training_that_had_ended_is_not_repeated(marked_maps, tmp_path):
    first = classifier(checkpoint=tmp_path).fit(*marked_maps)
    again = classifier(checkpoint=tmp_path, callbacks=[Interrupt(0)]).fit(*marked_maps)
    assert_same_weights(first, again)


def test_early_stopping_that_had_struck_is_not_repeated(marked_maps, tmp_path):
    options = {"early_stopping": True, "n_iter_no_change": 1, "learning_rate": 1.0, "epochs": 30}
    first = classifier(checkpoint=tmp_path, **options).fit(*marked_maps)
    assert first.n_epochs_ < 30
    again = classifier(checkpoint=tmp_path, callbacks=[Interrupt(first.n_epochs_)], **options)
    assert_same_weights(first, again.fit(*marked_maps))


def test_another_training_does_not_go_on_from_it(marked_maps, tmp_path):
    X, y = marked_maps
    classifier(checkpoint=tmp_path).fit(X, y)
    for other in (
        classifier(random_state=1),
        classifier(learning_rate=1e-3),
        classifier(class_weight={"CDM": 2.0, "SIDM1": 1.0}),
    ):
        with_checkpoint = DarkCNNClassifier(**{**other.get_params(), "checkpoint": tmp_path}).fit(X, y)
        assert_same_weights(with_checkpoint, other.fit(X, y))
    assert_same_weights(classifier(checkpoint=tmp_path).fit(X + 1, y), classifier().fit(X + 1, y))


def test_what_was_learned_before_tells_trainings_apart(marked_maps, tmp_path):
    X, y = marked_maps
    classifier(checkpoint=tmp_path).partial_fit(X[:20], y[:20]).partial_fit(X, y)
    other = classifier(checkpoint=tmp_path).partial_fit(X[20:], y[20:]).partial_fit(X, y)
    assert_same_weights(other, classifier().partial_fit(X[20:], y[20:]).partial_fit(X, y))


def test_one_map_among_many_tells_trainings_apart(tmp_path):
    X = np.random.default_rng(0).random((600, 8, 8, 1), dtype=np.float32)
    y = np.tile(["CDM", "SIDM1"], 300)
    classifier(checkpoint=tmp_path, epochs=1).fit(X, y)
    X[1] += 1
    assert_same_weights(classifier(checkpoint=tmp_path, epochs=1).fit(X, y), classifier(epochs=1).fit(X, y))


def test_a_map_that_was_held_back_tells_trainings_apart(marked_maps, tmp_path):
    X, y = marked_maps[0].copy(), marked_maps[1]
    options = {"early_stopping": True, "validation_fraction": 0.25, "epochs": 1}
    first = classifier(checkpoint=tmp_path, **options).fit(X, y)
    _, held_back = first._split(as_views(X), y, None)
    X[held_back[0]] += 1
    again = classifier(checkpoint=tmp_path, **options).fit(X, y)
    assert_same_weights(again, classifier(**options).fit(X, y))


def network_of(source):
    """An architecture of a module of the user."""
    module = {"__name__": "their_module"}
    exec(source, module)
    return module["network"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"epochs": 1}, {"epochs": 2}),
        ({"network_options": {"mask": np.zeros(2000)}}, {"network_options": {"mask": np.eye(1, 2000, 1000)}}),
        *(
            ({"architecture": network_of(one)}, {"architecture": network_of(other)})
            for one, other in (
                ("network = lambda shape, n: 1", "network = lambda shape, n: 2"),
                ("def network(shape, n, width=1): ...", "def network(shape, n, width=2): ..."),
                (
                    "WIDTH = 1\ndef network(shape, n): return WIDTH",
                    "WIDTH = 2\ndef network(shape, n): return WIDTH",
                ),
            )
        ),
    ],
)
def test_what_decides_the_outcome_is_identified(one, other):
    assert identify(one) == identify(dict(one))
    assert identify(one) != identify(other)


def test_what_does_not_decide_the_outcome_is_left_out(tmp_path):
    assert identify({"epochs": 1, "verbose": 2, "checkpoint": tmp_path}) == identify({"epochs": 1})


def test_versions_and_precision_are_identified(monkeypatch):
    before = identify({})
    monkeypatch.setattr(checkpoint, "versions", lambda: {"keras": "0"})
    assert identify({}) != before
    monkeypatch.undo()
    monkeypatch.setattr(keras.config, "floatx", lambda: "float64")
    assert identify({}) != before


def test_what_cannot_be_identified_is_refused(marked_maps, tmp_path):
    message = r"a checkpoint cannot identify network_options=.*lock.*: set checkpoint=None"
    with pytest.raises(TypeError, match=message):
        classifier(checkpoint=tmp_path, network_options={"lock": threading.Lock()}).fit(*marked_maps)


def test_a_seed_is_needed(marked_maps, tmp_path):
    with pytest.raises(ValueError, match=r"random_state must be an integer with a checkpoint.*got None"):
        classifier(checkpoint=tmp_path, random_state=None).fit(*marked_maps)


def test_a_damaged_checkpoint_is_named(marked_maps, tmp_path):
    classifier(checkpoint=tmp_path, epochs=1).fit(*marked_maps)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=rf"cannot resume from {path}, which is damaged .*delete the file"):
        classifier(checkpoint=tmp_path, epochs=1).fit(*marked_maps)


def test_a_checkpoint_that_unpacks_is_refused(marked_maps, tmp_path):
    classifier(checkpoint=tmp_path, epochs=1).fit(*marked_maps)
    (path,) = tmp_path.iterdir()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights_99.npy", bytes(10**7))
    with pytest.raises(ValueError, match=r"which is damaged \(it claims more bytes than it has\)"):
        classifier(checkpoint=tmp_path, epochs=1).fit(*marked_maps)


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_bits(marked_maps, tmp_path):
    X, y = marked_maps
    np.savez(tmp_path / "data.npz", X=X, y=y)
    code = (
        "import os, signal, sys, keras, numpy as np\n"
        "from darkcnn import DarkCNNClassifier\n"
        "class Kill(keras.callbacks.Callback):\n"
        "    def on_train_batch_end(self, batch, logs=None):\n"
        "        if self.model.optimizer.iterations == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "data = np.load(sys.argv[1])\n"
        "DarkCNNClassifier('simple', network_options={'width': 0.5, 'dropout': 0.3}, epochs=4,\n"
        "    learning_rate=5e-3, learning_rate_schedule='cosine', random_state=0,\n"
        "    checkpoint=sys.argv[2], callbacks=[Kill()]).fit(data['X'], data['y'])\n"
    )
    folder = tmp_path / "checkpoint"
    killed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "data.npz", folder], check=False, timeout=300
    )
    assert killed.returncode == -signal.SIGKILL
    assert_same_weights(classifier(checkpoint=folder).fit(X, y), classifier().fit(X, y))

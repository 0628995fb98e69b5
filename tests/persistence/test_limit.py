import resource

import keras
import numpy as np
import pytest
from model_files import edit

from darkcnn import load_model
from darkcnn.networks import count_parameters
from darkcnn.persistence import limit


def fitted(description):
    return dict(description["steps"][3]["fitted"]["dict"])


def option(name, value):
    def change(description):
        settings = dict(fitted(description)["_settings"]["dict"])
        settings["options"]["dict"][:] = [[name, value]]

    return change


def shape(*numbers):
    def change(description):
        (pair,) = [pair for pair in description["steps"][3]["fitted"]["dict"] if pair[0] == "map_shape_"]
        pair[1] = {"tuple": list(numbers)}

    return change


def test_an_unknown_network_is_refused(saved, tmp_path):
    def change(description):
        settings = dict(description["steps"][3]["fitted"]["dict"])["_settings"]["dict"]
        settings[[key for key, _ in settings].index("architecture")][1] = "../evil"

    with pytest.raises(ValueError, match=r"its network '\.\./evil' is unknown"):
        load_model(edit(saved, tmp_path / "model.keras", change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (option("width", 2), r"its network has \d+ weights, but \d+ are stored"),
        (option("width", 1000), r"its network has \d+ weights, but \d+ are stored"),
        (option("width", 5000), r"its network has width=5000, more than 1000"),
        (option("width", 1e30), r"its network has width=1e\+30, more than 1000"),
        (option("width", float("nan")), r"its network has width=nan, more than 1000"),
        (option("width", [[1]]), r"its network has width=\[\[1\]\], which must contain numbers"),
        (option("width", "wide"), r"its network cannot be built: TypeError"),
        (option("depth", 3), r"its network cannot be built: TypeError"),
        (shape(10**6, 10**6, 3), r"its network has map_shape=\(1000000, 1000000, 3\), more than 10000"),
        (shape(20, 20), r"its network must have a map_shape of three integers, got \(20, 20\)"),
        (shape(20, 20, 0), r"its network must have a map_shape of three integers, got \(20, 20, 0\)"),
    ],
)
def test_a_network_larger_than_its_weights_is_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=rf"cannot load .*model\.keras: {message}"):
        load_model(edit(saved, tmp_path / "model.keras", change))
    load_model(saved)


@pytest.mark.parametrize("blocks", [[9999, 1, 1], [900, 1, 1], [-900, 1, 1]])
def test_endless_blocks_are_refused(saved, tmp_path, blocks, monkeypatch):
    def change(description):
        settings = dict(fitted(description)["_settings"]["dict"])
        settings["options"]["dict"][:] = [["width", 1e-3], ["blocks", blocks]]
        pairs = fitted(description)["_settings"]["dict"]
        pairs[[key for key, _ in pairs].index("architecture")][1] = "inception"

    monkeypatch.setitem(limit.NETWORKS, "inception", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(
        ValueError, match=r"its network has blocks=.*, (more than 1000|but only \d+ weight arrays)"
    ):
        load_model(edit(saved, tmp_path / "model.keras", change))


def test_endless_arrays_are_refused():
    with pytest.raises(ValueError, match="it must have at most 5000 weight arrays, got 5001"):
        limit.check_network("simple", (8, 8, 1), 2, {}, [1] * 5001)


def test_keras_is_left_alone_and_no_weights_wait_for_memory():
    """Weights that were described must not be made by whatever keras does next."""
    before = vars(keras.layers.Layer).copy()
    with pytest.raises(ValueError, match="are stored"):
        limit.check_network("simple", (50, 50, 3), 4, {"width": 1000}, [10])
    assert vars(keras.layers.Layer) == before
    started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    keras.Sequential([keras.layers.Dense(2)])(np.zeros((1, 3)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started
    assert grown < 10**6  # kB; the network described has 5 TB


def test_a_network_passes_with_its_own_weights_and_not_with_fewer():
    n_weights = count_parameters("simple", (10, 10, 2), 3, n_attributes=1, width=0.1)
    arguments = ("simple", (10, 10, 2), 3, {"n_attributes": 1, "width": 0.1})
    limit.check_network(*arguments, [1] * 9 + [n_weights - 9])
    with pytest.raises(ValueError, match=f"its network has {n_weights} weights, but {n_weights - 1} are"):
        limit.check_network(*arguments, [1] * 9 + [n_weights - 10])

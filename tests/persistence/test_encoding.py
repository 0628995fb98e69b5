import json

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM, LambdaCDM
from model_files import edit

from darkcnn import load_model
from darkcnn.persistence.encoding import decode, encode


@pytest.mark.parametrize(
    "value",
    [
        None, True, 1, 0.1, "CDM", float("inf"), (1, (2.0, None)), [1, [2]], {1: "a", (1, 2): {"b": []}},
        np.arange(6).reshape(2, 3), np.array(["CDM", "SIDM1"]), np.array([True, False]),
        np.float32([0.1, np.nan]),
        FlatLambdaCDM(70, 0.3), FlatLambdaCDM(67, 0.3, Tcmb0=2.7, m_nu=[0, 0, 0.06], name="own"),
    ],
)  # fmt: skip
def test_values_come_back(value):
    again = decode(json.loads(json.dumps(encode(value))))
    assert type(again) is type(value)
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        np.testing.assert_array_equal(again, value)
    else:
        assert again == value


def test_scalars_of_numpy_become_those_of_python():
    assert encode(np.float64(0.5)) == 0.5
    assert encode({np.str_("a"): np.int8(1)}) == {"dict": [["a", 1]]}


def test_objects_in_arrays_keep_their_type():
    assert decode(encode(np.array([0, 1], dtype=object))).tolist() == [0, 1]
    assert decode(encode(np.array(["a", "bc"], dtype=object))).tolist() == ["a", "bc"]


@pytest.mark.parametrize(
    "value",
    [
        len, object(), {1}, b"a", 1j, np.array([1, "a"], dtype=object), np.array([None]), np.array([1j]),
        np.ma.array([1, 2], mask=[0, 1]), np.zeros(2, "i4, f4"), np.datetime64("2020"), [{"a": len}],
        LambdaCDM(70, 0.3, 0.7),
    ],
)  # fmt: skip
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="got "):
        encode(value)


@pytest.mark.parametrize(
    "content",
    [
        {}, {"dict": 1}, {"dict": [1]}, {"dict": [[[1], 2]]}, {"dict": [[1, 2, 3]]}, {"tuple": 1},
        {"ndarray": [1]}, {"ndarray": [1], "dtype": "evil"}, {"ndarray": [[1], [1, 2]], "dtype": "<i8"},
        {"ndarray": ["a"], "dtype": "<i8"}, {"ndarray": [300], "dtype": "|u1"},
        {"ndarray": [1], "dtype": "<i8, <f4"}, {"FlatLambdaCDM": {"H0": 1}},
        {"FlatLambdaCDM": {"evil": 1}, "name": None}, {"FlatLambdaCDM": {"H0": "x", "Om0": 1}, "name": None},
    ],
)  # fmt: skip
def test_damaged_values_are_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        decode(content)


def test_arrays_of_objects_are_refused(saved, tmp_path):
    def change(description):
        fitted = description["steps"][3]["fitted"]["dict"]
        fitted[[key for key, _ in fitted].index("classes_")][1]["dtype"] = "|O"

    with pytest.raises(ValueError, match="it must not contain an array of type object"):
        load_model(edit(saved, tmp_path / "model.keras", change))


def test_an_array_of_endless_texts_is_refused(saved, tmp_path):
    def change(description):
        fitted = dict(description["steps"][3]["fitted"]["dict"])
        fitted["classes_"]["dtype"] = "<U500000000"

    with pytest.raises(ValueError, match="it must not contain an array of type "):
        load_model(edit(saved, tmp_path / "model.keras", change))

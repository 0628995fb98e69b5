import numpy as np
import pytest

from darkcnn.records import halos, number_halos


def test_whole_numbers_are_their_own():
    for numbers in (
        [3, -1, 3, 2**62],
        np.array([7, 2**63 - 1], "u8"),
        np.array([7, 250], "u1"),
        ["17", " 17 ", "-4", b"0012"],
        [17.0, np.float32(3)],
    ):
        wanted = [int(number) for number in list(numbers)]
        assert number_halos(numbers).tolist() == wanted
        assert number_halos(numbers).dtype == np.int64


def test_the_number_of_a_name_depends_on_it_alone():
    names = np.array(["FoF_0012", "FoF_0017", "12", "FoF_0012"])
    numbers = number_halos(names)
    assert len(set(numbers.tolist())) == 3
    assert (numbers >= 0).all()
    for same in (names.astype("S"), names.astype(object), np.char.ljust(names, 12), names.tolist()):
        assert number_halos(same).tolist() == numbers.tolist()
    assert number_halos(names[1:2]).tolist() == numbers[1:2].tolist()


def test_numbers_beyond_int64_are_names():
    wide = np.array([2**63 + 5, 7, 2**64 - 1], "u8")
    numbers = number_halos(wide)
    assert len(set(numbers.tolist())) == 3
    assert numbers[1] == 7
    assert number_halos(wide.astype(str)).tolist() == numbers.tolist()
    assert number_halos(wide[2:]).tolist() == numbers[2:].tolist()


@pytest.mark.parametrize(
    "unknown", [None, np.nan, np.inf, 0.5, 1e300, "", "  ", "NaN", "None", b"--", -(2**63)]
)
def test_halos_must_be_known(unknown):
    with pytest.raises(ValueError, match="the halo of row 1 must be an integer or a name, got"):
        number_halos(np.array([3, unknown], dtype=object))


def test_the_number_that_nan_becomes_is_no_halo():
    with pytest.raises(ValueError, match="the halo of row 1 must be an integer or a name, got -9223"):
        number_halos(np.array([3, -(2**63)]))


def test_masked_halos_are_refused():
    with pytest.raises(ValueError, match="the halo of row 2 is masked"):
        number_halos(np.ma.masked_equal([4, 4, 5], 5))


def test_one_row_each():
    with pytest.raises(ValueError, match=r"must have shape \(n_samples,\), got \(2, 1\)"):
        number_halos([["a"], ["b"]])


def test_two_halos_never_share_a_number(monkeypatch):
    monkeypatch.setattr(halos, "blake2b", lambda *_, **__: type("", (), {"digest": lambda _: bytes(8)})())
    assert number_halos(["a", "a"]).tolist() == [0, 0]
    for names in (["a", "b"], ["a", "0"]):
        with pytest.raises(ValueError, match=f"the halos 'a' and '{names[1]}' have the same number, 0"):
            number_halos(names)

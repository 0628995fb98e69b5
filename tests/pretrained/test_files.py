import subprocess
import sys

import numpy as np
import pytest

from darkcnn.pretrained import PRETRAINED, describe_pretrained, files, read_pretrained


def test_every_file_is_there_and_all_fit_into_three_megabytes():
    folder = files.Path(files.__file__).parent / "data"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(PRETRAINED)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3_000_000
    for name in PRETRAINED:
        assert read_pretrained(name).sha256 == PRETRAINED[name]


def test_an_alias_stands_for_a_numbered_name():
    assert read_pretrained("polar").name in PRETRAINED
    assert files.ALIASES.keys().isdisjoint(PRETRAINED)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("pola", ValueError, r"name must be one of \['polar', .*got 'pola' \(did you mean 'polar'\?\)"),
        ("../polar-1", ValueError, r"name must be one of .*got '../polar-1'"),
        (5, TypeError, "name must be a string such as 'polar', got 5"),
    ],
)
def test_other_names_are_refused(name, error, message):
    with pytest.raises(error, match=message):
        read_pretrained(name)


def test_a_damaged_file_is_refused(monkeypatch):
    monkeypatch.setitem(files.PRETRAINED, "polar-1", "0" * 64)
    files._read.cache_clear()
    with pytest.raises(ValueError, match=r"the file of polar-1 is damaged: its SHA-256 must be 0{64}, got"):
        read_pretrained("polar-1")


def test_the_card_has_no_empty_section():
    card = describe_pretrained("polar")
    assert {"architecture", "maps", "cross_sections", "trained", "scores", "use", "limits"} <= card.keys()
    assert all(value not in (None, "", [], {}) for value in card.values())
    for row in card["scores"]:
        for n_models in (3, 4):
            accuracy, error = row[f"accuracy_{n_models}"]
            assert 0 <= accuracy <= 1
            assert error is None or error > 0  # unknown for a single suite


def test_arrays_are_plain_and_finite():
    arrays = read_pretrained("polar").arrays
    assert all(array.dtype.kind in "fiu" and np.isfinite(array).all() for array in arrays.values())


def test_one_changed_bit_is_noticed(tmp_path, monkeypatch):
    content = bytearray((files.Path(files.__file__).parent / "data" / "polar-1.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "polar-1.npz").write_bytes(content)
    monkeypatch.setattr(files, "__file__", str(tmp_path / "files.py"))
    files._read.cache_clear()
    with pytest.raises(ValueError, match=f"must be {PRETRAINED['polar-1']}, got"):
        read_pretrained("polar")


def test_what_is_read_is_shared_and_cannot_be_changed():
    file = read_pretrained("polar")
    assert file is read_pretrained(file.name)
    for array in file.arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    describe_pretrained("polar")["maps"].append("gas")
    assert "gas" not in describe_pretrained("polar")["maps"]


def test_a_card_is_read_without_slow_imports():
    code = (
        "import sys; from darkcnn.pretrained import *; from darkcnn.datasets import load_example\n"
        "describe_pretrained('polar'); print(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"keras", "tensorflow", "matplotlib", "astropy.cosmology", "darkcnn.simulation"} & set(loaded)

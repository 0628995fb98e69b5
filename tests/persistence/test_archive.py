import io
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from model_files import rewrite

from darkcnn import load_model, load_notes, save_model
from darkcnn.persistence import archive


@pytest.mark.parametrize("part", ["darkcnn.json", "model.weights.h5"])
def test_a_missing_part_is_named(saved, tmp_path, part):
    path = tmp_path / "model.keras"
    rewrite(saved, path, lambda name, content: None if name == part else content)
    with pytest.raises(ValueError, match=f"cannot load .*model.keras: its part '{part}' is missing"):
        load_model(path)


def paths(file):
    """List what is in an HDF5 file."""
    found = []
    file.visit(found.append)
    return found


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("damage", ["missing", "nan"])
def test_weights_that_are_missing_or_not_finite_are_refused(saved, tmp_path, damage):
    def change(name, content):
        if not name.endswith(".h5"):
            return content
        with h5py.File(io.BytesIO(content), "r+") as file:
            (kernel,) = [path for path in paths(file) if path.endswith("/conv2d/vars/0")]
            if damage == "nan":
                file[kernel][...] = np.nan
            else:
                del file[kernel.removesuffix("/vars/0")]
            file.flush()
            return file.id.get_file_image()

    rewrite(saved, tmp_path / "model.keras", change)
    with pytest.raises(ValueError, match=r"cannot load .*model\.keras: "):
        load_model(tmp_path / "model.keras")


def test_a_damaged_weight_is_noticed(saved, tmp_path):
    with zipfile.ZipFile(saved) as members, h5py.File(members.open("model.weights.h5")) as file:
        (kernel,) = [file[path] for path in paths(file) if path.endswith("/conv2d/vars/0")]
        value = kernel[0].tobytes()
    content = saved.read_bytes()
    assert content.count(value) == 1
    (tmp_path / "model.keras").write_bytes(content.replace(value, bytes([value[0] ^ 1]) + value[1:]))
    with pytest.raises(ValueError, match=r"cannot load .*model\.keras: .*Bad CRC-32"):
        load_model(tmp_path / "model.keras")


def test_weights_that_unpack_are_refused(saved, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + bytes(10**7) * (name == "model.weights.h5"))
    with pytest.raises(ValueError, match=r"its part 'model.weights.h5' is compressed"):
        load_model(path)


def test_a_truncated_file_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    for tenth in range(10):
        path = tmp_path / "model.keras"
        path.write_bytes(content[: len(content) * tenth // 10])
        with pytest.raises(ValueError, match="cannot load"):
            load_model(path)


def test_other_files_are_refused(saved, tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="path must end in"):
        load_model(shutil.copy(saved, tmp_path / "model.zip"))


def test_notes_come_back(pipeline, saved, tmp_path):
    assert load_notes(saved) is None
    path = tmp_path / "model.keras"
    save_model(pipeline, path, notes={"text": "<ü>", "numbers": [1, 0.5, None]})
    assert load_notes(path) == {"text": "<ü>", "numbers": [1, 0.5, None]}
    assert load_model(path).get_params().keys() == pipeline.get_params().keys()


def test_bad_notes_are_refused(pipeline, tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ValueError, match="JSON compliant"):
        save_model(pipeline, path, notes={"score": float("nan")})
    assert not path.exists()
    save_model(pipeline, path, notes={})
    rewrite(path, tmp_path / "damaged.keras", lambda name, content: "{" if name == "notes.json" else content)
    with pytest.raises(ValueError, match=r"cannot load .*damaged\.keras"):
        load_notes(tmp_path / "damaged.keras")


@pytest.mark.parametrize("read", [load_model, load_notes])
def test_a_bomb_is_not_unpacked(monkeypatch, saved, tmp_path, read):
    path = tmp_path / "model.keras"
    shutil.copy(saved, path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("notes.json", b" " * 3000, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(archive, "MAX_DESCRIPTION", 100)
    with pytest.raises(ValueError, match=r"its part '.*json' must have at most \d+ bytes, got"):
        read(path)


def test_notes_must_be_an_object(saved, tmp_path):
    path = tmp_path / "model.keras"
    shutil.copy(saved, path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("notes.json", "[1]")
    with pytest.raises(
        ValueError, match=r"cannot load .*its part 'notes\.json' must be a JSON object, got a list"
    ):
        load_notes(path)


def link(file, folder):
    with h5py.File(folder / "elsewhere.h5", "w") as other:
        other["weights"] = np.zeros(3)
    file["layers/soft"] = h5py.SoftLink("/layers")
    return "must not contain links"


def external_link(file, folder):
    file["layers/external"] = h5py.ExternalLink(folder / "elsewhere.h5", "weights")
    return "must not contain links"


def external_data(file, folder):
    (folder / "numbers").write_bytes(bytes(24))
    file.create_dataset("external", (3,), "f8", external=[(folder / "numbers", 0, 24)])
    return "must be plain numbers that are stored in the file"


def endless_zeros(file, folder):
    file.create_dataset("zeros", (10**9,), "f4")
    return "must be plain numbers that are stored in the file"


def compressed_zeros(file, folder):
    file.create_dataset("zeros", data=np.zeros(10**6), compression="gzip")
    return "must be plain numbers that are stored in the file"


def texts(file, folder):
    file["texts"] = np.array(["a", "b"], h5py.string_dtype())
    return "must be plain numbers that are stored in the file"


@pytest.mark.parametrize(
    "spoil", [link, external_link, external_data, endless_zeros, compressed_zeros, texts]
)
def test_weights_elsewhere_or_nowhere_are_refused(saved, tmp_path, spoil):
    def change(name, content):
        if not name.endswith(".h5"):
            return content
        (tmp_path / "weights.h5").write_bytes(content)
        with h5py.File(tmp_path / "weights.h5", "r+") as file:
            messages.append(spoil(file, tmp_path))
        return (tmp_path / "weights.h5").read_bytes()

    messages = []
    rewrite(saved, tmp_path / "model.keras", change)
    with pytest.raises(ValueError, match=rf"cannot load .*its weights '.*' {messages[0]}"):
        load_model(tmp_path / "model.keras")


def test_errors_of_this_package_keep_their_traceback(saved, monkeypatch):
    def mistake(*_):
        raise AttributeError("a typing error")

    monkeypatch.setattr(archive, "read_json", mistake)
    monkeypatch.setattr("darkcnn.persistence.saving.read_json", mistake)
    with pytest.raises(AttributeError, match="a typing error"):
        load_model(saved)


@pytest.mark.slow
def test_notes_are_read_without_keras(saved, tmp_path):
    path = tmp_path / "model.keras"
    shutil.copy(saved, path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("notes.json", '{"a": 1}')
    code = "import sys, darkcnn; print(darkcnn.load_notes(sys.argv[1]), 'keras' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True, timeout=100
    )
    assert result.stdout == "{'a': 1} False\n"

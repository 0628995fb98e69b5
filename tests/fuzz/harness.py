"""Feed mutated files to one reader, in a process of its own that may crash, and count what becomes of them.

``python tests/fuzz/harness.py READER FOLDER N_FILES SEED`` prints the counts as JSON. Each file must be read,
or refused by a ValueError that names it. The file under way is ``FOLDER/case*``: after a crash it is still
there. An allocation beyond the limit of address space fails, and is counted; a file that takes too long ends
the process, in compiled code as well; a hook of the interpreter notices programs that are run, sockets that
are opened and files that are written anywhere but in the folder.
"""

import faulthandler
import gzip
import io
import json
import os
import resource
import sys
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

MAX_SECONDS = 30  # for one file
MAX_BYTES = 3 * 2**30  # of address space beyond what the imports took

NUMBERS = [
    value.to_bytes(size, order, signed=True)
    for value in (0, 1, -1, 127, 2**15, 2**31 - 1, -(2**31))
    for size in (1, 2, 4, 8)
    for order in ("little", "big")
    if -(2 ** (8 * size - 1)) <= value < 2 ** (8 * size - 1)
] + [(2**63 - 1).to_bytes(8, order) for order in ("little", "big")]
WORDS = [b"99999999999", b"-1", b"1e999", b"NaN", b"0", b"PE(9)", b"1QJ(8)", b"null", b"{}", b"../../x"]

MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "flip", "insert", "delete", "repeat", "cut"]),
        st.one_of(st.integers(0, 4000), st.integers(0, 2**24)),
        st.one_of(st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=6,
)


def mutate(content, mutations):
    """Damage a file."""
    content = bytearray(content)
    for kind, place, value in mutations:
        place %= len(content) + 1
        end = place + len(value)
        if kind == "write":
            content[place:end] = value
        elif kind == "flip" and place < len(content):
            content[place] ^= 1 << value[0] % 8
        elif kind == "insert":
            content[place:place] = value
        elif kind == "delete":
            del content[place:end]
        elif kind == "repeat":
            content[place:place] = content[place : place + 64 * len(value)]
        elif kind == "cut" and place > 100:
            del content[place:]
    return bytes(content)


def mutate_member(content, member, mutations):
    """Damage a file within an archive, whose own checksums stay right."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        for name in names:
            part = old.read(name)
            new.writestr(name, mutate(part, mutations) if name == names[member % len(names)] else part)
    return target.getvalue()


def clusters():
    """Make four clusters with galaxies."""
    from darkcnn.datasets import make_clusters

    return make_clusters(2, cross_sections=(0, 1), redshifts=(0.25,), n_pixels=5, random_state=0)


def fits_files(folder):
    """Write FITS files: ours, also compressed, and one of astropy with null values."""
    from astropy.table import MaskedColumn, Table

    from darkcnn.datasets import save_clusters

    save_clusters(folder / "seed.fits", clusters())
    content = (folder / "seed.fits").read_bytes()
    table = Table(clusters().data)
    table["redshift"] = MaskedColumn(np.arange(len(table)), mask=[True, False, False, False])
    table["label"] = ["CDM", "SIDM1"] * 2
    table.write(folder / "null.fits")
    return [content, (folder / "null.fits").read_bytes(), gzip.compress(content)]


def hdf5_files(folder):
    """Write HDF5 files: ours, compressed, and a table and a group in the oldest format, without checksums."""
    import h5py

    from darkcnn.datasets.database import Database
    from darkcnn.datasets.hdf5 import write_hdf5

    bunch = clusters()
    database = Database(bunch.data, bunch.target, bunch.galaxies, bunch.DESCR)
    write_hdf5(folder / "ours.h5", database)
    write_hdf5(folder / "compressed.h5", database, compress=True)
    with h5py.File(folder / "old.h5", "w") as file:
        file["clusters"], file["label"] = bunch.data, bunch.target.astype("S")
        file["galaxies"], file["description"] = bunch.galaxies, np.bytes_(bunch.DESCR.encode())
    with h5py.File(folder / "group.h5", "w") as file:
        for name in bunch.data.dtype.names:
            file[f"clusters/{name}"] = bunch.data[name]
        file["clusters/label"] = bunch.target.astype("S")
        file["clusters/redshift"].attrs["_FillValue"] = -1.0
    return [(folder / f"{name}.h5").read_bytes() for name in ("ours", "compressed", "old", "group")]


def pickle_files(folder):
    """Write pickles in the form of the published maps."""
    import pickle

    bunch = clusters()
    maps = np.stack([bunch.data[name] for name in ("total", "xray", "stellar")], axis=-1)
    params = {"label": np.array([0.0, 1.0] * 2), "redshift": bunch.data["redshift"]}
    params |= {"clusterID": [b"1", b"2"] * 2, "mass": bunch.data["log_mass"]}
    params["galaxy_catalogues"] = [bunch.galaxies] * 4
    return [pickle.dumps((params, list(maps)), protocol) for protocol in (2, 4)]


def model_files(folder):
    """Write model files: of a network, and of a last layer on a packaged one."""
    from darkcnn import default_pipeline, load_pretrained, save_model

    bunch = clusters()
    options = {"epochs": 1, "n_views": 1, "random_state": 0, "network_options": {"width": 0.1}}
    model = default_pipeline("simple", attributes=("redshift",), **options).fit(bunch.data, bunch.target)
    save_model(model, folder / "seed.keras")
    save_model(load_pretrained(), folder / "packaged.keras")
    return [(folder / name).read_bytes() for name in ("seed.keras", "packaged.keras")]


def checkpoint_files(folder):
    """Write the state of a training."""
    from darkcnn import DarkCNNClassifier

    rng = np.random.default_rng(0)
    classifier = DarkCNNClassifier("simple", epochs=1, random_state=0, network_options={"width": 0.1})
    classifier.set_params(checkpoint=folder / "checkpoint").fit(
        rng.random((8, 5, 5, 3)), ["CDM", "SIDM1"] * 4
    )
    (path,) = (folder / "checkpoint").iterdir()
    return [path.read_bytes()]


def study_files(folder):
    """Write a fit and the header of a study."""
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import GroupKFold

    from darkcnn.model_selection import run_study

    X, y, groups = np.zeros((8, 1)), [0, 1] * 4, np.arange(8) // 2
    run_study(DummyClassifier(), X, y, groups=groups, cv=GroupKFold(2), folder=folder / "study")
    fit = next((folder / "study" / "fits").glob("*.json"))
    return [(folder / "study" / "study.json").read_bytes(), fit.read_bytes()]


def read_clusters(path):
    """Read a database, and once more from the disk if that can be done."""
    from darkcnn.datasets import load_clusters

    load_clusters(path)
    try:
        mapped = load_clusters(path, mmap=True)
    except ValueError as error:
        if "it cannot be memory-mapped" not in str(error):
            raise AssertionError from error
    else:
        np.asarray(mapped.data)
        np.asarray(mapped.galaxies)


def read_model(path):
    """Load a model."""
    from darkcnn import load_model

    load_model(path)


def read_checkpoint(path):
    """Read the state of a training."""
    from darkcnn.training.checkpoint import _read

    _read(path)


def read_study(path):
    """Read the header and a fit of a study, each from the same content."""
    from darkcnn.model_selection.study.store import Store

    store = Store(path.parent / "study")
    for target in ("study.json", "fits/case-0.json"):
        (path.parent / "study" / target).write_bytes(path.read_bytes())
    for read in (store.header, lambda: store.read("case", 0)):
        try:
            read()
        except ValueError as error:
            if str(path.parent) not in str(error):
                raise AssertionError from error
        else:
            return
    raise ValueError(f"neither of {path}")


READERS = {
    "fits": (fits_files, read_clusters, "case.fits"),
    "hdf5": (hdf5_files, read_clusters, "case.h5"),
    "pickle": (pickle_files, read_clusters, "case.pkl"),
    "model": (model_files, read_model, "case.keras"),
    "checkpoint": (checkpoint_files, read_checkpoint, "case.npz"),
    "study": (study_files, read_study, "case.json"),
}

FORBIDDEN = {
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect"),
    *("os.remove", "os.rmdir", "os.symlink", "os.link", "shutil.rmtree", "pickle.find_class"),
}


def watch(folder, alarms):
    """Note what no reader may do."""
    allowed = (str(folder), os.devnull)

    def hook(event, arguments):
        if not alarms or alarms[0] != "armed":  # hypothesis writes files too
            return
        if event in FORBIDDEN:
            alarms.append(f"{event} {arguments!r:.200}")
        elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            place = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
            if place and not place.startswith(allowed):
                alarms.append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)


def main(reader, folder, n_files, number):
    """Fuzz one reader."""
    folder = Path(folder).resolve()
    files, read, name = READERS[reader]
    contents, path, counts, alarms = files(folder), folder / name, Counter(), []
    for content in contents:
        path.write_bytes(content)
        read(path)  # whatever is imported late is imported now
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    warnings.simplefilter("ignore")
    watch(folder, alarms)

    @seed(number)
    @settings(max_examples=n_files, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 99), st.booleans(), st.integers(0, 9), MUTATIONS)
    def fuzz(which, inside, member, mutations):
        content = contents[which % len(contents)]
        if inside and reader in ("model", "checkpoint"):
            path.write_bytes(mutate_member(content, member, mutations))
        elif inside and content.startswith(b"\x1f\x8b"):
            path.write_bytes(gzip.compress(mutate(gzip.decompress(content), mutations), 1))
        else:
            path.write_bytes(mutate(content, mutations))
        faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
        alarms[:] = ["armed"]
        try:
            read(path)
            counts["read"] += 1
        except ValueError as error:
            if str(path) not in str(error):
                raise AssertionError(f"{error!r} does not name the file") from error
            counts["refused"] += 1
            counts["of them for lack of memory"] += "MemoryError" in str(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
            raised, alarms[:] = alarms[1:], []
        assert not raised, raised

    fuzz()
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

import builtins
import copyreg
import io
import os
import pickle
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest

from darkcnn.datasets.unpickling import read_pickle

NUMPY_1 = (b"numpy._core", b"numpy.core")


def read(content):
    return read_pickle(io.BytesIO(content), max_bytes=100 * len(content))


class Call:
    """An object that a free pickle.load would make by calling something."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


ARRAYS = {
    "float32": np.arange(6, dtype="f4").reshape(2, 3),
    "big-endian": np.arange(6, dtype=">f8"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12.0)[::2],
    "bool": np.array([True, False]),
    "empty": np.empty((0, 3)),
    "scalar array": np.array(3),
    "text": np.array(["CDM", "Å"]),
    "bytes": np.array([b"CDM", b"a"]),
    "objects": np.array(["CDM", 3, None], dtype=object),
    "table": np.array([("a", 1, 2.5)], dtype=[("fof", "U3"), ("x", "i2"), ("y", ">f8")]),
    "aligned table": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "table of objects": np.array([("a", 1), ("b", 2)], dtype=[("fof", "O"), ("x", "f4")]),
    "record array": np.rec.fromarrays([["a", "bb"], [1.0, 2.0]], names="fof,x"),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("numpy_version", [1, 2])
def test_arrays(array, protocol, numpy_version):
    content = pickle.dumps(array, protocol)
    if numpy_version == 1 and protocol < 4:  # later, names carry their length
        content = content.replace(*NUMPY_1)
        assert b"_core" not in content
    loaded = read(content)
    assert type(loaded) is np.ndarray
    assert loaded.dtype.names == array.dtype.names
    if array.dtype.names is None:
        assert loaded.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")  # numpy may swap bytes
    np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_objects(protocol):
    content = {
        "list": [1, -(2**40), 2.5, True, None],
        "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "text": "Å",
        "bytes": [b"", b"\xff\x00", b"long" * 100],
        "numpy": [np.float64(0.1), np.float32(0.1), np.int64(3), np.str_("CDM"), np.bool_(True)],
    }
    loaded = read(pickle.dumps(content, protocol))
    assert loaded == content
    assert [type(value) for value in loaded["numpy"]] == [type(value) for value in content["numpy"]]


def test_shared_and_cyclic_objects():
    array, cycle = np.arange(3), []
    cycle.append(cycle)
    first, second, loaded = read(pickle.dumps([array, array, cycle]))
    assert first is second
    assert loaded[0] is loaded


def test_python_2():
    # pickle.dumps({"mass": numpy.array([1.5]), "sim": "CDM"}, 2) of Python 2.7 and numpy 1.16.
    content = (
        b"\x80\x02}q\x00(U\x04massq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00"
        b"\x85q\x04U\x01bq\x05\x87q\x06Rq\x07(K\x01K\x01\x85q\x08cnumpy\ndtype\nq\tU\x02f8q\nK\x00K\x01\x87q\x0b"
        b"Rq\x0c(K\x03U\x01<q\rNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89U\x08\x00\x00\x00\x00\x00"
        b"\x00\xf8?q\x0ftq\x10bU\x03simq\x11U\x03CDMq\x12u."
    )
    loaded = read(content)
    assert loaded["mass"].tolist() == [1.5]
    assert loaded["sim"] == "CDM"


HOSTILE = {
    "posix.system": Call(os.system, "touch {}"),
    "builtins.eval": Call(eval, "open('{}', 'w')"),
    "builtins.exec": Call(exec, "open('{}', 'w')"),
    "subprocess.Popen": Call(subprocess.Popen, ["touch", "{}"]),
    "builtins.getattr": Call(getattr, builtins, "eval"),
    "numpy.load": Call(np.load, "{}", None, True),
    "numpy.memmap": Call(np.memmap, "{}", "u1", "w+", 0, 100),
    "numpy.fromfile": Call(np.fromfile, "{}"),
}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_run(tmp_path, name, protocol):
    trace = tmp_path / "trace"
    function, arguments = HOSTILE[name].reduced
    filled = [
        [part.format(trace) for part in argument]
        if isinstance(argument, list)
        else argument.format(trace)
        if isinstance(argument, str)
        else argument
        for argument in arguments
        if argument is not builtins
    ]
    # First as itself, then hidden in an array of objects and behind one that is allowed.
    for content in (
        Call(function, *filled),
        np.array([Call(function, *filled)], dtype=object),
        [np.arange(3), {"label": Call(function, *filled)}],
    ):
        with pytest.raises(
            pickle.UnpicklingError, match=f"refused .*{name.partition('.')[2]}: reading it could run code"
        ):
            read(pickle.dumps(content, protocol))
        assert not trace.exists()


def text(value):
    value = value.encode()
    return b"\x8c" + bytes([len(value)]) + value


def named(module, name):
    return text(module) + text(name) + pickle.STACK_GLOBAL


RECONSTRUCT = named("numpy._core.multiarray", "_reconstruct")
EMPTY = RECONSTRUCT + named("numpy", "ndarray") + b"K\x00\x85C\x01b\x87R"
FLOAT = (
    named("numpy", "dtype")
    + text("f8")
    + b"\x89\x88\x87R(K\x03"
    + text("<")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
OBJECT = named("numpy", "dtype") + text("O8") + b"\x89\x88\x87R"
HUGE = b"\x8a\x08" + struct.pack("<q", 10**12)


NOTHING = named("numpy", "dtype") + text("S0") + b"\x89\x88\x87R"


def array_of(shape, dtype, data):
    return EMPTY + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"


def table(fields, size):
    return (
        named("numpy", "dtype")
        + text("V8")
        + b"\x89\x88\x87R(K\x03"
        + text("|")
        + b"N"
        + text("x")
        + b"\x85}"
        + text("x")
        + fields
        + b"s"
        + b"K"
        + bytes([size])
        + b"K\x01K\x10tb"
    )


TRICKS = {
    "reading it could run code": {
        "dotted name": named("numpy", "core.multiarray.os.system"),
        "dotted name on what is allowed": named("numpy", "dtype.__class__"),
        "name as text": b"cos\nsystem\n(S'true'\ntR",
        "name in Python 2": b"c__builtin__\neval\n(S'1'\ntR",
        "name in an object": b"(cos\nsystem\nS'true'\no",
    },
    "refused the instruction": {
        "old-style instance": b"(S'true'\nios\nsystem\n",
        "old-style object": b"(" + named("numpy", "dtype") + text("f8") + b"o",
        "new object": named("numpy", "dtype") + text("f8") + b"\x85\x81",
        "new object with keywords": named("numpy", "dtype") + b")}\x92",
        "persistent id": b"Ppath\n",
        "binary persistent id": text("path") + b"Q",
        "out-of-band buffer": b"\x97",
        "set": b"\x8f",
    },
    "is not callable": {
        "call of a class": named("numpy", "ndarray") + HUGE + b"\x85\x85R",
        "call of an array": EMPTY + b")R",
    },
    "refused an array of": {
        "subtype of another kind": RECONSTRUCT + named("numpy", "record") + b"K\x00\x85C\x01b\x87R",
        "subtype from a data type": RECONSTRUCT + FLOAT + b"K\x00\x85C\x01b\x87R",
        "huge at birth": RECONSTRUCT + named("numpy", "ndarray") + HUGE + b"\x85C\x01b\x87R",
        "huge": array_of(HUGE + b"\x85", FLOAT, b"C\x08aaaaaaaa"),
        "huge and of objects": array_of(HUGE + b"\x85", OBJECT, b"]"),
        "huge and of nothing": array_of(HUGE + b"\x85", NOTHING, b"C\x00"),
        "negative": array_of(b"J\xff\xff\xff\xff" * 2 + b"\x86", FLOAT, b"C\x08aaaaaaaa"),
        "objects from bytes": array_of(b"K\x01\x85", OBJECT, b"C\x08aaaaaaaa"),
    },
    "cannot create an OBJECT array": {
        "objects from a buffer": named("numpy._core.numeric", "_frombuffer")
        + b"(C\x08aaaaaaaa"
        + OBJECT
        + b"K\x01\x85"
        + text("C")
        + b"tR",
        "object scalar": named("numpy._core.multiarray", "scalar") + OBJECT + b"C\x08aaaaaaaa\x86R",
    },
    "refused to overwrite an array": {
        "array set twice": array_of(b"K\x01\x85", FLOAT, b"C\x08aaaaaaaa")
        + array_of(b"K\x01\x85", FLOAT, b"C\x08aaaaaaaa")[len(EMPTY) :],
    },
    "refused to change the state": {
        "state of a list": b"]}b",
        "state of a function": RECONSTRUCT + b"}" + text("__code__") + b"Nsb",
        "state of a class": named("numpy", "dtype") + b"}" + text("set_state") + b"Nsb",
    },
    "(requires .* bytes|cannot be negative)": {
        "field beyond the row": table(FLOAT + b"J\x00\x10\x00\x00\x86", 8),
        "field before the row": table(FLOAT + b"J\x00\xf0\xff\xff\x86", 8),
        "row smaller than its field": table(FLOAT + b"K\x00\x86", 4),
    },
    "refused (a table within|str in place)": {
        "field that is a table": table(table(FLOAT + b"K\x00\x86", 8) + b"K\x00\x86", 8),
        "field without a type": table(text("f8") + b"K\x00\x86", 8),
    },
    "refused the data type": {
        "data type by name": named("numpy", "dtype") + text("os.system") + b"\x85R",
        "data type from a class": named("numpy", "dtype") + named("numpy", "ndarray") + b"\x85R",
    },
    "refused the encoding": {"compressed": named("_codecs", "encode") + text("a") + text("zlib") + b"\x86R"},
    "refused to set items": {
        "key that is a tuple": b"}))\x86Ns",
        "item of an array": EMPTY + b"K\x00K\x01s",
        "item of a list": b"]K\x00K\x01s",
    },
    "^$": {  # EOFError
        "huge byte array": b"\x96" + struct.pack("<Q", 10**12),
        "huge bytes": b"\x8e" + struct.pack("<Q", 10**12),
        "no end": b"N",
    },
}
"""Pickles that would do harm, make numpy trust a lie or exhaust memory, by what the refusal says."""


@pytest.mark.parametrize(
    ("message", "trick"),
    [
        pytest.param(message, trick, id=name)
        for message, tricks in TRICKS.items()
        for name, trick in tricks.items()
    ],
)
def test_tricks_are_refused(message, trick):
    end = b"" if message == "^$" else b"."
    with pytest.raises((pickle.UnpicklingError, TypeError, ValueError, EOFError), match=message):
        read(b"\x80\x04" + trick + end)


@pytest.mark.parametrize("claim", [b"B" + struct.pack("<I", 2**31 - 1), b"\x8e" + struct.pack("<Q", 2**40)])
def test_no_room_is_made_for_bytes_that_are_not_there(tmp_path, claim):
    (tmp_path / "claim.pkl").write_bytes(b"\x80\x04" + claim + b"few")
    tracemalloc.start()
    with open(tmp_path / "claim.pkl", "rb") as file, pytest.raises((EOFError, pickle.UnpicklingError)):
        read_pickle(file, max_bytes=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


def test_extension_codes_are_refused():
    copyreg.add_extension("posix", "system", 0x7FFF)
    try:
        content = pickle.dumps(Call(os.system, "true"), 2)
        assert b"system" not in content
        pickle.loads(pickle.dumps(os.system, 2))  # now in the cache, where find_class is not asked
        with pytest.raises(pickle.UnpicklingError, match="refused the instruction"):
            read(content)
    finally:
        copyreg.remove_extension("posix", "system", 0x7FFF)


def test_one_text_cannot_become_many_arrays():
    encoded = named("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R0"
    letters = b"X" + struct.pack("<I", 10_000) + b"a" * 10_000
    content = b"\x80\x04" + letters + b"q\x00" + encoded * 5_000 + b"."
    with pytest.raises(pickle.UnpicklingError, match="so much data from so small a file"):
        read(content)


def test_the_names_that_are_allowed_are_all_there_is():
    for name in (
        "os.system",
        "numpy.load",
        "builtins.eval",
        "builtins.getattr",
        "numpy.core.multiarray.fromfile",
    ):
        module, _, attribute = name.rpartition(".")
        with pytest.raises(pickle.UnpicklingError, match=f"refused {name}: reading it could run code"):
            read(b"\x80\x04" + named(module, attribute) + b".")

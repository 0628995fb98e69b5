"""Safe reading of pickles of numpy arrays, without executing code.

A pickle is a program: it names functions of installed libraries and calls them. Here, every allowed name
stands for a function of this module that checks its arguments; all other names, and instructions that could
bypass these functions, are refused. Even numpy's own functions are not called directly: some trust the sizes
and types in a pickle so far that it could access arbitrary memory.
"""

import io
import math
import pickle
import re

import numpy as np

_ARRAY = "numpy.ndarray"
_RECORD = "numpy.record"

_INSTRUCTIONS = """
    PROTO FRAME STOP MARK POP POP_MARK DUP GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT GLOBAL STACK_GLOBAL
"""
"""Instructions for plain containers and arrays, which the standard library executes safely."""


def read_pickle(file, *, max_bytes):
    """Read a pickle of plain containers, numbers, text and numpy arrays.

    Parameters
    ----------
    file : binary file
        File in any protocol, from Python 2 or 3 and numpy 1 or 2.
    max_bytes : int
        Maximum total size of all arrays.

    Returns
    -------
    object
        Containers as pickled; record arrays become structured arrays.

    Raises
    ------
    pickle.UnpicklingError
        If the pickle contains anything else. Damaged pickles may raise almost any other exception.
    """
    return _Unpickler(file, max_bytes).load()


class _PickledType:
    """Unfinished dtype: a pickle first names it, then adds byte order and fields."""

    def __init__(self, spec, *_):
        if spec == _RECORD:
            self.dtype = np.dtype("V")
        elif isinstance(spec, str) and re.fullmatch(r"[biufSUVO]\d{0,9}", spec):
            self.dtype = np.dtype("O" if spec[0] == "O" else spec)
        else:
            raise pickle.UnpicklingError(f"refused the data type {spec!r}")

    def set_state(self, state):
        byte_order, subarray, names, fields, size = state[1:6]
        if subarray is not None:
            raise pickle.UnpicklingError("refused a data type of arrays within arrays")
        if names is None:
            if self.dtype.kind in "SUV" and size != self.dtype.itemsize:
                raise pickle.UnpicklingError(f"refused the data type {self.dtype.str!r} of {size!r} bytes")
            self.dtype = self.dtype.newbyteorder(byte_order)
            return
        types = [_dtype(fields[name][0]) for name in names]
        if any(dtype.names for dtype in types):
            raise pickle.UnpicklingError("refused a table within a table")
        # The constructor checks that fields are within the row; numpy's own unpickling does not.
        self.dtype = np.dtype(
            {
                "names": [str(name) for name in names],
                "formats": types,
                "offsets": [fields[name][1] for name in names],
                "itemsize": size,
            }
        )


def _dtype(pickled):
    if not isinstance(pickled, _PickledType):
        raise pickle.UnpicklingError(f"refused {type(pickled).__name__} in place of a data type")
    return pickled.dtype


def _bytes(data):
    return data.encode("latin1") if isinstance(data, str) else data  # str: from Python 2


def _reconstruct(subtype, shape, typecode):
    if subtype != _ARRAY or shape != (0,) or _bytes(typecode) != b"b":
        raise pickle.UnpicklingError(f"refused an array of type {subtype!r} and shape {shape!r}")
    return np.empty(0, np.int8)


def _set_array_state(array, state):
    _, shape, pickled_type, is_fortran, data = state
    if array.shape != (0,) or array.dtype != np.int8:
        raise pickle.UnpicklingError("refused to overwrite an array")
    dtype, data = _dtype(pickled_type), _bytes(data)
    if not all(type(length) is int and length >= 0 for length in shape):
        raise pickle.UnpicklingError(f"refused an array of shape {shape!r}")
    # numpy trusts the shape, both for the size to allocate and for the number of objects in the list.
    expected, actual = (1, list) if dtype.hasobject else (dtype.itemsize, bytes)
    if type(data) is not actual or expected == 0 or len(data) != math.prod(shape) * expected:
        raise pickle.UnpicklingError(
            f"refused an array of shape {shape!r} and {dtype}: its data do not fill it"
        )
    array.__setstate__((1, tuple(shape), dtype, bool(is_fortran), data))


def _from_buffer(buffer, pickled_type, shape, order, axis_order=None):
    array = np.frombuffer(buffer, _dtype(pickled_type))
    if order == "K":
        return array.reshape(shape).transpose(axis_order)
    return array.reshape(shape, order=order)


def _scalar(pickled_type, data):
    return np.frombuffer(_bytes(data), _dtype(pickled_type)).reshape(())[()]


def _encode(text, encoding):
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"refused the encoding {encoding!r}")
    return text.encode("latin1")


_GLOBALS = {
    ("numpy", "dtype"): _PickledType,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "recarray"): _ARRAY,
    ("numpy.rec", "recarray"): _ARRAY,
    ("numpy", "record"): _RECORD,
    ("numpy.rec", "record"): _RECORD,
    ("_codecs", "encode"): _encode,
    ("builtins", "bytes"): lambda: b"",  # how protocols 0 to 2 write empty bytes
    ("__builtin__", "bytes"): lambda: b"",
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1, numpy 2
    _GLOBALS |= {
        (f"{_core}.multiarray", "_reconstruct"): _reconstruct,
        (f"{_core}.multiarray", "scalar"): _scalar,
        (f"{_core}.numeric", "_frombuffer"): _from_buffer,
        (f"{_core}.records", "recarray"): _ARRAY,
        (f"{_core}.records", "record"): _RECORD,
    }


def _refuse(code):
    def load(self):
        raise pickle.UnpicklingError(f"refused the instruction {bytes([code])!r}: plain data do not need it")

    return load


class _Unpickler(pickle._Unpickler):
    # The Python implementation, because the one in C cannot refuse instructions.
    # joblib uses it, too.

    def __init__(self, file, max_bytes):
        super().__init__(file, encoding="latin1")  # keeps the bytes of Python 2's strings
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        # file.read allocates the requested size even if the file is shorter.
        self._file_read = lambda n_bytes: file.read(min(n_bytes, size - file.tell()))
        self.bytes_left = max_bytes

    def find_class(self, module, name):
        if (module, name) not in _GLOBALS:
            raise pickle.UnpicklingError(f"refused {module}.{name}: reading it could run code")
        return _GLOBALS[module, name]

    def load_reduce(self):
        super().load_reduce()
        self._spend(self.stack[-1])

    def _spend(self, made):
        # One text in the file can be converted to bytes and arrays repeatedly.
        self.bytes_left -= len(made) if isinstance(made, bytes) else getattr(made, "nbytes", 0)
        if self.bytes_left < 0:
            raise pickle.UnpicklingError("refused to create so much data from so small a file")

    def load_build(self):
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is np.ndarray:
            _set_array_state(target, state)
            self._spend(target)
        elif type(target) is _PickledType:
            target.set_state(state)
        else:
            raise pickle.UnpicklingError(f"refused to change the state of {type(target).__name__}")

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def load_setitems(self):
        self._set_items(self.pop_mark())

    def load_dict(self):
        items = self.pop_mark()
        self.append({})
        self._set_items(items)

    def _set_items(self, items):
        target, keys = self.stack[-1], items[::2]
        # Hashing deeply nested tuples can take forever.
        if type(target) is not dict or not all(isinstance(key, str | bytes | int) for key in keys):
            raise pickle.UnpicklingError(
                f"refused to set items of {type(target).__name__}: only a dict by text or whole number"
            )
        target.update(zip(keys, items[1::2], strict=True))

    def load_bytearray8(self):
        size = int.from_bytes(self.read(8), "little")
        # The inherited method allocates the claimed size before it reads.
        self.append(bytearray(self.read(size)))

    dispatch = {code: _refuse(code) for code in range(256)}
    for _name in _INSTRUCTIONS.split():
        _code = getattr(pickle, _name)[0]
        dispatch[_code] = pickle._Unpickler.dispatch[_code]
    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }

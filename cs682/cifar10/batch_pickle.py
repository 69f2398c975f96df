"""Open CIFAR batch files without letting them run anything.

The batches are pickles, and a pickle is a program: a bare `pickle.load` calls whatever the file
names. Here every instruction is looked at before the first one is carried out, and the few names
that a CIFAR batch mentions stand for objects of ours, which build nothing but arrays of bytes.
NumPy's own constructors never see what the file says.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILE_BYTES = 64 * 2**20  # twice an official batch of 10,000 images
MAX_INSTRUCTIONS = 1_000_000  # an official batch has about 40,000
MAX_CONTAINERS = 1_000  # tuples, lists, dicts and calls; bounds how deep they can be nested

# fmt: off
_DATA = frozenset({
    "BININT", "BININT1", "BININT2", "NONE", "NEWTRUE", "NEWFALSE",
    "SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
    "SHORT_BINUNICODE", "BINUNICODE", "PROTO", "FRAME", "STOP",
    "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
})
_CONTAINERS = frozenset({
    "MARK", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "APPEND", "APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
})
# fmt: on


def load_batch(content: bytes, *, encoding: str = "bytes") -> Any:
    """Return what the pickle `content` holds, if it is made of the parts of a CIFAR batch only.

    Parameters
    ----------
    content : bytes; a whole pickle, as Python 2 or Python 3 writes a CIFAR batch
    encoding : str, default 'bytes'; how strings pickled by Python 2 come back: as bytes, or
        decoded ('latin1')

    Returns
    -------
    batch : the unpickled object, normally a dict; its arrays are uint8, of any shape

    Raises
    ------
    ValueError
        If the pickle is damaged, too large, or asks for anything that a CIFAR batch does not hold.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"{len(content)} bytes are too many for a batch (limit {MAX_FILE_BYTES})")
    try:
        _look_through(content)
        batch = _BatchUnpickler(io.BytesIO(content), encoding=encoding).load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"not a CIFAR batch: {str(error) or type(error).__name__}") from error
    return _plain(batch)


def _look_through(content: bytes) -> None:
    """Refuse a pickle with a foreign instruction, too many of them, or too large a memo index."""
    containers = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in _CONTAINERS:
            containers += 1
        elif opcode.name not in _DATA:
            raise pickle.UnpicklingError(f"it uses the pickle instruction {opcode.name}")
        elif opcode.name == "LONG_BINPUT" and int(argument or 0) > MAX_INSTRUCTIONS:
            raise pickle.UnpicklingError(f"it asks for {argument} memo slots")
        if count >= MAX_INSTRUCTIONS or containers > MAX_CONTAINERS:
            raise pickle.UnpicklingError("it has far more parts than a batch needs")


class _Admitted:
    """One global name of a batch: it can be called, and nothing in a pickle can change it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("it tries to change a function")


class _ByteDtype:
    """The dtype of a batch's array. It is uint8 and keeps none of the file's words about it."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        """Ignore `state` (byte order, alignment), which says nothing about single bytes."""


class _ByteArray(np.ndarray[Any, np.dtype[np.uint8]]):
    """An array under construction: empty until the file's shape and bytes were found to agree."""

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise pickle.UnpicklingError("an array has no proper description")
        _, shape, dtype, fortran, content = state
        content = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(dtype, _ByteDtype) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("it holds an array that is not of bytes (uint8)")
        if not _is_shape(shape) or _size(shape) != len(content):
            raise pickle.UnpicklingError(f"{len(content)} bytes do not fill an array of {shape}")
        described: Any = (1, shape, np.dtype(np.uint8), bool(fortran), content)
        super().__setstate__(described)


def _is_shape(shape: object) -> bool:
    """Tell whether `shape` can be the shape of an array: a few small non-negative integers."""
    if not isinstance(shape, tuple) or not 1 <= len(shape) <= 4:
        return False
    return all(type(n) is int and 0 <= n <= MAX_FILE_BYTES for n in shape)


def _size(shape: tuple[int, ...]) -> int:
    """Return the number of elements in an array of this shape, in exact integers."""
    size = 1
    for n in shape:
        size *= n
    return size


def _reconstruct(*_: object) -> _ByteArray:
    """Return an empty array, whatever subclass, shape and type code the file asks for."""
    empty: _ByteArray = _ByteArray((0,), np.uint8)
    return empty


def _dtype(code: object = None, *_: object) -> _ByteDtype:
    """Return the byte dtype if `code` names it."""
    if code not in ("u1", "|u1", b"u1", b"|u1"):
        raise pickle.UnpicklingError(f"it holds an array of dtype {code!r:.40}, expected 'u1'")
    return _ByteDtype()


def _encode(text: object = None, codec: object = None, *_: object) -> bytes:
    """Return bytes as Python 3 spells them in a protocol 2 pickle: text with code points < 256."""
    if not isinstance(text, str) or codec != "latin1":
        raise pickle.UnpicklingError("it encodes text in a way that no batch does")
    return text.encode("latin1")


def _not_callable(*_: object) -> NoReturn:
    raise pickle.UnpicklingError("it calls numpy.ndarray directly")


_RECONSTRUCT = _Admitted(_reconstruct)
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 2
    ("numpy", "ndarray"): _Admitted(_not_callable),
    ("numpy", "dtype"): _Admitted(_dtype),
    ("_codecs", "encode"): _Admitted(_encode),
}


class _BatchUnpickler(pickle.Unpickler):
    """Unpickler for which only the names in `_ADMITTED` exist."""

    def find_class(self, module: str, name: str) -> Any:
        """Return our object for a name that batches use; refuse any other name."""
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")
        return _ADMITTED[module, name]


def _plain(batch: Any) -> Any:
    """Return `batch` with ordinary ndarrays as the values of a dict, or in place of one array."""
    if isinstance(batch, dict):
        return {key: _ndarray(value) for key, value in batch.items()}
    return _ndarray(batch)


def _ndarray(value: Any) -> Any:
    """Return an array of ours as an ordinary ndarray, anything else as it is."""
    return value.view(np.ndarray) if isinstance(value, _ByteArray) else value

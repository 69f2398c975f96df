"""What crosses between the grader and a worker: frames of JSON and `.npy`, and nothing else.

A frame is a JSON object followed by arrays in NumPy's file format, which are read without pickle.
Values that are no arrays are JSON trees; an object that can be neither stays where it is, and a
number stands for it. Whatever is malformed, of another type than expected or too large raises
`BadFrameError`: nothing of it is used. This module runs on both sides and needs NumPy alone.
"""

from __future__ import annotations

import io
import json
import math
import socket
import struct
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

MAX_HEADER = 1_000_000  # bytes of JSON in one frame
MAX_FRAME = 64_000_000  # bytes of arrays in one frame
_MAX_TEXT = 10_000  # characters of one string
_MAX_DEPTH = 8
_PREFIX = struct.Struct(">I")
_NUMBERS = "biufc"  # kinds of dtype that cross as numbers
_OTHERS = "OSUmM"  # kinds of which only dtype and shape cross
_DTYPES = {np.dtype(name).type for name in ("float16", "float32", "float64")}


class BadFrameError(ValueError):
    """The other side sent something that is no frame, or that no honest sender would send."""


class Wire:
    """One end of a stream socket that carries frames.

    Parameters
    ----------
    end : socket, connected
    budget : int, bytes that may be received in all
    """

    def __init__(self, end: socket.socket, budget: int = 1_000_000_000) -> None:
        self._end = end
        self._budget = budget
        self.deadline: float | None = None  # in the time of `time.monotonic`

    def send(self, message: dict[str, Any], arrays: list[Any]) -> None:
        """Send one frame.

        Parameters
        ----------
        message : dict, what JSON can hold
        arrays : list of ndarray of numbers
        """
        payloads = [_dump(array) for array in arrays]
        header = json.dumps([message, [len(p) for p in payloads]]).encode()
        self._set_timeout()
        self._end.sendall(b"".join([_PREFIX.pack(len(header)), header, *payloads]))

    def receive(self) -> tuple[dict[str, Any], list[Any]]:
        """Return the next frame.

        Returns
        -------
        message : dict
        arrays : list of ndarray of numbers, each in memory of its own

        Raises
        ------
        BadFrameError
            If it is malformed or too large.
        EOFError
            If the other side has gone.
        TimeoutError
            If the deadline passes.
        """
        (size,) = _PREFIX.unpack(self._exactly(_PREFIX.size))
        if size > MAX_HEADER:
            raise BadFrameError(f"a header of {size} bytes")
        header = self._exactly(size)
        try:
            message, sizes = json.loads(header)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadFrameError(
                f"a header that is no pair in JSON: {type(error).__name__}"
            ) from None
        if type(message) is not dict or type(sizes) is not list:
            raise BadFrameError("a header of other types than an object and a list")
        if any(type(n) is not int or n < 0 for n in sizes) or sum(sizes) > MAX_FRAME:
            raise BadFrameError("sizes of arrays that are no sizes, or too large")
        return message, [_load(self._exactly(n)) for n in sizes]

    def _set_timeout(self) -> None:
        """Give the socket the time that is left."""
        if self.deadline is not None:
            if (left := self.deadline - time.monotonic()) <= 0:
                raise TimeoutError
            self._end.settimeout(left)

    def _exactly(self, size: int) -> bytearray:
        """Return the next `size` bytes."""
        self._budget -= size
        if self._budget < 0:
            raise BadFrameError("more bytes than an exercise may send")
        data = bytearray(size)
        view, have = memoryview(data), 0
        while have < size:
            self._set_timeout()
            count = self._end.recv_into(view[have:])
            if not count:
                raise EOFError
            have += count
        return data


@lru_cache(maxsize=1024)
def _file_header(dtype: Any, shape: tuple[int, ...]) -> bytes:
    """Return what stands before the numbers in an `.npy` file."""
    out = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, fields)
    return out.getvalue()


def _dump(array: Any) -> bytes:
    """Return an array of numbers as an `.npy` file."""
    header: bytes = _file_header(array.dtype, array.shape)
    return header + bytes(array.tobytes())


@lru_cache(maxsize=1024)
def _layout(header: bytes) -> tuple[Any, tuple[int, ...]]:
    """Return dtype and shape that the header of an `.npy` file states."""
    file = io.BytesIO(header)
    if np.lib.format.read_magic(file) != (1, 0):
        raise BadFrameError("an array in another version of the format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in _NUMBERS or fortran or any(n < 0 for n in shape):
        raise BadFrameError(f"an array of {dtype.kind} values, or in another order")
    return dtype, shape


def _load(data: bytearray) -> Any:
    """Return the array in an `.npy` file, which must hold numbers and end where it should."""
    start = 10 + int.from_bytes(data[8:10], "little")
    try:
        dtype, shape = _layout(bytes(data[:start]))
    except Exception as error:  # whatever NumPy's parser makes of it
        raise BadFrameError(f"an array without a proper header: {type(error).__name__}") from None
    if len(data) - start != dtype.itemsize * math.prod(shape):
        raise BadFrameError("an array of another length than its header states")
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


class Packer:
    """Turn values into JSON trees and arrays for one frame.

    Parameters
    ----------
    number : function that returns the number under which both sides know an array, list or dict,
        or 0 if they share none
    known : function that tells whether the other side has this array as it is now, and notes that
        it will have it if not; called right after `number`, for lists and dicts as well
    hide : function that returns a number for an object that stays where it is
    """

    def __init__(
        self,
        number: Callable[[Any], int] = lambda _: 0,
        known: Callable[[Any], bool] = lambda _: False,
        hide: Callable[[Any], int] = lambda _: 0,
    ) -> None:
        self.arrays: list[Any] = []
        self._number, self._known, self._hide = number, known, hide

    def pack(self, value: Any, depth: int = 0) -> Any:
        """Return a tree for a value; subclasses and unknown types become handles.

        Parameters
        ----------
        value : object
        depth : int, how deep in other values it lies

        Returns
        -------
        tree : what JSON can hold
        """
        kind = type(value)
        if depth > _MAX_DEPTH:
            return self.handle(value)
        if value is None or kind in (bool, float) or (kind is int and abs(value) < 1 << 64):
            return value
        if kind is str:
            return value[:_MAX_TEXT]
        if kind is np.ndarray:
            return self._pack_array(value)
        if kind is tuple:
            return ["t", [self.pack(v, depth + 1) for v in value]]
        if kind in (list, dict):
            return self._pack_container(value, depth)
        if isinstance(value, np.generic) and kind.__module__ == "numpy":
            return self._pack_scalar(value)
        if isinstance(value, type) and value in _DTYPES:
            return ["y", value.__name__]
        return self.handle(value)

    def _pack_container(self, value: Any, depth: int) -> Any:
        """Return a tree for a list or dict, with all that it holds."""
        number = self._number(value)
        self._known(value)
        if type(value) is dict:
            return ["d", number, self._items(value, depth)]
        return ["l", number, [self.pack(v, depth + 1) for v in value]]

    def _items(self, value: dict[Any, Any], depth: int) -> list[Any]:
        """Return a dict's items as pairs; keys that JSON does not have become text."""
        plain = (str, int, float, bool, type(None))
        return [
            [k[:_MAX_TEXT] if type(k) is str else k, self.pack(v, depth + 1)]
            if type(k) in plain
            else [f"<{type(k).__name__}>", self.pack(v, depth + 1)]
            for k, v in list(value.items())
        ]

    def handle(self, value: Any) -> Any:
        """Return a tree for an object that stays where it is.

        Parameters
        ----------
        value : object

        Returns
        -------
        tree : list
        """
        return ["h", self._hide(value), type(value).__name__]

    def _pack_array(self, value: Any) -> Any:
        """Return a tree for an array: a reference, numbers, or only what it is like."""
        if value.dtype.kind not in _NUMBERS:
            return ["o", value.dtype.str if value.dtype.kind in _OTHERS else "|O", [*value.shape]]
        number = self._number(value)
        if self._known(value):
            return ["a", number]
        self.arrays.append(value)
        return ["a", number, len(self.arrays) - 1]

    def _pack_scalar(self, value: Any) -> Any:
        """Return a tree for a NumPy number."""
        array = np.asarray(value)
        if array.dtype.kind not in _NUMBERS:
            return self.handle(value)
        self.arrays.append(array)
        return ["n", len(self.arrays) - 1]


class Maker(Protocol):
    """Makes the objects of a frame, or finds those that are known by number.

    Each method takes the object's number, 0 if it has none, and what came with it; an array's value
    is None if it has not changed.
    """

    def array(self, number: int, value: Any) -> Any: ...  # noqa: D102

    def sequence(self, number: int, items: list[Any]) -> list[Any]: ...  # noqa: D102

    def mapping(self, number: int, items: dict[Any, Any]) -> dict[Any, Any]: ...  # noqa: D102

    def handle(self, number: int, kind: str) -> Any: ...  # noqa: D102


class Unshared:
    """Makes objects that the two sides do not share, whatever their numbers."""

    def array(self, number: int, value: Any) -> Any:  # noqa: D102
        if value is None:
            raise BadFrameError("an array of no value")
        return value

    def sequence(self, number: int, items: list[Any]) -> list[Any]:  # noqa: D102
        return items

    def mapping(self, number: int, items: dict[Any, Any]) -> dict[Any, Any]:  # noqa: D102
        return items


def unpack(tree: Any, arrays: list[Any], make: Maker, depth: int = 0) -> Any:
    """Return the value that a tree and the arrays of its frame describe.

    Parameters
    ----------
    tree : as `Packer.pack` made it, if the other side is honest
    arrays : list of ndarray of numbers
    make : Maker
    depth : int

    Returns
    -------
    value : object

    Raises
    ------
    BadFrameError
        If it describes nothing.
    """
    if tree is None or type(tree) in (bool, int, float, str):
        return tree
    try:
        return _unpack(tree, arrays, make, depth)
    except (TypeError, ValueError, IndexError, StopIteration, MemoryError) as error:
        raise BadFrameError(f"a tree that describes no value: {error}") from None


def _unpack(tree: Any, arrays: list[Any], make: Maker, depth: int) -> Any:
    """Return the value of a list tree, by its first item."""

    def all_of(trees: Any) -> list[Any]:
        if type(trees) is not list:
            raise BadFrameError("no list where items belong")
        return [unpack(item, arrays, make, depth + 1) for item in trees]

    if type(tree) is not list or depth > _MAX_DEPTH + 2:
        raise BadFrameError("neither a plain value nor a list, or too deep")
    match tree:
        case ["n", int(index)] if arrays[_natural(index)].ndim == 0:
            return arrays[index][()]
        case ["a", int(number)]:
            return make.array(_natural(number), None)
        case ["a", int(number), int(index)]:
            return make.array(_natural(number), arrays[_natural(index)])
        case ["t", items]:
            return tuple(all_of(items))
        case ["l", int(number), items]:
            return make.sequence(_natural(number), all_of(items))
        case ["d", int(number), list(pairs)]:
            return make.mapping(_natural(number), dict(zip(*_keys(pairs, all_of), strict=True)))
        case ["h", int(number), str(kind)]:
            return make.handle(_natural(number), kind)
        case ["o", str(dtype), list(shape)] if np.dtype(dtype).kind in _OTHERS:
            return np.empty(_small(shape, np.dtype(dtype).itemsize), dtype)
        case ["y", str(name)]:
            return next(dtype for dtype in _DTYPES if dtype.__name__ == name)
    raise BadFrameError("no tree of a known kind")


def _keys(pairs: list[Any], all_of: Callable[[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    """Return keys and values of a dict's pairs."""
    keys = [key for key, _ in pairs]
    if any(type(key) not in (str, int, float, bool, type(None)) for key in keys):
        raise BadFrameError("a key that is no plain value")
    return keys, all_of([tree for _, tree in pairs])


def _natural(number: int) -> int:
    """Return a number that is not negative, nor a bool in disguise."""
    if type(number) is not int or number < 0:
        raise BadFrameError(f"{number!r} where a number or an index belongs")
    return number


def _small(shape: list[Any], itemsize: int) -> tuple[int, ...]:
    """Return the shape of an array that is made here only to be refused."""
    if any(_natural(n) < 0 for n in shape) or itemsize * math.prod(shape) > 10_000_000:
        raise BadFrameError("an array of odd values that is too large")
    return tuple(shape)

"""What crosses between the grader and a worker: frames of JSON and `.npy`, and nothing else.

A frame is a JSON object followed by arrays in NumPy's file format, which are read without pickle.
Values that are no arrays are JSON trees; an object that can be neither stays where it is, and a
number stands for it. All else is copied: no side holds memory or a container of the other's.
Whatever is malformed, of another type than expected or too large raises `BadFrameError`: nothing
of it is used. This module runs on both sides and needs NumPy alone.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import socket
import struct
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

MAX_HEADER = 1_000_000  # bytes of JSON in one frame
MAX_FRAME = 64_000_000  # bytes of arrays in one frame
MAX_ANSWER = 16_000_000  # the same, of what the grader takes: no right answer has half of that
MAX_SAID = 4000  # characters of an exception's text, and of its traceback
_MAX_TEXT = 10_000  # characters of one string
_MAX_DEPTH = 8
_MAX_DIMS = 64  # of an array of NumPy's
_MAX_PAIRS = 1000  # of one dict: no answer has 100, and keys of one hash cost the square
_PREFIX = struct.Struct(">I")
NUMBERS = "biufc"  # kinds of dtype that cross as numbers
_OTHERS = "OSUmM"  # kinds of which only dtype and shape cross
_LARGEST_ODD = 4000  # bytes of one value of those; what is larger crosses as an object
_LEAST_ODD = 8  # bytes that one takes at least, as the object that a list of it holds
_ODD = re.compile(
    rf"[|<>]?[{_OTHERS}]\d{{0,9}}(\[\d{{0,9}}[a-zA-Z]{{1,2}}\])?"
)  # what `dtype.str` says
_MAX_ODD = 10_000_000  # bytes of all of those that a tree describes, as if they were there
_DTYPES = {np.dtype(name).type for name in ("float16", "float32", "float64")}


class BadFrameError(ValueError):
    """The other side sent something that is no frame, or that no honest sender would send."""


class Wire:
    """One end of a stream socket that carries frames.

    Parameters
    ----------
    end : socket, connected
    left : int, bytes that may be received in all
    largest : int, bytes of arrays that one frame may hold
    """

    def __init__(
        self, end: socket.socket, left: int = 1_000_000_000, largest: int = MAX_FRAME
    ) -> None:
        self._end = end
        self.left, self._largest = left, largest
        self.deadline: float | None = None  # in the time of `time.monotonic`
        self.extend: Callable[[], float] = lambda: 0.0  # asked for more seconds when it has passed

    def send(self, message: dict[str, Any], arrays: list[Any]) -> None:
        """Send one frame."""
        payloads = [_dump(array) for array in arrays]
        header = json.dumps([message, [len(p) for p in payloads]]).encode()
        left = memoryview(b"".join([_PREFIX.pack(len(header)), header, *payloads]))
        while left:
            left = left[self._when_ready(self._end.send, left) :]

    def receive(self) -> tuple[dict[str, Any], list[Any]]:
        """Return the next frame.

        Returns
        -------
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
        if any(type(n) is not int or n < 0 for n in sizes) or sum(sizes) > self._largest:
            raise BadFrameError("sizes of arrays that are no sizes, or too large")
        return message, [_load(self._exactly(n)) for n in sizes]

    def _when_ready(self, move: Callable[[Any], int], view: memoryview) -> int:
        """Send or receive some bytes in the time that is left; return how many."""
        while True:
            self._set_timeout()
            try:
                return move(view)
            except TimeoutError:
                continue  # whether there is more time is decided above

    def _set_timeout(self) -> None:
        """Give the socket the time that is left."""
        if self.deadline is None:
            return
        if self.deadline <= time.monotonic():
            self.deadline += self.extend()
        if (left := self.deadline - time.monotonic()) <= 0:
            raise TimeoutError
        self._end.settimeout(left)

    def _exactly(self, size: int) -> bytearray:
        """Return the next `size` bytes."""
        self.left -= size
        if self.left < 0:
            raise BadFrameError("more bytes than a hand-in may send")
        data = bytearray(size)
        view, have = memoryview(data), 0
        while have < size:
            count = self._when_ready(self._end.recv_into, view[have:])
            if not count:
                raise EOFError
            have += count
        return data


def waited_for_core(process: int | str = "thread-self") -> float:
    """Return for how long a process was ready to compute while others had all cores.

    Parameters
    ----------
    process : int or str, its number; by default the thread that asks

    Returns
    -------
    seconds : float, 0 where the system does not count them
    """
    try:
        file = os.open(f"/proc/{process}/schedstat", os.O_RDONLY)  # asked twice at every call
        try:
            return int(os.read(file, 100).split()[1]) / 1e9
        finally:
            os.close(file)
    except (OSError, ValueError, IndexError):
        return 0.0


def state_of(process: int) -> str:
    """Return what a process does: 'R' for computing or ready to, 'D' for a disk, 'S' for sleep.

    Returns
    -------
    state : str, as Linux calls it; empty where nothing says so
    """
    try:
        said = Path(f"/proc/{process}/stat").read_text(errors="replace")
        return said.rpartition(")")[2].split()[0]  # behind the command's name
    except (OSError, IndexError):
        return ""


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
    if dtype.kind not in NUMBERS or fortran or any(n < 0 for n in shape):
        raise BadFrameError(f"an array of {dtype.kind} values, or in another order")
    return dtype, shape


def _load(data: bytearray) -> Any:
    """Return the array in an `.npy` file, which must hold numbers and end where it should."""
    start = 10 + int.from_bytes(data[8:10], "little")
    try:
        dtype, shape = _layout(bytes(data[:start]))
        if len(data) - start != dtype.itemsize * math.prod(shape):
            raise BadFrameError("an array of another length than its header states")
        return np.frombuffer(data, dtype, offset=start).reshape(shape)
    except BadFrameError:
        raise
    except Exception as error:  # whatever NumPy makes of it
        raise BadFrameError(f"an array without a proper header: {type(error).__name__}") from None


Hide = Callable[[Any], int]  # gives a number to an object that stays where it is
Find = Callable[[int, str], Any]  # gives an object to a number and the name of a type


def pack(value: Any, arrays: list[Any], hide: Hide, within: tuple[int, ...] = ()) -> Any:
    """Return a tree for a value; an object of unknown type stays where it is.

    A text, number, tuple, list or dict of a subclass crosses as one of Python's own type, because
    a check in the same process takes it for one. Nothing that the subclass defines is asked.

    Parameters
    ----------
    arrays : list of ndarray of the frame, to which those of the value are added
    within : tuple of int, the `id` of each container that it lies in
    """
    kind = type(value)
    plain = _as_plain(value)
    if value is None or plain is not None:
        return plain
    if kind is np.ndarray or issubclass(kind, np.generic):
        return _pack_array(np.asarray(value), arrays, scalar=kind is not np.ndarray)
    if len(within) <= _MAX_DEPTH and id(value) not in within:  # it may contain itself
        inner = (*within, id(value))
        for base, name in ((tuple, "t"), (list, "l")):
            if issubclass(kind, base):
                return [name, [pack(v, arrays, hide, inner) for v in base.__iter__(value)]]
        if issubclass(kind, dict) and dict.__len__(value) <= _MAX_PAIRS:
            items = list(dict.items(value))
            return ["d", [[_pack_key(k, hide), pack(v, arrays, hide, inner)] for k, v in items]]
    if issubclass(kind, type) and value in _DTYPES:
        return ["y", value.__name__]
    return ["h", hide(value), kind.__name__]


def _as_plain(value: Any) -> Any:
    """Return a text or a number as one of Python's own type; None if it is neither, or NumPy's."""
    kind = type(value)
    if issubclass(kind, str):  # NumPy's too
        return str.__str__(value)[:_MAX_TEXT]
    if kind is bool:
        return value
    if issubclass(kind, np.generic):  # `np.float64` is a float as well
        return None
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, int) and abs(number := int.__int__(value)) < 1 << 64:
        return number
    return None


def _pack_array(value: Any, arrays: list[Any], *, scalar: bool) -> Any:
    """Return a tree for an array or a NumPy number, or for what it is like if it holds others."""
    if value.dtype.kind not in NUMBERS:
        is_known = value.dtype.kind in _OTHERS and value.dtype.itemsize <= _LARGEST_ODD
        return ["o", value.dtype.str if is_known else "|O", [*value.shape]]
    arrays.append(value)
    return ["n" if scalar else "a", len(arrays) - 1]


def _pack_key(key: Any, hide: Hide) -> Any:
    """Return a tree for a key of a dict; one that is neither text nor number stays where it is."""
    plain = _as_plain(key)
    return plain if key is None or plain is not None else ["h", hide(key), type(key).__name__]


def unpack(tree: Any, arrays: list[Any], find: Find) -> Any:
    """Return the value that a tree and the arrays of its frame describe.

    Parameters
    ----------
    tree : as `pack` made it, if the other side is honest
    find : function that returns the object, or what stands for it, that did not cross

    Raises
    ------
    BadFrameError
        If it describes nothing.
    """
    try:
        if _odd_bytes(tree) > _MAX_ODD:
            raise BadFrameError("arrays of odd values that are too large")
        return _unpack(tree, arrays, find, 0)
    except BadFrameError:
        raise
    except (TypeError, ValueError, LookupError, MemoryError, RecursionError) as error:
        raise BadFrameError(f"a tree that describes no value: {error}") from None


def _odd_bytes(tree: Any) -> int:
    """Return what all arrays of odd values in a tree would take, if somebody copied them."""
    match tree:
        case ["o", str(dtype), list(shape)]:
            if len(shape) > _MAX_DIMS:  # the product would take seconds
                raise BadFrameError("an array of too many dimensions")
            size: int = max(_odd_dtype(dtype).itemsize, _LEAST_ODD)
            return size * math.prod(max(_natural(n), 1) for n in shape)
        case list():
            return sum(map(_odd_bytes, tree))
    return 0


def _odd_dtype(text: str) -> Any:
    """Return the dtype of odd values, from its own name for itself and from nothing else."""
    if not _ODD.fullmatch(text):
        raise BadFrameError("odd values of no known kind")
    return np.dtype(text)


def _unpack(tree: Any, arrays: list[Any], find: Find, depth: int) -> Any:
    """Return the value of a tree; what is a list, by its first item."""
    if depth > _MAX_DEPTH + 2:
        raise BadFrameError("a value too deep in others")
    match tree:
        case str():
            return tree[:_MAX_TEXT]
        case None | bool() | int() | float():
            return tree
        case ["n", int(index)]:
            return _number(_take(arrays, index))
        case ["a", int(index)]:
            return _take(arrays, index)
        case ["t", list(items)]:
            return tuple(_unpack(item, arrays, find, depth + 1) for item in items)
        case ["l", list(items)]:
            return [_unpack(item, arrays, find, depth + 1) for item in items]
        case ["d", list(pairs)] if len(pairs) <= _MAX_PAIRS:
            return {_unpack_key(k, find): _unpack(v, arrays, find, depth + 1) for k, v in pairs}
        case ["h", int(number), str(kind)]:
            return find(_natural(number), kind)
        case ["o", str(dtype), list(shape)]:
            return _odd(_odd_dtype(dtype), shape)
        case ["y", str(name)]:
            return {dtype.__name__: dtype for dtype in _DTYPES}[name]
    raise BadFrameError("no tree of a known kind")


def _take(arrays: list[Any], index: int) -> Any:
    """Return an array of the frame, which stands for one value: what is made of all has bounds."""
    array, arrays[index] = arrays[_natural(index)], None
    if array is None:
        raise BadFrameError("an array that stands for two values")
    return array


def _number(array: Any) -> Any:
    """Return the number in an array that holds nothing else."""
    if array.ndim:
        raise BadFrameError("an array where a number belongs")
    return array[()]


def _unpack_key(tree: Any, find: Find) -> Any:
    """Return a key of a dict: a plain value, or what did not cross."""
    match tree:
        case None | bool() | int() | float() | str():
            return tree
        case ["h", int(number), str(kind)]:
            return find(_natural(number), kind)
    raise BadFrameError("a key that is no plain value")


def _natural(number: int) -> int:
    """Return a number that is not negative, nor a bool in disguise."""
    if type(number) is not int or number < 0:
        raise BadFrameError(f"{number!r} where a number or an index belongs")
    return number


def _odd(dtype: Any, shape: list[int]) -> Any:
    """Return what looks like an array of odd values, only to be refused: one value in memory."""
    if dtype.itemsize > _LARGEST_ODD:
        raise BadFrameError("an odd value that is too large")
    return np.broadcast_to(np.empty((), dtype), shape)

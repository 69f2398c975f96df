"""What crosses comes back as it was; what no honest sender would send is refused."""

from __future__ import annotations

import json
import socket
import struct
import time

import numpy as np
import pytest

from staff.grading.sandbox.mirrors import Mirrors, Opaque
from staff.grading.sandbox.wire import BadFrameError, Packer, Unshared, Wire, unpack

_TOKEN = struct.Struct(">I")
VALUES = [
    None,
    True,
    -3,
    2.5,
    float("inf"),
    "text",
    (1, [2, {"a": (3,)}]),
    np.float32(1.5),
    np.array(4.0),
    np.arange(6.0).reshape(2, 3).T,
    np.zeros((0, 3), dtype=np.int16),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.float64,
]


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours), theirs


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and (a.dtype, a.shape) == (b.dtype, b.shape) and (a == b).all()
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_come_back_as_they_were(ends, value):
    wire, theirs = ends
    packer = Packer()
    tree = packer.pack(value)
    Wire(theirs).send({"value": tree}, packer.arrays)

    message, arrays = wire.receive()

    assert same(unpack(message["value"], arrays, Unshared()), value)


def frame(message, *payloads, sizes=None):
    sizes = [len(p) for p in payloads] if sizes is None else sizes
    header = json.dumps([message, sizes]).encode()
    return _TOKEN.pack(len(header)) + header + b"".join(payloads)


def npy(text, body=b"x" * 8):
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


FRAMES = {
    "a header of 4 GB": b"\xff" * 8,
    "no JSON": _TOKEN.pack(2) + b"\x80\x04",
    "no pair": _TOKEN.pack(2) + b"{}",
    "deep JSON": _TOKEN.pack(200_000) + b"[" * 200_000,
    "a list for a message": frame([]),
    "a negative size": frame({}, sizes=[-1]),
    "sizes of 1 TB": frame({}, sizes=[10**12]),
    "a size that is true": frame({}, b"x", sizes=[True]),
    "no array": frame({}, b"hello"),
    "objects": frame({}, npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")),
    "a structure": frame(
        {}, npy("{'descr': [('a', 'f8')], 'fortran_order': False, 'shape': (1,)}")
    ),
    "text": frame({}, npy("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }")),
    "a huge shape": frame({}, npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9**99,), }")),
    "a shape too large": frame(
        {}, npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }")
    ),
    "a negative shape": frame(
        {}, npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }")
    ),
    "code for a header": frame({}, npy("__import__('os').system('true')")),
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES)
def test_wire_refuses(ends, data):
    wire, theirs = ends
    theirs.sendall(data)
    theirs.close()

    with pytest.raises(BadFrameError):
        wire.receive()


def test_wire_stops_at_its_budget_and_its_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, budget=100)
        theirs.sendall(frame({"a": "x" * 200}))
        with pytest.raises(BadFrameError, match="more bytes"):
            wire.receive()
        wire = Wire(ours)
        wire.deadline = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            wire.receive()


TREES = [
    {},
    [],
    ["x"],
    ["a", 2],
    ["a", 3, 0],
    ["a", 0, 1],
    ["a", 0, -1],
    ["a", True, 0],
    ["n", 0],
    ["t", {}],
    ["d", 0, [[[1], 2]]],
    ["d", 0, [1]],
    ["h", 1, "x"],
    ["h", -1, "x"],
    ["o", "|O", [10**9]],
    ["o", "<U100000", [1000]],
    ["o", "<f8", [1]],
    ["y", "int8"],
    ["l", 2, [["d", 2, []]]],
    ["t", [["a", 2, 0], ["a", 4, 0]]],
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_unpack_refuses(tree):
    with pytest.raises(BadFrameError):
        unpack(tree, [np.ones(3)], Mirrors())


def test_mirrors_change_in_place_what_a_check_holds():
    mirrors = Mirrors()
    held = unpack(
        ["t", [["a", 2, 0], ["d", 4, [["m", ["a", 6, 1]]]]]], [np.ones(3), np.ones(1)], mirrors
    )

    unpack(["a", 2, 0], [np.zeros(3)], mirrors)
    unpack(["d", 4, [["v", 1]]], [], mirrors)

    np.testing.assert_array_equal(held[0], np.zeros(3))
    assert held[1] == {"v": 1}


def test_mirrors_forget_what_a_check_has_dropped():
    mirrors = Mirrors()
    held = unpack(["t", [["a", 2, 0], ["h", 4, "Cache"]]], [np.ones(3)], mirrors)
    assert isinstance(held[1], Opaque)
    assert type(held[1]).__name__ == "Cache"

    del held

    assert sorted(mirrors.take_released()) == [2, 4]
    with pytest.raises(BadFrameError):
        unpack(["a", 2], [], mirrors)

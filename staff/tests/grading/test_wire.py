"""What crosses comes back as it was; what no honest sender would send is refused."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from cs682 import layers
from cs682.checks import report, subject
from staff.grading.sandbox import child, remote
from staff.grading.sandbox.remote import Budget, NoAnswer, RemoteSubject
from staff.grading.sandbox.wire import BadFrameError, Wire, pack, unpack

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


def stay(value):
    return 7


def find(number, kind):
    return number, kind


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and (a.dtype, a.shape) == (b.dtype, b.shape) and (a == b).all()
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_come_back_as_they_were(ends, value):
    wire, theirs = ends
    sent = []
    tree = pack(value, sent, stay)
    Wire(theirs).send({"value": tree}, sent)

    message, arrays = wire.receive()

    assert same(unpack(message["value"], arrays, find), value)


@pytest.mark.parametrize("value", [object(), np.ones(3).view(type("Own", (np.ndarray,), {}))])
def test_what_cannot_cross_stays_under_a_number(value):
    tree = pack((value,), [], stay)

    assert unpack(tree, [], find) == ((7, type(value).__name__),)


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
        wire = Wire(ours, left=100)
        theirs.sendall(frame({"a": "x" * 200}))
        with pytest.raises(BadFrameError, match="more bytes"):
            wire.receive()
        wire = Wire(ours)
        wire.deadline = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            wire.receive()


def test_wire_refuses_frames_larger_than_it_takes():
    ours, other = socket.socketpair()
    with ours, other:
        other.sendall(frame({}, sizes=[101]))
        with pytest.raises(BadFrameError, match="too large"):
            Wire(ours, largest=100).receive()


TREES = [
    {},
    [],
    ["x"],
    ["a"],
    ["a", 1],
    ["a", -1],
    ["a", True],
    ["a", 0, 0],
    ["n", 0],
    ["t", {}],
    ["d", [[[1], 2]]],
    ["d", [1]],
    ["h", -1, "x"],
    ["h", 9, "x"],
    ["o", "|O", [10**9]],
    ["o", "<U100000", [1000]],
    ["o", "<U100000", [0]],
    ["o", "V8", [1]],
    ["o", "|S0", [10**10]],
    ["o", "|O", [10**30, 0]],
    ["o", "(,)i4,i4", [1]],
    ["o", "O," * 1000, [1]],
    ["o", "<M8[99999999999s]", [1]],
    ["o", "|O", [[1]]],
    ["l", [["o", "|O", [10**6]]] * 2],
    ["l", [["a", 0], ["a", 0]]],
    ["o", "<f8", [1]],
    ["y", "int8"],
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_unpack_refuses(tree):
    with pytest.raises(BadFrameError):
        unpack(tree, [np.ones(3)], lambda number, kind: [None][number])


DEAR = {
    "many dimensions": ["o", "|O", [9] * 495_000],
    "keys of one hash": ["d", [[n * sys.hash_info.modulus, 0] for n in range(34_300)]],
}


@pytest.mark.parametrize("tree", DEAR.values(), ids=DEAR)
def test_what_takes_long_to_unpack_is_refused_at_once(tree):
    begin = time.process_time()

    with pytest.raises(BadFrameError):
        unpack(tree, [], find)

    assert time.process_time() - begin < 1


def test_arrays_of_odd_values_take_no_memory_and_keep_their_type_and_shape():
    tree = pack([np.broadcast_to(np.array(None), (1000, 1000))], [], stay)
    tracemalloc.start()

    (got,) = unpack(tree, [], find)

    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert (type(got), got.dtype.str, got.shape) == (np.ndarray, "|O", (1000, 1000))


def test_dict_with_more_than_any_answer_crosses_as_an_object():
    assert pack(dict.fromkeys(range(1001)), [], stay) == ["h", 7, "dict"]
    assert unpack(pack(dict.fromkeys(range(1000)), [], stay), [], find)[999] is None


def test_long_text_in_an_array_crosses_as_an_object():
    tree = pack(np.array(["x" * 2000]), [], stay)

    assert unpack(tree, [], find).dtype == object


@pytest.mark.parametrize("name", ["|O", "|S5", "<U3", ">m8[25s]", "<M8", "<M8[ns]"])
def test_odd_dtypes_cross_under_their_own_names(name):
    assert unpack(pack(np.empty(2, name), [], stay), [], find).dtype == np.dtype(name)


@pytest.fixture
def worker():
    """Return a subject and the end at which a worker's answers to it are put."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield RemoteSubject(ours, 5, Budget(5, 5, 10**6)), Wire(theirs)


def answer(wire, result, arrays=(), options=(), advice=()):
    wire.send({"result": result, "options": [*options], "advice": [*advice]}, [*arrays])


def test_nothing_a_worker_sends_reaches_an_array_or_a_list_that_was_sent(worker):
    subject, wire = worker
    x, widths = np.ones(3), [4, 5]
    answer(wire, ["t", [["a", 0], None]], [np.zeros(3)])
    answer(wire, ["h", 1, "net"])

    subject.relu_forward(x)
    subject.net("FullyConnectedNet", widths)

    np.testing.assert_array_equal(x, np.ones(3))
    assert widths == [4, 5]


def test_options_hold_afterwards_what_the_worker_has_written(worker):
    subject, wire = worker
    param = {"mode": "train"}
    answer(wire, None, [np.zeros(3)], options=[["d", [["running_mean", ["a", 0]]]]])

    subject.batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), param)

    assert list(param) == ["running_mean"]


@pytest.mark.parametrize(
    ("options", "advice"),
    [([], []), ([1], []), ([["d", []]] * 2, []), ([["d", []]], [3]), ([["d", []]], ["x"] * 51)],
)
def test_odd_options_and_facts_are_no_answer(worker, options, advice):
    subject, wire = worker
    answer(wire, None, options=options, advice=advice)

    with pytest.raises(NoAnswer, match="no answer"):
        subject.sgd_momentum(np.ones(3), np.ones(3), {})


def test_of_what_is_secret_no_text_of_the_worker_s_goes_on(worker):
    subject, wire = worker
    answer(wire, None, advice=["asked of all"])
    answer(wire, None, advice=["x was 0.25"])
    answer(wire, ["y", "x was 0.25"])

    subject.relu_forward(np.ones(3))
    subject.is_secret = True
    subject.relu_forward(np.ones(3))
    with pytest.raises(NoAnswer) as caught:
        subject.relu_forward(np.ones(3))

    assert subject.advice == ("asked of all",)
    assert "0.25" not in str(caught.value)


def test_texts_of_the_worker_s_have_an_end(worker):
    subject, wire = worker
    answer(wire, "x" * 20_000)
    said = dict.fromkeys(("kind", "type", "text", "line", "trace"), "x" * 20_000)
    wire.send({"raised": said, "options": [], "advice": []}, [])

    assert len(subject.relu_forward(np.ones(3))) == 10_000
    with pytest.raises(Exception, match="xxx") as caught:
        subject.relu_forward(np.ones(3))

    assert len(str(caught.value)) == len(caught.value.student_line) == len(subject.trace) == 4000


@pytest.mark.parametrize(("waited", "left"), [(0.0, False), (100.0, True)])
def test_time_in_which_a_worker_waits_for_a_core_is_not_counted(waited, left):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subject = RemoteSubject(ours, -1, Budget(-1, 5, 10**6), lambda: waited)
        answer(Wire(theirs), ["a", 0], [np.ones(3)])

        with contextlib.nullcontext() if left else pytest.raises(NoAnswer, match="time limit"):
            subject.relu_backward(np.ones(3), np.ones(3))

    assert subject._budget.is_spent is not left


def test_trace_of_what_went_wrong_is_cut_at_its_beginning(monkeypatch):
    def fail(x):
        raise ValueError("x" * 5000 + " at the end")

    monkeypatch.setattr(layers, "relu_forward", fail)
    sent = []
    order = {"do": "relu_forward", "args": [pack(np.ones(2), sent, stay)], "kwargs": ["d", []]}
    order |= {"options": [], "hide": 1}

    reply, _ = child.Calls(subject, report, ("relu_forward",)).answer(order, sent)

    assert reply["raised"]["trace"].endswith("x at the end\n")


def test_wire_moves_a_frame_in_parts_while_its_time_is_extended():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender, array = Wire(ours), np.ones(10**6)
        got = []
        reader = threading.Thread(target=lambda: got.append(Wire(theirs).receive()))
        sender.deadline = time.monotonic() - 1
        sender.extend = lambda: reader.start() or 100.0  # nothing is read before
        sender.send({}, [array])
        reader.join()

    np.testing.assert_array_equal(got[0][1][0], array)


def test_what_a_hand_in_sends_and_waits_for_is_taken_from_its_budget(worker):
    subject, wire = worker
    answer(wire, ["a", 0], [np.ones(100)])

    subject.relu_backward(np.ones(3), np.ones(3))

    assert subject._budget.received < 10**6 - 800
    assert subject._budget.wall < 5


@pytest.mark.parametrize(
    ("budget", "spent"),
    [(Budget(5, 5, 10**6), False), (Budget(0.2, 5, 10**6), True), (Budget(5, 5, 4), True)],
)
def test_frame_that_is_no_answer_and_used_up_the_rest_is_told_from_others(
    budget, spent, monkeypatch
):
    monkeypatch.setattr(remote, "unpack", lambda *_: time.sleep(0.3) or unpack({}, [], find))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answer(Wire(theirs), None)
        subject = RemoteSubject(ours, 5, budget)
        with pytest.raises(NoAnswer, match="no answer"):
            subject.relu_backward(np.ones(3), np.ones(3))

    assert subject.has_spent == spent

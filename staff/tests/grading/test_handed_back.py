"""What a function returns goes back to the next call as what it was, or is refused in words."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

from cs682 import layers, optim
from cs682.checks import compare, report, subject
from staff.grading.judging.faults import told_apart
from staff.grading.sandbox import child, remote
from staff.grading.sandbox.remote import Budget, NoAnswer, OwnFault, RemoteSubject, StudentError
from staff.grading.sandbox.wire import Wire, pack, unpack

Pair = namedtuple("Pair", "a b")


class State(enum.IntEnum):
    ON = 1


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield RemoteSubject(ours, 5, Budget(5, 5, 10**6)), Wire(theirs)


@pytest.fixture
def remote_subject():
    """Return a subject whose worker is a thread of this process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = threading.Thread(target=answer_all, args=(Wire(theirs),))
        server.start()
        yield RemoteSubject(ours, 5, Budget(5, 5, 10**6))
        ours.shutdown(socket.SHUT_RDWR)
        server.join()


def answer_all(wire):
    calls = child.Calls(subject, report, ("relu_forward",))
    with contextlib.suppress(EOFError):
        while True:  # until the other side is shut down
            wire.send(*calls.answer(*wire.receive()))


CACHES = {
    "dict": {"x": 1},
    "row": Pair(1, (np.ones(2), {"x": 1})),
    "objects": np.array([np.ones(2), None, "x"], dtype=object),
}


@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
def test_cache_goes_back_as_it_is_and_is_not_taken_for_options(cache, remote_subject, monkeypatch):
    got = []
    monkeypatch.setattr(layers, "relu_forward", lambda x: Pair(x, cache))
    monkeypatch.setattr(layers, "relu_backward", lambda dout, cache: got.append(cache))

    _, handle = remote_subject.relu_forward(np.ones(2))
    remote_subject.relu_backward(np.ones(2), handle)

    assert type(got[0]) is type(cache)
    assert [*got[0]] == [*cache]  # an array is a copy, with the same things in it


def test_options_hold_what_was_written_and_a_cache_is_none(remote_subject, monkeypatch):
    def forward(x, gamma, beta, bn_param):
        bn_param["running_mean"] = x
        return x, {"x": x}

    monkeypatch.setattr(layers, "batchnorm_forward", forward)
    param = {"mode": "train"}

    remote_subject.batchnorm_forward(np.ones(2), np.ones(2), np.ones(2), param)

    assert [*param] == ["mode", "running_mean"]


@pytest.mark.parametrize("form", [dict, OrderedDict, lambda d: defaultdict(float, d)])
def test_what_a_config_holds_goes_back_as_what_it_is(form, remote_subject, monkeypatch):
    seen = []

    def step(w, dw, config):
        new = form(config or {"a": {1}, (2, 3): np.zeros(2), np.str_("b"): State.ON})
        new["me"] = new
        seen.append(new)
        return Pair(w, new)

    monkeypatch.setattr(optim, "sgd_momentum", step)

    _, config = remote_subject.sgd_momentum(np.ones(2), np.ones(2), None)
    remote_subject.sgd_momentum(np.ones(2), np.ones(2), config)

    first, second = seen
    assert (type(config), config["b"]) == (dict, 1)
    assert second["a"] is first["a"]
    assert [*second] == [*first]


def test_config_that_holds_all_earlier_ones_can_go_on(remote_subject, monkeypatch):
    monkeypatch.setattr(
        optim, "sgd_momentum", lambda w, dw, config: (w, {"steps": [config], "w": w})
    )
    config = None

    for _ in range(30):
        _, config = remote_subject.sgd_momentum(np.ones(2), np.ones(2), config)


def test_container_in_itself_crosses_once():
    value = {"a": 1}
    value |= {"me": value, "list": [value]}

    me = 7, "dict"
    assert unpack(pack(value, [], lambda _: 7), [], lambda *what: what) == {
        "a": 1,
        "me": me,
        "list": [me],
    }


def test_key_that_is_no_text_or_number_stays_under_a_number():
    tree = pack({("a", 1): 2}, [], lambda _: 7)

    assert unpack(tree, [], lambda *what: what) == {(7, "tuple"): 2}


def deep(levels):
    return ["d", []] if not levels else ["d", [["a", deep(levels - 1)]]]


@pytest.mark.parametrize("tree", [deep(9), ["d", [["t", 1 << 64]]]], ids=["deep", "large"])
def test_what_no_honest_worker_sends_is_refused_when_it_goes_back(tree, ends):
    subject, wire = ends
    wire.send({"result": ["t", [None, tree]], "options": [], "advice": []}, [])
    _, config = subject.sgd_momentum(np.ones(3), np.ones(3), None)

    with pytest.raises(NoAnswer, match="no answer: it is too") as caught:
        subject.sgd_momentum(np.ones(3), np.ones(3), config)

    assert not isinstance(caught.value, OwnFault)


def test_what_only_the_grader_can_have_made_is_its_own_fault(ends):
    with pytest.raises(OwnFault, match="a set cannot be sent"):
        ends[0].sgd_momentum(np.ones(3), np.ones(3), {"a": set()})


def test_object_of_the_worker_s_is_shown_by_its_type_alone():
    assert str({remote._opaque(3, "tuple"): 1}) == "{<tuple>: 1}"


def test_exception_of_the_grader_s_own_code_is_its_own_fault(ends, monkeypatch):
    monkeypatch.setattr(remote, "pack", lambda *_: len(None))

    with pytest.raises(OwnFault, match="the grader fails with TypeError"):
        told_apart(lambda s, _: s.relu_forward(np.ones(3)))(ends[0], None)


def test_check_that_stumbles_over_a_result_stays_the_student_s():
    with pytest.raises(TypeError):
        told_apart(lambda *_: compare.rel_error("x", None))(None, None)


@pytest.mark.parametrize(
    "error", [compare.CheckError("wrong"), NotImplementedError(), StudentError()]
)
def test_what_a_check_says_or_the_student_raised_stays_as_it_is(error):
    def check(*_):
        raise error

    error.student_line = "in relu_forward"

    with pytest.raises(type(error)):
        told_apart(check)(None, None)

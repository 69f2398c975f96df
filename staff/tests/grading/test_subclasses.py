"""A value of a subclass is to the grader what a check in a notebook takes it for."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

from staff.grading.sandbox.wire import pack, unpack


class Row(tuple):
    """A tuple whose own methods say nothing."""

    __slots__ = ()

    def __iter__(self):
        raise AssertionError


class Names(dict):
    """A dict whose own methods say nothing."""

    def items(self):
        raise AssertionError

    __len__ = __iter__ = items


class Word(str):
    """A text whose own methods say nothing."""

    __slots__ = ()

    def __str__(self):
        raise AssertionError

    def __getitem__(self, _):
        raise AssertionError


class State(enum.IntEnum):
    ON = 1


Pair = namedtuple("Pair", "a b")
OF_SUBCLASSES = [
    (Row((1, 2)), (1, 2)),
    (Pair(1, None), (1, None)),
    (type("Own", (list,), {})([1]), [1]),
    (Names({Word("a"): Word("b")}), {"a": "b"}),
    (OrderedDict(a=1), {"a": 1}),
    (defaultdict(int, a=1), {"a": 1}),
    ({np.str_("W1"): np.str_("text")}, {"W1": "text"}),
    ({State.ON: State.ON, 2: type("Own", (float,), {})(0.5)}, {1: 1, 2: 0.5}),
    (type("Own", (np.float32,), {})(0.5), np.float32(0.5)),
]


@pytest.mark.parametrize(("value", "plain"), OF_SUBCLASSES, ids=lambda v: type(v).__name__)
def test_what_is_of_a_subclass_crosses_as_its_base(value, plain):
    sent = []
    tree = json.loads(json.dumps(pack(value, sent, id)))

    got = unpack(tree, sent, lambda *what: what)

    assert (type(got), got) == (type(plain), plain)
    if isinstance(got, dict):
        assert [*map(type, got)] == [*map(type, plain)]

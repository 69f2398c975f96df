"""An explanation of what was raised takes no time, and costs nothing but itself when it fails."""

from __future__ import annotations

import time

import pytest

from cs682 import layers
from cs682.checks import raised
from cs682.checks.run import examine


@pytest.fixture
def raise_in_relu(monkeypatch):
    """Return a function that lets `relu_forward` raise an error with this text."""

    def put(text):
        def answer(x):
            raise ValueError(text)

        monkeypatch.setattr(layers, "relu_forward", answer)

    return put


def test_shape_without_pixels_is_behind_no_pooling(raise_in_relu):
    raise_in_relu("dout must have shape (1, 2, 3, 4), got (1, 2, 0, 0)")

    assert examine("fc-1.3").message.startswith("ValueError: dout must have shape (1, 2, 3, 4)")


def test_explanation_that_fails_costs_nothing_but_itself(raise_in_relu, monkeypatch):
    raise_in_relu("some text")
    monkeypatch.setattr(raised, "_MEANINGS", ((r"some text", lambda _: str(1 // 0)),))
    with pytest.raises(ZeroDivisionError):
        examine("fc-1.3")  # in tests
    monkeypatch.setattr(raised, "FORGIVEN", (Exception,))

    result = examine("fc-1.3")

    assert result.state == "wrong"
    assert result.message.startswith("ValueError: some text\n  in answer,")


def test_long_shapes_are_read_in_no_time(raise_in_relu):
    raise_in_relu("could not be broadcast together with shapes (1" + ",1" * 100_000)
    begin = time.process_time()

    assert examine("fc-1.3").state == "wrong"

    assert time.process_time() - begin < 5

"""Networks that use what they kept of an earlier call are refused, and hear of it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cs682.checks import check
from cs682.classifiers.cnn import ConvNet, ThreeLayerConvNet
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of

NETS = {
    "fc-2": (TwoLayerNet, ".2", ".3"),
    "fc-3": (FullyConnectedNet, ".2", ".3"),
    "cn-2": (ThreeLayerConvNet, ".2", ".3"),
    "cn-4": (ConvNet, ".1", ".2"),
}
FORWARD = [of(key + NETS[key][1], key, name=key) for key in NETS]
WAY_BACK = [of(key + NETS[key][2], key, name=key) for key in NETS]
SAID = "the caches of an earlier call are used"


def first_kept(net):
    """Make `_forward` that returns the caches of the first call, whatever X is."""
    right = net._forward

    def answer(self, X):
        scores, caches = right(self, X)
        return scores, self.__dict__.setdefault("kept", caches)

    return answer


def all_kept(net):
    """Make `_forward` that returns the caches of all calls, the first one's first."""
    right = net._forward

    def answer(self, X):
        scores, caches = right(self, X)
        self.__dict__.setdefault("kept", []).extend(caches)
        return scores, self.kept

    return answer


def not_written(self, scores, y, caches):
    raise NotImplementedError("loss: see a notebook.ipynb, section 1")


@pytest.mark.parametrize("keep", [first_kept, all_kept])
@pytest.mark.parametrize("key", FORWARD)
def test_forward_pass_that_returns_earlier_caches_is_refused(monkeypatch, key, keep):
    net, forward, _ = NETS[key]
    put(monkeypatch, f"{net.__name__}._forward", keep(net))
    put(monkeypatch, f"{net.__name__}._loss_and_gradients", not_written)

    assert SAID in refusal(key + forward)


@pytest.mark.parametrize("key", WAY_BACK)
def test_way_back_through_earlier_caches_is_refused(monkeypatch, key):
    net, _, way_back = NETS[key]
    put(monkeypatch, f"{net.__name__}._forward", first_kept(net))

    assert SAID in refusal(key + way_back)


@pytest.mark.parametrize("key", FORWARD)
def test_caches_in_self_pass_where_each_call_makes_its_own(monkeypatch, key):
    net, forward, _ = NETS[key]
    right = net._forward

    def answer(self, X):
        scores, self.kept = right(self, X)
        return scores, self.kept

    put(monkeypatch, f"{net.__name__}._forward", answer)
    put(monkeypatch, f"{net.__name__}._loss_and_gradients", not_written)

    check(key + forward)


def none_returned(net):
    """Make `_forward` that returns None in the place of the caches."""
    right = net._forward
    return lambda self, X: (right(self, X)[0], None)


@pytest.mark.parametrize("key", FORWARD)
def test_forward_pass_that_leaves_no_caches_is_refused(monkeypatch, key):
    net, forward, _ = NETS[key]
    put(monkeypatch, f"{net.__name__}._forward", none_returned(net))

    assert "the caches are lost: _forward returned None beside the scores" in refusal(key + forward)


@pytest.mark.parametrize("key", WAY_BACK)
def test_way_back_without_caches_names_the_forward_pass(monkeypatch, key):
    net, forward, way_back = NETS[key]
    put(monkeypatch, f"{net.__name__}._forward", none_returned(net))
    said = refusal(key + way_back)

    assert said.startswith(f"{key}{forward} is wrong too")
    assert re.search(r"Here (cache|dscores|caches)\b.* is None", said)


@pytest.mark.parametrize("key", FORWARD)
def test_caches_in_self_alone_pass_before_the_way_back_is_written(monkeypatch, key):
    net, forward, _ = NETS[key]
    right = net._forward

    def answer(self, X):
        scores, self.kept = right(self, X)
        return scores, None

    put(monkeypatch, f"{net.__name__}._forward", answer)
    put(monkeypatch, f"{net.__name__}._loss_and_gradients", not_written)

    check(key + forward)


@pytest.mark.exercise(id="fc-3.2")
def test_forward_pass_is_told_how_many_caches_it_promises(monkeypatch, capsys):
    right, back = FullyConnectedNet._forward, FullyConnectedNet._loss_and_gradients

    def forward(self, X):
        scores, caches = right(self, X)
        return scores, [part for cache in caches for part in cache]

    put(monkeypatch, "FullyConnectedNet._forward", forward)
    put(monkeypatch, "FullyConnectedNet._loss_and_gradients", not_written)

    assert "its docstring promises one cache for each layer" in advice("fc-3.2", capsys)

    put(monkeypatch, "FullyConnectedNet._forward", right)
    for way_back in (back, not_written):
        put(monkeypatch, "FullyConnectedNet._loss_and_gradients", way_back)

        assert not advice("fc-3.2", capsys)


def without_pooling(self, X, right=ConvNet._forward):
    """Keep of each block what its convolution and ReLU leave, and lose the pooling's cache."""
    scores, (*blocks, last) = right(self, X)
    return scores, [*(inner for inner, _ in blocks), last]


def with_places(self, X, right=ConvNet._forward):
    """Keep which values a pooling has let through in place of what it was given."""
    scores, (*blocks, last) = right(self, X)
    places = [pool and np.isin(pool[0], pool[2]) for _, pool in blocks]
    return scores, [*zip([inner for inner, _ in blocks], places, strict=True), last]


@pytest.mark.exercise(id="cn-4.1")
@pytest.mark.parametrize("way_back", [not_written, ConvNet._loss_and_gradients])
def test_cache_of_a_pooling_that_is_lost_is_named(monkeypatch, way_back):
    put(monkeypatch, "ConvNet._forward", without_pooling)
    put(monkeypatch, "ConvNet._loss_and_gradients", way_back)

    assert "the cache of the pooling is lost" in refusal("cn-4.1")


@pytest.mark.exercise(id="cn-4.2")
def test_way_back_without_the_cache_of_a_pooling_names_the_forward_pass(monkeypatch):
    put(monkeypatch, "ConvNet._forward", without_pooling)

    assert refusal("cn-4.2").startswith("cn-4.1 is wrong too")


@pytest.mark.exercise(id="cn-4.1")
def test_places_of_the_maxima_are_as_good_a_cache(monkeypatch):
    put(monkeypatch, "ConvNet._forward", with_places)
    put(monkeypatch, "ConvNet._loss_and_gradients", not_written)

    check("cn-4.1")

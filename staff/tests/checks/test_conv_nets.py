"""The checks of convolutional networks ask about every parameter, and say what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import slow
from cs682.checks.judges import conv_nets
from cs682.checks.judges.nets import make_batch
from cs682.classifiers import cnn
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

NETS = {
    "plain": (conv_nets._PLAIN, conv_nets._DIMS),
    "two poolings": (conv_nets._POOLED, conv_nets._LARGE_DIMS),
    "deeper": (conv_nets._DEEPER, conv_nets._DIMS),
    "batch norm": (conv_nets._NORMED, conv_nets._DIMS),
}


@pytest.mark.parametrize("kind", NETS)
def test_each_parameter_of_the_nets_that_are_asked_about_has_a_slope(kind):
    blocks, dims = NETS[kind]
    params = conv_nets.block_params(blocks, dims)
    pools = tuple(block.get("pool", 1) for block in blocks)

    slopes = slow.net_slopes(params, *make_batch(3, dims, 5), pools=pools)

    largest = {name: np.abs(slope).max() for name, slope in slopes.items()}
    taken_out = {f"b{i}" for i, block in enumerate(blocks, 1) if block.get("batchnorm")}
    assert {name for name, slope in largest.items() if slope < 1e-3} == taken_out


def without_batchnorm_back(dout, cache):
    conv_cache, bn_cache, relu_cache = cache
    dout = layers.relu_backward(dout, relu_cache)
    _, dgamma, dbeta = layers.spatial_batchnorm_backward(dout, bn_cache)
    return *layer_utils.conv_backward_fast(dout, conv_cache), dgamma, dbeta


def with_pools(change):
    """Make a way forward that takes other settings of pooling than the blocks'."""
    forward = cnn.ConvNet._forward

    def answer(self, X):
        kept, self.pool_params = self.pool_params, change(self.pool_params)
        try:
            return forward(self, X)
        finally:
            self.pool_params = kept

    return answer


def with_statistics_of_the_first(self, X, forward=cnn.ConvNet._forward):
    kept = self.bn_params
    first = next((own for own in kept if own), {})
    self.bn_params = [own and first for own in kept]
    try:
        return forward(self, X)
    finally:
        self.bn_params = kept


def without_mean(self, X, forward=cnn.ThreeLayerConvNet._forward):
    return forward(self, X - X.mean(axis=0))


def divided(part):
    """Make a way back that divides a part of what it returns by pixel_std."""
    right = cnn.ConvNet._loss_and_gradients

    def answer(self, scores, y, caches):
        loss, grads = right(self, scores, y, caches)
        if part == "loss":
            return loss / self.pixel_std, grads
        return loss, {k: v / self.pixel_std if k == part else v for k, v in grads.items()}

    return answer


BACK = "ConvNet._loss_and_gradients"
WRONG = [
    ("cn-4.1", "ConvNet._forward", with_pools(lambda p: p[-1:] + p[:-1]), "each other's settings"),
    ("cn-4.1", "ConvNet._forward", with_statistics_of_the_first, "running statistics of the first"),
    ("cn-4.1", "max_pool_forward_fast", lambda x, p: (x, None), "That is 4 times as many"),
    ("cn-4.2", "max_pool_backward_fast", lambda d, c: d, "behind a pooling of 2 x 2"),
    ("cn-4.2", "conv_bn_relu_backward", without_batchnorm_back, "grads['W1']"),
    ("cn-4.2", BACK, divided("loss"), "Likely cause: it is divided by pixel_std"),
    ("cn-4.2", BACK, divided("W2"), "Likely cause: it is divided by pixel_std"),
    ("cn-4.2", BACK, divided("gamma1"), "Likely cause: it is divided by pixel_std"),
    ("cn-2.2", "ThreeLayerConvNet._forward", without_mean, "mean of the batch is subtracted"),
]


@pytest.mark.parametrize(
    ("exercise", "name", "answer", "text"),
    [of(exercise, exercise, *row, name=row[-1]) for exercise, *row in WRONG],
)
def test_check_refuses_and_says_why(monkeypatch, exercise, name, answer, text):
    if "." in name:
        put(monkeypatch, name, answer)
    else:
        monkeypatch.setattr(cnn, name, answer)

    assert text in refusal(exercise)


@pytest.mark.exercise(id="cn-4.1")
def test_pooling_of_a_block_without_it_is_told_with_the_block(monkeypatch):
    put(monkeypatch, "ConvNet._forward", with_pools(lambda pools: [{} for _ in pools]))

    assert "This pool_param is empty, as that of a block without pooling is" in refusal("cn-4.1")


@pytest.mark.exercise(id="cn-2.2")
def test_pad_that_is_written_by_hand_is_told_where_filters_grow(monkeypatch):
    forward = cnn.ThreeLayerConvNet._forward

    def answer(self, X):
        self.conv_param = {"stride": 1, "pad": 1}
        return forward(self, X)

    put(monkeypatch, "ThreeLayerConvNet._forward", answer)

    assert "new here is that filters are 5 x 5: self.conv_param has the pad" in refusal("cn-2.2")


@pytest.mark.exercise(id="cn-2.2")
def test_maps_of_another_size_are_not_taken_for_the_input_of_another_layer(monkeypatch):
    forward = cnn.ThreeLayerConvNet._forward

    def answer(self, X):
        self.conv_param = {"stride": 1, "pad": 3}
        return forward(self, X)

    put(monkeypatch, "ThreeLayerConvNet._forward", answer)

    said = refusal("cn-2.2")
    assert "Here pooled has shape (3, 3, 4, 5), " in said
    assert "does not belong to these weights" not in said

"""Convolutional models are scored as they were trained, refused where odd, and bounded."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest

from cs682.checks import accuracy
from cs682.checks.run import BARS
from cs682.classifiers.cnn import ConvNet
from staff.grading.judging.designs import ModelError, design_of, work_of
from staff.grading.judging.held_back import bar_on_held_back, grade_models
from staff.grading.judging.model import OwnNetwork, course_scores
from staff.tests.grading.kept_models import IMAGES, held, keep, kept_of

BLOCKS = [{"filters": 4, "batchnorm": True, "pool": 2}, {"filters": 3, "size": 5, "pool": 4}]


def conv_net(blocks=BLOCKS, **options):
    """Give a network of blocks whose running statistics have moved."""
    net = ConvNet(blocks, seed=682, **options)
    net.loss(np.random.default_rng(1).standard_normal((5, 3, 32, 32)), np.arange(5))
    return net


def test_convolutional_network_is_scored_as_it_was_trained(
    grade_model, images, tmp_path, monkeypatch
):
    net = conv_net(pixel_std=50.0)
    X, y = held(images)
    monkeypatch.setitem(BARS, "cn-4.3", accuracy(net, X, y) + bar_gap() - 1e-9)
    keep(tmp_path, "cn-4.3", net)

    outcome = grade_model("cn-4.3")

    assert outcome.state == "passed", outcome.message
    assert f"accuracy {accuracy(net, X, y):.3f} on 40 images" in outcome.message


def bar_gap():
    """Return by how much the bar on the images held back is lower."""
    return 0.5 - bar_on_held_back(0.5, IMAGES)


@pytest.mark.slow
def test_student_s_own_convolutional_network_scores_alike(hand_in, images, rung):
    (hand_in / "notebooks").mkdir()
    keep(hand_in, "cn-4.3", conv_net())

    outcome = next(o for o in grade_models(hand_in, images, rung=rung) if o.exercise == "cn-4.3")

    assert outcome.message.startswith("accuracy ")
    assert "your own network" not in outcome.message


def spoilt(**entries):
    return [{**BLOCKS[0], **entries}, BLOCKS[1]]


def claim(blocks, **more):
    return {"arguments": {"blocks": blocks, "pixel_std": 64.0, **more}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (claim(BLOCKS[:1]), r"1 blocks and 3 weight arrays"),
        (claim(spoilt(filters=5)), r"W1 has shape \(4, 3, 3, 3\), expected \(5, 3, 3, 3\)"),
        (claim(spoilt(filters=10**9)), "W1 has shape"),
        (claim(spoilt(batchnorm=False)), "not those of a network: beta1, gamma1"),
        (claim(spoilt(pool=3)), "do not divide"),
        (claim(spoilt(pool=1)), "do not divide|W3 has shape"),
        (claim(spoilt(pool=-2)), "pool must be at least 1"),
        (claim(spoilt(hooks=[])), "unknown entries"),
        (claim("blocks"), "blocks must be a list"),
        (claim(None), "blocks must be a list"),
        (claim(BLOCKS, pixel_std=0.0), "pixel_std must be finite and above 0"),
        (claim(BLOCKS, pixel_std="64"), "pixel_std must be a number"),
        ({"running": []}, "0 running statistics, not 2"),
        ({"running": [{"running_mean": np.zeros(3)}, {}]}, r"not of shape \(4,\)"),
        ({"running": [{}, {"running_mean": np.zeros(3)}]}, "running statistics of layer 2"),
        ({"kind": "FullyConnectedNet"}, "not a network to train here"),
    ],
)
def test_odd_convolutional_model_is_refused(changes, says, grade_model, tmp_path):
    keep(tmp_path, "cn-4.3", conv_net(), **changes)

    outcome = grade_model("cn-4.3")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert re.search(says, outcome.message), outcome.message


WIDE = [{"filters": 64}, {"filters": 64, "pool": 2}, {"filters": 128, "pool": 2}]


@pytest.mark.parametrize(
    ("blocks", "dtype", "work"),
    [
        ([{"filters": 200}, {"filters": 250}], np.float32, "5.1e+08"),
        ([{"filters": 64, "size": 1}, {"filters": 1, "size": 31}], np.float32, "2.5e+09"),
        (WIDE, np.float64, "1.4e+08"),
        ([{"filters": 40, "size": 1, "batchnorm": True}] * 49, np.float32, "4.8e+08"),
    ],
)
def test_network_that_would_take_the_grader_minutes_is_refused(
    blocks, dtype, work, grade_model, tmp_path
):
    keep(tmp_path, "cn-4.3", ConvNet(blocks, seed=1, dtype=dtype))

    assert f"costs {work} multiplications for each image" in grade_model("cn-4.3").message


def test_models_of_a_hand_in_have_a_bound_together():
    kept = kept_of("cn-4.3", ConvNet(WIDE, seed=1))
    own, (_, design) = OwnNetwork({}, None), design_of(kept)

    for _ in range(2):
        own.require_modest(kept, design)
    with pytest.raises(ModelError, match=r"6.1e\+07 that are left for all models together"):
        own.require_modest(kept, design)


def test_one_array_of_float64_makes_a_network_twice_as_costly():
    net = ConvNet(WIDE, seed=1)
    kept = kept_of("cn-4.3", net)
    single = work_of(kept, design_of(kept)[1])

    net.params["b2"] = net.params["b2"].astype(np.float64)

    assert work_of(kept, design_of(kept)[1]) == tuple(2 * count for count in single)


def test_many_small_layers_are_never_all_kept_for_all_images():
    net = conv_net([{"filters": 10, "size": 1, "batchnorm": True}] * 49)
    kept = kept_of("cn-4.3", net)
    X = np.zeros((60, 3, 32, 32), np.float32)

    tracemalloc.start()
    course_scores(kept, design_of(kept)[1], X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 60_000_000

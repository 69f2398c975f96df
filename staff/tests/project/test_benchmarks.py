"""The benchmarks compare like with like, and their table says what was measured."""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest

from benchmarks import images, layers, plain, report, training_steps
from benchmarks.apart import Side
from benchmarks.pairs import LIMIT, OURS, PLAIN, Line, Result, Spread, measure, timer
from benchmarks.pytorch import NAME as TORCH
from cs682 import optim
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.layers import conv_backward_naive

RNG = np.random.default_rng(682)


@pytest.mark.parametrize("batchnorm", [False, True])
def test_plain_network_has_our_loss_and_gradients(batchnorm):
    norm = "batchnorm" if batchnorm else None
    ours = FullyConnectedNet([7, 6], 12, 5, normalization=norm, reg=0.3, dtype=np.float64)
    theirs = plain.Net([12, 7, 6, 5], batchnorm=batchnorm, keep=1.0, reg=0.3)
    theirs.params = {name: 10 * value + 0.1 for name, value in ours.params.items()}
    ours.params = {name: value.copy() for name, value in theirs.params.items()}
    X, y = RNG.standard_normal((9, 12)), RNG.integers(0, 5, 9)

    loss, grads = ours.loss(X, y)
    plain_loss, plain_grads = theirs.loss(X, y)

    np.testing.assert_allclose(plain_loss, loss, rtol=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(plain_grads[name], grad, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rule", training_steps.RULES)
def test_plain_rules_step_like_ours(rule):
    w, dw = RNG.standard_normal((2, 4, 3))
    config, plain_config = {"learning_rate": 0.1}, {"learning_rate": 0.1}
    plain_w = w.copy()

    for _ in range(3):
        w, config = getattr(optim, rule)(w, dw, config)
        plain_w, plain_config = plain.RULES[rule](plain_w, dw, plain_config)

    np.testing.assert_allclose(plain_w, w, rtol=1e-10)


@pytest.fixture
def few_images(monkeypatch):
    monkeypatch.setattr(training_steps, "IMAGES", 300)
    training_steps.make_images.cache_clear()
    yield
    training_steps.make_images.cache_clear()


@pytest.mark.slow  # allocates networks
def test_every_step_line_trains_on_each_side(few_images):
    for line in training_steps.lines():
        for name in line.sides:
            assert timer(line, name)(1) > 0


def test_convolution_lines_compare_the_same_gradients(monkeypatch):
    small = images.Size(2, 3, 5, 4, 3, 2, 1)
    monkeypatch.setattr(images, "SIZES", (small,))
    inputs, dout, param = images._draw(small)
    want = conv_backward_naive(dout, (*inputs, param))

    for got, gradient in zip(images._fast(small)(), want, strict=True):
        np.testing.assert_allclose(got, gradient, rtol=1e-4, atol=1e-5)
    for line in images.lines():
        for name in line.sides:
            assert timer(line, name)(1) > 0


def test_convolution_is_held_to_pytorch_by_the_geometric_mean_and_to_loops():
    def lines(of_torch, of_loops):
        found = {TORCH: of_torch, "loops": of_loops}
        one = Spread(1, 1, 1)
        return [
            Result("convolution", name, "", {OURS: one}, {name: Spread(*[ratio] * 3)})
            for name, ratios in found.items()
            for ratio in ratios
        ]

    assert [reached for *_, reached in report.targets(lines([1.0, 3.9], [0.009]))] == [True, True]
    assert [reached for *_, reached in report.targets(lines([1.0, 4.1], [0.011]))] == [False, False]


@pytest.mark.slow  # starts a process
def test_a_side_works_in_a_process_of_its_own():
    line = next(line for line in layers.lines() if "softmax" in line.name)

    with closing(Side(PLAIN)) as side:
        seconds = side.timer(line)

        assert seconds(3) > 0
        with pytest.raises(RuntimeError, match=r"(?s)plain float64: .*KeyError: 'layer/unknown'"):
            side.timer(Line("layer", "unknown", {}))
        assert side.timer(line)(1) > 0
        side._process.kill()
        with pytest.raises(RuntimeError, match="the process of plain float64 ended"):
            side.timer(line)


def test_measure_takes_turns_and_compares_round_by_round():
    order = []

    def side(name, *seconds):
        answers = iter(seconds)

        def run():
            order.append(name)
            return next(answers)

        return lambda: run

    sides = {
        OURS: side("a", 1, 2, 6),
        "other": side("b", 2, 2, 2),
        LIMIT: side("c", 0.5, 0.5, 0.5),
    }
    line = Line("group", "name", sides, self_timed=tuple(sides))
    timers = {name: timer(line, name) for name in sides}

    result = measure(line, timers, rounds=3, turn=0.4)

    assert order == ["a", "b", "c"] * 3
    assert result.ratios["other"].median == 1
    assert result.seconds[OURS].median == 2
    assert result.of_limit == 0.25


def results(ratio, name="[512, 256, 128], plain, sgd"):
    one = Spread(ratio, ratio, ratio)
    seconds = {OURS: one, TORCH: one, PLAIN: one}
    ratios = {TORCH: one, PLAIN: one, LIMIT: Spread(*[1 / (1 - ratio)] * 3)}
    return [Result("training step", name, "", seconds, ratios)]


def test_targets_are_missed_and_reached_by_what_was_measured():
    assert [reached for *_, reached in report.targets(results(0.9))] == [False] * 4
    assert [reached for *_, reached in report.targets(results(0.4))] == [True] * 4


def test_the_target_of_the_wide_net_needs_the_wide_net():
    assert len(report.targets(results(0.4, "[50], plain, sgd"))) == 3


def test_write_stores_table_and_figures(tmp_path):
    report.write(tmp_path, {"processor": "two cores"}, results(0.9))

    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "- processor: two cores" in text
    assert "| 0.90 (0.90 to 0.90) |" in text
    assert "**no**" in text
    records = (tmp_path / "RESULTS.json").read_text(encoding="utf-8")
    assert len(records.splitlines()) == 4  # the machine, one result, and what is around it
    stored = json.loads(records)
    assert stored["machine"] == {"processor": "two cores"}
    assert stored["results"][0]["ratios"][TORCH] == [0.9, 0.9, 0.9]

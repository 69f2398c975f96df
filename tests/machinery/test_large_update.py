"""Large parameters are updated in pieces, to the last bit as the rule alone would update them."""

from __future__ import annotations

import multiprocessing
import os
import threading

import numpy as np
import pytest
import threadpoolctl

from cs682 import _large_update, optim
from cs682._large_update import count_blas_threads, update

RULES = [
    "sgd",
    pytest.param("sgd_momentum", marks=pytest.mark.exercise(id="fc-4.1")),
    pytest.param("rmsprop", marks=pytest.mark.exercise(id="fc-4.2")),
    pytest.param("adam", marks=pytest.mark.exercise(id="fc-4.3")),
]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(_large_update, "PIECE", 40)
    monkeypatch.setattr(_large_update, "LARGE", 100)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(21, 7), (147,), (3, 70), (5, 6, 7)])
def test_pieces_give_the_bits_of_the_whole(name, shape):
    rule = getattr(optim, name)
    rng = np.random.default_rng(682)
    w = whole = rng.standard_normal(shape, dtype=np.float32)
    config = whole_config = {"learning_rate": 0.1}

    for threads in (1, 2, 3):
        dw = rng.standard_normal(shape, dtype=np.float32)
        before = w.copy(), list(config)
        next_w, next_config = update(rule, w, dw, config, threads)
        whole, whole_config = rule(whole, dw, dict(whole_config))

        np.testing.assert_array_equal(next_w, whole)
        assert next_w.dtype == np.float32
        assert next_config.keys() == whole_config.keys()
        for key, value in whole_config.items():
            np.testing.assert_array_equal(next_config[key], value)
        np.testing.assert_array_equal(w, before[0])
        assert list(config) == before[1]
        w, config = next_w, next_config


def test_only_large_parameters_go_in_pieces(monkeypatch):
    sizes = []

    def sgd(w, dw, config):
        sizes.append(w.size)
        return w, config

    update(sgd, np.ones((9, 11)), np.ones((9, 11)), {}, 1)
    update(sgd, np.ones((10, 10)), np.ones((10, 10)), {}, 1)

    assert sizes == [99, 40, 40, 20]


def test_a_rule_of_a_student_sees_the_whole_parameter():
    def clipped(w, dw, config):
        return w - dw / np.linalg.norm(dw), config

    w, _ = update(clipped, np.zeros((20, 20)), np.ones((20, 20)), {}, 2)

    np.testing.assert_allclose(w, -0.05)


def test_an_error_of_a_piece_reaches_the_caller_and_changes_nothing():
    def sgd(w, dw, config):
        if dw[0, 0] == 15:
            raise ZeroDivisionError("in this piece")
        return w - dw, config

    w, dw = np.zeros((20, 20)), np.repeat(np.arange(20.0), 20).reshape(20, 20)
    dw[14] = 15

    with pytest.raises(ZeroDivisionError, match="in this piece"):
        update(sgd, w, dw, {}, 2)
    assert not w.any()


def test_all_threads_take_part():
    meet = threading.Barrier(3, timeout=60)

    def sgd(w, dw, config):
        meet.wait()  # passes when three threads are in it at once
        return w - dw, config

    w, _ = update(sgd, np.ones((3, 40)), np.ones((3, 40)), {}, 3)

    assert not w.any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    w = np.ones((20, 20))
    update(optim.sgd, w, w, {}, 2)

    child = multiprocessing.get_context("fork").Process(
        target=update, args=(optim.sgd, w, w, {}, 2), daemon=True
    )
    child.start()
    child.join(60)

    assert child.exitcode == 0


def test_numpy_reports_errors_in_pieces_as_the_caller_asked():
    w = np.full((20, 20), 1e308)

    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        update(optim.sgd, w, -w, {"learning_rate": 10.0}, 2)


def test_threads_are_those_of_blas():
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert count_blas_threads() == 1

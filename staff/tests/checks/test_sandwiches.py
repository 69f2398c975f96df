"""Of the two functions of a sandwich, the check names the one that is wrong."""

from __future__ import annotations

import pytest

from cs682 import layer_utils
from cs682.checks.run import examine, say_next
from staff.tests.checks.mutants import put

NORM, DROPOUT = "affine_norm_relu", "affine_norm_relu_dropout"
FORM = "((normalization, inner), dropout_cache)"


def told(exercise):
    return say_next(examine(exercise)).message


def doubled(name):
    right = getattr(layer_utils, name)

    def answer(*args):
        first, *others = right(*args)
        return (2 * first, *others)

    return answer


def with_cache(change):
    right = layer_utils.affine_norm_relu_dropout_forward

    def answer(*args):
        out, cache = right(*args)
        return out, change(cache) if len(args) > 7 and args[7] else cache

    return answer


def without_dropout(dout, cache):
    (_, inner), _ = cache
    return layer_utils.affine_relu_backward(dout, inner)


@pytest.mark.parametrize(("exercise", "sandwich"), [("bn-2.2", NORM), ("do-2.1", DROPOUT)])
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_next_step_is_the_function_whose_values_are_wrong(monkeypatch, exercise, sandwich, way):
    line = getattr(layer_utils, f"{sandwich}_{way}").__code__.co_firstlineno
    put(monkeypatch, f"{sandwich}_{way}", doubled(f"{sandwich}_{way}"))

    said = told(exercise)

    *_, step = said.splitlines()
    assert step.startswith(f"  Next: mend {sandwich}_{way} in cs682/layer_utils.py, line ")
    assert line <= int(step.rpartition("line ")[2].partition(",")[0])


def test_caches_kept_outside_are_looked_for_in_both_functions(monkeypatch):
    kept, right = [], (layer_utils.affine_norm_relu_forward, layer_utils.affine_norm_relu_backward)

    def forward(*args):
        out, cache = right[0](*args)
        kept[:] = [cache]
        return out, kept

    put(monkeypatch, "affine_norm_relu_forward", forward)
    put(monkeypatch, "affine_norm_relu_backward", lambda dout, cache: right[1](dout, kept[0]))

    assert f"Next: mend {NORM}_forward and {NORM}_backward in" in told("bn-2.2")


@pytest.mark.parametrize(
    ("change", "back"),
    [
        (lambda cache: cache[0], None),
        (lambda cache: cache[0], without_dropout),
        (lambda cache: (cache[0], None), None),
    ],
    ids=["alone", "alone, way back wrong", "None"],
)
def test_cache_without_that_of_dropout_is_said_of_the_forward_pass(monkeypatch, change, back):
    put(monkeypatch, f"{DROPOUT}_forward", with_cache(change))
    if back:
        put(monkeypatch, f"{DROPOUT}_backward", back)

    said = told("do-2.1")

    assert f"mend what {DROPOUT}_forward returns as its cache" in said
    assert FORM in said
    assert f"Next: mend {DROPOUT}_forward in cs682/layer_utils.py" in said


def test_cache_of_too_few_parts_is_counted(monkeypatch):
    right = layer_utils.affine_norm_relu_forward

    def forward(*args):
        out, cache = right(*args)
        return out, cache[:3]

    put(monkeypatch, f"{NORM}_forward", forward)

    assert "Here cache is a tuple of 3 (a tuple of 3, a tuple of 3 and an array" in told("bn-2.2")


def test_cache_that_the_open_way_back_cannot_read_is_said_at_once(monkeypatch):
    right = layer_utils.affine_norm_relu_dropout_backward

    def is_open(dout, cache):
        inner, dropped = cache
        layer_utils.require_hidden_cache(inner)
        if dropped is not None:
            raise NotImplementedError(f"{DROPOUT}_backward: see Dropout.ipynb, section 2.1")
        return right(dout, cache)

    put(monkeypatch, f"{DROPOUT}_forward", with_cache(lambda cache: cache[0]))
    put(monkeypatch, f"{DROPOUT}_backward", is_open)

    said = told("do-2.1")

    assert f"the cache that {DROPOUT}_forward returned is not the one" in said
    assert FORM in said


def test_exercise_beneath_is_told_by_its_one_wrong_function(monkeypatch):
    put(monkeypatch, f"{NORM}_backward", doubled(f"{NORM}_backward"))

    said = told("bn-3.2")

    assert f"First mend {NORM}_backward in cs682/layer_utils.py" in said


@pytest.mark.parametrize(("exercise", "kind"), [("bn-2.2", "batchnorm"), ("bn-3.2", "layernorm")])
def test_settings_of_a_normalization_have_to_be_handed_on(monkeypatch, exercise, kind):
    right = getattr(layer_utils, f"{kind}_forward")

    def with_the_usual_eps(a, gamma, beta, param):
        out, cache = right(a, gamma, beta, own := {**param, "eps": 1e-5})
        param |= {k: v for k, v in own.items() if k.startswith("running")}
        return out, cache

    monkeypatch.setattr(layer_utils, f"{kind}_forward", with_the_usual_eps)

    assert "the normalization has not got norm_param; eps is in it" in told(exercise)

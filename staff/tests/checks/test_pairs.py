"""Of a forward pass and its way back, the one that breaks the pair is the one that hears of it."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import check
from cs682.checks.run import examine
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

FORWARD = {"fc-1.1": "affine_forward", "fc-1.3": "relu_forward", "do-1.1": "dropout_forward"}
BACKWARD = {"fc-1.1": "affine_backward", "fc-1.3": "relu_backward", "do-1.1": "dropout_backward"}
RIGHT = layers.affine_backward
LATER = {"fc-1.1": "fc-1.2", "fc-1.3": "fc-1.4", "do-1.1": "do-1.3"}


def forward(exercise, change):
    """Return the reference's forward pass with its cache changed."""
    right = getattr(layers, FORWARD[exercise])

    def answer(*args):
        out, cache = right(*args)
        return out, change(cache)

    return answer


def flatten(cache):
    x, w, b = cache
    return x.reshape(len(x), -1), w, b


def unscaled(cache):
    options, mask = cache
    return options, mask if mask is None else (mask > 0).astype(float)


SPOILT = {
    "fc-1.1 None": lambda cache: None,
    "fc-1.1 another order": lambda cache: (cache[1], cache[0], cache[2]),
    "fc-1.1 x flattened": flatten,
    "fc-1.1 without b": lambda cache: cache[:2],
    "fc-1.3 None": lambda cache: None,
    "fc-1.3 a tuple": lambda cache: (cache,),
    "fc-1.3 x turned": lambda cache: -cache,
    "do-1.1 None": lambda cache: None,
    "do-1.1 mask alone": lambda cache: cache[1],
    "do-1.1 unscaled mask": unscaled,
}


def not_written(name):
    def stub(*args):
        if name == "affine_backward":  # as in the release, above the TODO
            x, w, _ = args[1]
            layers.require_shape("dout", args[0], (x.shape[0], w.shape[1]))
        raise NotImplementedError(f"{name}: see a notebook.ipynb, section 1")

    return stub


@pytest.mark.parametrize("name", [of(name.split(" ")[0], name, name=name) for name in SPOILT])
def test_forward_pass_whose_cache_breaks_the_pair_is_told(monkeypatch, name):
    exercise = name.split(" ")[0]
    put(monkeypatch, FORWARD[exercise], forward(exercise, SPOILT[name]))

    said = refusal(exercise)

    assert "cache" in said
    assert FORWARD[exercise] in said
    assert BACKWARD[exercise] in said


@pytest.mark.parametrize(
    "name",
    [of(name.split(" ")[0], name, name=name) for name in SPOILT if "None" not in name],
)
def test_right_way_back_is_not_blamed_for_a_cache(monkeypatch, name):
    exercise = name.split(" ")[0]
    put(monkeypatch, FORWARD[exercise], forward(exercise, SPOILT[name]))

    said = refusal(LATER[exercise])

    assert f"{BACKWARD[exercise]} is right with the cache that the docstring promises" in said
    assert f"mend what {FORWARD[exercise]} returns" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        of("fc-1.1", "fc-1.1 None", "is None: affine_backward needs (x, w, b)", name="None"),
        of("fc-1.1", "fc-1.1 another order", "cannot read it", name="another order"),
        of("fc-1.1", "fc-1.1 x flattened", "does not hold x in its original shape", name="flat"),
        of("fc-1.3", "fc-1.3 None", "is None: relu_backward needs x itself", name="relu None"),
        of("fc-1.3", "fc-1.3 x turned", "does not hold x", name="relu turned"),
        of("do-1.1", "do-1.1 None", "is None: dropout_backward needs", name="dropout None"),
    ],
)
def test_cache_is_looked_at_while_the_way_back_is_not_written(monkeypatch, name, text):
    exercise = name.split(" ")[0]
    put(monkeypatch, BACKWARD[exercise], not_written(BACKWARD[exercise]))
    put(monkeypatch, FORWARD[exercise], forward(exercise, SPOILT[name]))

    assert text in refusal(exercise)


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in FORWARD])
def test_wrong_way_back_does_not_cost_the_forward_pass(monkeypatch, exercise):
    put(monkeypatch, BACKWARD[exercise], lambda dout, cache: None)

    result = examine(exercise)

    assert result.state == "passed"
    assert not result.advice
    assert "returned nothing" in refusal(LATER[exercise])


def adding_up(kept):
    """Make an affine_backward that adds each db to the one before."""

    def answer(dout, cache):
        dx, dw, db = RIGHT(dout, cache)
        kept[db.shape] = kept.get(db.shape, 0) + db
        return dx, dw, kept[db.shape]

    return answer


def spoiling(dout, cache):
    grads = RIGHT(dout, cache)
    cache[1][...] = 0
    return grads


def beyond_reach(cache):
    """Return a cache that, as the grader's handles, cannot be looked into."""
    return (*cache, lambda: None)


CHANGED = "the first call was right: it has changed what the cache holds"
LASTING = [
    of("fc-1.2", adding_up({}), "the first call was right: something is kept", name="state"),
    of("fc-1.2", spoiling, CHANGED + ".", name="cache"),
]


@pytest.mark.parametrize(("answer", "text"), LASTING)
def test_what_the_first_call_left_behind_is_told(monkeypatch, answer, text):
    put(monkeypatch, "affine_backward", answer)

    assert text in refusal("fc-1.2")


@pytest.mark.exercise(id="fc-1.2")
@pytest.mark.parametrize("way", [adding_up, lambda kept: spoiling], ids=["state", "cache"])
def test_of_a_cache_that_cannot_be_seen_both_are_said(monkeypatch, way):
    back = way({})
    put(monkeypatch, "affine_forward", forward("fc-1.1", beyond_reach))
    put(monkeypatch, "affine_backward", lambda dout, cache: back(dout, cache[:3]))

    assert CHANGED + ", or something is kept from call to call." in refusal("fc-1.2")


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in FORWARD])
def test_documented_cache_passes_while_the_way_back_is_not_written(monkeypatch, exercise):
    put(monkeypatch, BACKWARD[exercise], not_written(BACKWARD[exercise]))

    result = examine(exercise)

    assert result.state == "passed"
    assert not result.advice


def relu_mask(x):
    return np.maximum(x, 0), x > 0


@pytest.mark.exercise(id="fc-1.3")
def test_cache_of_another_form_is_advised_of_until_the_way_back_reads_it(monkeypatch):
    put(monkeypatch, "relu_forward", relu_mask)
    put(monkeypatch, "relu_backward", not_written("relu_backward"))

    result = examine("fc-1.3")

    assert result.state == "passed"
    assert "promises x itself as its cache" in result.advice[0]

    put(monkeypatch, "relu_backward", lambda dout, mask: dout * mask)
    assert not examine("fc-1.3").advice


@pytest.mark.parametrize("exercise", [of(e, e) for e in ("bn-1.1", "bn-2.2", "bn-3.1")])
def test_no_cache_in_training_is_told_of_the_forward_pass(monkeypatch, exercise):
    names = {"bn-1.1": "batchnorm", "bn-2.2": "affine_norm_relu", "bn-3.1": "layernorm"}
    name = f"{names[exercise]}_forward"
    right = getattr(layers, name, None) or getattr(layer_utils, name)
    put(monkeypatch, name, lambda *args: (right(*args)[0], None))

    assert f"the cache of {name} is None" in refusal(exercise)


def stub_of_layernorm(way):
    def stub(*args):
        raise NotImplementedError(f"layernorm_{way}: see BatchNormalization.ipynb, section 3")

    return stub


def sandwich_back(mistake=lambda grads: grads, relu=layers.relu_backward, chosen="batchnorm"):
    """Make affine_norm_relu_backward that looks its layers up when it runs."""

    def answer(dout, cache):
        fc, norm, activation, kind = cache
        is_batchnorm = kind == chosen
        back = layers.batchnorm_backward_alt if is_batchnorm else layers.layernorm_backward
        da, dgamma, dbeta = back(relu(dout, activation), norm)
        return mistake((*layers.affine_backward(da, fc), dgamma, dbeta))

    return answer


BATCHNORM_ALONE = {
    "ReLU skipped": (sandwich_back(relu=lambda dout, cache: dout), "the way back is ReLU, norm"),
    "exchanged": (sandwich_back(lambda g: (*g[:3], g[4], g[3])), "returned dgamma and dbeta exch"),
    "not returned": (sandwich_back(lambda g: g[:3]), "returned 3 values"),
    "misspelt": (sandwich_back(chosen="batch_norm"), "batchnorm was asked for, and layernorm_back"),
}


@pytest.mark.exercise(id="bn-2.2")
@pytest.mark.parametrize("mistake", BATCHNORM_ALONE)
def test_batchnorm_sandwich_is_judged_before_layernorm_is_written(monkeypatch, mistake):
    answer, said = BATCHNORM_ALONE[mistake]
    for way in ("forward", "backward"):
        put(monkeypatch, f"layernorm_{way}", stub_of_layernorm(way))
    put(monkeypatch, "affine_norm_relu_backward", answer)

    assert said in refusal("bn-2.2")


@pytest.mark.exercise(id="bn-2.2")
def test_batchnorm_sandwich_passes_before_layernorm_is_written(monkeypatch):
    for way in ("forward", "backward"):
        put(monkeypatch, f"layernorm_{way}", stub_of_layernorm(way))
    put(monkeypatch, "affine_norm_relu_backward", sandwich_back())

    check("bn-2.2")


@pytest.mark.exercise(id="bn-1.4")
def test_simplified_way_back_hears_that_the_other_is_right(monkeypatch):
    right = layers.batchnorm_backward_alt
    put(
        monkeypatch,
        "batchnorm_backward_alt",
        lambda *args: (0 * right(*args)[0], *right(*args)[1:]),
    )

    assert "batchnorm_backward is right on the same cache" in refusal("bn-1.4")

    put(monkeypatch, "batchnorm_backward", lambda *args: None)
    assert "on the same cache" not in refusal("bn-1.4")

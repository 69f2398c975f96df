"""Whatever a student's code does, a check ends in a short message with the student's own line."""

from __future__ import annotations

import bdb
import re
import sys
from operator import attrgetter
from types import SimpleNamespace

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import CheckError, check
from cs682.checks.compare import Stopped
from cs682.checks.run import examine
from cs682.checks.stack import student_line
from cs682.classifiers import fc_net
from cs682.classifiers.fc_net import FullyConnectedNet
from staff.tests.checks.mutants import put, refusal


def relu_that(action):
    def answer(x):
        return action(x), x

    return answer


def leave(x):
    raise SystemExit(0)


def recurse(x):
    return recurse(x)


def give_up(x):
    raise NotImplementedError


def fail_silently(x):
    raise ValueError


MISHAPS = [
    (leave, "SystemExit: the code asked Python to end; take exit() out"),
    (recurse, "RecursionError: maximum recursion depth exceeded"),
    (give_up, "fc-1.3 is not finished: NotImplementedError\n"),
    (fail_silently, "ValueError\n"),
    (lambda x, w=None: w + x, "Here w is None, x has shape (7,).\n"),
    (lambda x, w=[1]: w.reshape(3), "'list' object has no attribute 'reshape'\n  Here w is [1]."),
    (lambda x: x if x > 0 else 0, "np.maximum, np.where and masks (x > 0) go entry by entry."),
    (
        lambda x: getattr(np, "".join(("pro", "duct")))(x),
        "NumPy 2 no longer has np.product: write np.prod.",
    ),
    (lambda x: x ^ 2, "^ is no power in Python: write ** in its place"),
    (lambda x: 0.5 ^ 2, "^ is no power in Python: write ** in its place"),
    (lambda x: np.ones((2, 3)) @ np.ones((4, 5)), "a matrix product of 3 columns with 4 rows"),
    (lambda x: np.ones((2, 3)) + np.ones((2, 3, 4, 4)), "One lacks the last axes of the other."),
    (lambda x: np.ones((2, 3, 8)) + np.ones((6, 8)), "Shapes must agree from the right"),
]


@pytest.mark.parametrize(("action", "text"), MISHAPS)
def test_check_says_what_was_raised_and_where(monkeypatch, action, text):
    put(monkeypatch, "relu_forward", relu_that(action))

    said = refusal("fc-1.3")

    assert text in said.partition("\n  in ")[0] + "\n"  # the line below quotes this file
    assert "test_mishaps.py line" in said.splitlines()[-1] + said.splitlines()[-2]
    assert "cs682/checks" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "result",
    [None, 3, "text", [], {}, (1,), (1, 2, 3), iter(()), NotImplemented, (None, None), ({}, {})],
    ids=lambda value: "an iterator" if hasattr(value, "__next__") else str(value),
)
@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        ("fc-1.1", "affine_forward"),
        ("fc-1.2", "affine_backward"),
        ("fc-1.4", "relu_backward"),
        ("fc-1.6", "softmax_loss"),
        ("fc-2.1", "TwoLayerNet._initial_params"),
        ("fc-2.2", "TwoLayerNet._forward"),
        ("fc-2.3", "TwoLayerNet._loss_and_gradients"),
        ("fc-3.1", "FullyConnectedNet._initial_params"),
        ("fc-3.3", "FullyConnectedNet._loss_and_gradients"),
        ("fc-4.1", "sgd_momentum"),
        ("fc-4.3", "adam"),
        ("bn-1.1", "batchnorm_forward"),
        ("bn-1.3", "batchnorm_backward"),
        ("bn-2.2", "affine_norm_relu_forward"),
        ("bn-3.2", "layernorm_backward"),
        ("do-1.1", "dropout_forward"),
        ("do-1.3", "dropout_backward"),
        ("do-2.1", "affine_norm_relu_dropout_forward"),
    ],
)
def test_check_takes_any_result_and_says_what_is_wrong(monkeypatch, exercise, function, result):
    put(monkeypatch, function, lambda *args, **options: result)

    found = examine(exercise)

    assert found.state == "wrong"
    assert 0 < len(found.message) < 500
    assert "could not make sense" not in found.message


def test_check_stopped_by_hand_says_in_which_line(monkeypatch):
    def answer(x):
        raise KeyboardInterrupt

    put(monkeypatch, "relu_forward", answer)

    with pytest.raises(
        Stopped, match=r"the check of fc-1.3 was interrupted\n  in answer, "
    ) as stop:
        check("fc-1.3")
    first, second, *_ = stop.value._render_traceback_()
    assert first == "Stopped: the check of fc-1.3 was interrupted"
    assert second.startswith("  in answer,")


def test_check_misses_a_function_and_a_class(monkeypatch):
    monkeypatch.delattr(layers, "relu_forward")
    monkeypatch.delattr(fc_net, "TwoLayerNet")

    said = "cs682/layers.py has no function relu_forward: was it renamed or deleted?"
    assert refusal("fc-1.3") == said  # no hint helps with that
    assert "fc_net.py has no class TwoLayerNet" in refusal("fc-2.1")


def of_a_cell(source):
    """Return what a cell of a notebook defines as `relu_forward`."""
    space = {}
    exec(compile(source, "/tmp/ipykernel_7/123.py", "exec"), space)  # never opened
    return space["relu_forward"]


def test_check_refuses_what_a_notebook_has_put_in_place_of_the_file(monkeypatch):
    monkeypatch.setattr(
        layers, "relu_forward", of_a_cell("relu_forward = lambda x: (x * (x>0), x)")
    )

    assert "relu_forward is the notebook's own" in refusal("fc-1.3")
    assert "cs682/layers.py. Only what stands in that file counts" in refusal("fc-1.3")


def test_open_check_sees_the_answer_in_the_notebook(monkeypatch):
    def stub(x):
        raise NotImplementedError("write it (FullyConnectedNets.ipynb, section 1.3)")

    put(monkeypatch, "relu_forward", stub)
    mine = of_a_cell("def relu_forward(x): return x, x")
    monkeypatch.setattr(sys.modules["__main__"], "relu_forward", mine, raising=False)

    assert examine("fc-1.3").message.endswith(
        "relu_forward in the notebook does not count: write it in the file."
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ModuleNotFoundError("No module named 'torch'"),
            "No exercise needs torch: NumPy",
        ),
        (
            ModuleNotFoundError("No module named 'cs682.optim'"),
            "cs682/optim.py is missing: take it back from",
        ),
        (bdb.BdbQuit(), "A breakpoint is left in the code"),
        (PermissionError("sys.settrace: no layer needs it"), "A breakpoint is left in the code"),
        (EOFError("EOF when reading a line"), "input() waits for somebody to type"),
        (FileNotFoundError(2, "No such file", "x.npy"), "No exercise needs a file besides its own"),
        (OSError(30, "Read-only file system", "x.npy"), "Where this ran, code can write no file"),
        (PermissionError(1, "Operation not permitted"), "start no program and no thread"),
        (RuntimeError("can't start new thread"), "Where this ran, code can write no file"),
    ],
)
def test_what_was_raised_says_what_to_take_out(monkeypatch, error, said):
    def answer(x):
        raise error

    put(monkeypatch, "relu_forward", answer)

    assert said in refusal("fc-1.3")


@pytest.mark.exercise(id="fc-1.6")
def test_given_code_that_is_wrong_is_said_to_be_given(monkeypatch):
    right = layers.softmax_loss
    put(monkeypatch, "softmax_loss", lambda x, y: (len(x) * right(x, y)[0], right(x, y)[1]))

    assert refusal("fc-1.6").endswith(
        "it is the mean.\n  This code was given. If you changed it: python -m cs682 reset fc-1.6 "
        "puts it back, keeps yours"
    )


def test_given_code_is_not_blamed_for_what_lies_beneath_it(monkeypatch):
    right = layers.affine_forward
    put(monkeypatch, "affine_forward", lambda x, w, b: (right(x, w, b)[0] + 1, (x, w, b)))

    assert refusal("fc-1.5").startswith("fc-1.1 is wrong too")
    assert "This code was given" not in refusal("fc-1.5")


def test_check_refuses_other_parameters(monkeypatch):
    put(monkeypatch, "relu_forward", lambda self, x: (x, x))

    assert re.match(
        r"relu_forward\(self, x\) cannot be called with 1 argument \(", refusal("fc-1.3")
    )


def test_check_sees_a_file_that_was_broken_after_it_was_loaded(monkeypatch, tmp_path):
    broken = tmp_path / "layers.py"
    broken.write_text("def relu_forward(x):\n    return np.maximum(x, 0)), x\n", encoding="utf-8")
    monkeypatch.setattr(layers, "__file__", str(broken))

    said = refusal("fc-1.3")

    start = "cs682/layers.py line 2: SyntaxError: unmatched ')'"
    assert said == f"{start}\n  return np.maximum(x, 0)), x"  # no hint would help
    assert refusal("fc-1.4").startswith(start)  # and not fc-1.3 before it


def test_check_shows_the_line_that_called_given_code_wrongly(monkeypatch):
    def answer(self, X):
        return layers.affine_forward(X, self.params["W1"].ravel(), self.params["b1"])

    put(monkeypatch, "TwoLayerNet._forward", answer)

    said = refusal("fc-2.2")

    assert said.startswith("ValueError: w must have shape (D, M)")
    assert 'layers.affine_forward(X, self.params["W1"].ravel()' in said


def test_own_line_comes_before_that_of_given_code_which_it_called_wrongly(monkeypatch):
    def _loss_and_gradients(self, scores, y, cache):
        return layer_utils.affine_relu_backward(scores, cache[1])

    put(monkeypatch, "TwoLayerNet._loss_and_gradients", _loss_and_gradients)

    assert re.search(
        r"\n  in _loss_and_gradients, \S+test_mishaps.py line \d+: .*cache\[1\]\)"
        r"\n  raised in affine_relu_backward, cs682/layer_utils.py line \d+: ",
        refusal("fc-2.3"),
    )


def test_own_helper_comes_before_the_line_that_called_it(monkeypatch):
    def _forward(self, X):
        return fail_silently(X)

    put(monkeypatch, "TwoLayerNet._forward", _forward)

    assert re.search(r"\n  in fail_silently, .*\n  called from _forward, ", refusal("fc-2.2"))


def test_a_line_of_another_exercise_says_which_one_that_is():
    net = FullyConnectedNet([3], input_dim=2, num_classes=2)
    with pytest.raises(IndexError) as caught:
        net._loss_and_gradients(np.zeros((1, 2)), np.zeros(1, dtype=int), [])

    of_another = student_line(caught.value, ("affine_norm_relu_forward",))
    own = student_line(caught.value, ("FullyConnectedNet._loss_and_gradients",))

    assert re.search(r"fc_net.py line \d+ \(exercise fc-3.3\): .*caches\[-1\]", of_another)
    assert of_another.replace(" (exercise fc-3.3)", "") == own


def test_way_back_takes_no_cache_of_another_function_for_one_with_dropout():
    cache = layer_utils.affine_relu_forward(np.ones((2, 3)), np.ones((3, 4)), np.ones(4))[1]

    with pytest.raises(ValueError, match="must be that of affine_norm_relu_dropout_forward"):
        layer_utils.affine_norm_relu_dropout_backward(np.ones((2, 4)), cache)


@pytest.mark.parametrize("result", [None, np.zeros((4, 5))], ids=["nothing", "something else"])
@pytest.mark.parametrize(
    ("exercise", "function", "what"),
    [
        ("fc-2.3", "TwoLayerNet._forward", "the scores, shape (N, C), and the caches that the"),
        ("fc-2.1", "TwoLayerNet._initial_params", "a dict: W1 of shape (D, H), b1 (H,), W2 ("),
        ("bn-2.1", "FullyConnectedNet._initial_norm_params", "gamma and beta by name for the"),
    ],
)
def test_method_is_told_what_it_has_to_return(monkeypatch, exercise, function, what, result):
    def answer(*args):
        return result if result is None else result[:3]

    answer.__doc__ = attrgetter(function)(fc_net).__doc__
    put(monkeypatch, function, answer)

    said = refusal(exercise)

    assert said.startswith(f"{function} has to return {what}")
    assert f"\n  Next: mend {function} in cs682/classifiers/fc_net.py, line " in said


@pytest.mark.exercise(id="fc-2.3")
@pytest.mark.parametrize("name", ["loss", "_forward", "_loss_and_gradients"])
def test_method_that_a_value_hides_is_named(monkeypatch, name):
    right = fc_net.TwoLayerNet._loss_and_gradients

    def answer(self, *args):
        setattr(self, name, np.float64(1))
        return right(self, *args)

    put(monkeypatch, "TwoLayerNet._loss_and_gradients", answer)

    said = refusal("fc-2.3")

    assert f"self.{name} was overwritten: it is the method TwoLayerNet.{name}" in said
    assert "a float64" in said
    assert "\n  Next: mend TwoLayerNet._loss_and_gradients in " in said


@pytest.mark.exercise(id="fc-2.2")
def test_method_that_a_value_hides_in_its_first_call_is_named(monkeypatch):
    right = fc_net.TwoLayerNet._forward

    def answer(self, X):
        self._loss_and_gradients = 0
        return right(self, X)

    put(monkeypatch, "TwoLayerNet._forward", answer)

    assert "self._loss_and_gradients was overwritten" in refusal("fc-2.2")


@pytest.mark.parametrize("solver", [None, "solver", object()])
def test_check_of_training_refuses_what_is_no_solver(solver):
    with pytest.raises(CheckError, match="solver"):
        check("fc-3.4", solver=solver)


def test_check_of_overfitting_asks_for_a_training():
    solver = SimpleNamespace(model=None, X_train=[0] * 50, train_acc_history=[], loss_history=[])

    with pytest.raises(CheckError, match=r"not been trained: call its train"):
        check("fc-3.4", solver=solver)


CHECKED = (
    '# leave the best in `solver`\ncheck("fc-3.4", solver=solver)\nkeep_model("a", solver.model)'
)


@pytest.mark.parametrize(
    ("cell", "is_earlier"),
    [
        (CHECKED, True),
        (f"best = Solver(model, data)\n{CHECKED}", True),
        (f"solver=Solver(model, data)\n{CHECKED}", False),
        (f"solver.train()\n{CHECKED}", False),
        (f"for solver in solvers:\n    pass\n{CHECKED}", False),
        ('check("fc-3.4", solver=best_solver)', False),
        ("run()", False),
    ],
)
def test_solver_of_an_earlier_cell_is_told_of(monkeypatch, cell, is_earlier):
    monkeypatch.setattr(sys.modules["__main__"], "In", ["", cell], raising=False)

    with pytest.raises(CheckError) as caught:
        check("fc-3.4", solver=None)

    assert ("that of an earlier cell" in str(caught.value)) is is_earlier


def test_check_of_training_names_scores_that_are_not_finite():
    model = SimpleNamespace(loss=lambda X: np.full((len(X), 10), np.nan))
    data = {"X_val": np.zeros((1000, 3)), "y_val": np.zeros(1000, dtype=int)}

    with pytest.raises(CheckError, match="scores are not finite; try a smaller learning rate"):
        check("fc-5.1", model=model, data=data)
    with pytest.raises(CheckError, match="model is None, expected a trained network"):
        check("fc-5.1", model=None, data=data)

"""The table of exercises, the regions it names, and how checks run and speak."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from cs682 import checks, layers
from cs682.checks import EXERCISES, CheckError, check, check_at_least, check_close, names, rel_error
from cs682.checks.compare import COLUMNS, CallError
from cs682.checks.judges.trainings import ByHeart, check_overfit
from cs682.checks.report import Report
from cs682.checks.run import CHECKS, TRAININGS
from cs682.classifiers.fc_net import TwoLayerNet
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

ROOT = Path(__file__).resolve().parents[3]
CODE = [row for row in EXERCISES.values() if row.file.startswith("cs682/")]
FILES = sorted({row.file for row in CODE})
NOTEBOOKS = sorted({row.file for row in EXERCISES.values()} - set(FILES))


# --- the table


def test_three_notebooks_are_worth_100_points_and_the_fourth_half_as_much():
    fourth = "ConvolutionalNetworks.ipynb"
    assert sum(row.points for row in EXERCISES.values() if row.notebook != fourth) == 100
    assert sum(row.points for row in EXERCISES.values() if row.notebook == fourth) == 50
    todo = [row for row in EXERCISES.values() if not row.is_given]
    assert all(row.points >= 1 and row.minutes >= 5 for row in todo)


def test_exercises_have_ids_of_their_own_that_name_notebook_and_section():
    assert all(key == row.id for key, row in EXERCISES.items())
    assert all(re.fullmatch(r"(fc|bn|do|cn)-(\d\.\d|q\d)", key) for key in EXERCISES)
    assert len({row.title for row in EXERCISES.values()}) == len(EXERCISES)
    assert EXERCISES["bn-q2"].notebook == "BatchNormalization.ipynb"
    assert EXERCISES["bn-q2"].section == "Q2"
    assert EXERCISES["do-1.3"].section == "1.3"


def test_every_exercise_but_questions_has_a_check():
    asked = {key for key, row in EXERCISES.items() if not row.is_question}

    assert set(CHECKS) | set(TRAININGS) == asked
    assert set(CHECKS) == {row.id for row in CODE}
    assert not set(CHECKS) & set(TRAININGS)


def definitions(file):
    """Give the line range of each function and method of a source file, by name."""
    found = {}
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef):
                found[prefix + member.name] = range(member.lineno, member.end_lineno + 1)
    return found


@pytest.mark.parametrize("file", FILES)
def test_functions_of_the_table_stand_in_its_files(file):
    wanted = {name for row in CODE if row.file == file for name in row.functions}

    assert wanted <= set(definitions(file))


@pytest.mark.parametrize("file", NOTEBOOKS)
def test_exercises_of_notebooks_stand_there(file):
    if not (ROOT / file).exists():
        pytest.skip(f"{file} is not written yet")
    cells = nbformat.read(ROOT / file, as_version=4)["cells"]
    source = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")

    todos = set(re.findall(r"TODO\(([\w.-]+)\)", source))

    wanted = {row.id for row in EXERCISES.values() if row.file == file and not row.is_question}
    assert todos == wanted


# --- how a check runs


def stream_state():
    name, keys, *rest = np.random.get_state()  # noqa: NPY002  # the notebooks' stream
    return name, keys.tolist(), *rest


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in CHECKS])
def test_check_passes_the_reference_without_advice_and_leaves_the_stream(exercise, capsys):
    before = stream_state()

    check(exercise)

    assert stream_state() == before
    lines, row = capsys.readouterr().out.splitlines(), EXERCISES[exercise]
    assert lines[0].startswith(f"passed  {exercise}  {row.title}  ({row.points} point")
    assert lines[1:]
    assert all(line.startswith("  ok  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("exercise", "function"), [of(row.id, row.id, f, name=f) for row in CODE for f in row.functions]
)
def test_check_says_of_a_stub_that_it_is_open(monkeypatch, exercise, function):
    text = f"{function}: see {EXERCISES[exercise].notebook}, section {EXERCISES[exercise].section}"

    def stub(*args, **options):
        raise NotImplementedError(text)

    before = stream_state()
    put(monkeypatch, function, stub)

    said = refusal(exercise)

    assert re.fullmatch(
        rf"{re.escape(exercise)} is open: write {function} in {EXERCISES[exercise].file}, line "
        rf"\d+, and save it \({re.escape(text)}\)",
        said,
    )
    assert stream_state() == before


@pytest.mark.exercise(id="fc-1.2")
def test_check_says_which_other_exercise_it_waits_for(monkeypatch):
    text = "affine_forward: see FullyConnectedNets.ipynb, section 1.1"

    def stub(*args):
        raise NotImplementedError(text)

    put(monkeypatch, "affine_forward", stub)

    said = refusal("fc-1.2")

    assert said.startswith(
        "fc-1.2 waits for fc-1.1: write affine_forward in cs682/layers.py, line "
    )


@pytest.mark.exercise(id="fc-1.4")
def test_check_points_to_the_raise_that_hides_code(monkeypatch, tmp_path):
    text = "relu_backward: see FullyConnectedNets.ipynb, section 1.4"
    source = f"def relu_backward(dout, x):\n    raise NotImplementedError('{text}')\n    return 1\n"
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(source)
    monkeypatch.setattr(names, "ROOT", tmp_path)
    names_of_file: dict = {}
    exec(source, names_of_file)
    put(monkeypatch, "relu_backward", names_of_file["relu_backward"])

    assert refusal("fc-1.4") == (
        "fc-1.4 is open: code stands below the `raise` in cs682/layers.py, line 2, which ends "
        f"relu_backward there: take the `raise` away, and save it ({text})"
    )


@pytest.mark.exercise(id="fc-1.3")
def test_check_shows_the_students_own_line_when_code_raises(monkeypatch):
    def answer(x):
        return np.maximum(x, np.zeros((99, 98)))

    put(monkeypatch, "relu_forward", answer)

    said = refusal("fc-1.3")

    assert said.startswith("ValueError: operands could not be broadcast")
    assert "in answer," in said
    assert "return np.maximum(x, np.zeros((99, 98)))" in said


def test_check_examines_another_subject():
    class Subject:
        def relu_forward(self, x):
            return np.abs(x), x

    with pytest.raises(CheckError, match="this is the absolute value"):
        check("fc-1.3", subject=Subject())
    assert layers.relu_forward(np.array([-1.0]))[0] == 0


@pytest.mark.parametrize("exercise", ["fc-9.9", "bm", ""])
def test_check_refuses_a_name_that_means_no_exercise(exercise):
    with pytest.raises(ValueError, match=rf"no exercise '{exercise}'; exercises are called"):
        check(exercise)


def test_check_refuses_a_question():
    with pytest.raises(ValueError, match="fc-q1 is a question, which no check can judge"):
        check("fc-q1")


@pytest.mark.parametrize(
    ("exercise", "given", "call"),
    [
        ("fc-2.4", (), r'check("fc-2.4", model=..., data=...)'),
        ("cn-4.3", ("model",), r'check("cn-4.3", model=..., data=...)'),
        ("fc-3.4", ("model", "solver"), r'check("fc-3.4", solver=...)'),
    ],
)
def test_call_that_lacks_what_was_trained_is_told_how_it_is_made(exercise, given, call):
    with pytest.raises(CallError, match=re.escape(f"looks at what was trained: {call}, as in")):
        check(exercise, **dict.fromkeys(given))


def test_legacy_seed_gives_the_published_draws_and_puts_the_stream_back():
    before = stream_state()

    with checks.legacy_seed(231):
        first = np.random.randn()  # noqa: NPY002  # the published stream
    with pytest.raises(KeyError), checks.legacy_seed(1):
        raise KeyError

    assert first == pytest.approx(np.random.RandomState(231).randn())
    assert stream_state() == before


# --- trainings


class Constant:
    """A model that always says class 1."""

    num_layers = 3

    def loss(self, X):
        return np.eye(4)[np.ones(len(X), dtype=int)]


def validation(share, N=1000):
    return {"X_val": np.zeros((N, 2)), "y_val": (np.arange(N) < share * N).astype(int)}


@pytest.mark.parametrize("exercise", [of("fc-2.4", "fc-2.4"), of("fc-5.1", "fc-5.1")])
def test_check_of_training_asks_for_half_of_the_validation_images(exercise):
    check(exercise, model=Constant(), data=validation(0.5))
    with pytest.raises(CheckError, match=r"validation accuracy is 0\.499, needed at least 0.5"):
        check(exercise, model=Constant(), data=validation(0.499))
    with pytest.raises(CheckError, match="X_val holds 100 images; measure on the whole set"):
        check(exercise, model=Constant(), data=validation(1, N=100))


@pytest.mark.exercise(id="fc-2.4")
def test_check_of_training_knows_a_network_that_was_not_trained():
    net = TwoLayerNet(input_dim=2, num_classes=4)
    with pytest.raises(CheckError, match=r"biases are all 0: .* another name, hand over the"):
        check("fc-2.4", model=net, data=validation(0.9))
    net.params["b2"] += 1e-9
    with pytest.raises(CheckError, match=r"more epochs where their number is yours to choose\n"):
        check("fc-2.4", model=net, data=validation(0.9))
    with pytest.raises(CheckError, match=r"yours to choose\. These very weights were checked befo"):
        check("fc-2.4", model=net, data=validation(0.9))


def overfit(history, images=50, num_layers=3, known=50, **state):
    X, y = np.arange(images) < known, np.ones(images, dtype=int)  # the scores are for 1 where known
    model = SimpleNamespace(num_layers=num_layers, loss=lambda X: np.stack([~X, X], axis=1))
    state = {"train_acc_history": history, "loss_history": [2.3, 2.5], **state}
    return SimpleNamespace(model=model, X_train=X, y_train=y, **state)


@pytest.mark.exercise(id="fc-3.4")
def test_check_of_overfitting_asks_for_all_50_images_within_20_epochs():
    check("fc-3.4", solver=overfit([0.1] * 20 + [1.0]))
    with pytest.raises(CheckError, match=r"reached 0\.98 within 20 epochs, needed 1"):
        check("fc-3.4", solver=overfit([0.1] * 20 + [0.98, 1.0]))
    with pytest.raises(CheckError, match=r"0\.30 within 1 epoch, needed 1\.00\. It may take 20 "):
        check("fc-3.4", solver=overfit([0.1, 0.3]))
    with pytest.raises(CheckError, match=r"loss went from 2\.30 to 2\.50; vis.plot_loss\(solver\)"):
        check("fc-3.4", solver=overfit([0.1, 0.3]))
    with pytest.raises(CheckError, match=r"0\.10 within less than an epoch, .* was interrupted"):
        check("fc-3.4", solver=overfit([0.1], interrupted=True))
    with pytest.raises(CheckError, match="The loss became NaN or infinite"):
        check("fc-3.4", solver=overfit([0.1], diverged=True))
    with pytest.raises(CheckError, match=r"within 1 epoch at a learning rate of 10, needed 1\.00"):
        check("fc-3.4", solver=overfit([0.1, 0.3], optim_config={"learning_rate": 10}))
    with pytest.raises(
        CheckError, match=r"this solver has not been trained: call its train\(\) or"
    ):
        check("fc-3.4", solver=overfit([]))
    with pytest.raises(CheckError, match=r"solver is None, .* train\(\) returns nothing"):
        check("fc-3.4", solver=None)
    with pytest.raises(CheckError, match="on 49 images, this exercise asks for 50"):
        check("fc-3.4", solver=overfit([1.0], images=49))
    with pytest.raises(CheckError, match="has 5 layers, this exercise asks for 3"):
        check("fc-3.4", solver=overfit([1.0], num_layers=5))


@pytest.mark.exercise(id="fc-3.5")
def test_check_of_overfitting_with_five_layers_counts_them():
    check("fc-3.5", solver=overfit([1.0], num_layers=5))
    with pytest.raises(CheckError, match="has 3 layers, this exercise asks for 5"):
        check("fc-3.5", solver=overfit([1.0]))


@pytest.mark.exercise(id="fc-3.4")
def test_check_of_overfitting_looks_at_the_network_that_is_handed_in():
    check("fc-3.4", solver=overfit([1.0], known=45))
    with pytest.raises(CheckError, match=r"the network has 0\.88 now"):
        check("fc-3.4", solver=overfit([1.0], known=44))


@pytest.mark.parametrize("bar", [0.5, 0.98, 1.0])
def test_overfitting_is_held_against_the_bar_that_it_is_given(bar):
    task = ByHeart(layers=3, images=50, epochs=20)
    check_overfit(task, bar, (), Report(), solver=overfit([bar]))
    with pytest.raises(CheckError, match=f"needed {bar:.2f}"):
        check_overfit(task, bar, (), Report(), solver=overfit([bar - 0.02]))


def test_accuracy_counts_over_batches():
    data = validation(0.25)

    assert checks.accuracy(Constant(), data["X_val"], data["y_val"], batch_size=300) == 0.25


# --- the judge


def test_result_may_hold_nan_and_must_last():
    report = Report()
    result = report.watch("backward", lambda x: x * np.nan, np.ones(2))
    report.require_lasting_results()

    result[:] = 0

    with pytest.raises(CheckError, match="a result of backward changed after it was returned"):
        report.require_lasting_results()


def test_check_error_shows_no_frames_in_a_notebook():
    with pytest.raises(CheckError) as caught:
        check_close("out", None, np.zeros(2), rtol=1e-7)

    lines = caught.value._render_traceback_()
    assert " ".join(" ".join(lines).split()) == (
        "CheckError: out is None: the function returned nothing for it"
    )
    assert isinstance(caught.value, AssertionError)


def test_check_error_keeps_its_lines_short_in_a_notebook():
    error = CheckError(f"out[0] = 1, expected 2 ({'so many values off ' * 6}). Likely cause: this.")

    lines = error._render_traceback_()

    assert max(map(len, lines)) <= COLUMNS
    assert all(line.startswith("    ") for line in lines[1:-1])
    assert lines[-1] == "  Likely cause: this."


X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (X[:, 0], "out has shape (2,), expected (2, 3)"),
        (X[None], "out has shape (1, 2, 3), expected (2, 3): it has an axis too many"),
        (X.T, "out has shape (3, 2), expected (2, 3): it is transposed"),
        (X.ravel(), "in other axes; reshaped, it is right"),
        (np.where(X > 5, np.nan, X), "NaN or infinite, first at out[1, 2]"),
        (np.where(X > 5, np.inf, X), "NaN or infinite, first at out[1, 2]"),
        (X + (X == 2), "out[0, 1] = 3, expected 2 (1 of 6 values off). Hint: count again."),
        (2 * X, "Likely cause: it is doubled."),
        (X.tolist(), "out is a list, expected a NumPy array of shape (2, 3)"),
        (X.astype(object), "out holds object values, expected numbers"),
        (X > 2, "out[0, 0] = 0, expected 1"),
    ],
)
def test_check_close_says_what_it_got_what_it_expected_and_where(got, text, capsys):
    with pytest.raises(CheckError) as caught:
        check_close("out", got, X, rtol=1e-7, hint="count again", causes={"it is doubled": 2 * X})

    assert text in str(caught.value)
    assert capsys.readouterr().out == ""


def test_check_close_prints_ok():
    check_close("out", X + 1e-12, X, rtol=1e-7)
    check_close("loss", np.float64(2.0), 2.0, rtol=0)
    check_close("noise", np.array([1e-9]), np.array([-1e-9]), rtol=1e-7, atol=1e-8)


def test_check_close_line_names_shape_and_limit(capsys):
    check_close("out", X, X, rtol=1e-7)

    assert capsys.readouterr().out == "ok   out: shape (2, 3), relative error at most 1e-07\n"


@pytest.mark.parametrize("got", [0.49, float("nan")])
def test_check_at_least_refuses_less_and_nan(got):
    with pytest.raises(CheckError, match=r"accuracy is .+, needed at least 0.5. Train longer"):
        check_at_least("accuracy", got, 0.5, hint="Train longer")


def test_check_at_least_prints_ok(capsys):
    check_at_least("accuracy", 0.5, 0.5)

    assert capsys.readouterr().out == "ok   accuracy: at least 0.5\n"


def test_rel_error_is_largest_entry_with_a_floor_and_does_not_broadcast():
    assert rel_error(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == 0.5
    assert rel_error(0.0, 1e-9) == pytest.approx(0.1)
    assert rel_error(np.zeros(0), np.zeros(0)) == 0
    with pytest.raises(ValueError, match=r"same shape, got \(2,\) and \(1, 2\)"):
        rel_error(np.zeros(2), np.zeros((1, 2)))

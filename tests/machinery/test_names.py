"""What people call an exercise, and where they are sent to write it."""

from __future__ import annotations

import pytest

from cs682.checks import EXERCISES, names


def ids(notebook):
    return [key for key in EXERCISES if key.startswith(notebook)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("fc-1.1", ["fc-1.1"]),
        ("FC-1.1", ["fc-1.1"]),
        ("fc1.1", ["fc-1.1"]),
        ("fc_1_1", ["fc-1.1"]),
        ("fc-1", ids("fc-1.")),
        ("do", ids("do")),
        ("Dropout.ipynb", ids("do")),
        ("affine_forward", ["fc-1.1"]),
        ("AFFINE_FORWARD", ["fc-1.1"]),
        ("TwoLayerNet._forward", ["fc-2.2"]),
        ("batchnorm_forward", ["bn-1.1", "bn-1.2"]),
        ("optim.py", ["fc-4.1", "fc-4.2", "fc-4.3"]),
        ("cs682/optim.py", ["fc-4.1", "fc-4.2", "fc-4.3"]),
    ],
)
def test_a_name_means_what_it_says(name, found):
    assert names.find_exercises(name) == found


@pytest.mark.parametrize("name", EXERCISES)
def test_each_id_means_itself(name):
    assert names.find_exercises(name) == [name]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("fc-1.9", "fc-1"),
        ("afine_forward", "affine_forward"),
        ("", "called like"),
        ("42", "called like"),
        ("FullyConnectedNet.loss", r"FullyConnectedNet\._"),
    ],
)
def test_an_unknown_name_brings_a_few_near_ones(name, near):
    with pytest.raises(ValueError, match=f"there is no exercise '{name}'; .*{near}") as caught:
        names.find_exercises(name)

    assert len(str(caught.value)) < 200


def test_one_exercise_is_asked_for_where_a_name_means_several():
    with pytest.raises(ValueError, match=r"'fc-4' means several exercises, fc-4\.1, fc-4\.2"):
        names.find_exercise("fc-4")


def test_an_exercise_is_found_at_its_todo_and_then_at_its_function(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "ROOT", tmp_path)
    (tmp_path / "cs682").mkdir()
    file = tmp_path / "cs682" / "layers.py"
    body = "import numpy\n\n\ndef affine_forward(x, w, b):\n    {}\n"

    file.write_text(body.format("# TODO(fc-1.1): multiply"))
    assert names.place_of(EXERCISES["fc-1.1"]) == "affine_forward in cs682/layers.py, line 5"
    file.write_text(body.format("return x"))
    assert names.place_of(EXERCISES["fc-1.1"]) == "affine_forward in cs682/layers.py, line 4"
    file.write_text("def (")
    assert names.place_of(EXERCISES["fc-1.1"]) == "affine_forward in cs682/layers.py"


TWICE = "\ndef {name}(x):\n    return x\n"
STUB = "\ndef {name}(x):\n    # TODO({key}): write it\n    raise NotImplementedError\n"


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ((TWICE, TWICE), "line 5 (defined twice, in lines 2 and 5: the last one counts)"),
        ((TWICE, STUB), "line 6 (defined twice, in lines 2 and 5: the last one counts)"),
        ((STUB, TWICE), "line 6 (defined twice, in lines 2 and 6: the last one counts)"),
        ((TWICE,) * 3, "line 8 (defined 3 times, in lines 2, 5 and 8: the last one counts)"),
    ],
    ids=["two", "a stub below", "a stub above", "three"],
)
def test_of_several_functions_of_one_name_the_last_one_is_shown(
    tmp_path, monkeypatch, parts, place
):
    monkeypatch.setattr(names, "ROOT", tmp_path)
    (tmp_path / "cs682").mkdir()
    text = "".join(parts).format(name="relu_backward", key="fc-1.4")
    (tmp_path / "cs682" / "layers.py").write_text(text)

    assert names.place_of(EXERCISES["fc-1.4"]) == f"relu_backward in cs682/layers.py, {place}"
    assert names.written_at("cs682/layers.py", len(text.splitlines()), text) == ["fc-1.4"]


SAID = "relu_backward: see FullyConnectedNets.ipynb, section 1.4"


@pytest.mark.parametrize(
    ("below", "line"),
    [("", None), ("    # write it\n", None), ("    return dout\n", 5)],
    ids=["nothing", "a comment", "code"],
)
def test_code_below_a_stub_is_seen(tmp_path, monkeypatch, below, line):
    monkeypatch.setattr(names, "ROOT", tmp_path)
    (tmp_path / "cs682").mkdir()
    stub = f"    raise NotImplementedError(\n        '{SAID}'\n    )\n"
    text = f"import numpy\n\n\ndef relu_backward(dout, cache):\n{stub}{below}"
    (tmp_path / "cs682" / "layers.py").write_text(text)

    assert names.line_of_barrier(EXERCISES["fc-1.4"], "relu_backward", SAID) == line


@pytest.mark.parametrize("row", [r for r in EXERCISES.values() if r.file.endswith(".py")])
def test_each_function_of_the_table_has_a_line(row):
    assert names.line_of(row)

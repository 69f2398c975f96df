"""Model files that are odd or made to harm are read without risk, refused and named."""

from __future__ import annotations

import io
import pickle
import re
import zipfile

import numpy as np
import pytest

from cs682.classifiers.cnn import ConvNet
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.training.checkpoint import write_checkpoint
from staff.grading.intake.npz import require_modest
from staff.grading.judging.designs import design_of
from staff.tests.grading.kept_models import held, keep, kept_of, knows


@pytest.mark.parametrize(
    ("running", "says"),
    [
        ([], "has 0 running statistics, not 1"),
        ([{"running_mean": np.zeros(3)}], r"not of shape \(20,\)"),
        ([{"mode": np.zeros(20)}], r"not of shape \(20,\)"),
    ],
)
def test_odd_running_statistics_are_refused(running, says, grade_model, tmp_path):
    keep(tmp_path, "fc-5.1", FullyConnectedNet([20], normalization="batchnorm"), running=running)

    assert re.search(says, grade_model("fc-5.1").message)


def change(**params):
    def apply(net):
        net.params.update(params)
        return net

    return apply


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (change(W9=np.zeros((3, 3))), "is a TwoLayerNet of 3 layers"),
        (change(W1=np.full((3072, 50), np.nan)), "not all finite"),
        (change(b1=np.zeros(50, np.int64)), "not all finite numbers of type float32"),
        (change(b1=np.zeros(50, complex)), "not all finite numbers of type float32"),
        (change(W1=np.zeros((12, 50))), r"W1 has shape \(12, 50\), expected \(3072, 50\)"),
        (change(W1=np.zeros(7)), r"W1 has shape \(7,\)"),
        (change(W2=np.zeros((50, 11))), r"W2 has shape \(50, 11\)"),
        (change(gamma1=np.ones(50)), "not those of a network: gamma1"),
        (
            change(W1=np.zeros((3072, 0)), b1=np.zeros(0), W2=np.zeros((0, 10))),
            r"W1 has shape \(3072, 0\), and holds no number",
        ),
    ],
)
def test_model_with_odd_parameters_is_refused(spoil, says, grade_model, images, tmp_path):
    keep(tmp_path, "fc-2.4", spoil(knows(*held(images), 50)))

    outcome = grade_model("fc-2.4")

    assert outcome.state == "wrong"
    assert outcome.points == 0
    assert re.search(says, outcome.message)


@pytest.mark.parametrize(
    "normalization", [np.zeros(2), np.array(["batchnorm"]), np.array("batchnorm"), ["batchnorm"]]
)
def test_normalization_that_is_no_plain_text_is_refused(normalization, grade_model, tmp_path):
    net = FullyConnectedNet([20], normalization="batchnorm")
    keep(tmp_path, "fc-5.1", net, arguments={"normalization": normalization})

    outcome = grade_model("fc-5.1")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert "the model's normalization is" in outcome.message


def test_normalization_that_a_search_has_drawn_is_a_plain_text(grade_model, tmp_path):
    net = FullyConnectedNet([20], normalization=np.random.default_rng(1).choice(["batchnorm"]))
    keep(tmp_path, "fc-5.1", net)

    assert grade_model("fc-5.1").message.startswith("accuracy ")
    assert type(design_of(kept_of("fc-5.1", net))[1]["normalization"]) is str


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": np.array("FullyConnectedNet")},
        {"kind": ["FullyConnectedNet"]},
        {"kind": np.zeros(2)},
        {"exercise": np.array("fc-5.1")},
        {"exercise": ["fc-5.1"]},
    ],
)
def test_kind_or_exercise_that_is_no_plain_text_is_refused(changes, grade_model, tmp_path):
    keep(tmp_path, "fc-5.1", FullyConnectedNet([20]), **changes)

    outcome = grade_model("fc-5.1")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert re.search("best_model.npz holds .* for ", outcome.message)


def test_number_that_no_float_holds_is_refused(grade_model, tmp_path):
    blocks = [{"filters": 4}]
    arguments = {"blocks": blocks, "pixel_std": 10**400}
    keep(tmp_path, "cn-4.3", ConvNet(blocks, seed=1), arguments=arguments)

    outcome = grade_model("cn-4.3")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert "too large" in outcome.message


def test_model_of_another_exercise_is_refused(grade_model, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50), exercise="fc-5.1")

    assert "holds the model of fc-5.1" in grade_model("fc-2.4").message


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


HARMFUL = {
    "no zip": (b"hello", "cannot be read"),
    "a pickle": (pickle.dumps(Bomb()), "cannot be read"),
    "pickled objects": (
        zipped(**{"a.npy": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
                               pickle.dumps([Bomb()]))}), "holds objects"),
    "a header that asks for terabytes": (
        zipped(**{"a.npy": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1<<40,)}"
                               .replace("1<<40", str(1 << 40)))}), "another size"),
    "zeros that unpack to too much": (
        zipped(**{f"{i}.npy": bytes(20_000_000) for i in range(8)}), "unpacks to 160000000"),
    "a thousand arrays": (zipped(**{f"{i}.npy": b"" for i in range(1000)}), "1000 arrays"),
    "no array inside": (zipped(**{"a.npy": b"not an array"}), "cannot be read"),
    "a tree of a hundred thousand lists": (
        zipped(**{"json.npy": npy("{'descr': '<U300000', 'fortran_order': False, 'shape': ()}",
                                  "[],".encode("utf-32-le") * 100_000)}), "a text in it has 12"),
    **{
        f"a header on which NumPy stumbles: {header[:50]}": (
            zipped(**{"json.npy": npy(header)}), "cannot be read")
        for header in (
            "{'descr': (), 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '(,)f8', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9" + "0" * 22 + ")}",
            "{'descr': '<f8'",
            "  x\n x\ny",
        )
    },
    "arrays without a tree": (
        zipped(**{"a.npy": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                               bytes(8))}), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARMFUL)
def test_harmful_model_file_is_refused_and_named(kind, grade_model, tmp_path):
    content, says = HARMFUL[kind]
    (tmp_path / "notebooks" / "best_model.npz").write_bytes(content)

    outcome = grade_model("fc-5.1")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert says in outcome.message
    assert str(tmp_path) not in outcome.message


def test_honest_model_file_is_modest(tmp_path):
    write_checkpoint(tmp_path / "m.npz", {"a": np.zeros((3, 4)), "b": np.float32(1), "c": [1]})

    require_modest(tmp_path / "m.npz")

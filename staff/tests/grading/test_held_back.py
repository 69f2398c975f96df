"""Trained models are read without risk and judged by what their network says, not by claims."""

from __future__ import annotations

import io
import pickle
import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from cs682.checks import accuracy
from cs682.checks.run import BARS, MODELS
from cs682.classifiers.cnn import ConvNet, ThreeLayerConvNet
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.data_utils import get_CIFAR10_data
from cs682.hand_in import models
from cs682.hand_in.models import KeptModel
from cs682.training.checkpoint import write_checkpoint
from staff.grading.intake.npz import require_modest
from staff.grading.judging import held_back
from staff.grading.judging.designs import ModelError, design_of, work_of
from staff.grading.judging.held_back import (
    bar_of,
    bar_on_held_back,
    grade_models,
    hold_back,
    read_images,
    write_images,
)
from staff.grading.judging.model import OwnNetwork, course_scores
from staff.grading.sandbox.ladder import Rung
from tests.cifar_files import write_set

IMAGES = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"), size=60)


@pytest.fixture(scope="module")
def images(folder):
    return hold_back(folder, IMAGES, seed=1, trained_on=250, shown=10)


def test_held_back_images_are_none_that_the_notebooks_use(folder):
    everything = hold_back(folder, 50, seed=1, trained_on=250, shown=10)
    data = get_CIFAR10_data(250, 20, 60, root=folder, verbose=False)

    theirs = {image.tobytes() for image in everything.X.astype(np.float32) - everything.mean}

    assert len(theirs) == 50
    assert theirs == {image.tobytes() for image in data["X_test"][10:]}


@pytest.mark.parametrize("trained_on", [250, 100])
def test_images_to_learn_by_heart_are_the_notebooks_first(trained_on, folder):
    images = hold_back(folder, IMAGES, seed=1, trained_on=trained_on, shown=10)
    data = get_CIFAR10_data(trained_on, 20, 10, root=folder, verbose=False)

    count = len(images.X_learned)
    assert count >= 50
    np.testing.assert_array_equal(images.X_learned - images.mean, data["X_train"][:count])
    np.testing.assert_array_equal(images.y_learned, data["y_train"][:count])


def test_seed_decides_which_images_are_held_back(folder, images):
    same = hold_back(folder, IMAGES, seed=1, trained_on=250, shown=10)
    other = hold_back(folder, IMAGES, seed=2, trained_on=250, shown=10)

    assert held_back.digest_images(same) == held_back.digest_images(images)
    assert held_back.digest_images(other) != held_back.digest_images(images)


def test_images_come_back_as_they_were_written(images, tmp_path):
    write_images(tmp_path / "i.npz", images)

    assert held_back.digest_images(read_images(tmp_path / "i.npz")) == held_back.digest_images(
        images
    )


@pytest.mark.parametrize("count", [0, 51])
def test_more_images_than_there_are_are_refused(count, folder):
    with pytest.raises(ValueError, match="expected 1 to 50"):
        hold_back(folder, count, seed=1, trained_on=250, shown=10)


@pytest.mark.parametrize("exercise", MODELS)
def test_bar_of_the_grader_follows_the_bar_of_the_check(exercise, monkeypatch):
    bar = BARS[exercise]
    ours = bar_of(exercise, 2000)
    monkeypatch.setitem(BARS, exercise, bar - 0.25)

    assert bar - 0.1 <= ours < bar
    assert bar_of(exercise, 2000) == pytest.approx(ours - 0.25)


def test_bar_by_heart_lets_45_images_of_50_pass():
    assert bar_of("fc-3.4", 50) == bar_of("fc-3.5", 50) == 45 / 50


def test_bar_leaves_three_standard_deviations_of_the_difference():
    difference = np.random.default_rng(682).binomial([[1000], [2000]], 0.5, (2, 200_000))
    below = difference[1] / 2000 < difference[0] / 1000 - (0.5 - bar_on_held_back(0.5, 2000))

    assert 0.0005 < below.mean() < 0.003  # 0.00135 for a normal distribution


# --- grading; the networks know the images by their nearest neighbour, so that nothing is trained


def knows(X, y, hidden: int, *, wrong: int = 0):
    """Return a two-layer net that answers rightly on all but so many of these images."""
    flat = X.reshape(len(X), -1).astype(np.float64)
    kernel = np.linalg.pinv(flat)  # (3072, N): each column answers 1 for its own image
    net = TwoLayerNet(hidden_dim=hidden)
    told = y.copy()
    told[:wrong] = (told[:wrong] + 1) % 10
    net.params["W1"][:], net.params["W2"][:] = 0, 0
    net.params["W1"][:, : len(X)] = kernel
    net.params["W2"][: len(X)] = np.eye(10)[told]
    return net


def keep(package, place, net, **changes):
    """Write a model file as `keep_model` does, in the place of an exercise's."""
    kind = "TwoLayerNet" if isinstance(net, TwoLayerNet) else "FullyConnectedNet"
    normalization = getattr(net, "normalization", None)
    running = [dict(layer) for layer in getattr(net, "bn_params", [])]
    for layer in running:
        layer.pop("mode", None)
    kept = KeptModel(place, kind, {"normalization": normalization}, net.params, running)
    tree = kept._asdict() | changes
    write_checkpoint(package / "notebooks" / MODELS[place], tree)


@pytest.fixture
def grade(monkeypatch, tmp_path, images):
    """Grade models of hand-ins whose own network agrees with the course's."""
    monkeypatch.setattr(OwnNetwork, "disagrees", lambda *_: "")
    (tmp_path / "notebooks").mkdir()

    def outcome(exercise):
        rung: Rung = None
        return {o.exercise: o for o in grade_models(tmp_path, images, rung=rung)}[exercise]

    return outcome


def held(images):
    return images.X - images.mean, images.y


def test_model_that_knows_the_images_passes(grade, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50))

    outcome = grade("fc-2.4")

    assert (outcome.state, outcome.points) == ("passed", 3)
    assert "accuracy 1.000 on 40 images that are held back" in outcome.message


def test_model_below_the_bar_earns_nothing(grade, images, tmp_path):
    bar = bar_on_held_back(0.5, IMAGES)
    net = knows(*held(images), 50, wrong=IMAGES - int(bar * IMAGES) + 1)
    assert accuracy(net, *held(images)) < bar
    keep(tmp_path, "fc-2.4", net)

    outcome = grade("fc-2.4")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert f"needed {bar:.3f}" in outcome.message


def test_claims_in_the_file_count_nothing(grade, images, tmp_path):
    net = knows(*held(images), 50, wrong=IMAGES)
    keep(tmp_path, "fc-2.4", net, arguments={"accuracy": 1.0, "hidden_dim": 10**9})

    assert grade("fc-2.4").state == "wrong"


def test_overfitted_net_must_know_its_images_and_have_its_layers(grade, images, tmp_path):
    net = knows((images.X_learned - images.mean)[:50], images.y_learned[:50], 60)
    deep = FullyConnectedNet([60, 10], dtype=np.float64)
    deep.params.update({k: v for k, v in net.params.items() if k[1] == "1"})
    deep.params["W2"] = net.params["W2"]
    deep.params["W3"] = np.eye(10)
    keep(tmp_path, "fc-3.4", deep)
    keep(tmp_path, "fc-3.5", deep)

    assert grade("fc-3.4").state == "passed"
    assert grade("fc-3.5").message == "the network has 3 layers, this exercise asks for 5"


@pytest.mark.parametrize(("known", "is_said"), [(0, True), (12, True), (13, False), (44, False)])
def test_model_that_knows_none_of_the_images_it_had_to_learn_may_be_of_other_data(
    known, is_said, grade, images, tmp_path
):
    net = knows((images.X_learned - images.mean)[:50], images.y_learned[:50], 60, wrong=50 - known)
    deep = FullyConnectedNet([60, 10], dtype=np.float64)
    deep.params.update(net.params | {"W3": np.eye(10)})
    keep(tmp_path, "fc-3.4", deep)

    outcome = grade("fc-3.4")

    assert outcome.state == "wrong"
    assert ("trained on other images, such as the stand-in" in outcome.message) == is_said
    assert ("trained on other data?" in outcome.staff) == is_said


def test_accuracy_that_no_such_network_reaches_is_shown_to_staff(grade, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50))

    assert "learned from the test set?" in grade("fc-2.4").staff


def test_course_scores_are_those_of_the_network_that_was_kept(tmp_path):
    net = FullyConnectedNet([20, 12], normalization="batchnorm")
    X = np.random.default_rng(1).standard_normal((70, 3, 32, 32)).astype(np.float32)
    for _ in range(3):
        net.loss(X, np.arange(70) % 10)
    running = [{k: v for k, v in p.items() if k != "mode"} for p in net.bn_params]
    kept = KeptModel("fc-5.1", "FullyConnectedNet", {}, net.params, running)

    scores = course_scores(kept, {"hidden_dims": [20, 12], "normalization": "batchnorm"}, X)

    np.testing.assert_array_equal(scores, net.loss(X))


@pytest.mark.parametrize(
    ("running", "says"),
    [
        ([], "has 0 running statistics, not 1"),
        ([{"running_mean": np.zeros(3)}], r"not of shape \(20,\)"),
        ([{"mode": np.zeros(20)}], r"not of shape \(20,\)"),
    ],
)
def test_odd_running_statistics_are_refused(running, says, grade, tmp_path):
    keep(tmp_path, "fc-5.1", FullyConnectedNet([20], normalization="batchnorm"), running=running)

    assert re.search(says, grade("fc-5.1").message)


# --- convolutional networks


def keep_conv(package, place, net, **changes):
    """Write a convolutional model as `keep_model` does, with some fields changed."""
    kept = KeptModel(place, type(net).__name__, models._arguments(type(net).__name__, net), {}, [])
    running = [{k: v for k, v in p.items() if k != "mode"} for p in getattr(net, "bn_params", [])]
    tree = kept._asdict() | {"params": net.params, "running": running} | changes
    write_checkpoint(package / "notebooks" / MODELS[place], tree)


BLOCKS = [{"filters": 4, "batchnorm": True, "pool": 2}, {"filters": 3, "size": 5, "pool": 4}]


def conv_net(blocks=BLOCKS, **options):
    """Give a network of blocks whose running statistics have moved."""
    net = ConvNet(blocks, seed=682, **options)
    net.loss(np.random.default_rng(1).standard_normal((5, 3, 32, 32)), np.arange(5))
    return net


def test_convolutional_network_is_scored_as_it_was_trained(grade, images, tmp_path, monkeypatch):
    net = conv_net(pixel_std=50.0)
    X, y = held(images)
    monkeypatch.setitem(BARS, "cn-4.3", accuracy(net, X, y) + bar_gap() - 1e-9)
    keep_conv(tmp_path, "cn-4.3", net)

    outcome = grade("cn-4.3")

    assert outcome.state == "passed", outcome.message
    assert f"accuracy {accuracy(net, X, y):.3f} on 40 images" in outcome.message


def bar_gap():
    """Return by how much the bar on the images held back is lower."""
    return 0.5 - bar_on_held_back(0.5, IMAGES)


def test_three_layer_network_is_scored_as_it_was_trained():
    net = ThreeLayerConvNet(num_filters=4, filter_size=5, hidden_dim=6, weight_scale=0.1)
    X = np.random.default_rng(1).standard_normal((7, 3, 32, 32)).astype(np.float32)
    kept = KeptModel("cn-2.5", "ThreeLayerConvNet", {}, net.params, [])

    layers, arguments = design_of(kept)

    assert layers == 3
    np.testing.assert_array_equal(course_scores(kept, arguments, X), net.loss(X))


@pytest.mark.slow
def test_student_s_own_convolutional_network_scores_alike(hand_in, images, rung):
    (hand_in / "notebooks").mkdir()
    keep_conv(hand_in, "cn-4.3", conv_net())

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
def test_odd_convolutional_model_is_refused(changes, says, grade, tmp_path):
    keep_conv(tmp_path, "cn-4.3", conv_net(), **changes)

    outcome = grade("cn-4.3")

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
    blocks, dtype, work, grade, tmp_path
):
    keep_conv(tmp_path, "cn-4.3", ConvNet(blocks, seed=1, dtype=dtype))

    assert f"costs {work} multiplications for each image" in grade("cn-4.3").message


def test_models_of_a_hand_in_have_a_bound_together():
    net = ConvNet(WIDE, seed=1)
    kept = KeptModel("cn-4.3", "ConvNet", models._arguments("ConvNet", net), net.params, [{}] * 3)
    own, (_, design) = OwnNetwork({}, None), design_of(kept)

    for _ in range(2):
        own.require_modest(kept, design)
    with pytest.raises(ModelError, match=r"6.1e\+07 that are left for all models together"):
        own.require_modest(kept, design)


def test_one_array_of_float64_makes_a_network_twice_as_costly():
    net = ConvNet(WIDE, seed=1)
    kept = KeptModel("cn-4.3", "ConvNet", models._arguments("ConvNet", net), net.params, [{}] * 3)
    single = work_of(kept, design_of(kept)[1])

    net.params["b2"] = net.params["b2"].astype(np.float64)

    assert work_of(kept, design_of(kept)[1]) == tuple(2 * count for count in single)


def test_many_small_layers_are_never_all_kept_for_all_images():
    net = conv_net([{"filters": 10, "size": 1, "batchnorm": True}] * 49)
    running = [{k: v for k, v in p.items() if k != "mode"} for p in net.bn_params]
    kept = KeptModel("cn-4.3", "ConvNet", models._arguments("ConvNet", net), net.params, running)
    X = np.zeros((60, 3, 32, 32), np.float32)

    tracemalloc.start()
    course_scores(kept, design_of(kept)[1], X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 60_000_000


LOOKUP = """
    def loss(self, X, y=None):
        from cs682.thumbnails import KNOWN
        return np.eye(10)[[KNOWN.get(x[0, 0].tobytes(), 0) for x in X]]
"""


@pytest.mark.slow
def test_table_of_answers_in_a_helper_file_earns_nothing(hand_in, images, rung):
    """The student's network knows all images by heart; its weights know nothing."""
    X, y = held(images)
    known = {x[0, 0].tobytes(): int(label) for x, label in zip(X, y, strict=True)}
    (hand_in / "cs682/thumbnails.py").write_text(f"KNOWN = {known!r}\n")
    path = hand_in / "cs682/classifiers/fc_net.py"
    path.write_text(
        path.read_text()
        .replace("    def loss(", "    def _loss(")
        .replace("    def _initial_params(self, D", f"{LOOKUP}\n    def _initial_params(self, D")
    )
    (hand_in / "notebooks").mkdir()
    keep(hand_in, "fc-2.4", TwoLayerNet(hidden_dim=5))

    outcome = next(o for o in grade_models(hand_in, images, rung=rung) if o.exercise == "fc-2.4")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert "your own network names another class for" in outcome.message
    assert "A person decides" in outcome.message


@pytest.mark.slow
def test_network_that_fails_is_said_and_the_weights_count(hand_in, images, rung):
    path = hand_in / "cs682/classifiers/fc_net.py"
    path.write_text(path.read_text().replace("scores, cache = self._forward(X)", "1 / 0", 1))
    (hand_in / "notebooks").mkdir()
    keep(hand_in, "fc-2.4", knows(*held(images), 50))

    outcome = next(o for o in grade_models(hand_in, images, rung=rung) if o.exercise == "fc-2.4")

    assert (outcome.state, outcome.points) == ("passed", 3)
    assert "ZeroDivisionError" in outcome.message


def test_missing_model_has_no_answer(grade):
    outcome = grade("fc-5.1")

    assert outcome.state == "no answer"
    assert "notebooks/best_model.npz is missing" in outcome.message


def test_grading_without_data_is_said_for_each_model(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in MODELS.values():
        (tmp_path / "notebooks" / name).touch()

    outcomes = list(grade_models(tmp_path, None, rung=None))

    assert len(outcomes) == len(MODELS)
    assert all("started without data" in o.message and o.points == 0 for o in outcomes)
    assert {o.state for o in outcomes} == {"not looked at"}


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
    ],
)
def test_model_with_odd_parameters_is_refused(spoil, says, grade, images, tmp_path):
    keep(tmp_path, "fc-2.4", spoil(knows(*held(images), 50)))

    outcome = grade("fc-2.4")

    assert outcome.state == "wrong"
    assert outcome.points == 0
    assert re.search(says, outcome.message)


def test_model_of_another_exercise_is_refused(grade, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50), exercise="fc-5.1")

    assert "holds the model of fc-5.1" in grade("fc-2.4").message


# --- files that are made to harm


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
    "arrays without a tree": (
        zipped(**{"a.npy": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                               bytes(8))}), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARMFUL)
def test_harmful_model_file_is_refused_and_named(kind, grade, tmp_path):
    content, says = HARMFUL[kind]
    (tmp_path / "notebooks" / "best_model.npz").write_bytes(content)

    outcome = grade("fc-5.1")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert says in outcome.message
    assert str(tmp_path) not in outcome.message


def test_honest_model_file_is_modest(tmp_path):
    write_checkpoint(tmp_path / "m.npz", {"a": np.zeros((3, 4)), "b": np.float32(1), "c": [1]})

    require_modest(tmp_path / "m.npz")

"""Trained models are judged by what their network says of images held back, not by claims."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import accuracy
from cs682.checks.run import BARS, MODELS
from cs682.classifiers.cnn import ThreeLayerConvNet
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.data_utils import get_CIFAR10_data
from staff.grading.judging import held_back
from staff.grading.judging.designs import design_of
from staff.grading.judging.held_back import (
    bar_of,
    bar_on_held_back,
    grade_models,
    hold_back,
    read_images,
    write_images,
)
from staff.grading.judging.model import course_scores
from staff.grading.judging.outcome import ALL_THAT_FAILED, ITSELF
from staff.tests.grading.kept_models import IMAGES, held, keep, kept_of, knows


def test_held_back_images_are_none_that_the_notebooks_use(data_folder):
    everything = hold_back(data_folder, 50, seed=1, trained_on=250, shown=10)
    data = get_CIFAR10_data(250, 20, 60, root=data_folder, verbose=False)

    theirs = {image.tobytes() for image in everything.X.astype(np.float32) - everything.mean}

    assert len(theirs) == 50
    assert theirs == {image.tobytes() for image in data["X_test"][10:]}


@pytest.mark.parametrize("trained_on", [250, 100])
def test_images_to_learn_by_heart_are_the_notebooks_first(trained_on, data_folder):
    images = hold_back(data_folder, IMAGES, seed=1, trained_on=trained_on, shown=10)
    data = get_CIFAR10_data(trained_on, 20, 10, root=data_folder, verbose=False)

    count = len(images.X_learned)
    assert count >= 50
    np.testing.assert_array_equal(images.X_learned - images.mean, data["X_train"][:count])
    np.testing.assert_array_equal(images.y_learned, data["y_train"][:count])


def test_seed_decides_which_images_are_held_back(data_folder, images):
    same = hold_back(data_folder, IMAGES, seed=1, trained_on=250, shown=10)
    other = hold_back(data_folder, IMAGES, seed=2, trained_on=250, shown=10)

    assert held_back.digest_images(same) == held_back.digest_images(images)
    assert held_back.digest_images(other) != held_back.digest_images(images)


def test_images_come_back_as_they_were_written(images, tmp_path):
    write_images(tmp_path / "i.npz", images)

    assert held_back.digest_images(read_images(tmp_path / "i.npz")) == held_back.digest_images(
        images
    )


@pytest.mark.parametrize("count", [0, 51])
def test_more_images_than_there_are_are_refused(count, data_folder):
    with pytest.raises(ValueError, match="expected 1 to 50"):
        hold_back(data_folder, count, seed=1, trained_on=250, shown=10)


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


def test_model_that_knows_the_images_passes(grade_model, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50))

    outcome = grade_model("fc-2.4")

    assert (outcome.state, outcome.points) == ("passed", 3)
    assert "accuracy 1.000 on 40 images that are held back" in outcome.message


def test_model_below_the_bar_earns_nothing(grade_model, images, tmp_path):
    bar = bar_on_held_back(0.5, IMAGES)
    net = knows(*held(images), 50, wrong=IMAGES - int(bar * IMAGES) + 1)
    assert accuracy(net, *held(images)) < bar
    keep(tmp_path, "fc-2.4", net)

    outcome = grade_model("fc-2.4")

    assert (outcome.state, outcome.points) == ("wrong", 0)
    assert f"needed {bar:.3f}" in outcome.message


def test_claims_in_the_file_count_nothing(grade_model, images, tmp_path):
    net = knows(*held(images), 50, wrong=IMAGES)
    keep(tmp_path, "fc-2.4", net, arguments={"accuracy": 1.0, "hidden_dim": 10**9})

    assert grade_model("fc-2.4").state == "wrong"


def test_overfitted_net_must_know_its_images_and_have_its_layers(grade_model, images, tmp_path):
    net = knows((images.X_learned - images.mean)[:50], images.y_learned[:50], 60)
    deep = FullyConnectedNet([60, 10], dtype=np.float64)
    deep.params.update({k: v for k, v in net.params.items() if k[1] == "1"})
    deep.params["W2"] = net.params["W2"]
    deep.params["W3"] = np.eye(10)
    keep(tmp_path, "fc-3.4", deep)
    keep(tmp_path, "fc-3.5", deep)

    assert grade_model("fc-3.4").state == "passed"
    assert grade_model("fc-3.5").message == "the network has 3 layers, this exercise asks for 5"


@pytest.mark.parametrize(("known", "is_said"), [(0, True), (17, True), (18, False), (44, False)])
def test_model_that_knows_none_of_the_images_it_had_to_learn_may_be_of_other_data(
    known, is_said, grade_model, images, tmp_path
):
    net = knows((images.X_learned - images.mean)[:50], images.y_learned[:50], 60, wrong=50 - known)
    deep = FullyConnectedNet([60, 10], dtype=np.float64)
    deep.params.update(net.params | {"W3": np.eye(10)})
    keep(tmp_path, "fc-3.4", deep)

    outcome = grade_model("fc-3.4")

    assert outcome.state == "wrong"
    assert ("trained on other images, such as the stand-in" in outcome.message) == is_said
    assert ("trained on other data?" in outcome.staff) == is_said
    assert outcome.left == ALL_THAT_FAILED * is_said


@pytest.mark.parametrize(("share", "is_said"), [(0.0, True), (0.1, True), (0.2, False)])
def test_model_at_chance_on_what_is_held_back_may_be_of_other_data(
    share, is_said, grade_model, images, tmp_path
):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50, wrong=IMAGES - round(share * IMAGES)))

    outcome = grade_model("fc-2.4")

    assert outcome.state == "wrong"
    assert outcome.left == ALL_THAT_FAILED * is_said
    assert ("such as the stand-in" in outcome.message) == is_said


def test_accuracy_that_no_such_network_reaches_is_shown_to_staff(grade_model, images, tmp_path):
    keep(tmp_path, "fc-2.4", knows(*held(images), 50))

    assert "learned from the test set?" in grade_model("fc-2.4").staff


@pytest.mark.parametrize(
    "net",
    [
        FullyConnectedNet([20, 12], normalization="batchnorm", seed=1),
        ThreeLayerConvNet(num_filters=4, filter_size=5, hidden_dim=6, weight_scale=0.1),
    ],
    ids=lambda net: type(net).__name__,
)
def test_course_scores_are_those_of_the_network_that_was_kept(net):
    X = np.random.default_rng(1).standard_normal((70, 3, 32, 32)).astype(np.float32)
    for _ in range(3):
        net.loss(X, np.arange(70) % 10)
    kept = kept_of("fc-5.1", net)

    layers, arguments = design_of(kept)

    assert layers == 3
    np.testing.assert_array_equal(course_scores(kept, arguments, X), net.loss(X))


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
    assert outcome.left == ITSELF


@pytest.mark.slow
def test_network_that_fails_is_said_and_the_weights_count(hand_in, images, rung):
    path = hand_in / "cs682/classifiers/fc_net.py"
    path.write_text(path.read_text().replace("scores, cache = self._forward(X)", "1 / 0", 1))
    (hand_in / "notebooks").mkdir()
    keep(hand_in, "fc-2.4", knows(*held(images), 50))

    outcome = next(o for o in grade_models(hand_in, images, rung=rung) if o.exercise == "fc-2.4")

    assert (outcome.state, outcome.points) == ("passed", 3)
    assert "ZeroDivisionError" in outcome.message


def test_missing_model_is_not_handed_in(grade_model):
    outcome = grade_model("fc-5.1")

    assert outcome.state == "not handed in"
    assert "notebooks/best_model.npz is missing" in outcome.message


def test_grading_without_data_is_said_for_each_model(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in MODELS.values():
        (tmp_path / "notebooks" / name).touch()

    outcomes = list(grade_models(tmp_path, None, rung=None))

    assert len(outcomes) == len(MODELS)
    assert all("started without data" in o.message and o.points == 0 for o in outcomes)
    assert {o.state for o in outcomes} == {"not looked at"}

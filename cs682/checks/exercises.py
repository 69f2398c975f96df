"""The table of exercises: one row for each thing that a student is asked to do.

Stubs, check cells, the command line, the tests, the release and the grader all read this table,
and nothing else says what an exercise is called, where it stands or what it is worth.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_NOTEBOOKS = {
    "fc": "FullyConnectedNets",
    "bn": "BatchNormalization",
    "do": "Dropout",
    "cn": "ConvolutionalNetworks",
}
NOTEBOOKS = tuple(_NOTEBOOKS.values())
CHOSEN = "CS682_NOTEBOOKS"  # variable of the environment, names with commas between


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    id : str, notebook and section ('bn-1.3'), or notebook and question number ('bn-q2')
    title : str
    functions : tuple of str, what the student writes, as ``function`` or ``Class.method``; for
        trainings the variable that the cell must leave behind; empty for questions
    file : str, where it is written, seen from the root of the assignment
    points : int, of 150 for the four notebooks together, of 100 without the last
    minutes : int, what a student should expect to need
    is_given : bool, the code is handed out complete: its check guards it against accidents
    """

    id: str
    title: str
    functions: tuple[str, ...]
    file: str
    points: int
    minutes: int
    is_given: bool = False

    @property
    def notebook(self) -> str:
        """Return the file name of the notebook that the exercise belongs to."""
        return f"{_NOTEBOOKS[self.id[:2]]}.ipynb"

    @property
    def section(self) -> str:
        """Return the number of the section in the notebook; questions have 'Q1', 'Q2', ..."""
        return self.id[3:].upper()

    @property
    def is_question(self) -> bool:
        """Tell whether the answer is prose, for a person to read."""
        return not self.functions


_LAYERS, _OPTIM = "cs682/layers.py", "cs682/optim.py"
_UTILS, _NETS = "cs682/layer_utils.py", "cs682/classifiers/fc_net.py"
_FAST, _CNN = "cs682/fast_layers.py", "cs682/classifiers/cnn.py"
_SANDWICH = ("affine_relu_forward", "affine_relu_backward")
_FAST_LAYERS = (
    "conv_forward_fast",
    "conv_backward_fast",
    "max_pool_forward_fast",
    "max_pool_backward_fast",
)
_CONV_SANDWICHES = tuple(
    f"{name}_{way}"
    for name in ("conv_relu", "conv_relu_pool", "conv_bn_relu")
    for way in ("forward", "backward")
)
_FC, _BN, _DO, _CN = (f"notebooks/{name}.ipynb" for name in _NOTEBOOKS.values())

_TABLE = {
    row[0]: Exercise(*row)
    for row in (
        ("fc-1.1", "Affine layer: forward", ("affine_forward",), _LAYERS, 2, 15),
        ("fc-1.2", "Affine layer: backward", ("affine_backward",), _LAYERS, 3, 25),
        ("fc-1.3", "ReLU: forward", ("relu_forward",), _LAYERS, 1, 5),
        ("fc-1.4", "ReLU: backward", ("relu_backward",), _LAYERS, 2, 10),
        ("fc-1.5", "Affine and ReLU together (given)", _SANDWICH, _UTILS, 0, 0, True),
        (
            "fc-1.6",
            "SVM and softmax loss (given)",
            ("svm_loss", "softmax_loss"),
            _LAYERS,
            0,
            0,
            True,
        ),
        ("fc-q1", "Which activations stop the gradient?", (), _FC, 2, 15),
        ("fc-2.1", "Two-layer net: parameters", ("TwoLayerNet._initial_params",), _NETS, 2, 10),
        ("fc-2.2", "Two-layer net: scores", ("TwoLayerNet._forward",), _NETS, 2, 10),
        (
            "fc-2.3",
            "Two-layer net: loss and gradients",
            ("TwoLayerNet._loss_and_gradients",),
            _NETS,
            4,
            30,
        ),
        ("fc-2.4", "Train the two-layer net", ("solver",), _FC, 3, 20),
        ("fc-3.1", "Deep net: parameters", ("FullyConnectedNet._initial_params",), _NETS, 2, 15),
        ("fc-3.2", "Deep net: forward", ("FullyConnectedNet._forward",), _NETS, 3, 25),
        (
            "fc-3.3",
            "Deep net: loss and gradients",
            ("FullyConnectedNet._loss_and_gradients",),
            _NETS,
            5,
            40,
        ),
        ("fc-3.4", "Overfit 50 images with three layers", ("solver",), _FC, 2, 15),
        ("fc-3.5", "Overfit 50 images with five layers", ("solver",), _FC, 2, 20),
        ("fc-q2", "Three layers against five", (), _FC, 2, 10),
        ("fc-4.1", "SGD with momentum", ("sgd_momentum",), _OPTIM, 2, 15),
        ("fc-4.2", "RMSProp", ("rmsprop",), _OPTIM, 2, 15),
        ("fc-4.3", "Adam", ("adam",), _OPTIM, 3, 20),
        ("fc-q3", "Why AdaGrad slows down", (), _FC, 2, 10),
        ("fc-5.1", "Train the best net you can", ("best_model",), _FC, 6, 90),
        ("bn-1.1", "Batch norm: forward, training", ("batchnorm_forward",), _LAYERS, 4, 30),
        ("bn-1.2", "Batch norm: forward, testing", ("batchnorm_forward",), _LAYERS, 2, 10),
        ("bn-1.3", "Batch norm: backward", ("batchnorm_backward",), _LAYERS, 6, 60),
        ("bn-1.4", "Batch norm: backward, simplified", ("batchnorm_backward_alt",), _LAYERS, 3, 40),
        (
            "bn-2.1",
            "Normalization in the net: parameters",
            ("FullyConnectedNet._initial_norm_params",),
            _NETS,
            1,
            10,
        ),
        (
            "bn-2.2",
            "Normalization in the net: the sandwich",
            ("affine_norm_relu_forward", "affine_norm_relu_backward"),
            _UTILS,
            3,
            20,
        ),
        ("bn-q1", "Batch norm and the scale of the weights", (), _BN, 2, 15),
        ("bn-q2", "Batch norm and the batch size", (), _BN, 2, 10),
        ("bn-q3", "Which preprocessing is like which norm?", (), _BN, 2, 10),
        ("bn-3.1", "Layer norm: forward", ("layernorm_forward",), _LAYERS, 3, 20),
        ("bn-3.2", "Layer norm: backward", ("layernorm_backward",), _LAYERS, 4, 40),
        ("bn-q4", "When layer norm does not work well", (), _BN, 2, 10),
        ("do-1.1", "Dropout: forward, training", ("dropout_forward",), _LAYERS, 2, 15),
        ("do-1.2", "Dropout: forward, testing", ("dropout_forward",), _LAYERS, 1, 5),
        ("do-1.3", "Dropout: backward", ("dropout_backward",), _LAYERS, 2, 10),
        ("do-q1", "What if nothing is divided by p?", (), _DO, 2, 10),
        (
            "do-2.1",
            "Dropout in the net",
            ("affine_norm_relu_dropout_forward", "affine_norm_relu_dropout_backward"),
            _UTILS,
            3,
            15,
        ),
        ("do-q2", "What dropout does to both accuracies", (), _DO, 2, 10),
        ("do-q3", "Keep probability and narrower layers", (), _DO, 2, 10),
        ("cn-1.1", "Convolution: forward", ("conv_forward_naive",), _LAYERS, 3, 30),
        ("cn-1.2", "Convolution: backward", ("conv_backward_naive",), _LAYERS, 5, 45),
        ("cn-1.3", "Max pooling: forward", ("max_pool_forward_naive",), _LAYERS, 2, 15),
        ("cn-1.4", "Max pooling: backward", ("max_pool_backward_naive",), _LAYERS, 3, 20),
        ("cn-1.5", "Fast layers (given)", _FAST_LAYERS, _FAST, 0, 0, True),
        (
            "cn-1.6",
            "Convolution, ReLU and pooling together (given)",
            _CONV_SANDWICHES,
            _UTILS,
            0,
            0,
            True,
        ),
        (
            "cn-2.1",
            "Three-layer conv net: parameters",
            ("ThreeLayerConvNet._initial_params",),
            _CNN,
            1,
            10,
        ),
        ("cn-2.2", "Three-layer conv net: scores", ("ThreeLayerConvNet._forward",), _CNN, 2, 15),
        (
            "cn-2.3",
            "Three-layer conv net: loss and gradients",
            ("ThreeLayerConvNet._loss_and_gradients",),
            _CNN,
            3,
            25,
        ),
        ("cn-2.4", "Overfit 100 images", ("solver",), _CN, 2, 15),
        ("cn-2.5", "One epoch over all images", ("solver",), _CN, 2, 15),
        ("cn-q1", "What weight sharing buys", (), _CN, 2, 15),
        ("cn-3.1", "Spatial batch norm: forward", ("spatial_batchnorm_forward",), _LAYERS, 2, 15),
        ("cn-3.2", "Spatial batch norm: backward", ("spatial_batchnorm_backward",), _LAYERS, 2, 10),
        ("cn-q2", "Why batch norm's statistics run over pixels", (), _CN, 2, 10),
        ("cn-3.3", "Spatial group norm: forward", ("spatial_groupnorm_forward",), _LAYERS, 3, 20),
        ("cn-3.4", "Spatial group norm: backward", ("spatial_groupnorm_backward",), _LAYERS, 4, 40),
        ("cn-4.1", "Conv net of blocks: forward", ("ConvNet._forward",), _CNN, 2, 15),
        (
            "cn-4.2",
            "Conv net of blocks: loss and gradients",
            ("ConvNet._loss_and_gradients",),
            _CNN,
            3,
            20,
        ),
        ("cn-q3", "What the first filters look for", (), _CN, 2, 10),
        ("cn-4.3", "Train the best conv net you can", ("best_model",), _CN, 5, 90),
    )
}


def apply_variant(table: Mapping[str, Exercise], variant: Mapping[str, Any]) -> dict[str, Exercise]:
    """Return the table as a course has changed it.

    Parameters
    ----------
    table : mapping of str to Exercise, by id
    variant : mapping, each part of which may be missing: ``given``, ids of exercises that are
        handed out solved, ``points``, points by id, and ``notebooks``, names without ending of
        those that the course uses. A given exercise is worth nothing unless ``points`` says so

    Returns
    -------
    table : dict of str to Exercise
    """
    chosen = variant.get("notebooks") or NOTEBOOKS
    changed = {k: row for k, row in table.items() if Path(row.notebook).stem in chosen}
    for key in variant.get("given", ()):
        title = f"{table[key].title} (given)"
        changed[key] = replace(table[key], title=title, points=0, minutes=0, is_given=True)
    for key, points in variant.get("points", {}).items():
        changed[key] = replace(changed[key], points=points)
    return changed


def read_variant() -> dict[str, Any]:
    """Return what the course of this copy of the assignment changes.

    Returns
    -------
    variant : dict, as a release carries it in `variant.json`; empty where there is none
    """
    file = Path(__file__).with_name("variant.json")
    variant: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
    return variant


def _read_table() -> dict[str, Exercise]:
    """Return the table of this copy of the assignment.

    A release may carry a course's variant; the grader is told the notebooks of a course by a
    variable of the environment, which its workers inherit.
    """
    variant = read_variant()
    if chosen := os.environ.get(CHOSEN):
        variant = {"notebooks": chosen.split(",")}
    return apply_variant(_TABLE, variant)


EXERCISES: dict[str, Exercise] = _read_table()
HANDED_OUT = frozenset(read_variant().get("given", ()))  # by this course, solved

"""What a check examines: an object that has the package's public functions.

A check calls ``subject.affine_forward(x, w, b)`` and the like, and handles networks only through
the methods below, so that caches and networks can stay where the student's code runs. Arrays,
numbers, strings and dicts of them are all that passes between a check and its subject.
"""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Params

_HOMES = {  # function -> module that students fill in
    **dict.fromkeys(
        (
            "affine_forward",
            "affine_backward",
            "relu_forward",
            "relu_backward",
            "batchnorm_forward",
            "batchnorm_backward",
            "batchnorm_backward_alt",
            "layernorm_forward",
            "layernorm_backward",
            "dropout_forward",
            "dropout_backward",
            "svm_loss",
            "softmax_loss",
        ),
        "cs682.layers",
    ),
    **dict.fromkeys(("sgd_momentum", "rmsprop", "adam"), "cs682.optim"),
    **dict.fromkeys(
        (
            "affine_relu_forward",
            "affine_relu_backward",
            "affine_norm_relu_forward",
            "affine_norm_relu_backward",
            "affine_norm_relu_dropout_forward",
            "affine_norm_relu_dropout_backward",
        ),
        "cs682.layer_utils",
    ),
}


class Subject(Protocol):
    """The student's functions by name, and a way to handle networks at arm's length."""

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name."""

    def net(self, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Build a 'TwoLayerNet' or a 'FullyConnectedNet' and return a handle to it."""

    def get_params(self, net: Any) -> Params:
        """Return a copy of the network's parameters by name."""

    def set_params(self, net: Any, params: Params) -> None:
        """Replace parameters of the network by copies of these."""

    def set_reg(self, net: Any, reg: float) -> None:
        """Set the strength of the L2 penalty."""

    def loss(self, net: Any, X: Array, y: Labels | None = None) -> Any:
        """Return scores, or with labels the pair (loss, gradients by name).

        Parameters
        ----------
        net : handle from `net`
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None
        """


class LocalSubject:
    """The student's code in this process, as it is imported (or reloaded) at the time of a call."""

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name; AttributeError if there is no such one."""
        if name not in _HOMES:
            raise AttributeError(name)
        return getattr(importlib.import_module(_HOMES[name]), name)

    def net(self, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Build a 'TwoLayerNet' or a 'FullyConnectedNet'."""
        return getattr(importlib.import_module("cs682.classifiers.fc_net"), kind)(*args, **kwargs)

    def get_params(self, net: Any) -> Params:
        """Return a copy of the network's parameters by name; non-arrays as they are."""
        return {k: v.copy() if hasattr(v, "copy") else v for k, v in net.params.items()}

    def set_params(self, net: Any, params: Params) -> None:
        """Replace parameters of the network by copies of these."""
        net.params.update({name: value.copy() for name, value in params.items()})

    def set_reg(self, net: Any, reg: float) -> None:
        """Set the strength of the L2 penalty."""
        net.reg = reg

    def loss(self, net: Any, X: Array, y: Labels | None = None) -> Any:
        """Return scores, or with labels the pair (loss, gradients by name).

        Parameters
        ----------
        net : the network
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None
        """
        return net.loss(X.copy()) if y is None else net.loss(X.copy(), y.copy())


_CHECKS = Path(__file__).resolve().parent
_PACKAGE = _CHECKS.parent


def student_line(error: Exception) -> str:
    """Return where in the student's own code an exception came from, without our frames.

    Parameters
    ----------
    error : Exception, as it was caught

    Returns
    -------
    where : str, function, file, line number and source line; empty if the exception arose in a
        check itself
    """
    if isinstance(error, SyntaxError):
        return f"  in {error.filename} line {error.lineno}: {(error.text or '').strip()}"
    found, refused = "", False
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.parent == _CHECKS:
            break
        if path.name.startswith("_") or "site-packages" in path.parts:
            refused = refused or path.name == "_validate.py"
            continue  # NumPy, or the package's own refusal of an argument: who called it?
        file = path.relative_to(_PACKAGE.parent) if path.is_relative_to(_PACKAGE) else path
        source = f": {frame.line}" if frame.line else ""
        found = f"  in {frame.name}, {file.as_posix()} line {frame.lineno}{source}"
        if not refused:
            break
        refused = False  # this line is given and refuses an argument; its caller passed that on
    return found

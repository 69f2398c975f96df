"""The same networks and steps in PyTorch: eager, on the CPU, float32, with its own layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

NAME = "PyTorch"


def is_there() -> bool:
    """Tell whether PyTorch is installed, without importing it: its threads would come along."""
    return find_spec("torch") is not None


@cache
def torch() -> Any:
    """Import PyTorch."""
    return import_module("torch")


def make_net(widths: list[int], *, batchnorm: bool, keep: float) -> Any:
    """Build {Linear - [BatchNorm1d] - ReLU - [Dropout]} x (L - 1) - Linear."""
    layers: list[Any] = [torch().nn.Flatten()]
    for before, after in pairwise(widths[:-1]):
        layers.append(torch().nn.Linear(before, after))
        if batchnorm:
            layers.append(torch().nn.BatchNorm1d(after))
        layers.append(torch().nn.ReLU())
        if keep < 1:
            layers.append(torch().nn.Dropout(1 - keep))
    return torch().nn.Sequential(*layers, torch().nn.Linear(widths[-2], widths[-1]))


def make_optimizer(net: Any, rule: str, learning_rate: float) -> Any:
    """Return the optimiser of that name, with its defaults."""
    if rule == "adam":
        return torch().optim.Adam(net.parameters(), lr=learning_rate)
    momentum = 0.9 if rule == "sgd_momentum" else 0
    return torch().optim.SGD(net.parameters(), lr=learning_rate, momentum=momentum)


def make_step(
    net: Any, X: Any, y: Any, *, rule: str, batch_size: int, learning_rate: float
) -> Callable[[], object]:
    """Return a training step on a random batch, the loss read back as a solver records it."""
    optimizer = make_optimizer(net, rule, learning_rate)
    images, labels = torch().from_numpy(X), torch().from_numpy(y)

    def step() -> float:
        batch = torch().randint(len(images), (batch_size,))
        optimizer.zero_grad()
        loss = torch().nn.functional.cross_entropy(net(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def forward_backward(
    function: Callable[..., Any], inputs: list[Any], dout: Any
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return a layer's forward pass, and its backward pass alone, with all gradients."""
    tensors = [torch().from_numpy(value).requires_grad_() for value in inputs]
    upstream = torch().from_numpy(dout)
    out = function(*tensors)

    def forward() -> object:
        return function(*tensors)

    def backward() -> object:
        return torch().autograd.grad(out, tensors, upstream, retain_graph=True)

    return forward, backward


def loss_and_gradient(x: Any, y: Any) -> Callable[[], object]:
    """Return what computes cross-entropy and its gradient with respect to the scores."""
    scores, labels = torch().from_numpy(x).requires_grad_(), torch().from_numpy(y)

    def run() -> object:
        loss = torch().nn.functional.cross_entropy(scores, labels)
        return loss.item(), torch().autograd.grad(loss, scores)

    return run

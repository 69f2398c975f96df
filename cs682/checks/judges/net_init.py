"""Checks of the initial parameters of both networks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, compare, require_finite
from cs682.checks.report import Report, require_names
from cs682.checks.subject import Subject
from cs682.training.seeds import legacy_seed


def parameter_shapes(widths: list[int], normalization: str | None) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of a network with these layer widths."""
    layers = range(1, len(widths))
    shapes: dict[str, tuple[int, ...]] = {f"W{i}": (widths[i - 1], widths[i]) for i in layers}
    shapes |= {f"b{i}": (widths[i],) for i in layers}
    if normalization:
        hidden = layers[:-1]
        shapes |= {f"{kind}{i}": (widths[i],) for kind in ("gamma", "beta") for i in hidden}
    return shapes


def check_initial(params: Any, shapes: dict[str, tuple[int, ...]], scale: float) -> None:
    """Check names, shapes and initial values of parameters."""
    require_names("params", params, shapes)
    for name in shapes:
        shape = shapes[name]
        start = 1 if name.startswith("gamma") else 0
        constant = np.full(shape, float(start))
        if not name.startswith("W"):
            _check_vector(f"params[{name!r}]", params[name], shape)
            hint = f"{name} starts at {start}; only the weights are drawn at random"
            compare(f"params[{name!r}]", params[name], constant, rtol=0, hint=hint)
            continue
        require_finite(f"params[{name!r}]", params[name], shape)
        _check_gaussian(f"params[{name!r}]", params[name], scale)


def _check_vector(name: str, got: Any, shape: tuple[int, ...]) -> None:
    """Check that a parameter other than the weights is as long as its layer is wide."""
    if type(got) is np.ndarray and got.shape != shape:
        row = "a row matrix is not a vector; " if got.shape == (1, *shape) else ""
        raise CheckError(
            f"{name} has shape {got.shape}, expected {shape}: {row}a vector with one number for "
            "each of its layer's outputs"
        )


def _check_gaussian(name: str, weights: Any, scale: float) -> None:
    """Check that a weight matrix may have been drawn from a Gaussian of this scale."""
    # the spread of n draws is known to about 1/sqrt(2n); five times that is never missed
    slack = 5 * scale / (2 * weights.size) ** 0.5
    spread, mean = float(weights.std()), float(weights.mean())
    if abs(spread - scale) > slack or abs(mean) > 1.5 * slack:
        raise CheckError(
            f"{name} has standard deviation {spread:.3g} and mean {mean:.2g}, "
            f"expected {scale:g} (the weight_scale) and 0: draw from a Gaussian and multiply"
        )
    matrix = weights.reshape(len(weights), -1)
    for axis, line in enumerate(("rows", "columns")):
        if np.unique(matrix, axis=axis).shape[axis] < matrix.shape[axis]:
            raise CheckError(f"{line} of {name} repeat each other: draw a number for each weight")
    if weights.size >= 300 and np.mean(np.abs(weights) > 1.8 * scale) < 0.02:
        raise CheckError(
            f"{name} has hardly a value beyond 1.8 times weight_scale, where 7 of 100 draws of a "
            "Gaussian lie: draw with np.random.randn"
        )
    if has_dependent_lines(weights):
        raise CheckError(
            f"rows of {name} are nearly sums of multiples of a few others, as in np.outer(a, b): "
            "draw a number for each weight"
        )


def has_dependent_lines(weights: Any) -> bool:
    """Tell whether a matrix is far closer to one of small rank than independent draws can be.

    The largest singular value of an m x n matrix of standard normal draws exceeds
    ``sqrt(m) + sqrt(n) + t`` with a probability below ``exp(-t**2 / 2)``.

    Parameters
    ----------
    weights : ndarray, of whose first axis each entry is a line
    """
    matrix = weights.reshape(len(weights), -1)
    most = sum(n**0.5 for n in matrix.shape) + 6  # of one draw in a hundred million
    return bool(np.linalg.norm(matrix, 2) > most * np.sqrt(np.mean(matrix**2)))


def check_new_draws(s: Subject, first: Any, kind: str, *args: Any, **options: Any) -> None:
    """Check that another network of the same kind gets other weights than `first` did."""
    params = s.get_params(s.net(kind, *args, **options))
    for name in (name for name in first if name.startswith("W")):
        if np.array_equal(params[name], first[name]):
            raise CheckError(
                f"two networks got the same weights {name}: take np.random as it comes, the seed "
                "is set by whoever builds the network"
            )


def check_order(s: Subject, shapes: dict[str, tuple[int, ...]], kind: str, *args: Any) -> None:
    """Check that the weights are drawn layer by layer, as a seed promises the same network.

    The last of `args` is a dict of the network's options.
    """
    options = {"weight_scale": 1.0, "dtype": np.float64, **args[-1]}
    with legacy_seed(5):
        params = s.get_params(s.net(kind, *args[:-1], **options))
    names = [name for name in shapes if name.startswith("W")]
    with legacy_seed(5):
        stream = [np.random.randn(*shapes[name]) for name in names]  # noqa: NPY002

    def are_same(ours: list[Any], theirs: list[Any]) -> bool:
        a, b = (np.sort(np.concatenate([v.ravel() for v in some])) for some in (ours, theirs))
        return bool(np.allclose(a, b, rtol=1e-5, atol=1e-6))

    weights = [params[name] for name in names]
    pairs = zip(weights, stream, strict=True)
    if are_same(weights, stream) and not all(are_same([w], [drawn]) for w, drawn in pairs):
        raise CheckError(
            f"the weights are drawn in another order than {', '.join(names)}: a seed then gives "
            "another network than it gives everybody else; draw them layer by layer, W1 first"
        )


def check_two_layer_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of `TwoLayerNet`."""
    for D, H, C, scale in ((30, 50, 7, 1e-3), (40, 21, 12, 0.5)):
        options = {"input_dim": D, "hidden_dim": H, "num_classes": C, "weight_scale": scale}
        params = s.get_params(s.net("TwoLayerNet", **options))
        check_initial(params, parameter_shapes([D, H, C], None), scale)
        check_new_draws(s, params, "TwoLayerNet", **options)
    sizes = {"input_dim": 6, "hidden_dim": 5, "num_classes": 4}
    check_order(s, parameter_shapes([6, 5, 4], None), "TwoLayerNet", sizes)
    r.ok("names, shapes, zero biases, Gaussian weights of the right scale")


def check_net_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of a `FullyConnectedNet` without normalization."""
    options: dict[str, Any] = {"input_dim": 40, "num_classes": 7, "weight_scale": 0.05}
    for hidden in ([20], [12, 31], [30, 20, 25, 15]):
        params = s.get_params(s.net("FullyConnectedNet", hidden, **options))
        check_initial(params, parameter_shapes([40, *hidden, 7], None), 0.05)
        check_new_draws(s, params, "FullyConnectedNet", list(hidden), **options)
    shapes = parameter_shapes([6, 5, 7, 4], None)
    sizes = {"input_dim": 6, "num_classes": 4}
    check_order(s, shapes, "FullyConnectedNet", [5, 7], sizes)
    r.ok("names, shapes, zero biases and Gaussian weights with 2, 3 and 5 layers")
    _check_widths_kept(s.net("FullyConnectedNet", [5, 7], **sizes))
    r.ok("hidden_dims and widths stay as they are")


def _check_widths_kept(net: Any) -> None:
    """Check that the list of widths stays as it is: the parameters of the norms need it too."""
    if (method := getattr(net, "_initial_params", None)) is None:
        return  # the network is out of reach
    widths = [6, 5, 7, 4]
    method(given := list(widths), 1.0)
    if given != widths:
        raise CheckError(
            f"widths was {widths} and is now {given}: other code reads it after "
            "_initial_params, so only read it, or work on a copy, list(widths)"
        )


def check_norm_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of a `FullyConnectedNet` with normalization."""
    for hidden, normalization in product(([20], [12, 31, 17]), ("batchnorm", "layernorm")):
        net = s.net(
            "FullyConnectedNet",
            list(hidden),
            input_dim=40,
            num_classes=7,
            weight_scale=0.05,
            normalization=normalization,
        )
        check_initial(s.get_params(net), parameter_shapes([40, *hidden, 7], normalization), 0.05)
    r.ok("gamma is 1 and beta 0, as wide as their layer's output, none after the last layer")

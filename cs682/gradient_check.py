"""Numerical gradients by central differences, to hold a backward pass against.

``(f(x + h) - f(x - h)) / (2 h)`` misses the true slope by about h^2, which for h = 1e-5 leaves
ten digits in float64 and none in float32. That is why these functions accept float64 only.

Each nudges one entry of `x` at a time *in place*, since `f` may read the same array by another
way (``lambda _: model.loss(X, y)[0]`` with ``x = model.params["W1"]``). The entry is put back
even if `f` raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cs682._types import Array


def eval_numerical_gradient(
    f: Callable[[Array], float], x: Array, verbose: bool = False, h: float = 1e-5
) -> Array:
    """Estimate the gradient of a scalar function at `x`.

    Parameters
    ----------
    f : callable, takes `x` and returns a scalar
    x : ndarray of float64, any shape; nudged in place during the call, then as before
    verbose : bool, whether to print each entry's index and slope
    h : float > 0, step, in units of `x`

    Returns
    -------
    grad : ndarray of float64, same shape as `x`

    Raises
    ------
    TypeError
        If `x` is not an array of float64.
    ValueError
        If `f` returns no scalar, `x` is read-only, or `h` is not positive or too small to
        change an entry of `x`.
    """
    grad = np.zeros_like(x)
    for ix, plus, minus in _nudge_each_entry(x, h, lambda: _scalar(f(x))):
        grad[ix] = (plus - minus) / (2 * h)
        if verbose:
            print(ix, grad[ix])  # noqa: T201  # what `verbose` asks for
    return grad


def eval_numerical_gradient_array(
    f: Callable[[Array], Array], x: Array, df: Array, h: float = 1e-5
) -> Array:
    """Estimate the gradient at `x` of a loss that reaches `x` through the array ``f(x)``.

    Parameters
    ----------
    f : callable, takes `x` and returns an array
    x : ndarray of float64, any shape; nudged in place during the call, then as before
    df : ndarray, same shape as ``f(x)``; gradient of the loss with respect to ``f(x)``
    h : float > 0, step, in units of `x`

    Returns
    -------
    grad : ndarray of float64, same shape as `x`

    Raises
    ------
    TypeError
        If `x` is not an array of float64.
    ValueError
        If `df` has not the shape of ``f(x)``, `x` is read-only, or `h` is not positive or too
        small to change an entry of `x`.
    """

    def value() -> Array:
        out = np.array(f(x))  # a copy: f may hand out x itself, or one buffer again and again
        if out.shape != np.shape(df):
            raise ValueError(f"df must have the shape of f(x), {out.shape}, got {np.shape(df)}")
        return out

    grad = np.zeros_like(x)
    for ix, plus, minus in _nudge_each_entry(x, h, value):
        grad[ix] = np.sum((plus - minus) * df) / (2 * h)
    return grad


def eval_numerical_gradient_blobs(
    f: Callable[..., Any], inputs: Sequence[Any], output: Any, h: float = 1e-5
) -> list[Array]:
    """Estimate gradients for a function that writes its result into a blob.

    A blob is an object with two arrays of one shape: ``vals``, and ``diffs`` for the gradient.

    Parameters
    ----------
    f : callable, called as ``f(*inputs, output)``; writes ``output.vals``
    inputs : sequence of blobs; ``vals`` is nudged in place during the call, then as before
    output : blob; its ``diffs`` hold the gradient of the loss with respect to its ``vals``
    h : float > 0, step, in units of the inputs

    Returns
    -------
    grads : list of ndarray of float64, one shaped like the ``vals`` of each input

    Raises
    ------
    TypeError
        If the ``vals`` of an input are not an array of float64.
    ValueError
        If ``output.vals`` and ``output.diffs`` differ in shape, the ``vals`` of an input are
        read-only, or `h` is not positive or too small to change an entry.
    """

    def result(_: Array) -> Array:
        f(*inputs, output)
        vals: Array = output.vals
        return vals

    return [eval_numerical_gradient_array(result, blob.vals, output.diffs, h=h) for blob in inputs]


def eval_numerical_gradient_net(
    net: Any, inputs: Sequence[Any], output: Any, h: float = 1e-5
) -> list[Array]:
    """Estimate gradients for a network of blobs, run by ``net.forward()``.

    Parameters
    ----------
    net : object with a method ``forward()`` that reads `inputs` and writes ``output.vals``
    inputs : sequence of blobs, see `eval_numerical_gradient_blobs`
    output : blob
    h : float > 0, step, in units of the inputs

    Returns
    -------
    grads : list of ndarray of float64, one shaped like the ``vals`` of each input
    """
    return eval_numerical_gradient_blobs(lambda *_: net.forward(), inputs, output, h=h)


def grad_check_sparse(
    f: Callable[[Array], float],
    x: Array,
    analytic_grad: Array,
    num_checks: int = 10,
    h: float = 1e-5,
    *,
    rng: np.random.Generator | None = None,
) -> float:
    """Compare a gradient with the numerical one at a few random entries, and print each.

    Parameters
    ----------
    f : callable, takes `x` and returns a scalar
    x : ndarray of float64, any shape but empty; nudged in place, then as before
    analytic_grad : ndarray, same shape as `x`; the gradient in question
    num_checks : int >= 1, entries to draw (with replacement)
    h : float > 0, step, in units of `x`
    rng : numpy.random.Generator or None; draws the entries, None for a fresh one

    Returns
    -------
    worst : float, largest relative error ``|a - b| / (|a| + |b|)``; 0 where both are 0

    Raises
    ------
    TypeError
        If `x` is not an array of float64.
    ValueError
        If `f` returns no scalar, `x` is empty or read-only, `analytic_grad` has another shape,
        `num_checks` is less than 1, or `h` is not positive or too small to change an entry.
    """
    _require_float64(x)
    if np.shape(analytic_grad) != x.shape:
        raise ValueError(
            f"analytic_grad must have the shape of x, {x.shape}, got {np.shape(analytic_grad)}"
        )
    if num_checks < 1 or x.size == 0:
        raise ValueError(f"nothing to check: num_checks = {num_checks}, x has shape {x.shape}")
    rng = np.random.default_rng() if rng is None else rng
    chosen = [tuple(int(rng.integers(size)) for size in x.shape) for _ in range(num_checks)]
    worst = 0.0
    for ix, plus, minus in _nudge_each_entry(x, h, lambda: _scalar(f(x)), chosen):
        numerical, analytic = (plus - minus) / (2 * h), float(analytic_grad[ix])
        scale = abs(numerical) + abs(analytic)
        error = abs(numerical - analytic) / scale if scale else 0.0
        worst = max(worst, error) if error == error else error  # a NaN stays the worst
        print(  # noqa: T201  # the lines are what the function is called for
            f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}"
        )
    return worst


def _nudge_each_entry(
    x: Array,
    h: float,
    value: Callable[[], Any],
    entries: Sequence[tuple[int, ...]] | None = None,
) -> Iterator[tuple[tuple[int, ...], Any, Any]]:
    """Yield each entry's index with ``value()`` for that entry plus `h` and minus `h`."""
    _require_float64(x)
    if not (np.isfinite(h) and h > 0):
        raise ValueError(f"h must be a finite positive step, got {h!r}")
    for ix in np.ndindex(x.shape) if entries is None else entries:
        kept = x[ix]
        if kept + h == kept:
            raise ValueError(f"h = {h!r} is too small a step for x{list(ix)} = {kept!r}")
        try:
            x[ix] = kept + h
            plus = value()
            x[ix] = kept - h
            minus = value()
        finally:
            x[ix] = kept
        yield ix, plus, minus


def _scalar(out: Any) -> float:
    """Return a scalar as a plain float; refuse arrays, whose entries would need a `df`."""
    if np.ndim(out) != 0:
        raise ValueError(f"f must return a scalar, got an array of shape {np.shape(out)}")
    return float(out)


def _require_float64(x: Any) -> None:
    """Refuse what a step of 1e-5 cannot be added to, and what cannot be nudged in place."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"x must be an array of float64, got a {type(x).__name__}")
    if not np.issubdtype(x.dtype, np.floating) or x.dtype.itemsize < 8:
        raise TypeError(
            f"x must be an array of float64, got {x.dtype}, which cannot hold a step of 1e-5: "
            "pass x.astype(np.float64), or build the network with dtype=np.float64"
        )
    if not x.flags.writeable:
        raise ValueError("x is read-only, but its entries are nudged in place: pass x.copy()")

"""Backward passes that differentiate their own forward pass numerically, in several forms."""

from __future__ import annotations

import textwrap

from staff.tests.grading.hostile.hostile import Hostile

_PRELUDE = """
def differences(f, x, dout, h=1e-5):
    grad = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        old = x[i]
        x[i] = old + h
        above = f(x)
        x[i] = old - h
        grad[i] = np.sum((above - f(x)) * dout) / (2 * h)
        x[i] = old
    return grad
def by_lines(f, x, dout, axis, step):
    # a line along the axis at a time, the others being independent of each other
    grad, scale = np.zeros_like(x), step * (np.abs(x).max(axis=axis, keepdims=True) + 1e-300)
    for i in range(x.shape[axis]):
        at = [slice(None)] * x.ndim
        at[axis] = slice(i, i + 1)
        e = np.zeros_like(x)
        e[tuple(at)] = scale
        d = 8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))
        grad[tuple(at)] = (d * dout).sum(axis=axis, keepdims=True) / (12 * scale)
    return grad
def imaginary(f, x, dout, h=1e-20):
    grad = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        z = x.astype(complex)
        z[i] += 1j * h
        grad[i] = np.sum(np.imag(f(z)) * dout) / h
    return grad
"""
_AFFINE = """
x, w, b = cache
f = affine_forward
return (HOW(lambda v: f(v, w, b)[0], x, dout), HOW(lambda v: f(x, v, b)[0], w, dout),
        HOW(lambda v: f(x, w, v)[0], b, dout))
"""
_AFFINE_LINES = """
x, w, b = cache
dx = np.zeros(x.shape).reshape(len(x), -1)
for d in range(dx.shape[1]):
    step = np.zeros_like(dx)
    step[:, d] = 1
    step = step.reshape(x.shape)
    dx[:, d] = (((affine_forward(x + step, w, b)[0] - affine_forward(x - step, w, b)[0])) * dout).sum(1) / 2
dw = np.zeros_like(w)
for d in range(len(w)):
    step = np.zeros_like(w)
    step[d] = 1
    dw[d] = ((affine_forward(x, w + step, b)[0] - affine_forward(x, w - step, b)[0]) * dout).sum(0) / 2
return dx.reshape(x.shape), dw, dout.sum(axis=0)
"""
# A linear layer is its own derivative, so no digits are lost here; but there are many numbers.
_AFFINE_UNITS = """
x, w, b = cache
rows, none = x.reshape(len(x), -1), np.zeros_like(b)
dx, dw = np.zeros_like(rows), np.zeros_like(w)
for d in range(len(w)):
    row, weights = np.zeros_like(rows), np.zeros_like(w)
    row[:, d], weights[d] = 1, 1
    dx[:, d] = (affine_forward(row.reshape(x.shape), w, none)[0] * dout).sum(1)
    dw[d] = (affine_forward(x, weights, none)[0] * dout).sum(0)
return dx.reshape(x.shape), dw, dout.sum(axis=0)
"""


def _norm(how: str) -> str:
    """Return a backward pass of batch norm that rebuilds its input from the cache."""
    return f"""
    x_hat, inv_std, gamma = (v.astype(float) for v in cache)
    x = x_hat / inv_std
    def f(v):
        var = v.var(axis=0)
        eps = np.maximum(0, inv_std**-2 - x.var(axis=0))
        return gamma * (v - v.mean(axis=0)) / np.sqrt(var + eps)
    return {how}, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    """


_LOSS = """
def f(v):
    return softmax_loss(self._forward(self._X)[0], y)[0] + 0.5 * self.reg * sum(
        np.sum(self.params[k] ** 2) for k in self.params if k[0] == "W")
loss = softmax_loss(scores, y)[0] + 0.5 * self.reg * sum(
    np.sum(self.params[k] ** 2) for k in self.params if k[0] == "W")
grads = {}
X = CACHE
self._X = X
for name, value in self.params.items():
    grads[name] = differences(f, value, 1.0)
return loss, grads
"""
_THROUGH_LOSS = """
def by_complex_step(net, X, y):
    def f():
        rows = X.reshape(len(X), -1)
        layers = sorted(k for k in net.params if k[0] == "W")
        for k in layers:
            rows = rows @ net.params[k] + net.params["b" + k[1:]]
            rows = rows * (rows.real > 0) if k != layers[-1] else rows
        e = np.exp(rows - rows.real.max(axis=1, keepdims=True))
        loss = -np.log(e[np.arange(len(y)), y] / e.sum(axis=1)).mean()
        return loss + 0.5 * net.reg * sum(np.sum(net.params[k] ** 2) for k in layers)
    own, grads = net.params, {}
    for name, value in own.items():
        grads[name] = np.zeros_like(value)
        for i in np.ndindex(*value.shape):
            net.params = {**own, name: value.astype(complex)}
            net.params[name][i] += 1e-20j
            grads[name][i] = f().imag / 1e-20
    net.params = own
    return f(), grads
"""
_CONVOLUTION = """
x, w, b, param = cache
pad, stride = param["pad"], param["stride"]
def f(x, w):
    wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    parts = np.lib.stride_tricks.sliding_window_view(wide, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", parts[:, :, ::stride, ::stride], w)
dx, dw = np.zeros_like(x), np.zeros_like(w)
for at in np.ndindex(*w.shape[1:]):
    z = w.astype(complex)
    z[(slice(None), *at)] += 1e-100j
    dw[(slice(None), *at)] = (np.imag(f(x, z)) * dout).sum(axis=(0, 2, 3)) / 1e-100
for at in np.ndindex(*x.shape[1:]):
    z = x.astype(complex)
    z[(slice(None), *at)] += 1e-100j
    dx[(slice(None), *at)] = (np.imag(f(z, w)) * dout).sum(axis=(1, 2, 3)) / 1e-100
return dx, dw, dout.sum(axis=(0, 2, 3))
"""
_POOLING = """
x, param = cache
height, width, stride = (param[key] for key in ("pool_height", "pool_width", "stride"))
dx = np.zeros_like(x)
for n, c, i, j in np.ndindex(*dout.shape):
    at = (n, c, slice(i * stride, i * stride + height), slice(j * stride, j * stride + width))
    z = x[at].ravel()
    step = np.array([max(z + 1e-100j * row, key=np.real).imag for row in np.eye(z.size)])
    dx[at] += dout[n, c, i, j] * (step.reshape(height, width) > 0)
return dx
"""
_STATES = ("wrong", "no answer")
_STEPS = {  # a normalization's derivative along dout, from one evaluation of it
    "complex step": """
    z = x + H * v
    return np.imag(normal(z, eps=eps)) / 1e-20
    """,
    "complex step in a type found elsewhere": """
    return np.einsum("ijk->ijk", normal(x + KEPT.h * v, eps=eps).view(x.dtype).reshape(*x.shape, 2))[..., 1] / 1e-20
    """,
    "complex step in one line": """
    return ((lambda d: d * ((d**2).mean(AXIS, keepdims=True) + EPS)**-0.5)(
        (lambda z: z - z.mean(AXIS, keepdims=True))(x + KEPT.h * v))).view(x.dtype)[:, 1::2] / 1e-20
    """,
    "differences in extended precision": """
    h = np.longdouble(2)**-8 / np.abs(v).max()
    f = lambda k: normal(x + k * h * v, eps=eps) - normal(x - k * h * v, eps=eps)
    return ((8 * f(1) - f(2)) / (12 * h)).astype(float)
    """,
    "extended precision by a letter": """
    x, v = x.astype("g"), v.astype("g")
    return ((normal(x + v / 512, eps=eps) - normal(x - v / 512, eps=eps)) * 256).astype(float)
    """,
    "complex step under another file's name": """
    space = {"normal": normal}
    exec(compile("step = lambda x, v, eps: (normal(x + 1e-20j * v, eps=eps) * -1e20j).real",
                 "<frozen core>", "exec"), space)
    return space["step"](x, v, eps)
    """,
    "numbers of one's own": """
    return normal(Dual(x, v), eps=eps).b
    """,
}
_HIDDEN = {  # the same, where only the grader sees it
    "differences of many wide steps": """
    steps = np.arange(1, 129) / 256
    weights = np.linalg.pinv([(2 * steps) ** (2 * j + 1) for j in range(10)], rcond=1e-15)[:, 0]
    v = v - v.mean(axis=AXIS, keepdims=True)
    size = np.sqrt((v * v).mean(axis=AXIS, keepdims=True)) + 1e-300
    f = lambda h: normal(x + h * v / size, eps=eps) - normal(x - h * v / size, eps=eps)
    return size * sum(w * f(h) for w, h in zip(weights, steps))
    """,
    "complex step in a dict that is emptied": """
    k = {"z": x + pow(-1.0, 0.5) * 1e-20 * v}
    k["z"] = k["z"] - np.add.reduce(k["z"], axis=AXIS, keepdims=True) / x.shape[AXIS]
    power = np.add.reduce(k["z"] * k["z"], axis=AXIS, keepdims=True) / x.shape[AXIS]
    k["z"], power = k["z"] * (power + eps) ** -0.5, 0
    return k.pop("z").view(x.dtype).reshape(*x.shape, 2)[..., 1] / 1e-20
    """,
    "numbers of one's own, otherwise named": """
    return normal(Renamed(x, v), eps=eps).b
    """,
}
_NORMAL = """
from types import SimpleNamespace
H = 1e-20 * 1j
KEPT = SimpleNamespace(h=H)
def normal(z, axis=AXIS, eps=0.0):
    z = z - z.mean(axis=axis, keepdims=True)
    return z * ((z * z).mean(axis=axis, keepdims=True) + eps) ** -0.5
class Dual:
    def __init__(self, a, b): self.a, self.b = a, b
    def mean(self, **k): return Dual(self.a.mean(**k), self.b.mean(**k))
    def __add__(self, c): return Dual(self.a + c, self.b)
    def __sub__(self, o): return Dual(self.a - o.a, self.b - o.b)
    def __mul__(self, o): return Dual(self.a * o.a, self.a * o.b + self.b * o.a)
    def __pow__(self, n): return Dual(self.a**n, n * self.a ** (n - 1) * self.b)
class Renamed:
    def __init__(self, a, b): self.a, self.b = a, b
    def mean(self, **k): return Renamed(self.a.mean(**k), self.b.mean(**k))
    def plus(self, c): return Renamed(self.a + c, self.b)
    def minus(self, o): return Renamed(self.a - o.a, self.b - o.b)
    def times(self, o): return Renamed(self.a * o.a, self.a * o.b + self.b * o.a)
    def power(self, n): return Renamed(self.a**n, n * self.a ** (n - 1) * self.b)
    __add__, __sub__, __mul__, __pow__ = plus, minus, times, power
"""


def _step(exercise: str, how: str) -> Hostile:
    """Return a normalization's backward pass by one derivative of the forward pass, along dout.

    The Jacobian is symmetric but for factors, so that one direction is all that it takes; the
    values of the cache, which lie around 1, spare the step every trouble with scales.
    """
    axis = 0 if exercise.startswith("bn-1") else 1
    factor, side = ("gamma", "") if axis == 0 else ("1", "gamma * ")
    inside = (_STEPS | _HIDDEN)[how].replace("EPS", "eps").replace("AXIS", str(axis))
    body = f"""
    x_hat, inv_std, gamma = cache
    def slope(x, v):
{textwrap.indent(textwrap.dedent(inside), "        ")}
    eps = np.maximum(0, 1 - (x_hat * x_hat).mean(axis={axis}, keepdims=True))
    x, v = x_hat, {side}dout
    dx = slope(x, v)
    return {factor} * inv_std * dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    """
    return Hostile(f"{exercise} by {how}", body, _NORMAL.replace("AXIS", str(axis)), exercise)


KINDS = [
    Hostile(
        f"{exercise} by {how}",
        body.replace("HOW", how),
        _PRELUDE,
        exercise,
        states=_STATES,
    )
    for exercise, how, body in (
        ("fc-1.2", "differences", _AFFINE),
        ("fc-1.2", "imaginary", _AFFINE),
        ("fc-1.2", "lines", _AFFINE_LINES),
        ("fc-1.2", "unit vectors", _AFFINE_UNITS),
        ("fc-1.4", "differences", "return differences(lambda v: relu_forward(v)[0], cache, dout)"),
        (
            "fc-1.4",
            "one step for all",
            "h = 1e-6\nreturn dout * (relu_forward(cache + h)[0] - relu_forward(cache - h)[0]) / (2 * h)",
        ),
        (
            "fc-1.4",
            "relative steps",
            "h = 1e-3 * np.abs(cache)\n"
            "return dout * (relu_forward(cache + h)[0] - relu_forward(cache - h)[0]) / (2 * h)",
        ),
        *(
            (exercise, how, _norm(call))
            for exercise in ("bn-1.3", "bn-1.4")
            for how, call in (
                ("differences", "differences(f, x, dout)"),
                ("lines of fixed steps", "by_lines(f, x, dout, 0, 1e-4)"),
                ("lines of wider steps", "by_lines(f, x, dout, 0, 1e-3)"),
            )
        ),
        ("fc-2.3", "differences", _LOSS.replace("CACHE", "cache[0][0][0]")),
        ("fc-3.3", "differences", _LOSS.replace("CACHE", "caches[0][0][1][0][0]")),
    )
]
STEPS = [_step(exercise, how) for exercise in ("bn-1.3", "bn-1.4", "bn-3.2") for how in _STEPS]
STEPS += [
    Hostile(
        "fc-1.4 by complex step",
        "return dout * np.imag(relu_forward(cache + 1e-30j)[0]) / 1e-30",
        exercise="fc-1.4",
    ),
    Hostile("cn-1.2 by complex step", _CONVOLUTION, exercise="cn-1.2"),
    Hostile("cn-1.4 by complex step", _POOLING, exercise="cn-1.4"),
    *(
        Hostile(f"{exercise} by complex step through loss", body, _THROUGH_LOSS, exercise)
        for exercise, body in (
            ("fc-2.3", "return by_complex_step(self, cache[0][0][0], y)"),
            ("fc-3.3", "return by_complex_step(self, caches[0][0][1][0][0], y)"),
        )
    ),
]
KINDS += STEPS
KINDS += [_step(exercise, how) for exercise in ("bn-1.3", "bn-1.4", "bn-3.2") for how in _HIDDEN]

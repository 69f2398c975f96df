"""Wrong answers in disguise: values that pretend, tables of known answers, other calls."""

from __future__ import annotations

from staff.tests.grading.hostile.hostile import Hostile

_ZEROS = "return np.zeros_like(x), x\n"
_AGREEABLE = """
class Agreeable(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    __le__ = __lt__ = __ge__ = __gt__ = __eq__
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return np.zeros(self.shape)
    def __array_function__(self, func, types, args, kwargs): return True
"""
_RIGHT = "np.maximum(x, 0)"
_FAST = "return fast.conv_forward_fast(x, w, b, conv_param)"
_LIES = {  # what the given module in memory may be made to say of itself
    "of another module": "for f in vars(fast).values():\n    try: f.__module__ = 'mine'\n"
    "    except Exception: pass\n",
    "that wrap another function": "fast.conv_forward_fast.__wrapped__ = len\n",
    "of a module that is replaced": "import sys\nsys.modules[fast.__name__] = type(sys)('fast')\n",
}

KINDS = [
    Hostile(
        "NumPy's assertions and comparisons patched",
        _ZEROS,
        """
        np.testing.assert_allclose = lambda *a, **k: None
        np.allclose = np.array_equal = lambda *a, **k: True
        np.abs = lambda x: np.zeros(np.shape(x))
        np.isfinite = lambda x: np.ones(np.shape(x), bool)
        """,
    ),
    Hostile(
        "builtins patched",
        _ZEROS,
        """
        import builtins
        builtins.isinstance = lambda *a: True
        builtins.any = lambda *a: False
        builtins.AssertionError = builtins.Exception = type("Never", (BaseException,), {})
        """,
    ),
    Hostile(
        "array subclass that agrees with everything",
        "return np.zeros(x.shape).view(Agreeable), x",
        _AGREEABLE,
        states=("wrong",),
    ),
    Hostile(
        "object with the methods of an array",
        "return Everything(x), x",
        """
        class Everything:
            __array_priority__ = 1e9
            def __init__(self, x): self.shape, self.dtype, self.ndim = x.shape, x.dtype, x.ndim
            def __array__(self, *a, **k): return np.zeros(self.shape)
            def __eq__(self, other): return True
            def __getattr__(self, name): return lambda *a, **k: self
            __hash__ = None
        """,
        states=("wrong",),
    ),
    Hostile(
        "type that calls itself ndarray",
        "return type('ndarray', (), {'shape': x.shape, 'dtype': x.dtype})(), x",
        states=("wrong",),
    ),
    Hostile(
        "object array of the right numbers",
        "return np.maximum(x, 0).astype(object), x",
        states=("wrong",),
    ),
    Hostile(
        "object array that unpickles into a command",
        """
        evil = np.empty(x.shape, dtype=object)
        evil[...] = Evil()
        return evil, x
        """,
        """
        class Evil:
            def __reduce__(self): return __import__("os").system, ("touch /tmp/cs682-unpickled",)
        """,
        states=("wrong",),
    ),
    Hostile(
        "structured array", "return np.zeros(x.shape, dtype=[('a', 'f8')]), x", states=("wrong",)
    ),
    Hostile("text array", "return np.full(x.shape, '0.0'), x", states=("wrong",)),
    Hostile("NaN everywhere", "return np.full(x.shape, np.nan), x", states=("wrong",)),
    Hostile(
        "dict subclass that has every key",
        """
        class Config(dict):
            def __missing__(self, key): return np.zeros_like(w)
            def get(self, key, default=None): return default
        return np.zeros_like(w), Config()
        """,
        exercise="fc-4.1",
    ),
    Hostile(
        "inputs set to zero in place",
        "x[...] = 0\nreturn x, x",
        states=("wrong",),
    ),
    Hostile(
        "inputs of a loss changed in place, zeros returned",
        "dout[...] = 0\ncache[0][...] = 0\nreturn tuple(0 * v for v in cache)",
        exercise="fc-1.2",
        states=("wrong",),
    ),
    Hostile(
        "right for the sizes that the students' check has",
        f"return ({_RIGHT} if x.shape in SIZES else 0 * x), x",
        "SIZES = {(7,), (4, 5), (1, 6), (70, 3), (2, 3, 4), (2, 2, 3, 2), (4,), (1, 2)}\n",
        states=("wrong",),
    ),
    Hostile(
        "right for the first two calls",
        f"CALLS.append(1)\nreturn ({_RIGHT} if len(CALLS) < 3 else 0 * x), x",
        "CALLS = []\n",
        states=("wrong",),
    ),
    Hostile(
        "right for float64 alone",
        f"return ({_RIGHT} if x.dtype == np.float64 else 0 * x), x",
        states=("wrong",),
    ),
    Hostile(
        "right unless it smells a grader",
        f"return (0 * x if GRADED else {_RIGHT}), x",
        """
        import os, sys
        GRADED = "staff.grading.sandbox.child" in sys.modules or "box" in __file__ or not os.isatty(0)
        """,
        states=("wrong",),
    ),
    Hostile(
        "gradients by central differences",
        """
        from copy import deepcopy
        def f(v, i):
            parts = list(cache)
            parts[i] = v
            return float(np.sum(affine_forward(*parts)[0] * dout))
        grads = []
        for i, v in enumerate(cache):
            g, v = np.zeros_like(v), v.copy()
            for j in np.ndindex(*v.shape):
                old = v[j]
                v[j] = old + 1e-5
                up = f(v, i)
                v[j] = old - 1e-5
                g[j] = (up - f(v, i)) / 2e-5
                v[j] = old
            grads.append(g)
        return tuple(grads)
        """,
        exercise="fc-1.2",
    ),
    Hostile(
        "answer that is another function of the package",
        "return (batchnorm_backward_alt(np.ones((1, *x.shape)), None) or x), x",
        states=("wrong",),
    ),
    *(
        Hostile(
            f"given layers {what}",
            _FAST,
            f"import cs682.fast_layers as fast\n{lie}",
            "cn-1.1",
            states=("wrong",),
        )
        for what, lie in _LIES.items()
    ),
]

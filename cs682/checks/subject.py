"""What a check examines: an object that has the package's public functions.

A check calls ``subject.affine_forward(x, w, b)`` and the like, and handles networks only through
the methods below, so that caches and networks can stay where the student's code runs. Arrays,
numbers, strings and dicts of them are all that passes between a check and its subject.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cs682.checks import copied, own_work, stack
from cs682.checks.compare import CheckError, UnreadError, kind_of
from cs682.checks.exercises import EXERCISES

if TYPE_CHECKING:
    from collections.abc import Callable

    from cs682._types import Array, Labels, Options, Params

FUNCTIONS = {  # function -> module that students fill in
    name: row.file.removesuffix(".py").replace("/", ".")
    for row in EXERCISES.values()
    for name in row.functions
    if row.file.endswith(".py") and "." not in name
}
NETWORKS = {  # network -> module that students fill in
    name.partition(".")[0]: row.file.removesuffix(".py").replace("/", ".")
    for row in EXERCISES.values()
    for name in row.functions
    if "." in name
}

_PARAMETERS = re.compile(r"Parameters\n-+\n(.*?)(?:\n\n|\Z)", re.DOTALL)  # of a docstring


class Subject(Protocol):
    """The student's functions by name, and a way to handle networks at arm's length."""

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name."""

    def net(self, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Build a network of one of the kinds in `NETWORKS` and return a handle to it."""

    def get_params(self, net: Any) -> Params:
        """Return a copy of the network's parameters by name."""

    def set_params(self, net: Any, params: Params) -> None:
        """Replace parameters of the network by copies of these."""

    def restore(self, net: Any, params: Params, norms: list[Options]) -> None:
        """Give the network parameters, and each normalization options: running statistics, ..."""

    def set_reg(self, net: Any, reg: float) -> None:
        """Set the strength of the L2 penalty."""

    def layers_asked_for(self, net: Any, X: Array) -> list[int]:
        """Return the hidden layers whose options a forward pass asks for.

        Parameters
        ----------
        net : handle of a `FullyConnectedNet`
        X : ndarray of float, shape (N, d_1, ..., d_k)
        """

    def loss(self, net: Any, X: Array, y: Labels | None = None) -> Any:
        """Return scores, or with labels the pair (loss, gradients by name).

        Parameters
        ----------
        net : handle from `net`
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None
        """


class Call:
    """A student's function, called with copies: it may write into what it is given.

    Attributes
    ----------
    on_these : callable, the function itself, for who looks at what becomes of its arguments
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.on_these = function

    def __call__(self, *args: Any) -> Any:
        """Call the function with a copy of each array; dicts are handed on, and caches."""
        return self.on_these(*(a.copy() if isinstance(a, np.ndarray) else a for a in args))


class LocalSubject:
    """The student's code in this process, as it is imported (or reloaded) at the time of a call."""

    def __init__(self) -> None:
        self._parsed: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name; AttributeError if there is no such one."""
        if name not in FUNCTIONS:
            raise AttributeError(name)
        module = self._import(FUNCTIONS[name])
        if not callable(function := getattr(module, name, None)):
            file = FUNCTIONS[name].replace(".", "/") + ".py"
            raise UnreadError(f"{file} has no function {name}: was it renamed or deleted?")
        if is_of_notebook(function):
            raise UnreadError(
                f"{name} is the notebook's own: a cell has put it in the place of the one in "
                f"{FUNCTIONS[name].replace('.', '/')}.py. Only what stands in that file "
                "counts: write it there, and restart the kernel"
            )

        def run(*args: Any) -> Any:
            _require_parameters(name, function, args)
            if name in copied.WITHOUT:
                with copied.watched(name, stack.PACKAGE) as note:
                    return own_work.call_watched(name, module, function, args, note)
            return own_work.call_watched(name, module, function, args)

        return Call(run)

    def net(self, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Build a network of one of the kinds in `NETWORKS`."""
        home = NETWORKS[kind]
        file = home.replace(".", "/") + ".py"
        if not (network := getattr(self._import(home), kind, None)):
            raise UnreadError(f"{file} has no class {kind}: was it renamed?")
        if network.__init__ is object.__init__:
            raise UnreadError(f"{kind} in {file} has no method __init__: was it renamed?")
        try:
            inspect.signature(network).bind(*args, **kwargs)
        except TypeError as error:
            said = f"{kind} in {file} cannot be built: {error}{_edition(network)}"
            raise UnreadError(said) from None
        own = [list(value) if isinstance(value, list) else value for value in args]
        net = network(*own, **kwargs)
        if isinstance(own[0] if own else None, list) and own[0] != args[0]:
            raise CheckError(f"hidden_dims was {args[0]} and is now {own[0]}: work on a copy")
        return net

    def _import(self, name: str) -> Any:
        """Import a module; SyntaxError if its file is broken by now, whatever is loaded of it."""
        module = importlib.import_module(name)
        file = getattr(module, "__file__", None)
        if file and name not in self._parsed:
            self._parsed.add(name)  # a failed reload leaves the old code in place
            ast.parse(Path(file).read_text(encoding="utf-8"), filename=file)
        return module

    def get_params(self, net: Any) -> Params:
        """Return a copy of the network's parameters by name; non-arrays as they are."""
        params = _params(net)
        return {k: v.copy() if hasattr(v, "copy") else v for k, v in params.items()}

    def set_params(self, net: Any, params: Params) -> None:
        """Replace parameters of the network by copies of these."""
        _params(net).update({name: value.copy() for name, value in params.items()})

    def restore(self, net: Any, params: Params, norms: list[Options]) -> None:
        """Give the network copies of parameters and of options of its normalizations."""
        self.set_params(net, params)
        for own, given in zip(net.bn_params, norms, strict=True):
            own.update({key: value.copy() for key, value in given.items()})

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

        Raises
        ------
        CheckError
            If the student's code has put a value in the place of a method.
        TypeError
            If it came from the student's code.
        """
        given = (X,) if y is None else (X, y)
        _require_methods(net)
        try:
            return own_work.watched("loss", net.loss, *(v.copy() for v in given))
        except TypeError:
            _require_methods(net)
            raise

    def layers_asked_for(self, net: Any, X: Array) -> list[int]:
        """Return the numbers that `_forward` calls `_hidden_options` with, in their order.

        Parameters
        ----------
        net : a `FullyConnectedNet`
        X : ndarray of float, shape (N, d_1, ..., d_k)
        """
        asked: list[int] = []
        options = net._hidden_options  # noqa: SLF001  # given to who writes `_forward`

        def note(i: Any) -> Any:
            asked.append(int(i))
            return options(i)

        net._hidden_options = note  # noqa: SLF001
        try:
            net._forward(X.copy())  # noqa: SLF001  # the exercise itself
        finally:
            del net._hidden_options  # noqa: SLF001
        return asked

    def kept_by(self, net: Any, X: Array) -> Any:
        """Return what a forward pass leaves for the way back: its cache, and what self holds.

        Parameters
        ----------
        net : the network
        X : ndarray of float, shape (N, d_1, ..., d_k)

        Returns
        -------
        kept : list; None where `_forward` does not return a pair
        """
        result = net._forward(X.copy())  # noqa: SLF001  # the exercise itself
        if not isinstance(result, (tuple, list)) or len(result) < 2:
            return None
        own = [v for k, v in vars(net).items() if k not in ("params", "dtype")]
        return [*result[1:], *own]


def _edition(network: Any) -> str:
    """Say of which edition of the course a network's class looks, by the options it has."""
    options = inspect.signature(network).parameters
    if "use_batchnorm" in options and "normalization" not in options:
        edition = "of 2017 or before, which had use_batchnorm and no layer normalization"
    elif "dropout_keep_ratio" in options and "dropout" not in options:
        edition = "of 2020 or later, which calls the option dropout_keep_ratio"
    else:
        return ". Leave the parameters of __init__ as they were given"
    return f". This looks like a file of an edition {edition}: write into the file that came along"


def _params(net: Any) -> Any:
    """Return the network's parameters; CheckError if that is no dict."""
    params = getattr(net, "params", None)
    if not isinstance(params, dict):
        raise CheckError(f"params is {kind_of(params)}, expected a dict of arrays")
    return params


def _require_methods(net: Any) -> None:
    """Refuse a network in which a value hides a method."""
    for name, value in vars(net).items():
        if callable(getattr(type(net), name, None)) and not callable(value):
            raise CheckError(
                f"self.{name} was overwritten: it is the method {type(net).__name__}.{name}, and "
                f"your code has made it {kind_of(value)}. Take another name, such as {name} "
                "without self"
            )


def _require_parameters(name: str, function: Any, args: tuple[Any, ...]) -> None:
    """Refuse a function whose parameters are too many or too few, or change places."""
    signature = inspect.signature(function)
    promised = _promised(function)
    if set(promised) == set(signature.parameters) and promised != [*signature.parameters]:
        raise UnreadError(
            f"{name} has the parameters ({', '.join(signature.parameters)}), its docstring has "
            f"({', '.join(promised)}): leave their order as it was given, others call it so"
        )
    try:
        signature.bind(*args)
    except TypeError as error:
        parameters = ", ".join(signature.parameters)
        given = f"{len(args)} argument{'s' * (len(args) != 1)}"
        raise UnreadError(
            f"{name}({parameters}) cannot be called with {given} ({error}): "
            "leave its parameters as they were given"
        ) from None


def _promised(function: Any) -> list[str]:
    """Return the parameters that a function's docstring names, in their order."""
    text = _PARAMETERS.search(inspect.getdoc(function) or "")
    rows = re.findall(r"^(\w+(?:, \w+)*) : ", text[1], re.MULTILINE) if text else []
    return [name for row in rows for name in row.split(", ")]


def is_of_notebook(function: Any) -> bool:
    """Tell whether a function was defined in a cell of a notebook.

    Parameters
    ----------
    function : object
    """
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    return "ipykernel" in file or file.startswith("<ipython-input")

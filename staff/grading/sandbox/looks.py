"""Look at every value that a hand-in's code computes, while it is graded.

A gradient that was measured betrays itself by the numbers it was measured with. So the code of a
hand-in is compiled with a look at each value that could be such a number; what is computed within
an operation is seen in its result. Text that the code runs by `exec` or `eval` is compiled in the
same way, and Python is asked to make no code in any other. A look changes nothing: it takes notes,
which `own_work.watched` reads.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import sys
import types
import warnings
from functools import partial
from typing import Any

import numpy as np

from cs682.checks import copied, own_work

noted: list[str] = []
_spared: list[str] = []  # notes that are not taken
_MARK = os.urandom(16)  # stands for `look` in code that has crossed from another process
_VALUES = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Attribute, ast.Name,
           ast.Await, ast.Yield, ast.YieldFrom)  # fmt: skip
_WITHIN = {  # what is seen in the result, or is no number
    ast.BinOp: ("left", "right"),
    ast.UnaryOp: ("operand",),
    ast.Compare: ("left", "comparators"),
    ast.Subscript: ("value", "slice"),
    ast.Call: ("func",),
}
_NO_VALUES = {"annotation", "returns", "pattern", "type_params"}
_WIDEST = 1 << 64  # of integers that are ordinary
_PLAIN = frozenset({
    float, bool, str, bytes, tuple, list, dict, type, range, slice, type(None),
    np.float64, np.float32, np.int64, np.int32, np.bool_, np.ufunc, np.dtype,
    types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType,
})  # fmt: skip
_LETTERS = frozenset("?bhilqBHILQefdSU")  # of the types of arrays that are ordinary
_real_compile = compile
# ways to code that nobody has looked at, and to blind who looks
_KEPT_OUT = {"compile", "code.__new__", "marshal.loads", "sys.setprofile", "sys.settrace"}
_CHECKS = os.path.dirname(own_work.__file__)
# where nothing of a student's lies, and no student's code can write
_LIBRARIES = tuple(f"{os.path.dirname(path)}/" for path in (os.__file__, np.__file__))
_real_open = open


def marked(source: Any, path: str, mode: str = "exec", flags: int = 0) -> types.CodeType:
    """Compile source with a mark wherever a look is to be; `placed` makes it code that runs.

    Parameters
    ----------
    source : str, bytes or ast.AST
    path : str, for messages
    mode : {'exec', 'eval', 'single'}
    flags : int, as `compile` takes them

    Raises
    ------
    SyntaxError, ValueError, RecursionError
        As `compile` does.
    """
    # what is a tree already belongs to somebody, so it is taken apart as text
    text = ast.unparse(source) if isinstance(source, ast.AST) else source
    tree: Any = _real_compile(text, path, mode, flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bytes are called
        code: types.CodeType = _real_compile(_mark(tree), path, mode, flags, dont_inherit=True)
    return code


def unmarked(source: Any, path: str) -> types.CodeType:
    """Compile a module as it is written, also once `compile` has been replaced.

    Raises
    ------
    SyntaxError, ValueError, RecursionError
        As `compile` does.
    """
    code: types.CodeType = _real_compile(source, path, "exec", dont_inherit=True)
    return code


def _mark(node: Any, within: str = "") -> Any:
    """Put a mark on each value in a tree that is not seen `within` another's result."""
    spared = _WITHIN.get(type(node), ())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        spared = ()  # a number could be written as text
    is_index = within == "slice" and isinstance(node, (ast.Tuple, ast.Slice))
    for field, child in ast.iter_fields(node):
        place = field if field in spared else "slice" if is_index else ""
        if isinstance(child, ast.AST) and field not in _NO_VALUES:
            setattr(node, field, _mark(child, place))
        elif isinstance(child, list):
            child[:] = [_mark(c, place) if isinstance(c, ast.AST) else c for c in child]
    is_value = isinstance(node, _VALUES) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    is_complex = isinstance(node, ast.Constant) and isinstance(node.value, complex)
    if not (is_value or is_complex) or (within and not isinstance(node, ast.Call)):
        return node
    call = ast.Call(ast.copy_location(ast.Constant(_MARK), node), [node], [])
    return ast.copy_location(call, node)


def placed(code: types.CodeType, written: types.CodeType | None = None) -> types.CodeType:
    """Return code with `look` itself in place of the marks, which no name leads to.

    Parameters
    ----------
    code : CodeType, from `marked`
    written : CodeType, optional; the same without marks, to compare with given code
    """
    parts = iter(_parts(written) if written else ())
    consts = tuple(
        placed(const, next(parts, None))
        if isinstance(const, types.CodeType)
        else look
        if type(const) is bytes and const == _MARK
        else const
        for const in code.co_consts
    )
    result = code.replace(co_consts=consts)
    if written:
        copied.as_written[result] = written
    return result


def _parts(code: types.CodeType) -> list[types.CodeType]:
    """Return the code of what is defined within a function or a module."""
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def is_watched(functions: list[str]) -> bool:
    """Tell whether an exercise with these functions is one whose numbers are looked at."""
    return any(map(own_work.is_watched, functions))


def look(value: Any) -> Any:
    """Return a value, and note it if no layer needs such."""
    kind = type(value)
    if kind in _PLAIN or (kind is int and -_WIDEST < value < _WIDEST):
        return value
    if kind is np.ndarray and value.dtype.char in _LETTERS:
        return value
    is_open = not noted or noted[0] == own_work.SINGLE_SAID  # any other note says more
    if is_open and (said := own_work.say_numbers(value)) and said not in _spared:
        noted[:] = [said]
    return value


_HERE = look.__code__.co_filename


def begin(functions: list[str], *, spares_single: bool = False) -> None:
    """Have all code looked at that this process makes from now on; it cannot be undone.

    Parameters
    ----------
    functions : list of str, of the exercise
    spares_single : bool, whether to take no note of single fine numbers
    """
    own_work.noted = noted
    _spared[:] = [own_work.SINGLE_SAID] * spares_single
    make = partial(_compile, is_watched(functions))
    for name, changed in (
        ("compile", make),
        ("exec", _runner(exec, "exec", make)),
        ("eval", _runner(eval, "eval", make)),
    ):
        setattr(builtins, name, changed)
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    """Refuse what only those do who would not be looked at."""
    if event not in _KEPT_OUT and not (event == "object.__setattr__" and args[1] == "__code__"):
        return
    path = sys._getframe(1).f_code.co_filename  # noqa: SLF001  # who does it
    is_ours = path == _HERE or os.path.dirname(path) == _CHECKS
    if not is_ours and not (event == "marshal.loads" and path.startswith("<frozen importlib")):
        raise PermissionError(f"{event}: no layer needs it, and the sandbox does not allow it")


def _compile(
    is_looked_at: bool,
    source: Any,
    filename: Any,
    mode: str,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    **kwargs: Any,
) -> Any:
    """Do as `compile` does, with looks, and under a name that no file has."""
    if flags & ast.PyCF_ONLY_AST or _is_librarys(source, filename):
        return _real_compile(source, filename, mode, flags, dont_inherit, optimize, **kwargs)
    path = f"<{os.fsdecode(filename)}>"
    written = _real_compile(source, path, mode, flags, dont_inherit=True)
    return placed(marked(source, path, mode, flags), written) if is_looked_at else written


def _is_librarys(source: Any, path: Any) -> bool:
    """Tell whether this is a whole file of Python's own library or NumPy, by what the disk holds.

    Such a module is compiled when it is imported if nobody has kept its code.
    """
    if type(source) is not bytes or type(path) is not str:
        return False
    if not path.startswith(_LIBRARIES) or "/../" in path:
        return False
    try:
        with _real_open(path, "rb") as file:
            return bool(file.read() == source)
    except OSError:
        return False


def _locals_of(frame: types.FrameType) -> Any:
    """Return what `exec` writes into: a function's variables are a copy, as of Python 3.13."""
    is_function = frame.f_code.co_flags & inspect.CO_OPTIMIZED
    return dict(frame.f_locals) if is_function else frame.f_locals


def _runner(real: Any, mode: str, make: Any) -> Any:
    """Return a function that does as `exec` or `eval` does, with looks."""

    def run(source: Any, globals_: Any = None, locals_: Any = None, /, **kwargs: Any) -> Any:
        if globals_ is None:
            frame = sys._getframe(1)  # noqa: SLF001  # as the builtin does
            globals_ = frame.f_globals
            locals_ = _locals_of(frame) if locals_ is None else locals_
        if not isinstance(source, types.CodeType):  # which has its looks
            text = source.lstrip(" \t") if isinstance(source, str) and mode == "eval" else source
            source = make(text, "string", mode)
        return real(source, globals_, globals_ if locals_ is None else locals_, **kwargs)

    return run

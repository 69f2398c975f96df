"""Put values in the place of the code that knows the answers.

The definitions in `cs682.checks.slow`, and the mistaken forms in `cs682.checks.mistakes`, are close
to what students are to write. They stay at home: a release holds modules of a few lines in their
place, and a table of all that they give for what the checks ask (see `cs682.checks.recorded`).
"""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import json
import pkgutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from cs682 import layer_utils, layers
from cs682.checks import mistakes, recorded, slow
from cs682.checks.run import CHECKS, examine

TABLE = "cs682/checks/values.npz"
_STUB = '''"""{doc}

What these functions compute would give the exercises away. Their values for all that the checks
ask were kept when this release was cut, and stand in `values.npz`.
"""

from cs682.checks import recorded

__getattr__ = recorded.front(__name__)
'''
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def modules() -> dict[str, ModuleType]:
    """Return the modules that stay at home, by their path seen from the root."""
    names = [f"{mistakes.__name__}.{info.name}" for info in pkgutil.iter_modules(mistakes.__path__)]
    found = [slow, *map(importlib.import_module, names)]
    return {f"{module.__name__.replace('.', '/')}.py": module for module in found}


@functools.cache
def value_files() -> dict[str, bytes]:
    """Return the files that a release holds in place of the definitions, by path.

    Raises
    ------
    AssertionError
        If the reference does not pass a check: its values would be worth nothing.
    """
    files = {}
    for path, module in modules().items():
        first_line = (module.__doc__ or "").splitlines()[0]
        files[path] = _STUB.format(doc=first_line).encode()
    return {**files, TABLE: _pack(record_rows())}


@functools.cache
def record_rows() -> list[Any]:
    """Return a row for each value: the function, the form and the sums of its arguments, and it.

    Raises
    ------
    AssertionError
        If the reference does not pass a check.
    """
    rows: dict[tuple[Any, ...], list[Any]] = {}
    with _recording(rows):
        for exercise in CHECKS:
            _require_passed(exercise)
        for draw in _DRAWS:
            with _other_masks(draw):
                _require_passed("do-2.1")
    return list(rows.values())


def _require_passed(exercise: str) -> None:
    """Raise AssertionError unless the reference passes the check of an exercise."""
    result = examine(exercise)
    if result.state != "passed":
        raise AssertionError(f"the reference fails the check of {exercise}: {result.message}")


@contextmanager
def _recording(rows: dict[tuple[Any, ...], list[Any]]) -> Iterator[None]:
    """Let the definitions write down what they are asked and what they give."""
    busy: list[str] = []

    def remembering(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def ask(*args: Any, **kwargs: Any) -> Any:
            if busy:  # part of another value
                return function(*args, **kwargs)
            busy.append(name)
            try:
                value = function(*args, **kwargs)
            finally:
                busy.clear()
            _keep(rows, name, [list(args), kwargs], value)
            return value

        return ask

    with ExitStack() as stack:
        for module in modules().values():
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if not name.startswith("_"):
                    said = f"{module.__name__.removeprefix('cs682.checks.')}.{name}"
                    stack.enter_context(
                        mock.patch.object(module, name, remembering(said, function))
                    )
        yield


def _keep(rows: dict[tuple[Any, ...], list[Any]], name: str, arguments: Any, value: Any) -> None:
    """Add a row, unless what was asked can only be asked where the student's code runs."""
    try:
        form = recorded.Form(arguments)
    except TypeError:
        if name in ("slow.slope", "slow.slopes"):
            return
        raise
    rows[name, form.text, tuple(form.sums)] = [name, form.text, form.sums, value]


def _pack(rows: list[Any]) -> bytes:
    """Return the table as a file of arrays that names no Python object, the same each time."""
    numbers: list[float] = []
    listed = [[name, text, sums, recorded.dump(value, numbers)] for name, text, sums, value in rows]
    texts = np.frombuffer(json.dumps(listed, separators=(",", ":")).encode(), dtype=np.uint8)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for key, array in (("numbers", np.array(numbers)), ("rows", texts)):
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", _LONG_AGO), member.getvalue())
    return packed.getvalue()


# A check of networks with dropout takes the student's own masks, and these are other right ways to
# draw them than the course's.
_DRAWS: tuple[Callable[[Any, tuple[int, ...], float], Any], ...] = (
    lambda rng, shape, p: rng.rand(*shape) > 1 - p,
    lambda rng, shape, p: rng.binomial(1, p, size=shape),
    lambda rng, shape, p: rng.rand(*shape).astype(np.float32) < p,
    lambda rng, shape, p: rng.choice([0, 1], size=shape, p=[1 - p, p]),
)


@contextmanager
def _other_masks(draw: Callable[[Any, tuple[int, ...], float], Any]) -> Iterator[None]:
    """Let the reference's dropout draw its masks in another way."""

    def forward(x: Any, param: dict[str, Any]) -> Any:
        if param["mode"] == "test":
            return x, (param, None)
        rng = np.random.RandomState(param["seed"]) if "seed" in param else np.random
        mask = draw(rng, x.shape, param["p"]).astype(x.dtype) / param["p"]
        return x * mask, (param, mask)

    with ExitStack() as stack:
        for module in (layers, layer_utils):
            stack.enter_context(mock.patch.object(module, "dropout_forward", forward))
        yield

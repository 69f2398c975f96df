"""Say what a student's code raised, and what such an exception usually means."""

from __future__ import annotations

import re
from collections.abc import Callable

from cs682._files import MISSING
from cs682.checks.at_hand import say_at_hand
from cs682.checks.stack import student_frames, student_line

_LONGEST = 400  # characters of an exception's text that are shown
FORGIVEN: tuple[type[Exception], ...] = (Exception,)  # of explanations; tests forgive none

_RENAMED = {  # names that NumPy 2 no longer has -> what to write
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "alltrue": "np.all",
    "sometrue": "np.any",
    "float": "float",
    "int": "int",
    "bool": "bool",
    "object": "object",
    "float_": "np.float64",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "Inf": "np.inf",
    "Infinity": "np.inf",
    "infty": "np.inf",
    "in1d": "np.isin",
    "row_stack": "np.vstack",
    "trapz": "np.trapezoid",
    "round_": "np.round",
    "asfarray": "np.asarray(..., dtype=float)",
    "msort": "np.sort(..., axis=0)",
    "mat": "np.asarray",
}

# what an exception's text and, below it, the student's line look like -> what is said beside it
_MEANINGS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        r"module 'numpy' has no attribute '(" + "|".join(_RENAMED) + r")'",
        lambda found: f"NumPy 2 no longer has np.{found[1]}: write {_RENAMED[found[1]]}.",
    ),
    (
        r"reshape\(\) got an unexpected keyword argument 'newshape'",
        lambda _: "NumPy 2 calls this argument shape; np.reshape(a, (2, 3)) works in each version.",
    ),
    (
        r"No module named '(asgn\d|cs231n|assignment\d)\b",
        lambda found: (
            f"This looks like a file of another edition of the course, where the package is called "
            f"{found[1]}; here it is cs682. Start from the file that came with this edition."
        ),
    ),
    (
        r"ModuleNotFoundError: No module named '(cs682[\w.]+)'",
        lambda found: f"{found[1].replace('.', '/')}.py {MISSING}.",
    ),
    (
        r"ModuleNotFoundError: No module named '([\w.]+)'",
        lambda found: f"No exercise needs {found[1]}: NumPy is enough for each.",
    ),
    (
        r"^BdbQuit|^PermissionError: sys\.settrace: ",
        lambda _: "A breakpoint is left in the code: take breakpoint() or set_trace() out.",
    ),
    (
        r"^EOFError: EOF when reading a line",
        lambda _: "input() waits for somebody to type, and nobody does: take it out.",
    ),
    (
        r"^FileNotFoundError: ",
        lambda _: "No exercise needs a file besides its own: take the line out.",
    ),
    (  # as the grader's sandbox says it
        r"^OSError: \[Errno 30\] |^PermissionError: \[Errno 1\] "
        r"|^RuntimeError: can't start new thread",
        lambda _: (
            "Where this ran, code can write no file and start no program and no thread; no "
            "exercise needs that. Take the line out."
        ),
    ),
    (
        r"^SyntaxError.*\n.*: (?:<<<<<<<|=======|>>>>>>>)",
        lambda _: "Git has left a conflict here: keep what you want of it, delete these marks.",
    ),
    (
        r"TypeError: (ufunc 'bitwise_xor' not supported|unsupported operand type\(s\) for \^)",
        lambda _: "^ is no power in Python: write ** in its place, as in dw**2.",
    ),
    (
        r"'tuple' object cannot be interpreted as an integer",
        lambda _: (
            "A tuple stands where one whole number belongs: np.random.randn(3, 4), as rand, wants "
            "sizes one by one."
        ),
    ),
    (
        r"could not be broadcast together with shapes \(\d+,(\d+),\d+,\d+\) \(\1,\).*"
        r"\n  in conv_forward_naive,",
        lambda _: (
            "b goes along the last axis here, the columns. Filters are the second axis of out: "
            "b[:, None, None] goes along that."
        ),
    ),
    (
        r"could not be broadcast together with shapes \((\d+),\d+,\d+,\d+\) \(\1,1,1\).*"
        r"\n  in conv_forward_naive,",
        lambda _: (
            "The filters are the first axis here; in out they are the second: np.moveaxis(..., 0, "
            "1) puts them there."
        ),
    ),
    (
        r"shapes \((?:\d+,)*(\d+),(\d+),(\d+)\) \((?:\d+,)*(\d+),(\d+),(\d+)\).*"
        r"\n  in conv_\w+_naive,",
        lambda found: _say_window(tuple(map(int, found.groups()))),
    ),
    (
        r"setting an array element with a sequence.*\n  in (conv|max_pool)_forward_naive,"
        r"|could not broadcast input array.*\n  in (conv|max_pool)_forward_naive,.*(?:sum|max)\(",
        lambda found: _say_entry(found[1] or found[2]),
    ),
    (
        r"could not be broadcast together with shapes \(([\d,]+\d)\) \(([\d,]+\d)\)",
        lambda found: _say_lacking(found[1], found[2]),
    ),
    (
        r"TypeError: ('(numpy\.)?float\d*' object cannot be interpreted as an integer"
        r"|slice indices must be integers)",
        lambda _: (
            "A whole number belongs here: `/` gives a float even where nothing is left over, `//` "
            "gives a whole number."
        ),
    ),
    (
        r"only integer scalar arrays can be converted to a scalar index",
        lambda _: (
            "An array stands where one whole number belongs: an axis, a size or an index. "
            "np.max(0, x) reads x as the axis; np.maximum(0, x) goes entry by entry."
        ),
    ),
    (
        r"KeyError: '((?:W|b|gamma|beta)0)'",
        lambda found: (
            f"There is no {found[1]}: layers and blocks count from 1, as enumerate(..., start=1) "
            "and range(1, L + 1) do."
        ),
    ),
    (
        r"dout must have shape \((\d+, \d+), (\d+), (\d+)\), got \(\1, (\d+), (\d+)\)",
        lambda found: _say_pooled(*map(int, found.group(2, 3, 4, 5))),
    ),
    (
        r"x of shape \(\d+, \d+, \d+, \d+\) has (\d+) values .* expects D = (\d+)$",
        lambda found: _say_sizes(int(found[1]), int(found[2])),
    ),
    (
        r"pool_param must hold 'pool_height', got \[\]",
        lambda _: (
            "This pool_param is empty, as that of a block without pooling is. Only a block with "
            "pool above 1 is pooled, and block i, counted from 1, has self.pool_params[i - 1]."
        ),
    ),
    (
        r"gamma must have shape .*\n  in spatial_batchnorm_forward,",
        lambda _: (
            "batchnorm_forward has a gamma for each column. What is a column of the matrix that "
            "you handed to it, and what shall it be?"
        ),
    ),
    (
        r"gamma must have shape .*\n  in spatial_groupnorm_forward,",
        lambda _: (
            "layernorm_forward has a gamma for each column, and here each channel has one: scale "
            "and shift where the channels are an axis again."
        ),
    ),
    (
        r"The truth value of an array with more .*\n  in .*([!=])= ?None\b",
        lambda found: (
            f"{found[1]}= compares an array entry by entry, with None too: write "
            f"`is{' not' * (found[1] == '!')} None`."
        ),
    ),
    (
        r"has no attribute 'params'.*\n  in (_initial_(?:norm_)?params),",
        lambda found: (
            f"There is no self.params yet: __init__ makes it of the dict that {found[1]} returns. "
            "Fill a dict of its own, and return that."
        ),
    ),
    (
        r"The truth value of an array with more than one element is ambiguous",
        lambda _: (
            "`if`, `and`, `max(0, x)` and the like want one truth value, an array has many: "
            "np.maximum, np.where and masks (x > 0) go entry by entry."
        ),
    ),
)
_RULES = (  # what an exception's text and the student's line look like -> the rule that was broken
    (
        r"Cannot interpret '\d+' as a data type\n  in .*\b(?:zeros|ones|empty)\(",
        "The shape is one argument, with parentheses of its own: np.zeros((3, 4)).",
    ),
    (
        r"gamma must have shape .*\n  in layernorm_forward,",
        "batchnorm_forward has a gamma for each column of the matrix that it gets.",
    ),
    (r"remapped shapes", "In einsum, a letter stands for one length wherever it is."),
    (r"could not be broadcast together", "Shapes must agree from the right, or be 1 there."),
    (
        r"output operand with shape \(([\d,]+)\) doesn't match the broadcast shape \((\d+),\1\)",
        r"What is to be put there has one axis more, of length \2.",
    ),
    (r"zero-size array to reduction", "The array is empty: where do its slices begin and end?"),
    (r"a matrix product of|shapes .* not aligned", "The inner lengths must agree."),
)
_VECTOR = re.compile(
    r"broadcast together with shapes (?:\(\d+,(\d+)\) \((\d+),\)|\((\d+),\) \(\d+,(\d+)\))"
)
_REDUCTIONS = {"sum", "mean", "var", "std", "max", "min"}  # which may lose an axis
_PRODUCT = re.compile(r"matmul: .* core dimension 0, .*size (\d+) is different from (\d+)\)$")


def say_raised(error: BaseException, functions: tuple[str, ...]) -> str:
    """Say what was raised, what it means, and in which line of the student's code.

    Parameters
    ----------
    error : BaseException
    functions : tuple of str, what the student writes in this exercise

    Returns
    -------
    text : str, of up to five lines
    """
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    if isinstance(error, SystemExit):
        said = "SystemExit: the code asked Python to end; take exit() out"
    elif found := _PRODUCT.search(said):
        said = f"ValueError: a matrix product of {found[2]} columns with {found[1]} rows"
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]} ..."
    line = student_line(error, functions)
    if not line:
        return (
            f"The check could not make sense of what the code returned ({said}). "
            "Compare types and shapes with the docstring"
        )
    likely = getattr(error, "likely", "")  # what a judge knows
    known = likely or explained(lambda: _explain(error, said, line, functions))
    parts = [said, known, getattr(error, "new", "")]  # the last from `when_new`
    return "\n".join(["\n  ".join(filter(None, parts)), line])


def explained(explain: Callable[[], str]) -> str:
    """Return an explanation, or nothing if it fails itself: that may cost no verdict.

    Parameters
    ----------
    explain : callable, returns the text
    """
    try:
        return explain()
    except FORGIVEN:
        return ""


def _explain(error: BaseException, said: str, line: str, functions: tuple[str, ...]) -> str:
    """Return what an exception means, or else which rule was broken and what is at hand."""
    return _meaning(said, line) or _say_facts(error, f"{said}\n{line}", functions)


def _say_facts(error: BaseException, text: str, functions: tuple[str, ...]) -> str:
    """Say which rule was broken, and what is at hand in the failing line."""
    rows = student_frames(error, functions)
    there = say_at_hand(error, rows[0][1].frame, rows[0][1].number) if rows else ""
    names = {name for _, row in rows for name in row.frame.f_code.co_names}
    return f"{_say_rule(text, names)} {there}".strip()


def _say_rule(text: str, names: set[str]) -> str:
    """Say which rule was broken; `names` are those that the student's code uses."""
    if found := _VECTOR.search(text):
        width, length = found[1] or found[4], found[2] or found[3]
        rule = f"A shape of ({length},) goes along the last axis, which has length {width} here."
        return f"{rule} {'keepdims=True keeps an axis.' * bool(names & _REDUCTIONS)}".strip()
    rules = ((re.search(pattern, text), rule) for pattern, rule in _RULES)
    return next((found.expand(rule) for found, rule in rules if found), "")


def _say_pooled(H: int, W: int, height: int, width: int) -> str:
    """Say that a dout of fewer pixels than it should have comes from behind a pooling."""
    side = H // max(height, 1)
    if side > 1 and (side * height, side * width) == (H, W):
        return (
            f"These are the pixels behind a pooling of {side} x {side}: the way back through it "
            "comes first."
        )
    return ""


def _say_lacking(one: str, other: str) -> str:
    """Say that a shape of two axes or more is the beginning of another one."""
    short, long = sorted((one, other), key=len)
    if "," in short and long.startswith(f"{short},"):
        return (
            "One lacks the last axes of the other. A mean, sum or maximum keeps them with "
            "keepdims=True; None in an index, as in a[:, :, None], adds one."
        )
    return ""


def _say_window(sizes: tuple[int, ...]) -> str:
    """Say that a window and a filter are of other sizes."""
    (C, *window), (depth, *sides) = sizes[:3], sizes[3:]
    if window == sides and abs(C - depth) % 2:
        return ""
    if window == sides:
        return "Is x padded along more than rows and columns? Images and channels get no zeros."
    found, other = (" x ".join(map(str, size)) for size in (window, sides))
    return (
        f"A window's and a filter's sizes differ, {found} and {other}: where does the slice of the "
        "window start and end, and what is it cut out of?"
    )


def _say_entry(kind: str) -> str:
    """Say what one entry of the output of a layer of images is."""
    if kind == "conv":
        return (
            "out has one number for each place of a filter: the sum over all channels, rows and "
            "columns of a window, plus the bias."
        )
    return (
        "out has one number for each window of each channel: the largest over its rows and "
        "columns, the last two axes."
    )


def _say_sizes(got: int, expected: int) -> str:
    """Say that maps are of another size than the affine layer takes because of the pooling."""
    for side in (2, 3, 4):
        if got == expected * side**2:
            return f"That is {side**2} times as many: is a pooling of {side} x {side} missing?"
        if expected == got * side**2:
            return f"W expects {side**2} times as many: is there a pooling too many?"
    return ""


def _meaning(said: str, line: str) -> str:
    """Return what an exception means, if its text alone tells; empty if not."""
    for pattern, explain in _MEANINGS:
        if (found := re.search(pattern, f"{said}\n{line}", re.M)) and (meaning := explain(found)):
            return meaning
    return ""

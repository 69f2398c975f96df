"""Say what a student's code raised, and what such an exception usually means."""

from __future__ import annotations

import re
from collections.abc import Callable

from cs682._files import MISSING
from cs682.checks.subject import student_line

_LONGEST = 400  # characters of an exception's text that are shown

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
        r"^BdbQuit",
        lambda _: "A breakpoint is left in the code: take breakpoint() or set_trace() out.",
    ),
    (
        r"^SyntaxError.*\n.*: (?:<<<<<<<|=======|>>>>>>>)",
        lambda _: "Git has left a conflict here: keep what you want of it, delete these marks.",
    ),
    (
        r"NoneType.*\n  in _loss_and_gradients,.*\bcaches?\b",
        lambda _: (
            "Something in this line is None. Is it what _forward returned beside the scores? Then "
            "mend _forward: it has to return the caches there."
        ),
    ),
    (
        r"NoneType",
        lambda _: (
            "Something in this line is None: what a function without `return` gave, an argument "
            "that was left at None, or a value that was set to None."
        ),
    ),
    (
        r"TypeError: (ufunc 'bitwise_xor' not supported|unsupported operand type\(s\) for \^)",
        lambda _: "^ is no power in Python: write ** in its place, as in dw**2.",
    ),
    (
        r"AttributeError: '(list|tuple|dict|str|float|int|generator)' object has no attribute "
        r"'(astype|shape|ndim|dtype|size|reshape|sum|T)'",
        lambda found: (
            f"There is {'an' if found[1] == 'int' else 'a'} {found[1]} where a NumPy array belongs."
            + " A cache comes apart in the order in which it was packed." * (found[1] == "tuple")
            + " A dict comes apart into its keys." * (found[1] == "str")
        ),
    ),
    (
        r"'tuple' object cannot be interpreted as an integer",
        lambda _: (
            "A tuple was given where sizes are wanted one by one: np.random.randn(3, 4), without "
            "a second pair of parentheses."
        ),
    ),
    (
        r"could not be broadcast together with shapes \((\d+),\d+\) \(\1,\)",
        lambda _: (
            "A mean or sum along axis 1 lost that axis. Is 1 the axis that is meant? If so, "
            "keepdims=True keeps it, as a column beside the matrix."
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
        r"could not be broadcast together with shapes "
        r"(?:\((\d+(?:,\d+)+)(?:,\d+)+\) \(\1\)|\((\d+(?:,\d+)+)\) \(\2(?:,\d+)+\))",
        lambda _: (
            "One lacks the last axes of the other. A mean, sum or maximum keeps them with "
            "keepdims=True; None in an index, as in a[:, :, None], adds one."
        ),
    ),
    (
        r"operands could not be broadcast together",
        lambda _: (
            "Shapes must agree from the right: is one of the two transposed, summed over another "
            "axis, reshaped in another way, or from another layer?"
        ),
    ),
    (
        r"a matrix product of|shapes .* not aligned",
        lambda _: (
            "The inner lengths must agree: transpose one of the two (.T), take the other order, "
            "or, where x may hold images, flatten each to a row of length D first."
        ),
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
        r"KeyError: '((?:W|b|gamma|beta)\d+)'\n.*\bgrads\[",
        lambda found: (
            f"grads has no {found[1]} yet: the way back runs over all layers, from the last, L, "
            "down to 1 (a range stops before its end), and stores the gradients of each."
        ),
    ),
    (
        r"KeyError: '((?:W|b)\d+)'\n.*\bp(?:arams)?\[",
        lambda found: (
            f"There is no {found[1]}: layers count from 1 to L. Is this number one too high? The "
            "last affine layer is L itself."
        ),
    ),
    (
        r"KeyError: '((?:gamma|beta)\d+)'\n.*\bp(?:arams)?\[",
        lambda found: (
            f"There is no {found[1]}: only what is followed by a normalization has gamma and "
            "beta. Does this line ask whether this block, or layer, is?"
        ),
    ),
    (
        r"KeyError: -?\d+\n.*(?:_backward,|\bcache\b)",
        lambda _: (
            "This cache is a dict, whose entries have names, not numbers. It is yours: read it "
            "here as the forward pass packs it, or let that return a tuple."
        ),
    ),
    (
        r"cannot reshape array of size \d+ into shape .*\n  in \w+_backward,",
        lambda _: (
            "The array has more or fewer axes than this line takes it for. What comes out of a "
            "cache has the shape that the forward pass gave it: print it, and arrange it as here."
        ),
    ),
    (
        r"IndexError: list index out of range",
        lambda _: (
            "A list of L entries counts from 0 to L - 1: what belongs to layer i, counted from 1, "
            "stands at [i - 1]."
        ),
    ),
    (
        r"too many values to unpack \(expected 3.*\n[^\n]*affine_norm_relu_dropout_backward\(",
        lambda _: (
            "With a normalization this function returns five: dx, dw, db, dgamma, dbeta; without "
            "one the first three."
        ),
    ),
    (
        r"IndexError: tuple index out of range",
        lambda _: (
            "A tuple has fewer entries than this line reads. If it is a shape: x may have any "
            "number of dimensions, x.shape holds them all."
        ),
    ),
    (
        r"not enough values to unpack \(expected (\d+), got (\d+)\)"
        r"(?:\n.*)?\n  (?:raised )?in (\w+)_backward,.* = cache\b",
        lambda found: (
            f"The cache has {found[2]} entries, not {found[1]}. In a network: is it the cache of "
            f"this very layer? If so, it is yours: let {found[3]}_forward put in what the way "
            "back needs, in the order in which it comes apart here."
        ),
    ),
    (
        r"ValueError: (too many|not enough) values to unpack",
        lambda _: (
            "There are as many names on the left as things on the right only if the right is what "
            "you take it for: print its length. In a network: is it the cache of this very layer?"
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
        r"x of shape \(\d+, (\d+, \d+, \d+)\) has .* expects D = \d+\n  in _forward, \S*cnn\.py",
        lambda found: (
            f"An image has shape ({found[1]}) here. If it comes out of a convolution, give that "
            "the settings that the network holds for it (self.conv_param or self.conv_params[i - "
            "1]). If it is X: that goes into the first layer alone."
        ),
    ),
    (
        r"x of shape .* values per example, but w .* expects",
        lambda _: (
            "This input does not belong to these weights. In a network each layer gets the output "
            "of the one before it; X goes into the first layer alone."
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
        r"dout must have shape",
        lambda _: (
            "This dout does not belong to this cache: in a network, hand each layer's dx on to "
            "the layer before it, with that layer's own cache; in a layer, arrange dout as what "
            "is kept."
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
_PRODUCT = re.compile(r"matmul: .* core dimension 0, .*size (\d+) is different from (\d+)\)$")


def say_raised(error: BaseException, functions: tuple[str, ...]) -> str:
    """Say what was raised, what it means, and in which line of the student's code.

    Parameters
    ----------
    error : BaseException
    functions : tuple of str, what the student writes in this exercise

    Returns
    -------
    text : str, of up to four lines
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
    likely = f"\n  {error.likely}" if hasattr(error, "likely") else ""  # from `when_new`
    return f"{said}{likely or _meaning(said, line)}\n{line}"


def _say_pooled(H: int, W: int, height: int, width: int) -> str:
    """Say that a dout of fewer pixels than it should have comes from behind a pooling."""
    side = H // height
    if side > 1 and (side * height, side * width) == (H, W):
        return (
            f"These are the pixels behind a pooling of {side} x {side}: the way back through it "
            "comes first."
        )
    return ""


def _say_window(sizes: tuple[int, ...]) -> str:
    """Say that a window and a filter are of other sizes because of the zeros around x."""
    (C, *window), (depth, *sides) = sizes[:3], sizes[3:]
    if window == sides and abs(C - depth) % 2:
        return ""
    if window == sides:
        return "Is x padded along more than rows and columns? Images and channels get no zeros."
    return "A window does not fit its filter: does it run over the edge? Is x padded with zeros?"


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
    """Return what an exception usually means, on a line of its own, if that is known."""
    for pattern, explain in _MEANINGS:
        if (found := re.search(pattern, f"{said}\n{line}", re.M)) and (meaning := explain(found)):
            return f"\n  {meaning}"
    return ""

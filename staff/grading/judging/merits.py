"""Grade an exercise on its own merits when others that it is built on are not right.

The functions of those others, chosen by name, are then the course's, in a sandbox made for this one
exercise. This is sound for four reasons:

- What stands in lies strictly below the exercise (`PREREQUISITES`), or is what its check runs
  through (`AROUND`); the exercise's own functions are never among it.
- Of each function that stands in the sandbox holds the body, and nothing else of the course's: all
  others are empty (`course_code`). A body finds whatever it calls by name, and that is the
  student's, unless it stands in as well. So the sandwich with dropout, say, can be had without the
  one with normalization that it calls.
- No set of bodies computes the exercise without the student's part: backward passes are no
  prerequisites of each other, nor is one network of the other one.
- Such sandboxes are entered when all else of the hand-in has been graded, and each grades its one
  exercise: whatever the student's code sees there comes too late for any other.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from graphlib import TopologicalSorter

from cs682.checks.exercises import EXERCISES
from cs682.checks.prerequisites import RESTS_ON
from staff.grading.intake.package import CODE, ROOT

_PLAIN = ("fc-1.1", "fc-1.2", "fc-1.3", "fc-1.4", "fc-1.5")
_DEEP = (*_PLAIN, "fc-1.6", "fc-3.1", "fc-3.2", "fc-3.3")
_IMAGES = (*_PLAIN, "cn-1.5", "cn-1.6")
_BLOCKS = (*_IMAGES, "bn-1.1", "bn-1.2", "cn-3.1")
_SPATIAL = ("bn-1.1", "bn-1.2", "bn-1.3", "bn-1.4")  # which of the ways back is called is open
_BATCHNORM = ("bn-1.1", "bn-1.2", "bn-1.3", "bn-1.4", "bn-2.1")

# What must be right for the check of an exercise to say something about that exercise: what a check
# names as the cause, and, where that is not all, the functions that may stand in with it as well.
PREREQUISITES: dict[str, tuple[str, ...]] = {
    **RESTS_ON,
    "fc-2.2": (*_PLAIN, "fc-2.1"),
    "fc-2.3": (*_PLAIN, "fc-1.6", "fc-2.1", "fc-2.2"),
    "fc-3.2": (*_PLAIN, "fc-3.1"),
    "fc-3.3": _DEEP[:-1],
    "bn-2.2": (*_DEEP, *_BATCHNORM),
    "bn-3.2": (*_DEEP, "bn-2.1", "bn-2.2", "bn-3.1"),
    "do-2.1": (*_DEEP, *_BATCHNORM, "bn-2.2", "bn-3.1", "bn-3.2", "do-1.1", "do-1.2", "do-1.3"),
    "cn-2.2": (*_IMAGES, "cn-2.1"),
    "cn-2.3": (*_IMAGES, "fc-1.6", "cn-2.1", "cn-2.2"),
    "cn-4.1": _BLOCKS,
    "cn-4.2": (*_BLOCKS, "bn-1.3", "bn-1.4", "cn-3.2", "fc-1.6", "cn-4.1"),
    "cn-1.6": ("fc-1.3", "fc-1.4", "cn-1.5", "bn-1.1", "bn-1.3", "bn-1.4"),
    "cn-3.2": (*_SPATIAL, "cn-3.1"),
}
# What comes later, but is run through by a check: given code around an exercise, layers in it.
AROUND = {
    **dict.fromkeys(("fc-3.2", "fc-3.3", "bn-2.2", "bn-3.2"), ("do-2.1",)),
    "cn-1.6": ("cn-3.1", "cn-3.2"),
}
# A forward pass's check tries its cache with the way back. If that runs on, it is taken away, not
# replaced: some ways back can compute the forward pass.
TRIED_WITH = {
    "fc-1.1": "fc-1.2",
    "fc-1.3": "fc-1.4",
    "do-1.1": "do-1.3",
    "cn-1.1": "cn-1.2",
    "cn-1.3": "cn-1.4",
}
PARTNERS = {  # the function whose cache the exercise's own function reads
    "fc-1.2": "affine_forward",
    "fc-1.4": "relu_forward",
    "fc-2.3": "TwoLayerNet._forward",
    "fc-3.3": "FullyConnectedNet._forward",
    "bn-1.3": "batchnorm_forward",
    "bn-1.4": "batchnorm_forward",
    "bn-3.2": "layernorm_forward",
    "do-1.3": "dropout_forward",
    "cn-2.3": "ThreeLayerConvNet._forward",
    "cn-4.2": "ConvNet._forward",
    "cn-1.2": "conv_forward_naive",
    "cn-1.4": "max_pool_forward_naive",
    "cn-3.2": "spatial_batchnorm_forward",
    "cn-3.4": "spatial_groupnorm_forward",
}


def module_of(file: str) -> str:
    """Return the name of the module in a file of the package."""
    return file.removesuffix(".py").replace("/", ".")


def _imported(file: str) -> tuple[str, ...]:
    """Return the files of exercises that one imports."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return tuple(other for other in CODE if f"from {module_of(other)} import" in text)


# Modules that exercises are written in, in the order in which they import each other: a module of
# the course that is loaded before one that it imports would get the hand-in's.
MODULES: dict[str, list[str]] = {
    module_of(file): list(
        dict.fromkeys(
            name for row in EXERCISES.values() if row.file == file for name in row.functions
        )
    )
    for file in TopologicalSorter({file: _imported(file) for file in CODE}).static_order()
}
IMPORTS = {row.file: _imported(row.file) for row in EXERCISES.values() if row.file.endswith(".py")}
# The first exercise of each file, which tells whether the file can be imported at all.
_FIRST = {file: next(i for i, row in EXERCISES.items() if row.file == file) for file in CODE}


def needed(exercise: str) -> tuple[str, ...]:
    """Return the exercises whose code the check of another one runs through, or imports."""
    tried = [TRIED_WITH[exercise]] if exercise in TRIED_WITH else []
    below = [_FIRST[file] for file in IMPORTS[EXERCISES[exercise].file]]
    through = (*PREREQUISITES.get(exercise, ()), *AROUND.get(exercise, ()), *tried)
    return tuple(dict.fromkeys(i for i in (*through, *below) if i in EXERCISES))


def replaced(exercise: str, states: Mapping[str, str]) -> list[str]:
    """Return the modules of which nothing of the student's can be used.

    Parameters
    ----------
    exercise : str, its id
    states : mapping of str to str, by exercise

    Returns
    -------
    names : list of str, those that the exercise's file imports and in which nothing is right: a
        module that cannot be read, or that never ends, costs what is written in it
    """
    files = IMPORTS[EXERCISES[exercise].file]
    return [
        module_of(file)
        for file in files
        if not any(EXERCISES[i].file == file and state == "passed" for i, state in states.items())
    ]


def blamed(exercise: str, states: Mapping[str, str]) -> list[str]:
    """Return the exercises that may be why another one did not pass.

    Returns
    -------
    ids : list of str; empty if the exercise passed, or has only itself to blame
    """
    if states.get(exercise) == "passed":
        return []
    return [i for i in needed(exercise) if states.get(i, "passed") != "passed"]


def not_right(exercise: str, first: Mapping[str, str], last: Mapping[str, str]) -> list[str]:
    """Return the exercises that are why another one passed on its own merits alone.

    Parameters
    ----------
    exercise : str
    first, last : mapping of str to str, what the first attempts came to, and what all came to

    Returns
    -------
    ids : list of str, those that a student has to mend; what is given, if that is all
    """
    names = [i for i in blamed(exercise, first) if last.get(i) != "passed"]
    return [i for i in names if not EXERCISES[i].is_given] or names


def plans(exercise: str, blamed: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return choices of functions to stand in for the student's, the fairest first.

    Parameters
    ----------
    exercise : str
    blamed : sequence of str, from `blamed`; where these only come later, they alone stand in, since
        what they and the exercise have in common may be the cause, and is the student's

    Returns
    -------
    choices : list of tuple of str, functions as ``module:name``; the first leaves the student
        the partner function, whose cache may have a layout of its own
    """
    later = {*blamed} <= {*AROUND.get(exercise, ())}
    rows = [EXERCISES[i] for i in (blamed if blamed and later else needed(exercise))]
    own = set(EXERCISES[exercise].functions)
    names = {f"{module_of(row.file)}:{f}" for row in rows for f in row.functions if f not in own}
    partner = PARTNERS.get(exercise, "")
    without = {name for name in names if name.partition(":")[2] != partner}
    choices = [without, names] if partner else [names]
    return [tuple(sorted(choice)) for choice in choices if choice]


@lru_cache(maxsize=64)
def course_code(taken: tuple[str, ...]) -> dict[str, str]:
    """Return the course's modules with the bodies of these functions alone.

    Parameters
    ----------
    taken : tuple of str, as ``module:name``

    Returns
    -------
    sources : dict from the name of a module to source; all that exercises ask for and that is not
        taken raises NotImplementedError
    """
    sources = {}
    for name, functions in MODULES.items():
        path = ROOT / f"{name.replace('.', '/')}.py"
        empty = {f for f in functions if f"{name}:{f}" not in taken}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _empty(tree.body, "", empty)
        sources[name] = ast.unparse(tree)
    return sources


def _empty(body: list[ast.stmt], owner: str, names: set[str]) -> None:
    """Take the bodies out of functions and methods of these names."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            _empty(node.body, f"{node.name}.", names)
        elif isinstance(node, ast.FunctionDef) and f"{owner}{node.name}" in names:
            node.body = ast.parse("raise NotImplementedError('no part of this sandbox')").body
